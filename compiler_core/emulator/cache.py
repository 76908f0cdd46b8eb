"""The L2 cache as a launch sees it: which 512-byte lines a transfer touches, and which of them it finds there.

Least recently used, approximated by reuse distance: a line is found while fewer bytes than the cache holds were brought in
since it was last touched. Blocks of one batch run in step, so the first of them to touch a line pays for it and the others
find it; the share found is averaged over the blocks that issue the transfer together.

Lines of which a read takes part of a 128-byte sector are not found again, and each block brings its own: published copies of
rows that start anywhere cost in proportion to the lines they touch. Reads past the cache bring sectors, each block its own.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from compiler_core.emulator.lanes import Array
from compiler_core.emulator.memory import GlobalBuffer, Tile

LINE = 512
"""Bytes of an L2 line. Source: GM transfers are split into up to 512 B, and 512 B alignment matters (public cost models)."""

CHUNK = 1 << 20
"""Runs laid out together; bounds the memory of a launch that is timed in one batch."""
SECTOR = 128
"""Bytes of the smallest transfer. Source: GM transfers are split into 128, 256 and 512 B (public cost models)."""
KEPT = 1 << 23
"""Lines whose places are remembered, so that a tile that comes again need not be laid out again."""
_NEVER = -(1 << 62)


class Lines(NamedTuple):
    """A transfer as L2 sees it, for one block: contiguous runs, bytes of a run, lines touched, bytes that come where none are
    found, the share of them not found, and how many blocks touch the same lines at the same time.
    """

    runs: int
    run_bytes: int
    lines: int
    whole: int
    missed: float
    sharers: int


@dataclass(slots=True)
class _Place:
    """Where the tiles of a transfer lie: lines of their buffer, for all blocks that issue it; a line may come several times."""

    stamps: Array
    index: Array | slice
    runs: int
    run_bytes: int
    lines: int
    users: int
    """Lines touched by all blocks, counting a line for each of them."""
    sharers: int
    torn: Array | None
    """Which of them a transfer takes a sector apart of."""
    last: int = _NEVER
    """The clock when it was last touched and its stamps not yet written."""


class L2:
    """Line stamps of every global buffer."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.clock = 0
        """Bytes brought in so far."""
        self.held = 0
        """Bytes of different lines brought in so far."""
        self.stamps: dict[int, Array] = {}
        self._rows: dict[int, tuple[int, Array]] = {}
        self._places: dict[tuple[int, int | bytes, int], _Place] = {}
        self._kept = 0
        self._settled = False

    def touch(
        self, buffer: GlobalBuffer, tile: Tile, start: int | Array, lanes: int, *, keep: bool = True, write: bool = False
    ) -> Lines:
        """Brings in what a tile over `lanes` blocks needs, from their starts; one number stands for all of them.

        The tile must live as long as the cache: it is known by its identity. Without `keep` what is brought in is not held.
        """
        key = (id(tile), start if isinstance(start, int) else start.tobytes(), lanes)
        place = self._places.get(key)
        if place is not None and self.clock <= self.capacity and keep and (write or place.torn is None):
            place.last = self.clock
            return self._found(place, 0, place.users, keep)
        if place is not None:
            return self._found(place, self._bring(place, keep, write), place.users, keep)
        starts = _different_starts(start)
        run_offsets = self._rows.get(id(tile)) or self._rows.setdefault(id(tile), tile.rows())
        parts = -(-len(starts) * len(run_offsets[1]) // CHUNK)
        if parts == 1:
            place = self._place(buffer, tile, starts, lanes)
            if keep and self._kept < KEPT:
                self._places[key] = place
                self._kept += place.users
            return self._found(place, self._bring(place, keep, write), place.users, keep)
        missed = users = 0
        for part in np.array_split(starts, parts):
            place = self._place(buffer, tile, part, lanes * len(part) // len(starts))
            missed += self._bring(place, keep, write)
            users += place.users
        assert place is not None
        return self._found(place, missed, users, keep)

    def next_launch(self) -> None:
        """Another launch on the same buffers begins: it finds what is there."""
        self._settle()
        self._rows.clear()
        self._places.clear()
        self._kept, self._settled = 0, False

    def _found(self, place: _Place, missed: int, users: int, keep: bool) -> Lines:
        runs, size = place.runs, place.run_bytes
        if not keep:
            return Lines(runs, size, place.lines, runs * -(-size // SECTOR) * SECTOR, float(missed > 0), place.sharers)
        return Lines(runs, size, place.lines, place.lines * LINE, round(64 * missed / users) / 64, place.sharers)

    def _bring(self, place: _Place, keep: bool, write: bool) -> int:
        """Lines missed, counting a torn one for each time that it is."""
        if self.clock > self.capacity and not self._settled:
            self._settle()
        stamps, index = place.stamps, place.index
        torn, again = place.torn if keep and not write else None, 0
        if torn is not None:
            absent = torn[stamps[torn] + self.capacity < self.clock]
            again = len(absent) * place.sharers - len(np.unique(absent))
        found = stamps[index]
        old = found + self.capacity < self.clock
        if isinstance(index, slice):
            missed, fresh = int(np.count_nonzero(old)), int(np.count_nonzero(found == _NEVER))
        else:
            absent, new = index[old], index[found == _NEVER]
            missed, fresh = _different(stamps, absent), _different(stamps, new) if len(new) else 0
        if not keep:
            if not isinstance(index, slice):
                stamps[index] = found
            return missed
        self.clock += missed * LINE
        self.held += fresh * LINE
        stamps[index] = self.clock
        if torn is not None:
            stamps[torn] = _NEVER
        return missed + again

    def _settle(self) -> None:
        """Writes the stamps that were left unwritten while nothing could be displaced."""
        self._settled = True
        for place in self._places.values():
            if place.last != _NEVER:
                place.stamps[place.index] = np.maximum(place.stamps[place.index], place.last)
                place.last = _NEVER

    def _place(self, buffer: GlobalBuffer, tile: Tile, starts: Array, lanes: int) -> _Place:
        """Lines of the tiles at different starts."""
        run, offsets = self._rows[id(tile)]
        item = tile.dtype.itemsize
        size = run * item
        stamps = self.stamps.get(buffer.index)
        if stamps is None:
            stamps = np.full(buffer.size * item // LINE + 1, _NEVER, np.int64)
            self.stamps[buffer.index] = stamps
        sharers = -(-lanes // len(starts))
        if len(offsets) == 1 and (len(starts) == 1 or bool((np.diff(starts) == run).all())):
            begins = starts * item
            index: Array | slice = slice(int(begins[0]) // LINE, (int(begins[-1]) + size - 1) // LINE + 1)
            each = max(1, round(int(((begins + size - 1) // LINE - begins // LINE).sum()) / len(starts)) + 1)
            users = max(index.stop - index.start, each * lanes)
            return _Place(stamps, index, 1, size, each, users, sharers, _torn(begins, size))
        begins = (starts[:, None] + offsets[None, :]).reshape(-1) * item
        first = begins // LINE
        counts = (begins + size - 1) // LINE - first + 1
        total = int(counts.sum())
        steps = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.repeat(first, counts) + steps
        each = max(1, round(total / len(starts)))
        users = each * lanes if sharers > 1 else total
        return _Place(stamps, index, len(offsets), size, each, users, sharers, _torn(begins, size))


def _torn(begins: Array, size: int) -> Array | None:
    """The lines of which runs that begin there take part of a sector."""
    if not size % SECTOR and not (begins % SECTOR).any():
        return None
    edges = np.concatenate([begins, begins + size])
    return edges[edges % SECTOR != 0] // LINE


def _different_starts(start: int | Array) -> Array:
    """In rising order."""
    if not isinstance(start, np.ndarray):
        return np.array([start], np.int64)
    return start if len(start) == 1 or bool((start[1:] > start[:-1]).all()) else np.unique(start)


def _different(stamps: Array, index: Array) -> int:
    """How many different lines there are; overwrites their stamps."""
    order = np.arange(len(index))
    stamps[index] = order
    return int(np.count_nonzero(stamps[index] == order))
