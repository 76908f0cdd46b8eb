"""The timeline as Chrome-trace JSON, which Perfetto and chrome://tracing open: a process for each core, a thread for
each pipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from compiler_core.emulator.costs import PIPES
from compiler_core.emulator.order import Stream
from compiler_core.emulator.timeline import Span, Timeline

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
    drafts: dict[int, list[Draft]] = {}
    shown = 0
    for block in blocks:
        if len(events) + len(block.timeline.spans) > MAX_EVENTS and shown:
            break
        shown += 1
        of_class = drafts.setdefault(id(block.timeline), [])
        if not of_class:
            of_class += [_draft(block, span, clock_mhz) for span in block.timeline.spans]
        events += [_event(draft, block, clock_mhz) for draft in of_class]
    names: list[dict[str, object]] = []
    for core in sorted({b.core for b in blocks[:shown]}):
        names.append({"ph": "M", "name": "process_name", "pid": core, "args": {"name": f"{kind} core {core}"}})
        for pipe in pipes:
            thread = PIPES.index(pipe)
            names.append({"ph": "M", "name": "thread_name", "pid": core, "tid": thread, "args": {"name": pipe}})
            names.append({"ph": "M", "name": "thread_sort_index", "pid": core, "tid": thread, "args": {"sort_index": thread}})
    other = {"clock_mhz": clock_mhz, "blocks": len(blocks), "blocks_shown": shown}
    return msgspec.json.encode({"traceEvents": names + events, "displayTimeUnit": "ns", "otherData": other})


Draft = tuple[float, dict[str, object], dict[str, object]]
"""An event as all blocks of a class share it: its start in the block, itself, and its arguments, without block and times."""


def _draft(block: BlockSpan, span: Span, clock_mhz: float) -> Draft:
    issued, item = block.stream[span.at]
    op = issued.entry.site.op
    length = span.end - span.start
    arguments: dict[str, object] = {
        "op": op.name,
        "id": op.id,
        "lines": [place.line for place in op.location if place.line],
        "block": 0,
        "cycle": 0.0,
        "cycles": round(length, 1),
    }
    if item.bytes:
        arguments |= {"path": item.path, "bytes": item.bytes}
    event: dict[str, object] = {
        "ph": "X",
        "name": item.name,
        "cat": PIPES[span.pipe],
        "pid": 0,
        "tid": span.pipe,
        "ts": 0.0,
        "dur": round(length / clock_mhz, 4),
    }
    return span.start, event, arguments


def _event(draft: Draft, block: BlockSpan, clock_mhz: float) -> dict[str, object]:
    start, event, arguments = draft
    start += block.start
    arguments = {**arguments, "block": block.block, "cycle": round(start, 1)}
    return {**event, "pid": block.core, "ts": round(start / clock_mhz, 4), "args": arguments}
