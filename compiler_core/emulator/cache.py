"""The L2 cache as a launch sees it: which 512-byte lines a transfer touches, and which of them it finds there.

Least recently used, approximated by reuse distance: a line is found while fewer bytes than the cache holds were brought in
since it was last touched. Blocks of one batch run in step, so the first of them to touch a line pays for it and the others
find it; the share found is averaged over the blocks that issue the transfer together. A launch starts with an empty cache.
"""

from typing import NamedTuple

import numpy as np

from compiler_core.emulator.lanes import Array
from compiler_core.emulator.memory import GlobalBuffer, Tile

LINE = 512
"""Bytes of an L2 line. Source: GM transfers are split into up to 512 B, and 512 B alignment matters (public cost models)."""

CHUNK = 1 << 20
"""Runs looked at together; bounds the memory of a launch that is timed in one batch."""
_NEVER = -(1 << 62)


class Lines(NamedTuple):
    """A transfer as L2 sees it, for one block: contiguous runs, bytes of a run, lines touched, and the share of them not
    found.
    """

    runs: int
    run_bytes: int
    lines: int
    missed: float


class L2:
    """Line stamps of every global buffer."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.clock = 0
        self.stamps: dict[int, Array] = {}

    def touch(self, buffer: GlobalBuffer, tile: Tile, start: int | Array, lanes: int) -> Lines:
        """Brings in what a tile over `lanes` blocks needs, from their starts; one number stands for all of them."""
        run, offsets = tile.rows()
        starts = np.atleast_1d(np.asarray(start, np.int64))
        parts = np.array_split(starts, -(-len(starts) * len(offsets) // CHUNK))
        touched, missed = map(sum, zip(*(self._bring(buffer, tile, p, offsets, run) for p in parts), strict=True))
        users = lanes if len(starts) == 1 else 1
        share = round(64 * missed / (touched * users)) / 64
        return Lines(len(offsets), run * tile.dtype.itemsize, max(1, round(touched / len(starts))), share)

    def _bring(self, buffer: GlobalBuffer, tile: Tile, starts: Array, offsets: Array, run: int) -> tuple[int, int]:
        """Lines touched and lines missed."""
        item = tile.dtype.itemsize
        begins = (starts[:, None] + offsets[None, :]).reshape(-1) * item
        first = begins // LINE
        counts = (begins + run * item - 1) // LINE - first + 1
        total = int(counts.sum())
        steps = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.repeat(first, counts) + steps
        stamps = self.stamps.get(buffer.index)
        if stamps is None:
            stamps = np.full(buffer.size * item // LINE + 1, _NEVER, np.int64)
            self.stamps[buffer.index] = stamps
        absent = index[stamps[index] + self.capacity < self.clock]
        missed = len(np.unique(absent)) if len(absent) else 0
        self.clock += missed * LINE
        stamps[index] = self.clock
        return total, missed
