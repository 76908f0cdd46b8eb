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
    """What one pipe of a core did, in time."""

    core: str
    pipe: str
    spans: Sequence[LaneSpan]


def last_lanes(trace: bytes) -> list[Lane]:
    """The pipes of the core whose last instruction ends last and of those that share its blocks; none of an empty trace."""
    events = msgspec.json.decode(trace, type=_Trace).traceEvents if trace else []
    complete = [e for e in events if e.ph == "X"]
    if not complete:
        return []
    last = max(complete, key=lambda e: e.args.cycle + e.args.cycles).pid
    names = {e.pid: e.args.name for e in events if e.ph == "M" and e.name == "process_name"}
    pipes = {(e.pid, e.tid): e.args.name for e in events if e.ph == "M" and e.name == "thread_name"}
    mixed = len({name.split(" ")[0] for name in names.values()}) > 1
    cores = {pid for pid in names if _block(names[pid], mixed) == _block(names.get(last, ""), mixed)}
    spans: dict[tuple[int, int], list[LaneSpan]] = {}
    for event in complete:
        if event.pid in cores:
            spans.setdefault((event.pid, event.tid), []).append(LaneSpan(event.name, event.args.cycle, event.args.cycles))
    return [Lane(names[key[0]], pipes.get(key, ""), sorted(spans[key], key=lambda s: s.start)) for key in sorted(spans)]


def _block(core: str, mixed: bool) -> str:
    """What the cores of one block have in common: in a mixed kernel a cube core's number, half that of its vector cores."""
    kind, _, number = core.partition(" ")
    return str(int(number) // (2 if kind == "AIV" else 1)) if mixed and number.isdigit() else core
