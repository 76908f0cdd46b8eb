"""What a run did, instruction by instruction, and which blocks did the same: the raw material of time and hazards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from compiler_core.emulator.cache import L2, Lines
from compiler_core.emulator.lanes import Array, Scalar, is_vector
from compiler_core.emulator.memory import GlobalBuffer, Group, Tile

if TYPE_CHECKING:
    from compiler_core.emulator.machine import Site


@dataclass(slots=True, eq=False)
class Entry:
    """An instruction as a group of lanes issued it. `lanes` is a mask over the batch; None for all of it."""

    site: "Site"
    lanes: Array | None
    tiles: tuple[tuple[Tile, bool], ...]
    """Each with whether it is written."""
    extras: tuple[Scalar, ...]
    lines: tuple[Lines | None, ...]
    """For each tile in global memory, the L2 lines it touched."""
    key: tuple[object, ...]
    """Two entries with equal keys cost the same and touch the same on-chip bytes."""
    place: Array | None
    """Position of each lane of the batch among the lanes of the group; None where they are all of it."""

    def start(self, tile: Tile, lane: int) -> int:
        """Where a tile starts for one lane: elements of a global buffer, bytes on the chip."""
        if not is_vector(tile.start):
            return int(tile.start)
        return int(tile.start[lane if self.place is None else self.place[lane]])


@dataclass(slots=True, eq=False)
class PathClass:
    """Blocks that ran the same instructions. `blocks` are block numbers; `lane` is the one that stands for them."""

    entries: list[Entry]
    key: tuple[tuple[object, ...], ...]
    blocks: Array
    lane: int


class Recorder:
    """Collects a batch's entries, and splits the batch into classes of blocks with equal paths."""

    def __init__(self, l2: L2, enabled: bool) -> None:
        self.l2 = l2
        self.enabled = enabled
        self.entries: list[Entry] = []
        self.traffic: dict[str, int] = {}
        self.count = 0
        self.last: tuple[Array | None, Array | None, Array | None] = (None, None, None)

    def begin(self, count: int) -> None:
        self.entries = []
        self.count = count
        self.last = (None, None, None)

    def add(self, site: "Site", group: Group, writes: Sequence[bool]) -> None:
        lines = tuple(self._lines(t, group, w) for t, w in zip(group.tiles, writes, strict=True))
        if not self.enabled:
            return
        mask, place = self._places(group.lanes)
        tiles = tuple(zip(group.tiles, writes, strict=True))
        key = (
            site.index,
            tuple((t.sizes, t.strides, t.start if t.memory.local else None) for t in group.tiles),
            tuple(group.extras),
            lines,
        )
        self.entries.append(Entry(site, mask, tiles, tuple(group.extras), lines, key, place))

    def _places(self, lanes: Array | None) -> tuple[Array | None, Array | None]:
        """Lanes as an entry holds them. Instructions that follow each other share the array, so the last one is kept."""
        if lanes is None or len(lanes) >= self.count:
            return None, None
        if lanes is not self.last[0]:
            mask = np.zeros(self.count, np.bool_)
            mask[lanes] = True
            place = np.zeros(self.count, np.int64)
            place[lanes] = np.arange(len(lanes))
            self.last = (lanes, mask, place)
        return self.last[1:]

    def _lines(self, tile: Tile, group: Group, write: bool) -> Lines | None:
        memory = tile.memory
        if not self.enabled or not isinstance(memory, GlobalBuffer) or not tile.elements:
            return None
        return self.l2.touch(memory, tile, group.count)

    def classes(self, first: int) -> Iterator[PathClass]:
        """The classes of the batch that starts at block `first`."""
        hashes = np.zeros(self.count, np.uint64)
        with np.errstate(over="ignore"):
            for i, entry in enumerate(self.entries):
                if entry.lanes is not None:
                    hashes[entry.lanes] = hashes[entry.lanes] * np.uint64(6364136223846793005) + np.uint64(i + 1)
        _, representatives, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        for number, lane in enumerate(representatives):
            entries = [e for e in self.entries if e.lanes is None or e.lanes[lane]]
            blocks = first + np.nonzero(inverse.reshape(-1) == number)[0]
            yield PathClass(entries, tuple(e.key for e in entries), blocks, int(lane))
