"""The service with the compiler it ships with."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from compiler_core import driver, events
from compiler_core.blobs import MemoryBlobs
from compiler_core.request import CompileRequest
from explorer.compilations import sandbox
from explorer.compilations.record import Record, fold, same
from tests.explorer.server import Server


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("shipped"), "--workers", "1", DJANGO_SETTINGS_MODULE="explorer.settings")
    yield server
    server.stop()


def hashes(value: Any) -> Iterator[str]:
    """Every body that an event names."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if name in ("ir", "lines", "blob") and isinstance(entry, str):
                yield entry
            yield from hashes(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from hashes(entry)


def test_softmax_from_click_to_permalink(shipped: Server) -> None:
    example = next(e for e in shipped.get("/api/v1/catalogue").json()["examples"] if e["name"] == "softmax")
    assert shipped.post("/api/v1/inspect", {"source": example["source"]}).json()["kernels"][0]["name"] == "softmax_kernel"
    key = shipped.compile(example["source"], launch=example["launch"])
    journal = list(shipped.follow(key))
    assert journal[-1]["type"] == "done", journal[-1]
    assert journal[-1]["verification"]["ok"]
    bodies = set(hashes(journal))
    assert bodies
    assert all(shipped.get(f"/api/v1/blobs/{name}").status == 200 for name in bodies)
    record = shipped.get(f"/api/v1/compilations/{key}").body
    request = msgspec.json.decode(record, type=Record).request
    replayed = fold(request, [events.decode(msgspec.json.encode(event)) for event in journal])
    assert msgspec.json.encode(replayed) == record
    slug = shipped.post("/api/v1/workspaces", {"key": key, "view": {"tab": "ir"}}).json()["slug"]
    assert shipped.get(f"/api/v1/workspaces/{slug}").json()["key"] == key


def attempt(request: CompileRequest) -> list[events.AnyEvent]:
    """The events of one attempt, in a sandboxed child as a worker forks it."""

    def body(writer: sandbox.FrameWriter) -> None:
        for event in driver.compile(request, MemoryBlobs()):
            writer.write(b"E", events.encode(event))

    child = sandbox.spawn(body, sandbox.Confinement(4 << 30, 60, 1 << 30, 256))
    said = [events.decode(frame.body) for frame in child.frames(1 << 20, lambda: None)]
    assert child.end() == 0, child.stderr
    return said


@pytest.mark.parametrize("name", ["add", "matmul"])
def test_two_attempts_say_the_same(name: str) -> None:
    """What running a compilation again after a lost worker relies on."""
    example = next(example for example in driver.catalogue().examples if example.name == name)
    request = CompileRequest(kind="triton", source=example.source, launch=example.launch)
    first, second = attempt(request), attempt(request)
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert same(one, other)
