"""The lanes of one core out of a trace: what a report draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec


class _Arguments(msgspec.Struct, frozen=True):
    name: str = ""
    cycle: float = 0.0
    cycles: float = 0.0


class _TraceEvent(msgspec.Struct):
    ph: str
    name: str = ""
    pid: int = 0
    tid: int = 0
    args: _Arguments = _Arguments()


class _Trace(msgspec.Struct):
    traceEvents: list[_TraceEvent]


@dataclass(frozen=True, slots=True)
class LaneSpan:
    """An instruction: name, start and length in cycles."""

    name: str
    start: float
    cycles: float


@dataclass(frozen=True, slots=True)
class Lane:
    """What one pipe did, in time."""

    pipe: str
    spans: Sequence[LaneSpan]


def last_core(trace: bytes) -> tuple[str, list[Lane]]:
    """The core whose last instruction ends last, and its pipes; ("", []) where the trace is empty."""
    events = msgspec.json.decode(trace, type=_Trace).traceEvents if trace else []
    complete = [e for e in events if e.ph == "X"]
    if not complete:
        return "", []
    core = max(complete, key=lambda e: e.args.cycle + e.args.cycles).pid
    names = {e.pid: e.args.name for e in events if e.ph == "M" and e.name == "process_name"}
    pipes = {e.tid: e.args.name for e in events if e.ph == "M" and e.name == "thread_name" and e.pid == core}
    spans: dict[int, list[LaneSpan]] = {}
    for event in complete:
        if event.pid == core:
            spans.setdefault(event.tid, []).append(LaneSpan(event.name, event.args.cycle, event.args.cycles))
    lanes = [Lane(pipes.get(t, str(t)), sorted(spans[t], key=lambda s: s.start)) for t in sorted(spans)]
    return names.get(core, str(core)), lanes
