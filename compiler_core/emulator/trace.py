"""The timeline as Chrome-trace JSON, which Perfetto and chrome://tracing open: a process for each core, a thread for
each pipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from compiler_core.emulator.costs import PIPES
from compiler_core.emulator.order import Stream
from compiler_core.emulator.timeline import Timeline

MAX_EVENTS = 100_000
"""A viewer's patience; later blocks are left out, and the trace says how many."""


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """A block on its core, with the timeline it shares with its class."""

    block: int
    core: int
    start: float
    stream: Stream
    timeline: Timeline


def chrome_trace(blocks: Sequence[BlockSpan], kind: str, pipes: Sequence[str], clock_mhz: float) -> bytes:
    """Complete events with times in microseconds and exact cycles in `args`; one process for each core that ran."""
    events: list[dict[str, object]] = []
    shown = 0
    for block in blocks:
        if len(events) + len(block.timeline.spans) > MAX_EVENTS and shown:
            break
        shown += 1
        events += _events(block, clock_mhz)
    names: list[dict[str, object]] = []
    for core in sorted({b.core for b in blocks[:shown]}):
        names.append({"ph": "M", "name": "process_name", "pid": core, "args": {"name": f"{kind} core {core}"}})
        for pipe in pipes:
            thread = PIPES.index(pipe)
            names.append({"ph": "M", "name": "thread_name", "pid": core, "tid": thread, "args": {"name": pipe}})
            names.append({"ph": "M", "name": "thread_sort_index", "pid": core, "tid": thread, "args": {"sort_index": thread}})
    other = {"clock_mhz": clock_mhz, "blocks": len(blocks), "blocks_shown": shown}
    return msgspec.json.encode({"traceEvents": names + events, "displayTimeUnit": "ns", "otherData": other})


def _events(block: BlockSpan, clock_mhz: float) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for span in block.timeline.spans:
        entry, item = block.stream[span.at]
        op = entry.site.op
        start, length = block.start + span.start, span.end - span.start
        arguments: dict[str, object] = {
            "op": op.name,
            "id": op.id,
            "lines": [place.line for place in op.location if place.line],
            "block": block.block,
            "cycle": round(start, 1),
            "cycles": round(length, 1),
        }
        if item.bytes:
            arguments |= {"path": item.path, "bytes": item.bytes}
        found.append(
            {
                "ph": "X",
                "name": item.name,
                "cat": PIPES[span.pipe],
                "pid": block.core,
                "tid": span.pipe,
                "ts": round(start / clock_mhz, 4),
                "dur": round(length / clock_mhz, 4),
                "args": arguments,
            }
        )
    return found
