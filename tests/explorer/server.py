"""A Tilescope of its own for a test: real Redis, real worker, real web server, in a folder of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]


def environment(folder: Path, **more: str) -> dict[str, str]:
    cleared = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "DATABASE_URL") and not k.startswith("TILESCOPE_")}
    return {
        **cleared,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.explorer.settings",
        "TILESCOPE_DATA": str(folder),
        **more,
    }


def eventually(condition: Callable[[], Any], seconds: float = 45) -> Any:
    """The first true value of `condition`. Fails after a generous while."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return value


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """`manage.py up`, and a client for it."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", "--port", "0", *arguments],
            env=environment(folder, **variables),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC),
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://127.0.0.1:" in line, (folder / "stderr").read_text()
        self.port = int(line.split("http://127.0.0.1:")[1].split("/")[0])
        self.folder = folder

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.request("POST", path, json.dumps(body).encode(), Content_Type="application/json", **headers)

    def compile(self, source: str, **more: Any) -> str:
        """Asks for a compilation; returns its key."""
        answer = self.post("/api/v1/compilations", {"kind": "triton", "source": source, **more})
        assert answer.status == 202, answer.body
        return answer.json()["key"]

    def record(self, key: str) -> dict[str, Any]:
        answer = self.get(f"/api/v1/compilations/{key}")
        assert answer.status == 200, answer.body
        return answer.json()

    def follow(self, key: str, after: int = -1) -> Iterator[dict[str, Any]]:
        """The events of the socket until the server closes it normally."""
        with connect(f"ws://127.0.0.1:{self.port}/ws/compilations/{key}?after={after}", max_size=None) as socket:
            for message in socket:
                yield json.loads(message)
            assert socket.protocol.close_code == 1000, socket.protocol.close_code


def descendants(pid: int) -> set[int]:
    """The process ids under `pid`, itself included."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found, todo = set(), [pid]
    while todo:
        found.add(one := todo.pop())
        todo += children.get(one, [])
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
