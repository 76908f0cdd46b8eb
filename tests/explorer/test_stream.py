"""The stream, end to end: asked over HTTP, run by a worker in a sandbox, journalled, followed by sockets, kept."""

import asyncio
import itertools
import json
import time

import msgspec
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from compiler_core import events
from compiler_core.request import CompileRequest
from explorer.compilations.record import Record, fold
from tests.explorer.server import Server, eventually

unique = (f"n{n}" for n in itertools.count())
"""Words that the scripted compiler ignores, to make requests differ."""


def replayed(server: Server, key: str, request: CompileRequest) -> bytes:
    journal = [events.decode(json.dumps(event)) for event in server.follow(key)]
    return msgspec.json.encode(fold(request, journal))


@pytest.mark.parametrize("source", ["everything", "everything refuse", "everything raise", "pass pass"])
def test_replaying_the_events_gives_the_record(server: Server, source: str) -> None:
    request = CompileRequest(kind="triton", source=f"{source} {next(unique)}")
    key = server.compile(request.source)
    assert replayed(server, key, request) == server.get(f"/api/v1/compilations/{key}").body


def test_every_type_of_event_arrives(server: Server) -> None:
    done = list(server.follow(server.compile("everything")))
    cancelled = server.compile("sleep:30")
    eventually(lambda: server.record(cancelled)["status"] == "running")
    assert server.request("DELETE", f"/api/v1/compilations/{cancelled}").status == 204
    failed = list(server.follow(server.compile("refuse")))
    seen = {event["type"] for event in [*done, *failed, *server.follow(cancelled)]}
    assert seen == {kind.__struct_config__.tag for kind in events.AnyEvent.__args__}


def test_late_and_returning_sockets_miss_nothing_and_repeat_nothing(server: Server) -> None:
    key = server.compile(f"pass sleep:0.3 pass sleep:0.3 pass {next(unique)}")
    whole = list(server.follow(key))
    assert [event["seq"] for event in whole] == list(range(len(whole)))
    for after in range(-1, len(whole)):
        assert list(server.follow(key, after)) == whole[after + 1 :]


def test_a_cursor_works_on_a_live_stream(server: Server) -> None:
    key = server.compile(f"pass pass sleep:1 pass {next(unique)}")
    eventually(lambda: len(server.record(key)["events"]) >= 4)
    assert [event["seq"] for event in server.follow(key, after=2)] == [3, 4, 5]


def test_a_known_request_is_answered_with_its_result(server: Server) -> None:
    key = server.compile("pass")
    first = list(server.follow(key))
    again = server.post("/api/v1/compilations", {"source": "pass", "kind": "triton", "chip": "Ascend910B3"})
    assert again.json() == {
        "key": key,
        "url": f"/api/v1/compilations/{key}",
        "stream": f"/ws/compilations/{key}",
        "known": True,
    }
    assert list(server.follow(key)) == first


def test_a_running_request_is_not_queued_twice(server: Server) -> None:
    source = f"sleep:1 pass {next(unique)}"
    keys = {server.compile(source) for _ in range(5)}
    assert len(keys) == 1
    assert [event["type"] for event in server.follow(keys.pop())] == ["accepted", "started", "pass", "done"]


def test_a_cancelled_request_runs_when_asked_again(server: Server) -> None:
    key = server.compile("sleep:2.5 pass")
    server.request("DELETE", f"/api/v1/compilations/{key}")
    assert list(server.follow(key))[-1]["type"] == "cancelled"
    assert server.request("DELETE", f"/api/v1/compilations/{key}").status == 409
    assert server.compile("sleep:2.5 pass") == key
    assert list(server.follow(key))[-1]["type"] == "done"


