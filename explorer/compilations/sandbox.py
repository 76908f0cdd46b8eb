"""A forked child with limits, and the framed pipe it speaks through.

The parent has everything imported, so a child starts in milliseconds. The child leads its own session, dies with its
parent, has bounded memory, processor time and files, gains no privileges, and has no network where the system allows
that. It says what it has to say in frames: one letter, eight bytes of length, a body.
"""

import contextlib
import os
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from explorer.process import die_with_parent, keep_privileges_as_they_are, libc

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
HEADER = struct.Struct(">cQ")
STDERR_KEPT = 8192
OUT_OF_MEMORY = b"M"
EXCEPTION = b"X"


@dataclass(frozen=True)
class Confinement:
    """Limits of one child; see explorer.limits for what each is for."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int


def leave_network() -> bool:
    """Moves this process into a network of its own, without interfaces. False where the system does not allow it.

    Without privileges, an own user namespace gives the right to do so. Source: unshare(2), user_namespaces(7).
    """
    return libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0


def confine(confinement: Confinement, parent: int) -> None:
    """Puts the calling process, just forked, into the sandbox."""
    os.setsid()
    die_with_parent(parent)
    for number in (
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGCHLD,
        signal.SIGPIPE,
        signal.SIGUSR1,
    ):
        signal.signal(number, signal.SIG_DFL)
    keep_privileges_as_they_are()
    leave_network()
    for kind, value in (
        (resource.RLIMIT_AS, confinement.memory_bytes),
        (resource.RLIMIT_FSIZE, confinement.file_bytes),
        (resource.RLIMIT_NOFILE, confinement.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (confinement.cpu_seconds, confinement.cpu_seconds + 5))


def network_can_be_left() -> bool:
    """Tries it in a child that does nothing else."""
    if (pid := os.fork()) == 0:
        os._exit(0 if leave_network() else 1)
    return os.waitpid(pid, 0)[1] == 0


@dataclass(frozen=True)
class Frame:
    kind: bytes
    body: bytes


class FrameWriter:
    """The child's end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, kind: bytes, body: bytes) -> None:
        self._file.write(HEADER.pack(kind, len(body)))
        self._file.write(body)
        self._file.flush()


class FrameTooLong(Exception):
    """The child announced a frame longer than it may be."""


class FrameParser:
    """Cuts a byte stream into frames."""

    def __init__(self, longest: int) -> None:
        self._buffer = bytearray()
        self._longest = longest

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer)
            if length > self._longest:
                raise FrameTooLong(length)
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            frame = Frame(kind, bytes(memoryview(self._buffer)[HEADER.size : end]))
            del self._buffer[:end]
            yield frame


class Child:
    """A running sandboxed child, as its parent sees it."""

    def __init__(self, pid: int, out: int, err: int, folder: Path) -> None:
        self.pid = pid
        self._out = out
        self._err = err
        self._folder = folder
        self._poll = select.poll()
        self._poll.register(out, select.POLLIN)
        self._poll.register(err, select.POLLIN)
        self._stderr = b""

    @property
    def stderr(self) -> str:
        """The end of what the child wrote to its standard error."""
        return self._stderr.decode("utf-8", "replace")

    def frames(self, longest: int, tick: Callable[[], None], every: float = 0.25) -> Iterator[Frame]:
        """The child's frames until it closes the pipe. Calls `tick` each `every` seconds; what that raises passes through."""
        parser = FrameParser(longest)
        last = time.monotonic()
        while True:
            ready = {fd for fd, _ in self._poll.poll(every * 1000)}
            if time.monotonic() - last >= every:
                tick()
                last = time.monotonic()
            if self._err in ready:
                said = os.read(self._err, 1 << 16)
                self._stderr = (self._stderr + said)[-STDERR_KEPT:]
                if not said:
                    self._poll.unregister(self._err)
            if self._out in ready:
                data = os.read(self._out, 1 << 20)
                if not data:
                    return
                yield from parser.feed(data)

    def kill(self) -> None:
        """Kills the child and its group; it has no group of its own in its first instant."""
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(self.pid, signal.SIGKILL)

    def end(self, patience: float = 0.5) -> int:
        """Reaps the child with all of its group and removes its folder. Returns the status as os.waitpid gives it.

        A child that has closed its pipe has `patience` seconds to exit on its own, so that its status says why.
        """
        deadline = time.monotonic() + patience
        while not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) and time.monotonic() < deadline:
            time.sleep(0.002)
        self.kill()
        status = os.waitpid(self.pid, 0)[1]
        os.close(self._out)
        os.close(self._err)
        shutil.rmtree(self._folder, ignore_errors=True)
        return status


def spawn(body: Callable[[FrameWriter], None], confinement: Confinement) -> Child:
    """Forks a sandboxed child that runs `body`. The caller must have no database connection open."""
    folder = Path(tempfile.mkdtemp(prefix="tilescope-"))
    out_read, out_write = os.pipe2(os.O_CLOEXEC)
    err_read, err_write = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(out_write)
        os.close(err_write)
        return Child(pid, out_read, err_read, folder)
    status = 1
    try:
        status = _child(body, confinement, parent, out_write, err_write, folder)
    finally:
        os._exit(status)


def _child(body: Callable[[FrameWriter], None], confinement: Confinement, parent: int, out: int, err: int, folder: Path) -> int:
    """The child's whole life. Descriptors 0 to 2 are made its own; every other one but `out` is closed."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(err, 1)
    os.dup2(err, 2)
    os.dup2(out, 3)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    confine(confinement, parent)
    writer = FrameWriter(open(3, "wb"))  # noqa: SIM115
    try:
        body(writer)
        return 0
    except MemoryError:
        writer.write(OUT_OF_MEMORY, b"")
    except Exception:
        writer.write(EXCEPTION, traceback.format_exc().encode())
    return 1
