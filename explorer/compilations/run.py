"""One attempt at a compilation: its sandboxed child's frames become journalled events, and at the end the record.

Running is idempotent. A compilation is deterministic but for its timings, so another attempt yields the same events
again; those journalled already are checked off by position instead of being appended twice, and whoever follows the
journal sees neither a gap nor a repeat.
"""

import logging
import secrets
import time
from collections.abc import Generator
from contextlib import closing

import msgspec
from django.db import connections
from django.utils import timezone

from compiler_core import events
from compiler_core.diagnostics import error
from compiler_core.events import AnyEvent, Cancelled, Failed
from compiler_core.request import CompileRequest
from explorer.compilations import blobs, sandbox
from explorer.compilations.compiler import compiler
from explorer.compilations.failures import bug, failed, out_of_memory, what_killed
from explorer.compilations.models import Compilation
from explorer.compilations.queue import Claim, LeaseLost, Queue
from explorer.compilations.record import answers, same, status_after
from explorer.limits import MIB, limits

log = logging.getLogger(__name__)

BLOB = b"B"
EVENT = b"E"
LEASE_MS = limits.lease_seconds * 1000


class Stopped(Exception):
    """The compilation was stopped from outside; `last` is its last event."""

    def __init__(self, last: Failed | Cancelled) -> None:
        super().__init__(last)
        self.last = last


class PipedBlobs:
    """The child's blob sink: bodies go to the parent ahead of the event that names them."""

    def __init__(self, writer: sandbox.FrameWriter) -> None:
        self._writer = writer
        self._sent: set[str] = set()

    def put(self, data: bytes) -> str:
        name = blobs.sha256(data)
        if name not in self._sent:
            self._sent.add(name)
            self._writer.write(BLOB, data)
        return name


def compile_in_child(writer: sandbox.FrameWriter, request: CompileRequest, model: bytes | None) -> None:
    for event in compiler().compile(request, PipedBlobs(writer), model):
        writer.write(EVENT, events.encode(event))


