"""A look at a source from a web process, in a sandbox: a warm helper forks a confined child for each look.

The helper is a small single-threaded process of its own, since a web process has threads and must not fork. Each look
is a fresh pair of connected sockets, of which one end is sent to the helper; when the web process ends, so does the
helper, because nobody holds the other end of its standard input.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from functools import cache

import msgspec
from django.conf import settings

from compiler_core.catalogue import Inspection
from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error
from explorer.compilations.failures import bug
from explorer.limits import MIB, limits

LENGTH = struct.Struct(">I")
AT_ONCE = 4


class NoInspection(msgspec.Struct, frozen=True, tag=True):
    """Why a look failed; `status` as the command line's exit status."""

    status: int
    diagnostics: tuple[Diagnostic, ...]


class _Seen(msgspec.Struct, frozen=True, tag=True):
    inspection: Inspection


_reply = msgspec.json.Decoder(_Seen | NoInspection)


def _limit() -> NoInspection:
    return NoInspection(3, (error("limit-inspect", seconds=limits.inspect_seconds, mib=limits.inspect_memory_bytes // MIB),))


class Inspector:
    """The web process's end. Thread-safe; a few looks run at once, more wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._helper: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Starts the helper, which warms up by itself, unless it runs."""
        with self._lock:
            if self._helper is None or self._helper.poll() is not None:
                ours, theirs = socket.socketpair()
                self._helper = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno(), cwd=settings.BASE_DIR)
                theirs.close()
                self._control = ours

    def inspect(self, source: str) -> Inspection | NoInspection:
        with self._slots:
            try:
                reply = self._ask(source.encode())
            except BrokenPipeError:
                reply = self._ask(source.encode())
        if not reply:
            return self._silence()
        outcome = _reply.decode(reply)
        return outcome.inspection if isinstance(outcome, _Seen) else outcome

    def _silence(self) -> NoInspection:
        """Why there was no reply: a limit ended the child, unless the helper itself is gone."""
        if self._helper is not None and self._helper.poll() is None:
            return _limit()
        return NoInspection(4, (bug("the inspector's helper ended", "its own error is further up in this log").diagnostic,))

    def _ask(self, source: bytes) -> bytes:
        """The reply; empty where the child was ended by a limit."""
        self.start()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, self._lock:
                assert self._control is not None
                socket.send_fds(self._control, [b"l"], [theirs.fileno()])
            ours.settimeout(limits.inspect_seconds + 10)
            try:
                ours.sendall(LENGTH.pack(len(source)) + source)
                return b"".join(iter(lambda: ours.recv(1 << 16), b""))
            except (TimeoutError, ConnectionResetError):
                return b""


@cache
def inspector() -> Inspector:
    return Inspector()


def serve(control: socket.socket) -> None:
    """The helper's life: a child for each connection it is sent, until its web process is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    helper = os.getpid()
    while True:
        message, received, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        connection = socket.socket(fileno=received[0])
        if os.fork() == 0:
            try:
                control.close()
                _look(connection, helper)
            finally:
                os._exit(0)
        connection.close()


def _look(connection: socket.socket, helper: int) -> None:
    """One look, in a child of its own: the alarm bounds its wall clock, and its end is the connection's end."""
    from explorer.compilations.sandbox import Confinement, confine

    confine(Confinement(limits.inspect_memory_bytes, limits.inspect_seconds, 0, 64), helper)
    signal.alarm(limits.inspect_seconds)
    with connection, connection.makefile("rwb") as file:
        (length,) = LENGTH.unpack(file.read(LENGTH.size))
        source = file.read(length).decode()
        file.write(msgspec.json.encode(_outcome(source)))


def _outcome(source: str) -> _Seen | NoInspection:
    from explorer.compilations.compiler import compiler

    try:
        return _Seen(compiler().inspect(source))
    except LimitHit as hit:
        return NoInspection(3, hit.diagnostics)
    except Refused as refused:
        return NoInspection(1, refused.diagnostics)
    except MemoryError:
        return _limit()
    except Exception as failure:
        return NoInspection(4, (bug("the compiler raised while inspecting", repr(failure)).diagnostic,))


def main() -> None:
    import django

    from explorer.warm import warm

    django.setup()
    warm()
    serve(socket.socket(fileno=0))


if __name__ == "__main__":
    main()
