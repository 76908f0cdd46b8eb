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
    """Where the tiles of a transfer lie: the stamps of their lines, for all blocks that issue it."""

    stamps: Array
    """Of the whole buffer."""
    index: Array | None
    """The lines, each as often as it is touched; None where `view` has them."""
    view: Array | None
    """The lines' stamps themselves, where they are evenly spread and each comes once."""
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

    def touch(self, clock: int) -> None:
        """Stamps the lines."""
        if self.view is not None:
            np.maximum(self.view, clock, out=self.view)
        else:
            self.stamps[self.index] = np.maximum(self.stamps[self.index], clock)


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
        stamps, horizon = place.stamps, self.clock - self.capacity
        torn, again = place.torn if keep and not write else None, 0
        if torn is not None:
            absent = torn[stamps[torn] < horizon]
            again = len(absent) * place.sharers - len(np.unique(absent))
        missed, fresh = _absent(place, horizon)
        if not keep:
            return missed
        self.clock += missed * LINE
        self.held += fresh * LINE
        place.touch(self.clock)
        if torn is not None:
            stamps[torn] = _NEVER
        return missed + again

    def _settle(self) -> None:
        """Writes the stamps that were left unwritten while nothing could be displaced."""
        self._settled = True
        for place in self._places.values():
            if place.last != _NEVER:
                place.touch(place.last)
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
        even = _evenly(stamps, tile, starts, size)
        if even is not None:
            each = len(offsets) * even.shape[-1]
            whole = not (int(starts[0]) * item % SECTOR or size % SECTOR)
            torn = None if whole else _torn((starts[:, None] + offsets[None, :]).reshape(-1) * item, size)
            return _Place(stamps, None, even, len(offsets), size, each, each * lanes, sharers, torn)
        begins = (starts[:, None] + offsets[None, :]).reshape(-1) * item
        first = begins // LINE
        counts = (begins + size - 1) // LINE - first + 1
        total = int(counts.sum())
        each = max(1, round(total / len(starts)))
        users = each * lanes if sharers > 1 else total
        if len(offsets) == 1 and (len(starts) == 1 or bool((starts[1:] - starts[:-1] == run).all())):
            joined = stamps[int(first[0]) : int(begins[-1] + size - 1) // LINE + 1]
            return _Place(stamps, None, joined, 1, size, each, users, sharers, _torn(begins, size))
        steps = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.repeat(first, counts) + steps
        return _Place(stamps, index, None, len(offsets), size, each, users, sharers, _torn(begins, size))


def _absent(place: _Place, horizon: int) -> tuple[int, int]:
    """Different lines that were last touched before the horizon, and how many of them were never there."""
    if place.view is not None:
        missed = int(np.count_nonzero(place.view < horizon))
        never = missed and horizon > 0
        return missed, int(np.count_nonzero(place.view == _NEVER)) if never else missed
    found = place.stamps[place.index]
    lines = place.index[found < horizon] if place.index is not None else found
    if not len(lines):
        return 0, 0
    different = np.unique(lines)
    return len(different), int(np.count_nonzero(place.stamps[different] == _NEVER))


def _evenly(stamps: Array, tile: Tile, starts: Array, size: int) -> Array | None:
    """The stamps of runs of `size` bytes whose lines are evenly spread, each once; None where they are not."""
    item = tile.dtype.itemsize
    dims: list[tuple[int, int]] = []
    if len(starts) > 1:
        step = int(starts[1] - starts[0])
        if len(starts) > 2 and not bool((starts[1:] - starts[:-1] == step).all()):
            return None
        dims.append((len(starts), step * item))
    run = 1
    outer = list(zip(tile.sizes, tile.strides, strict=True))
    while outer and (outer[-1][1] == run or outer[-1][0] == 1):
        run *= outer.pop()[0]
    dims += [(n, stride * item) for n, stride in outer if n > 1]
    begin = int(starts[0]) * item
    lines = (begin % LINE + size - 1) // LINE + 1
    reach = lines
    for n, stride in sorted(dims, key=lambda dim: dim[1]):
        if stride % LINE or stride < reach * LINE:
            return None
        reach += (n - 1) * stride // LINE
    shape = (*(n for n, _ in dims), lines)
    return np.ndarray(shape, np.int64, stamps, begin // LINE * 8, (*(stride // LINE * 8 for _, stride in dims), 8))


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
