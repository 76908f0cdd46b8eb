"""The log of a run: what every block did, instruction by instruction, and which blocks did the same.

Whoever executes a program writes it; time and hazards read it. `ref` interns an instruction as it was issued: site, on-chip
addresses, sizes, extras; tiles in global memory without their start. For each batch of blocks there are then three plain lists:

- `log`: refs in issue order, and `-(loop + 1)` where a turn of loop number `loop` begins;
- `starts`: where each global tile of each logged instruction starts, in order, in elements: an int, or a vector with one entry
  for each active lane;
- `lanes`: `(position in log, lanes)` from which on only these lanes of the batch are active, in rising order; None for all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from compiler_core.emulator.clock.cache import L2, Lines
from compiler_core.emulator.execution.lanes import Array, Scalar, is_vector
from compiler_core.emulator.execution.memory import GlobalBuffer, Tile

if TYPE_CHECKING:
    from compiler_core.emulator.execution.machine import Site

HASH = np.uint64(6364136223846793005)


@dataclass(slots=True, eq=False)
class Entry:
    """An instruction as it was issued. Tiles in global memory start at 0; where they really start is in the log."""

    site: "Site"
    tiles: tuple[tuple[Tile, bool], ...]
    """Each with whether it is written."""
    extras: tuple[Scalar, ...]
    outside: tuple[int, ...]
    """Which tiles lie in global memory."""
    streamed: bool
    """Whether L2 is asked not to keep what it moves."""


class Variant(NamedTuple):
    """An entry with what L2 found for each of its tiles: what its cost depends on."""

    entry: Entry
    lines: tuple[Lines | None, ...]


class Moved(NamedTuple):
    """A tile that an entry moves from or to global memory: its place among the entry's starts and among its tiles."""

    place: int
    tile: int
    held: Tile
    memory: GlobalBuffer
    keep: bool
    """Whether L2 keeps it."""
    write: bool


class Issued(NamedTuple):
    """An entry of one block, with the starts of its global tiles."""

    entry: Entry
    starts: tuple[int, ...]

    def start(self, tile: int) -> int:
        """Where a tile starts: elements of a global buffer, bytes on the chip."""
        entry = self.entry
        if tile in entry.outside:
            return self.starts[entry.outside.index(tile)]
        return int(entry.tiles[tile][0].start)


@dataclass(slots=True, eq=False)
class PathClass:
    """Blocks that ran the same instructions and found the same in L2.

    `codes` are numbers of the recorder's `variants`, and turn marks below zero; `blocks` are block numbers.
    """

    codes: Array
    blocks: Array
    key: bytes
    recorder: "Recorder"
    lane: int
    """The lane that stands for them."""
    positions: Array | None
    """Places in the log; None for all of it."""

    def issued(self) -> Iterator[Issued]:
        """The instructions of the lane that stands for the class, without turn marks."""
        return self.recorder.issued(self)


Starts = int | Array


