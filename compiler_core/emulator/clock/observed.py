"""What a block's spans say about memory: which bytes of its buffers are live, how fast it moves bytes to and from outside."""

from collections.abc import Sequence
from math import inf

from compiler_core.emulator.clock.costs import RUN, Item, M
from compiler_core.emulator.clock.order import Stream
from compiler_core.emulator.clock.recorder import Entry
from compiler_core.emulator.clock.series import Access, live_bytes, rates
from compiler_core.emulator.clock.spans import Span

Changes = Sequence[tuple[float, float]]
"""(cycle since the block began, how much more or less from then on)."""
L0 = {"L1->L0A": "L0A", "L1->L0B": "L0B"}


def live(streams: Sequence[Stream], spans: Sequence[Span]) -> dict[tuple[int, str], Changes]:
    """By core of the block and buffer, how its live bytes change. L0A and L0B, which macros fill, are live until the cube has
    used them.
    """
    accesses: dict[tuple[int, str], list[Access]] = {}
    changes: dict[tuple[int, str], list[tuple[float, float]]] = {}
    waiting: dict[int, list[tuple[str, int, float]]] = {}
    for span in sorted(spans, key=lambda s: (s.core, s.at)):
        entry, item = streams[span.core][span.at]
        for name, access in _accesses(entry, item, span):
            accesses.setdefault((span.core, name), []).append(access)
        if item.path in L0:
            waiting.setdefault(span.core, []).append((L0[item.path], item.bytes, span.start))
        elif item.pipe == M:
            for name, size, start in waiting.pop(span.core, ()):
                changes.setdefault((span.core, name), []).extend([(start, size), (span.end, -size)])
    return {**{key: live_bytes(of_buffer) for key, of_buffer in accesses.items()}, **changes}


def moved(streams: Sequence[Stream], spans: Sequence[Span]) -> dict[tuple[int, str], Changes]:
    """By core of the block and path of global memory, how its bytes a cycle change. A transfer counts until the next begins."""
    found: dict[tuple[int, str], list[tuple[float, float, int]]] = {}
    for span in spans:
        _, item = streams[span.core][span.at]
        if item.shared:
            found.setdefault((span.core, item.path), []).append((span.start, span.end, item.bytes))
    return {key: rates(_apart(sorted(moves))) for key, moves in found.items()}


def _apart(moves: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    """Each move cut where the next begins: one completes its startup while the next is at work."""
    starts = [*(start for start, _, _ in moves[1:]), inf]
    return [(start, min(end, after), size) for (start, end, size), after in zip(moves, starts, strict=True)]


def _accesses(entry: Entry, item: Item, span: Span) -> list[tuple[str, Access]]:
    """The bytes of on-chip buffers that an item uses, as ranges that hold them."""
    found: list[tuple[str, Access]] = []
    if item.kind != RUN:
        return found
    for place, mode in item.uses:
        tile = entry.tiles[place][0]
        if tile.memory.local and tile.elements:
            low, high = tile.extent()
            size = tile.dtype.itemsize
            first, last = (low // 8, -(-high // 8)) if tile.packed else (low * size, high * size)
            start = int(tile.start)
            found.append((tile.memory.name, Access(start + first, start + last, mode == "w", span.start, span.end)))
    return found