class Attempt:
    """The state of one attempt."""

    def __init__(self, queue: Queue, claim: Claim, row: Compilation) -> None:
        self._queue = queue
        self._claim = claim
        self._row = row
        self._deadline = time.monotonic() + limits.wall_seconds
        self._journal = [events.decode(line) for line in queue.lines(claim.key)]
        self._earlier = [event for event in self._journal if not isinstance(event, events.Accepted)]
        self._said = 0

    def run(self) -> None:
        """Runs the compilation to its last event. Raises LeaseLost where another worker has taken over."""
        self._finish(self._last_event())

    def _last_event(self) -> AnyEvent:
        if self._claim.attempt > limits.attempts:
            reference = secrets.token_hex(4)
            log.error("reference %s: compilation %s lost its worker %d times", reference, self._claim.key, limits.attempts)
            return failed(4, error("worker-lost", attempts=limits.attempts, reference=reference))
        try:
            self._tick()
            with closing(self._child_events()) as said:
                for event in said:
                    if isinstance(event, events.TERMINAL):
                        return event
                    self._say(event)
        except Stopped as stopped:
            return stopped.last
        raise AssertionError("the child's events end in a terminal one")

    def _child_events(self) -> Generator[AnyEvent]:
        """The child's events up to its last one, which is made up for a child that died without. Bodies are kept first."""
        request = msgspec.json.decode(self._row.request, type=CompileRequest)
        model = blobs.get(request.model_sha256) if request.model_sha256 else None
        connections.close_all()
        child = sandbox.spawn(
            lambda writer: compile_in_child(writer, request, model),
            sandbox.Confinement(limits.memory_bytes, limits.cpu_seconds, limits.file_bytes, limits.open_files),
        )
        try:
            yield from self._decoded(child)
        except BaseException:
            child.kill()
            child.end()
            raise
        status = child.end()
        yield what_killed(status, child.stderr)

    def _decoded(self, child: sandbox.Child) -> Generator[AnyEvent]:
        bodies: dict[str, bytes] = {}
        kept = 0
        try:
            for frame in child.frames(limits.blob_bytes, self._tick):
                if frame.kind == BLOB:
                    bodies[blobs.sha256(frame.body)] = frame.body
                    kept += len(frame.body)
                    if kept > limits.kept_bytes:
                        raise sandbox.FrameTooLong(kept)
                elif frame.kind == EVENT:
                    blobs.put_all(bodies)
                    bodies.clear()
                    event = events.decode(frame.body)
                    if isinstance(event, Failed) and event.status == 4:
                        log.error("compilation %s failed of a bug:\n%s", self._claim.key, child.stderr)
                    yield event
                elif frame.kind == sandbox.OUT_OF_MEMORY:
                    yield out_of_memory()
                else:
                    yield bug("the compiler raised", frame.body.decode("utf-8", "replace"))
        except sandbox.FrameTooLong:
            yield failed(3, error("limit-kept", mib=min(limits.blob_bytes, limits.kept_bytes) // MIB))
        except msgspec.ValidationError as invalid:
            yield bug("the compiler yielded an event that does not decode", str(invalid))

    def _tick(self) -> None:
        """Keeps the lease; raises Stopped where the compilation was cancelled or its time is up."""
        if self._queue.renew(self._claim, LEASE_MS) == "cancel":
            raise Stopped(Cancelled(by=self._queue.cancelled_by(self._claim.key)))
        if time.monotonic() > self._deadline:
            raise Stopped(failed(3, error("limit-wall", seconds=limits.wall_seconds)))

    def _say(self, event: AnyEvent) -> None:
        """Journals an event, unless an earlier attempt did."""
        position = self._said
        self._said += 1
        if position < len(self._earlier):
            if not same(event, self._earlier[position]):
                raise Stopped(bug("another attempt said something else", f"{self._earlier[position]}\n{event}"))
            return
        if position >= limits.events:
            raise Stopped(failed(3, error("limit-events", count=limits.events)))
        if isinstance(event, events.Started):
            event = msgspec.structs.replace(event, attempt=self._claim.attempt)
        event = msgspec.structs.replace(event, seq=len(self._journal))
        self._queue.append(self._claim, event)
        self._journal.append(event)

    def _finish(self, last: AnyEvent) -> None:
        """Writes the record, then tells the journal: whoever sees the last event finds the record there."""
        last = msgspec.structs.replace(last, seq=len(self._journal))
        self._queue.renew(self._claim, LEASE_MS)
        store(self._row.key, [*self._journal, last])
        self._queue.append(self._claim, last, status_after(last))


def store(key: str, journal: list[AnyEvent]) -> None:
    """Writes the record of an ended compilation, unless it is written already."""
    last = journal[-1]
    Compilation.objects.filter(key=key, ended=None).update(
        ended=timezone.now(),
        status=status_after(last),
        answered=answers(last),
        events=b"\n".join(events.encode(event) for event in journal).decode(),
    )


def run_next(queue: Queue) -> bool:
    """Runs the next compilation to its end. False where none waits."""
    claim = queue.claim(LEASE_MS)
    if claim is None:
        return False
    try:
        row = Compilation.objects.filter(key=claim.key).first()
        if row is None:
            queue.append(
                claim, msgspec.structs.replace(bug("no such compilation", claim.key), seq=len(queue.lines(claim.key))), "failed"
            )
        elif row.ended is None:
            Attempt(queue, claim, row).run()
        else:
            _publish(queue, claim, row)
    except LeaseLost:
        log.warning("another worker took over compilation %s", claim.key)
    return True


def _publish(queue: Queue, claim: Claim, row: Compilation) -> None:
    """Tells the journal the last event of a record whose worker died between writing and telling."""
    last = events.decode(row.events.splitlines()[-1])
    queue.append(claim, last, status_after(last))
