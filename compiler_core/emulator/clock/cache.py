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

from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.memory import GlobalBuffer, Tile

LINE = 512
"""Bytes of an L2 line. Source: GM transfers are split into up to 512 B, and 512 B alignment matters (public cost models)."""
LINE_BITS = LINE.bit_length() - 1

CHUNK = 1 << 20
"""Runs laid out together; bounds the memory of a launch that is timed in one batch."""
SECTOR = 128
"""Bytes of the smallest transfer. Source: GM transfers are split into 128, 256 and 512 B (public cost models)."""
KEPT = 1 << 23
"""Lines whose places are remembered, so that a tile that comes again need not be laid out again."""
SMALL = 1 << 16
"""Torn lines of a layout worth remembering."""
FREE, SHARED = 0, -1
"""Who owns a line: nobody yet; or several, so that it has its own stamp."""
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


class _Layout(NamedTuple):
    """Where the tiles of a transfer lie, from the line in which the first of them starts: for all blocks that issue it."""

    low: int
    """The first line of `shape`."""
    shape: tuple[int, ...]
    """Lines, evenly spread and each once."""
    strides: tuple[int, ...]
    listed: Array | None
    """The lines in rising order, each as often as it is touched, where they are not evenly spread."""
    torn: Array | None
    """Which of them a transfer takes a sector apart of, in rising order."""
    runs: int
    run_bytes: int
    lines: int
    users: int
    """Lines touched by all blocks, counting a line for each of them."""
    sharers: int
    found: dict[int, Lines]
    """What a transfer that is held finds, by lines missed."""


@dataclass(slots=True, eq=False)
class _Group:
    """Lines that are touched together. `alone`: no transfer touches only some of them, so that they have one stamp."""

    view: Array
    """The lines' stamps."""
    owners: Array
    alone: bool = True
    stamp: int | None = None
    """Theirs, once known; then `view` is behind."""

    def missed(self, horizon: int) -> int:
        """Lines last touched before the horizon, where they have one stamp."""
        return self.view.size if self.stamp is not None and self.stamp < horizon else 0

    def part(self) -> None:
        """From now on every line has its own stamp."""
        self.alone = False
        self.owners[...] = SHARED
        if self.stamp is not None:
            self.view[...] = self.stamp
            self.stamp = None


@dataclass(slots=True, eq=False)
class _Place:
    """Where the tiles of a transfer lie: a layout somewhere in a buffer."""

    layout: _Layout
    buffer: int
    low: int
    """Its first line."""
    stamps: Array
    """Of the whole buffer."""
    index: Array | None
    """The lines, each as often as it is touched; None where `view` has them."""
    view: Array | None
    """The lines' stamps themselves, where they are evenly spread and each comes once."""
    torn: Array | None
    last: int = _NEVER
    """The clock when it was last touched and its stamps not yet written."""
    group: _Group | None = None
    """Once lines are displaced, what is known of all of its lines."""

    def touch(self, clock: int) -> None:
        """Stamps the lines."""
        if self.view is not None:
            np.maximum(self.view, clock, out=self.view)
        else:
            self.stamps[self.index] = np.maximum(self.stamps[self.index], clock)


