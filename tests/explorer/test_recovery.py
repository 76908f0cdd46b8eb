"""Workers and servers killed in the middle: the compilation is run again and whoever follows it sees no gap and no repeat."""

import itertools
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.explorer.server import Server, alive, command_of, descendants, eventually

unique = (f"r{n}" for n in itertools.count())
LONG = "pass pass sleep:2 pass pass"


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("fragile"), "--workers", "1", TILESCOPE_ATTEMPTS="2", TILESCOPE_LEASE_SECONDS="2")
    yield server
    server.stop()


def processes(server: Server, *words: str) -> list[int]:
    """The server's processes whose command line has all the words, oldest first."""
    return sorted(pid for pid in descendants(server.process.pid) if all(word in command_of(pid) for word in words))


def kill_worker(server: Server) -> None:
    os.kill(processes(server, "celery", "worker")[0], signal.SIGKILL)


def kill_pool_process(server: Server) -> None:
    main, *pool = processes(server, "celery", "worker")
    os.kill(next(pid for pid in pool if main in parents(pid)), signal.SIGKILL)


def parents(pid: int) -> list[int]:
    with open(f"/proc/{pid}/stat") as file:
        return [int(file.read().rsplit(")", 1)[1].split()[1])]


def started(server: Server, key: str) -> bool:
    return len(server.record(key)["events"]) >= 4


@pytest.mark.parametrize("kill", [kill_worker, kill_pool_process])
def test_a_killed_worker_leaves_neither_gap_nor_repeat(fragile: Server, kill) -> None:
    key = fragile.compile(f"{LONG} {next(unique)}")
    seen: list[dict] = []
    follower = threading.Thread(target=lambda: seen.extend(fragile.follow(key)))
    follower.start()
    eventually(lambda: started(fragile, key))
    kill(fragile)
    follower.join(40)
    assert [event["type"] for event in seen] == ["accepted", "started", "pass", "pass", "pass", "pass", "done"]
    assert [event["seq"] for event in seen] == list(range(7))
    assert fragile.record(key)["events"] == seen


def test_a_killed_worker_takes_its_child_along(fragile: Server) -> None:
    key = fragile.compile(f"pass pass sleep:20 {next(unique)}")
    eventually(lambda: started(fragile, key))
    family = processes(fragile, "celery", "worker")
    assert len(family) == 3, "the worker, its pool process, the sandboxed child"
    os.kill(family[0], signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in family), 5)
    fragile.request("DELETE", f"/api/v1/compilations/{key}")
    assert list(fragile.follow(key))[-1]["type"] == "cancelled"


def test_what_kills_every_worker_is_given_up(fragile: Server) -> None:
    key = fragile.compile(f"{LONG.replace('sleep:2', 'sleep:30')} {next(unique)}")
    for _ in range(2):
        eventually(lambda: started(fragile, key) and len(processes(fragile, "celery", "worker")) == 3)
        kill_worker(fragile)
        eventually(lambda: len(processes(fragile, "celery", "worker")) < 3)
    last = list(fragile.follow(key))[-1]
    assert (last["type"], last["status"], last["diagnostic"]["message"]["code"]) == ("failed", 4, "worker-lost")


def test_a_killed_redis_loses_nothing_that_was_asked_for(fragile: Server) -> None:
    finished = fragile.compile("pass pass pass")
    before = list(fragile.follow(finished))
    key = fragile.compile(f"{LONG} {next(unique)}")
    eventually(lambda: started(fragile, key))
    os.kill(processes(fragile, "redis-server")[0], signal.SIGKILL)
    assert list(fragile.follow(finished)) == before
    eventually(lambda: fragile.get(f"/api/v1/compilations/{key}").status == 200 and fragile.record(key)["status"] == "done", 60)


def test_a_killed_web_server_is_back_and_the_cursor_holds(fragile: Server) -> None:
    key = fragile.compile(f"{LONG} {next(unique)}")
    eventually(lambda: started(fragile, key))
    os.kill(processes(fragile, "uvicorn")[0], signal.SIGKILL)

    def rest() -> list[dict]:
        try:
            return list(fragile.follow(key, after=3))
        except OSError:
            return []

    assert [event["seq"] for event in eventually(rest)] == [4, 5, 6]
