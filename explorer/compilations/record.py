"""The record of a compilation is a fold over its events: replaying them gives exactly what GET answers."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from compiler_core.events import Accepted, AnyEvent, Cancelled, Done, Failed
from compiler_core.request import CompileRequest

Status = Literal["queued", "running", "done", "failed", "cancelled"]


VOLATILE = ("seq", "ms", "attempt")
"""What may differ between two attempts at the same compilation."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What GET /api/v1/compilations/KEY answers."""

    key: str
    request: CompileRequest
    status: Status
    position: int | None
    """Compilations before this one while it is queued, else null."""
    events: tuple[AnyEvent, ...]


def status_after(event: AnyEvent) -> Status:
    match event:
        case Accepted():
            return "queued"
        case Done():
            return "done"
        case Failed():
            return "failed"
        case Cancelled():
            return "cancelled"
        case _:
            return "running"


def answers(last: AnyEvent) -> bool:
    """Whether asking again is answered with this result. A refusal is an answer; a limit, a bug or a cancel is not."""
    return isinstance(last, Done) or (isinstance(last, Failed) and last.status == 1)


def fold(request: CompileRequest, events: Iterable[AnyEvent]) -> Record:
    """The record after these events, which begin with Accepted. Raises ValueError where their seq has a gap or a repeat."""
    journal = tuple(events)
    if [event.seq for event in journal] != list(range(len(journal))):
        raise ValueError("the journal has a gap or a repeat")
    accepted = [event for event in journal if isinstance(event, Accepted)]
    status = status_after(journal[-1])
    return Record(
        key=accepted[0].key,
        request=request,
        status=status,
        position=accepted[-1].position if status == "queued" else None,
        events=journal,
    )


def same(one: AnyEvent, other: AnyEvent) -> bool:
    """Whether two attempts say the same, apart from what is volatile."""
    a, b = (msgspec.to_builtins(event) for event in (one, other))
    return {k: v for k, v in a.items() if k not in VOLATILE} == {k: v for k, v in b.items() if k not in VOLATILE}