class L2:
    """Line stamps of every global buffer.

    Until the first line is displaced, a place that comes again is found without looking. From then on, lines that are always
    touched together have one stamp, and a place of such lines is found or missed as a whole.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.clock = 0
        """Bytes brought in so far."""
        self.held = 0
        """Bytes of different lines brought in so far."""
        self.stamps: dict[int, Array] = {}
        self._layouts: dict[tuple[int, int, bytes, int], _Layout] = {}
        self._places: dict[tuple[int, int | bytes, int], _Place] = {}
        self._kept = 0
        self._settled = False
        self._owners: dict[int, Array] = {}
        """By buffer, the place in `_groups` of the group that a line belongs to, FREE or SHARED."""
        self._groups: list[_Group] = []
        self._known: dict[tuple[int, int, tuple[int, ...], tuple[int, ...]], _Group] = {}

    def touch(
        self, buffer: GlobalBuffer, tile: Tile, start: int | Array, lanes: int, *, keep: bool = True, write: bool = False
    ) -> Lines:
        """Brings in what a tile over `lanes` blocks needs, from their starts; one number stands for all of them.

        The tile must live as long as the cache: it is known by its identity. Without `keep` what is brought in is not held.
        """
        key = (id(tile), start if isinstance(start, int) else start.tobytes(), lanes)
        place = self._places.get(key)
        if place is not None and keep:
            if self.clock <= self.capacity:
                if write or place.torn is None:
                    place.last = self.clock
                    return _answer(place, 0, True)
            elif (group := place.group) is not None and group.stamp is not None:
                missed = self._bring_group(group)
                return _answer(place, missed, True)
        if self.clock > self.capacity and not self._settled:
            self._settle()
        if place is not None:
            return _answer(place, self._bring(place, keep, write), keep)
        values = np.array([start], np.int64) if isinstance(start, int) else start
        if len(values) * tile.elements <= CHUNK or len(values) * _rows(tile) <= CHUNK:
            place = self._place(buffer, tile, values, lanes)
            if keep and self._kept < KEPT:
                self._places[key] = place
                self._kept += place.layout.users
                if self._settled:
                    self._claim(place)
            elif self._settled:
                self._share(place)
            return _answer(place, self._bring(place, keep, write), keep)
        missed = users = 0
        starts = _different(values)
        parts: list[Array] = np.array_split(starts, -(-len(starts) * _rows(tile) // CHUNK))
        for part in parts:
            place = self._place(buffer, tile, part, lanes * len(part) // len(starts))
            if self._settled:
                self._share(place)
            missed += self._bring(place, keep, write)
            users += place.layout.users
        assert place is not None
        return _answer(place, missed, keep, users)

    def next_launch(self) -> None:
        """Another launch on the same buffers begins: it finds what is there."""
        self._settle()
        for group in self._groups:
            group.part()
        self._layouts.clear()
        self._places.clear()
        self._owners.clear()
        self._groups.clear()
        self._known.clear()
        self._kept, self._settled = 0, False

    def _bring(self, place: _Place, keep: bool, write: bool) -> int:
        """Lines missed, counting a torn one for each time that it is."""
        horizon = self.clock - self.capacity
        group = place.group
        if group is not None and group.stamp is not None:
            return self._bring_group(group) if keep else group.missed(horizon)
        stamps = place.stamps
        torn, again = place.torn if keep and not write else None, 0
        if torn is not None:
            absent = torn[stamps[torn] < horizon]
            again = len(absent) * place.layout.sharers - len(_distinct(absent))
        missed, fresh = _absent(place, horizon)
        if not keep:
            return missed
        self.clock += missed * LINE
        self.held += fresh * LINE
        place.touch(self.clock)
        if torn is not None:
            stamps[torn] = _NEVER
        if group is not None and group.alone:
            group.stamp = self.clock
        return missed + again

    def _bring_group(self, group: _Group) -> int:
        """The same for lines with one stamp, to be held."""
        missed = group.missed(self.clock - self.capacity)
        self.clock += missed * LINE
        group.stamp = self.clock
        return missed

    def _settle(self) -> None:
        """Writes the stamps that were left unwritten while nothing could be displaced."""
        self._settled = True
        for place in self._places.values():
            if place.last != _NEVER:
                place.touch(place.last)
                place.last = _NEVER
            self._claim(place)

    def _claim(self, place: _Place) -> None:
        """Finds the group of a place's lines: one that is there, a new one, or none where others touch some of them."""
        if place.view is None or place.torn is not None:
            self._share(place)
            return
        key = (place.buffer, place.low, place.layout.shape, place.layout.strides)
        group = self._known.get(key)
        if group is None:
            owners = self._owners_of(place)
            view = np.ndarray(place.layout.shape, np.int32, owners, place.low * 4, tuple(s * 4 for s in place.layout.strides))
            group = self._known[key] = _Group(place.view, view)
            if view.any():
                self._part(view)
                group.part()
            else:
                self._groups.append(group)
                view[...] = len(self._groups)
        if group.alone:
            place.group = group

    def _share(self, place: _Place) -> None:
        """What a place touches has no common stamp."""
        owners = self._owners_of(place)
        if place.index is not None:
            self._part(owners[place.index])
            owners[place.index] = SHARED
        else:
            view = np.ndarray(place.layout.shape, np.int32, owners, place.low * 4, tuple(s * 4 for s in place.layout.strides))
            self._part(view)
            view[...] = SHARED

    def _part(self, owners: Array) -> None:
        numbers: set[int] = set(owners.reshape(-1).tolist())
        for number in numbers:
            if number > FREE:
                self._groups[number - 1].part()

    def _owners_of(self, place: _Place) -> Array:
        found = self._owners.get(place.buffer)
        if found is None:
            found = self._owners[place.buffer] = np.full(len(place.stamps), FREE, np.int32)
        return found

    def _place(self, buffer: GlobalBuffer, tile: Tile, starts: Array, lanes: int) -> _Place:
        """Lines of the tiles at different starts."""
        item = tile.dtype.itemsize
        stamps = self.stamps.get(buffer.index)
        if stamps is None:
            stamps = np.full(buffer.size * item // LINE + 1, _NEVER, np.int64)
            self.stamps[buffer.index] = stamps
        line, phase = divmod(int(starts[0]) * item, LINE)
        relative = b"" if len(starts) == 1 else (starts - starts[0]).tobytes()
        key = (id(tile), phase, relative, lanes)
        layout = self._layouts.get(key)
        if layout is None:
            different = _different(starts)
            layout = _layout(tile, different - starts[0] + phase // item, lanes)
            if layout.listed is None and (layout.torn is None or len(layout.torn) <= SMALL):
                self._layouts[key] = layout
        low = line + layout.low
        torn = None if layout.torn is None else layout.torn + line
        if layout.listed is not None:
            return _Place(layout, buffer.index, low, stamps, layout.listed + line, None, torn)
        view = np.ndarray(layout.shape, np.int64, stamps, low * 8, tuple(stride * 8 for stride in layout.strides))
        return _Place(layout, buffer.index, low, stamps, None, view, torn)


def _answer(place: _Place, missed: int, keep: bool, users: int = 0) -> Lines:
    """What a transfer finds; `users` where it has more than one place."""
    layout = place.layout
    found = layout.found.get(missed) if keep and not users else None
    if found is not None:
        return found
    runs, size = layout.runs, layout.run_bytes
    if not keep:
        return Lines(runs, size, layout.lines, runs * -(-size // SECTOR) * SECTOR, float(missed > 0), layout.sharers)
    share = round(64 * missed / (users or layout.users)) / 64
    found = Lines(runs, size, layout.lines, layout.lines * LINE, share, layout.sharers)
    if not users:
        layout.found[missed] = found
    return found


def _layout(tile: Tile, starts: Array, lanes: int) -> _Layout:
    """Lines of the tiles at different starts in rising order."""
    run, offsets = tile.rows()
    item = tile.dtype.itemsize
    size = run * item
    sharers = -(-lanes // len(starts))
    even = _evenly(tile, starts, size)
    if even is not None:
        low, shape, strides = even
        each = len(offsets) * shape[-1]
        whole = not (int(starts[0]) * item % SECTOR or size % SECTOR)
        torn = None if whole else _torn((starts[:, None] + offsets[None, :]).reshape(-1) * item, size)
        return _Layout(low, shape, strides, None, torn, len(offsets), size, each, each * lanes, sharers, {})
    begins = (starts[:, None] + offsets[None, :]).reshape(-1) * item
    first = begins >> LINE_BITS
    counts = (begins + (size - 1) >> LINE_BITS) - first + 1
    total = int(counts.sum())
    each = max(1, round(total / len(starts)))
    users = each * lanes if sharers > 1 else total
    if len(offsets) == 1 and (len(starts) == 1 or bool((starts[1:] - starts[:-1] == run).all())):
        low = int(first[0])
        joined = int(begins[-1] + size - 1) // LINE + 1 - low
        return _Layout(low, (joined,), (1,), None, _torn(begins, size), 1, size, each, users, sharers, {})
    steps = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    index = np.sort(np.repeat(first, counts) + steps)
    return _Layout(0, (), (), index, _torn(begins, size), len(offsets), size, each, users, sharers, {})


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
    different = _distinct(lines)
    return len(different), int(np.count_nonzero(place.stamps[different] == _NEVER))


def _evenly(tile: Tile, starts: Array, size: int) -> tuple[int, tuple[int, ...], tuple[int, ...]] | None:
    """First line, counts and strides of runs of `size` bytes whose lines are evenly spread, each once; None where they are
    not.
    """
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
    return begin // LINE, (*(n for n, _ in dims), lines), (*(stride // LINE for _, stride in dims), 1)


def _torn(begins: Array, size: int) -> Array | None:
    """The lines of which runs that begin there take part of a sector, in rising order."""
    within = begins & (SECTOR - 1)
    if not size % SECTOR and not within.any():
        return None
    ends = begins + size
    return np.sort(np.concatenate([begins[within != 0], ends[ends & (SECTOR - 1) != 0]]) >> LINE_BITS)


def run_of(tile: Tile) -> int:
    """Elements of one contiguous run of a tile."""
    run = 1
    for size, stride in zip(reversed(tile.sizes), reversed(tile.strides), strict=True):
        if stride != run and size != 1:
            break
        run *= size
    return run


def _rows(tile: Tile) -> int:
    """How many contiguous runs a tile has."""
    return tile.elements // run_of(tile)


def _different(starts: Array) -> Array:
    """In rising order."""
    if len(starts) == 1 or bool((starts[1:] > starts[:-1]).all()):
        return starts
    return _distinct(np.sort(starts))


def _distinct(rising: Array) -> Array:
    """Each number once."""
    if len(rising) < 2:
        return rising
    first = np.empty(len(rising), np.bool_)
    first[0] = True
    np.not_equal(rising[1:], rising[:-1], out=first[1:])
    return rising[first]