class Recorder:
    """Collects a batch's log, runs L2 over its transfers, and splits the batch into classes of blocks with equal paths."""

    def __init__(self, l2: L2, enabled: bool) -> None:
        self.l2 = l2
        self.enabled = enabled
        self.count = 0
        self.log: list[int] = []
        self.starts: list[Starts] = []
        self.lanes: list[tuple[int, Array | None]] = []
        self.entries: list[Entry] = []
        self.variants: list[Variant] = []
        self._refs: dict[tuple[object, ...], int] = {}
        self._plain: list[int] = []
        """By ref, the variant of an entry without global tiles; −1 for the others."""
        self._found: dict[tuple[object, ...], int] = {}

    def begin(self, count: int) -> None:
        """A new batch of so many lanes. The lists are new objects: whoever bound their methods binds them again."""
        self.count = count
        self.log, self.starts, self.lanes = [], [], []

    def ref(self, site: "Site", tiles: Sequence[Tile], writes: Sequence[bool], extras: Sequence[Scalar]) -> int:
        """The number of an instruction as issued; the same for an equal one. Starts of global tiles are ignored."""
        key = (
            site,
            tuple((t.memory, t.dtype, t.packed, t.sizes, t.strides, t.start if t.memory.local else None) for t in tiles),
            tuple(extras),
        )
        found = self._refs.get(key)
        if found is None:
            found = self._refs[key] = len(self.entries)
            held = tuple((t if t.memory.local else _at_zero(t), bool(w)) for t, w in zip(tiles, writes, strict=True))
            outside = tuple(i for i, t in enumerate(tiles) if not t.memory.local)
            streamed = "EvictFirst" in str(site.op.attributes.get("eviction_policy", ""))
            entry = Entry(site, held, tuple(extras), outside, streamed)
            self.entries.append(entry)
            self._plain.append(-1 if outside else self._variant(found, (None,) * len(held)))
        return found

    def finish(self, first: int) -> Iterator[PathClass]:
        """The classes of the batch that starts at block `first`."""
        codes = self._codes()
        if not any(lanes is not None for _, lanes in self.lanes):
            yield PathClass(codes, np.arange(first, first + self.count), codes.tobytes(), self, 0, None)
            return
        segments = self._segments()
        hashes = np.zeros(self.count, np.uint64)
        with np.errstate(over="ignore"):
            for number, (_, _, lanes) in enumerate(segments):
                if lanes is not None:
                    hashes[lanes] = hashes[lanes] * HASH + np.uint64(number + 1)
        _, representatives, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        for number, lane in enumerate(representatives.tolist()):
            mine = [np.arange(low, high) for low, high, lanes in segments if lanes is None or lane in lanes]
            positions = np.concatenate(mine) if mine else np.zeros(0, np.int64)
            blocks = first + np.nonzero(inverse.reshape(-1) == number)[0]
            path = codes[positions]
            yield PathClass(path, blocks, path.tobytes(), self, lane, positions)

    def issued(self, path: PathClass) -> Iterator[Issued]:
        entries, starts = self.entries, self.starts
        segments = iter([*self._segments(), (len(self.log), len(self.log) + 1, None)])
        wanted = None if path.positions is None else set(path.positions.tolist())
        high, place, at = 0, path.lane, 0
        for position, code in enumerate(self.log):
            if code < 0:
                continue
            while position >= high:
                _, high, lanes = next(segments)
                place = path.lane if lanes is None else int(np.searchsorted(lanes, path.lane))
            entry = entries[code]
            after = at + len(entry.outside)
            if wanted is None or position in wanted:
                yield Issued(entry, tuple([int(s[place] if is_vector(s) else s) for s in starts[at:after]]))
            at = after

    def _segments(self) -> list[tuple[int, int, Array | None]]:
        """Stretches of the log with the lanes that ran them."""
        marks = [(0, None), *self.lanes, (len(self.log), None)]
        return [(low, high, lanes) for (low, lanes), (high, _) in pairwise(marks) if high > low]

    def _codes(self) -> Array:
        """The log with variants in place of refs: L2 runs over every transfer, in order."""
        log = np.array(self.log, np.int64)
        codes = np.where(log < 0, log, np.array([*self._plain, 0], np.int64)[np.maximum(log, -1)])
        positions = np.nonzero((log >= 0) & (codes < 0))[0]
        found: list[int] = []
        moves: dict[int, tuple[int, list[Moved]]] = {}
        starts, touch, variants = self.starts, self.l2.touch, self._found
        for _, ref, active, at in self._transfers(positions):
            tiles, moved = moves.get(ref) or moves.setdefault(ref, self._moved(ref))
            lines: list[Lines | None] = [None] * tiles
            for place, tile, held, memory, keep, write in moved:
                lines[tile] = touch(memory, held, starts[at + place], active, keep=keep, write=write)
            key = (ref, tuple(lines))
            number = variants.get(key)
            found.append(self._variant(*key) if number is None else number)
        codes[positions] = found
        return codes

    def bring_stores(self) -> None:
        """L2 takes what the batch stores: before `finish`, where another core of a block reads it."""
        places = [p for p, ref in enumerate(self.log) if ref >= 0 and self.entries[ref].outside]
        for _, ref, active, at in self._transfers(np.array(places, np.int64)):
            for place, _, held, memory, keep, write in self._moved(ref)[1]:
                if write:
                    self.l2.touch(memory, held, self.starts[at + place], active, keep=keep, write=True)

    def _transfers(self, positions: Array) -> Iterator[tuple[int, int, int, int]]:
        """For each place in the log that moves data outside: place, ref, active lanes, and its first place in `starts`."""
        segments = iter(self._segments())
        high, active, at = 0, self.count, 0
        places: list[int] = positions.tolist()
        for position in places:
            while position >= high:
                _, high, lanes = next(segments)
                active = self.count if lanes is None else len(lanes)
            ref = self.log[position]
            yield position, ref, active, at
            at += len(self.entries[ref].outside)

    def _moved(self, ref: int) -> tuple[int, list[Moved]]:
        """How many tiles an entry has, and those that move something outside."""
        entry = self.entries[ref]
        found: list[Moved] = []
        for place, tile in enumerate(entry.outside):
            held, write = entry.tiles[tile]
            if held.elements and isinstance(held.memory, GlobalBuffer):
                found.append(Moved(place, tile, held, held.memory, not entry.streamed, write))
        return len(entry.tiles), found

    def _variant(self, ref: int, lines: tuple[Lines | None, ...]) -> int:
        found = self._found.get((ref, lines))
        if found is None:
            found = self._found[ref, lines] = len(self.variants)
            self.variants.append(Variant(self.entries[ref], lines))
        return found


def _at_zero(tile: Tile) -> Tile:
    return Tile(tile.memory, tile.dtype, tile.packed, 0, tile.sizes, tile.strides)
