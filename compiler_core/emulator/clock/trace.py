"""The timeline as Chrome-trace JSON, which Perfetto and chrome://tracing open: a process for each core, a thread for each pipe.

Arrows go from an instruction to the one that waited for it across a flag or another core; counters show the live bytes of each
buffer and the bytes a cycle of each path to global memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from compiler_core.emulator.clock.costs import PIPES
from compiler_core.emulator.clock.critical import critical
from compiler_core.emulator.clock.launch import Launch
from compiler_core.emulator.clock.observed import live, moved
from compiler_core.emulator.clock.order import Stream
from compiler_core.emulator.clock.series import curve
from compiler_core.emulator.clock.spans import NOBODY, Span

MAX_EVENTS = 100_000
"""A viewer's patience; later instructions are left out, and the trace says how many blocks it shows."""
COUNTER_POINTS = 80
"""Points of a counter in one block at most."""
ARROWS = ("flag", "communication")
"""Reasons that are drawn as arrows."""

Event = dict[str, object]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all blocks of a class share: their instructions, events without times, arrows, and counters."""

    events: Sequence[tuple[Span, Event, Event]]
    """Each with its arguments."""
    arrows: Sequence[tuple[int, int, str]]
    """From which span to which, and why."""
    counters: Sequence[tuple[int, str, tuple[tuple[int, float], ...]]]
    """Core of the block, name, and points since the block began."""

    @property
    def size(self) -> int:
        return len(self.events) + 2 * len(self.arrows) + sum(len(points) for _, _, points in self.counters)


@dataclass(slots=True)
class _Trace:
    clock_mhz: float
    events: list[Event] = field(default_factory=list[Event])
    processes: dict[str, int] = field(default_factory=dict[str, int])
    arrows: int = 0

    def us(self, cycles: float) -> float:
        return round(cycles / self.clock_mhz, 4)

    def add(self, drawing: Drawing, block: int, start: float, cores: Sequence[str]) -> None:
        numbers = [self.processes.setdefault(core, len(self.processes)) for core in cores]
        for span, event, arguments in drawing.events:
            at = start + span.start
            own = {**arguments, "block": block, "cycle": round(at, 1)}
            self.events.append({**event, "pid": numbers[span.core], "ts": self.us(at), "args": own})
        for source, target, reason in drawing.arrows:
            self.arrows += 1
            a, b = drawing.events[source][0], drawing.events[target][0]
            common: Event = {"name": reason, "cat": reason, "id": self.arrows}
            left = max(a.start, a.end - 1)
            self.events.append({"ph": "s", **common, "pid": numbers[a.core], "tid": a.pipe, "ts": self.us(start + left)})
            into: Event = {"pid": numbers[b.core], "tid": b.pipe, "ts": self.us(start + b.start)}
            self.events.append({"ph": "f", "bp": "e", **common, **into})
        for core, name, points in drawing.counters:
            for cycle, value in points:
                counter: Event = {"ph": "C", "name": name, "pid": numbers[core], "ts": self.us(start + cycle)}
                self.events.append({**counter, "args": {"value": value}})

    def names(self, pipes: Sequence[str]) -> Iterator[Event]:
        for name, number in self.processes.items():
            yield {"ph": "M", "name": "process_name", "pid": number, "args": {"name": name}}
            yield {"ph": "M", "name": "process_sort_index", "pid": number, "args": {"sort_index": number}}
            for pipe in pipes:
                thread = PIPES.index(pipe)
                yield {"ph": "M", "name": "thread_name", "pid": number, "tid": thread, "args": {"name": pipe}}
                yield {"ph": "M", "name": "thread_sort_index", "pid": number, "tid": thread, "args": {"sort_index": thread}}


def trace(launch: Launch) -> bytes:
    """The trace of a timed launch: times in microseconds; cycles, and whether it is on its block's critical path, in `args`."""
    classes = list(launch.classes.values())
    drawings: dict[int, Drawing] = {}
    found = _Trace(launch.chip.clock_mhz)
    shown = 0
    for block, (core, start) in enumerate(launch.placed):
        number = int(launch.class_of[block])
        if number not in drawings:
            drawings[number] = _drawing(*launch.spans(classes[number], MAX_EVENTS), classes[number].total, found.us(1))
        if shown and len(found.events) + drawings[number].size > MAX_EVENTS:
            break
        found.add(drawings[number], block, start, launch.names(core))
        shown += 1
    other = {"clock_mhz": launch.chip.clock_mhz, "blocks": len(launch.placed), "blocks_shown": shown}
    events = [*found.names(launch.chip.pipes), *found.events]
    return msgspec.json.encode({"traceEvents": events, "displayTimeUnit": "ns", "otherData": other})


def _drawing(streams: Sequence[Stream], spans: Sequence[Span], length: float, us: float) -> Drawing:
    path = set(critical(spans))
    events = [_event(streams, span, i in path, us) for i, span in enumerate(spans)]
    arrows = [
        (span.cause.span, i, span.cause.reason)
        for i, span in enumerate(spans)
        if span.cause.reason in ARROWS and span.cause.span != NOBODY
    ]
    counters = [
        (core, f"{name} live bytes", curve(c, length, COUNTER_POINTS)) for (core, name), c in live(streams, spans).items()
    ]
    counters += [
        (core, f"{name} bytes a cycle", curve(c, length, COUNTER_POINTS)) for (core, name), c in moved(streams, spans).items()
    ]
    return Drawing(events, arrows, counters)


def _event(streams: Sequence[Stream], span: Span, on_path: bool, us: float) -> tuple[Span, Event, Event]:
    entry, item = streams[span.core][span.at]
    op = entry.site.op
    length = span.end - span.start
    lines = [place.line for place in op.location if place.line]
    arguments: Event = {"op": op.name, "id": op.id, "lines": lines, "cycles": round(length, 1)}
    if item.bytes:
        arguments |= {"path": item.path, "bytes": item.bytes}
    if span.cause.reason != "pipe":
        arguments["waited_for"] = span.cause.reason
    if on_path:
        arguments["critical"] = True
    event: Event = {"ph": "X", "name": item.name, "cat": PIPES[span.pipe], "tid": span.pipe, "dur": round(length * us, 4)}
    return span, event, arguments
