"""The timeline as Chrome-trace JSON, which Perfetto and chrome://tracing open: a process for each core, a thread for
each pipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from compiler_core.emulator.costs import PIPES
from compiler_core.emulator.order import Stream
from compiler_core.emulator.spans import Span

MAX_EVENTS = 100_000
"""A viewer's patience; later blocks are left out, and the trace says how many."""


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """A block on its cores, with the streams and spans it shares with its class."""

    block: int
    cores: tuple[str, ...]
    """Names; a span says which of them."""
    start: float
    streams: Sequence[Stream]
    spans: Sequence[Span]


def chrome_trace(blocks: Sequence[BlockSpan], pipes: Sequence[str], clock_mhz: float) -> bytes:
    """Complete events with times in microseconds and exact cycles in `args`; one process for each core that ran."""
    events: list[dict[str, object]] = []
    drafts: dict[int, list[Draft]] = {}
    shown = 0
    processes: dict[str, int] = {}
    for block in blocks:
        if len(events) + len(block.spans) > MAX_EVENTS and shown:
            break
        shown += 1
        of_class = drafts.setdefault(id(block.spans), [])
        if not of_class:
            of_class += [_draft(block, span, clock_mhz) for span in block.spans]
        numbers = [processes.setdefault(core, len(processes)) for core in block.cores]
        events += [_event(draft, block, numbers, clock_mhz) for draft in of_class]
    names: list[dict[str, object]] = []
    for name, core in processes.items():
        names.append({"ph": "M", "name": "process_name", "pid": core, "args": {"name": name}})
        for pipe in pipes:
            thread = PIPES.index(pipe)
            names.append({"ph": "M", "name": "thread_name", "pid": core, "tid": thread, "args": {"name": pipe}})
            names.append({"ph": "M", "name": "thread_sort_index", "pid": core, "tid": thread, "args": {"sort_index": thread}})
    other = {"clock_mhz": clock_mhz, "blocks": len(blocks), "blocks_shown": shown}
    return msgspec.json.encode({"traceEvents": names + events, "displayTimeUnit": "ns", "otherData": other})


Draft = tuple[float, dict[str, object], dict[str, object]]
"""An event as all blocks of a class share it: its start in the block, itself, and its arguments, without block and times."""


def _draft(block: BlockSpan, span: Span, clock_mhz: float) -> Draft:
    entry, item = block.streams[span.core][span.at]
    op = entry.site.op
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
        "pid": span.core,
        "tid": span.pipe,
        "ts": 0.0,
        "dur": round(length / clock_mhz, 4),
    }
    return span.start, event, arguments


def _event(draft: Draft, block: BlockSpan, processes: Sequence[int], clock_mhz: float) -> dict[str, object]:
    start, event, arguments = draft
    start += block.start
    arguments = {**arguments, "block": block.block, "cycle": round(start, 1)}
    return {**event, "pid": processes[cast(int, event["pid"])], "ts": round(start / clock_mhz, 4), "args": arguments}