def test_waiting_compilations_learn_their_position(server: Server) -> None:
    busy = [server.compile(f"sleep:20 {next(unique)}") for _ in range(2)]
    for key in busy:
        eventually(lambda key=key: server.record(key)["status"] == "running")
    waiting = [server.compile(f"pass {next(unique)}") for _ in range(3)]
    assert [server.record(key)["position"] for key in waiting] == [0, 1, 2]
    assert server.request("DELETE", f"/api/v1/compilations/{waiting[0]}").status == 204
    assert [server.record(key)["position"] for key in waiting] == [None, 0, 1]
    for key in busy:
        server.request("DELETE", f"/api/v1/compilations/{key}")
    journal = list(server.follow(waiting[2]))
    assert [event["position"] for event in journal if event["type"] == "accepted"] == [2, 1, 0]
    assert journal[-1]["type"] == "done"


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("pass spin", 3, "limit-cpu"),
        ("pass allocate", 3, "limit-memory"),
        ("pass sleep:60", 3, "limit-wall"),
        ("pass keep:9000000 pass", 3, "limit-kept"),
        ("pass die:SIGKILL", 3, "limit-memory"),
        ("pass die:SIGSEGV", 4, "internal-error"),
        ("pass vanish", 4, "internal-error"),
        ("pass raise", 4, "internal-error"),
    ],
)
def test_what_ends_a_child_is_told(server: Server, source: str, status: int, code: str) -> None:
    *before, last = server.follow(server.compile(source))
    assert [event["type"] for event in before] == ["accepted", "started", "pass"]
    assert (last["type"], last["status"], last["diagnostic"]["message"]["code"]) == ("failed", status, code)
    assert last["diagnostic"]["message"]["text"]


def test_the_child_is_confined(server: Server) -> None:
    key = server.compile(f"whoami:{server.port}")
    facts = next(event for event in server.follow(key) if event["type"] == "pass")["ops"]
    assert facts["session"] == 1
    assert facts["memory"] == 4 << 30
    assert facts["files"] == 256
    assert facts["descriptors"] <= 5, "0 to 3, and the one of this very look"
    if "compilations run without network" not in (server.folder / "stderr").read_text():
        pytest.skip("this system does not let a process leave its network")
    assert not facts["reached"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/ws/compilations/" + "0" * 64, 4404),
        ("/ws/compilations/" + "0" * 64 + "?after=x", 4400),
        ("/ws/nowhere", 4404),
    ],
)
def test_a_socket_that_leads_nowhere_says_so(server: Server, path: str, code: int) -> None:
    with connect(f"ws://127.0.0.1:{server.port}{path}") as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_a_foreign_page_gets_no_socket(server: Server) -> None:
    url = f"ws://127.0.0.1:{server.port}/ws/compilations/{server.compile('pass')}"
    foreign = Origin("https://evil.example")
    with connect(url, origin=foreign) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


def test_a_record_reads_as_it_was_written(server: Server) -> None:
    key = server.compile("everything")
    list(server.follow(key))
    body = server.get(f"/api/v1/compilations/{key}").body
    assert msgspec.json.encode(msgspec.json.decode(body, type=Record)) == body


def test_two_hundred_sockets_share_one_reader(server: Server) -> None:
    key = server.compile(f"pass sleep:4 pass pass {next(unique)}")

    def gauge(name: str, metrics: bytes) -> float:
        return next(float(line.split()[1]) for line in metrics.decode().splitlines() if line.startswith(f"{name} "))

    async def follow() -> list[str]:
        async with connect_async(f"ws://127.0.0.1:{server.port}/ws/compilations/{key}", open_timeout=30) as socket:
            return [str(message) async for message in socket]

    async def follow_all() -> tuple[list[list[str]], float, float]:
        followers = [asyncio.create_task(follow()) for _ in range(200)]
        sockets = readers = 0.0
        while not all(follower.done() for follower in followers):
            metrics = await asyncio.to_thread(lambda: server.get("/metrics").body)
            sockets = max(sockets, gauge("tilescope_sockets", metrics))
            readers = max(readers, gauge("tilescope_readers", metrics))
        return await asyncio.gather(*followers), sockets, readers

    journals, sockets, readers = asyncio.run(follow_all())
    assert [json.loads(message)["seq"] for message in journals[0]] == list(range(6))
    assert all(journal == journals[0] for journal in journals)
    assert (sockets, readers) == (200, 1)


def test_a_socket_that_does_not_read_is_sent_away_and_comes_back_by_cursor(server: Server) -> None:
    key = server.compile(f"{'loud:500000 ' * 40} {next(unique)}")
    whole = list(server.follow(key))
    seen = []
    with connect(f"ws://127.0.0.1:{server.port}/ws/compilations/{key}", max_size=None, max_queue=1) as lazy:
        time.sleep(3)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                seen.append(json.loads(lazy.recv()))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert 0 < len(seen) < len(whole)
    assert [*seen, *server.follow(key, after=seen[-1]["seq"])] == whole
