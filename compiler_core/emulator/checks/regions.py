"""Regions: the byte ranges that a program's instructions touch, each held once with what it overlaps and what it contains."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from compiler_core.emulator.execution.buffers import Buffer
from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.memory import GlobalBuffer, Memory, Tile


@dataclass(slots=True)
class Space:
    """A memory as regions see it: an on-chip memory of one core, or a global array with those that share its storage."""

    name: str
    local: bool
    lows: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(low, number) of its regions, in order."""
    longest: int = 0


@dataclass(eq=False)
class Region:
    """Bytes [low, high) of a space; where not all of them are touched, `tile` says which."""

    number: int
    space: Space
    low: int
    high: int
    tile: Tile
    name: str
    """What the memory is called."""
    base: int
    """Where the memory begins in its space."""
    buffer: Buffer | None = None
    """The on-chip buffer it was reached through, where that is known."""
    overlapping: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])
    """The regions that share a byte with it, itself included, and whether it contains them."""

    @cached_property
    def whole(self) -> bool:
        """Whether every byte from low to high is touched."""
        return self.high - self.low == self.tile.bytes

    @cached_property
    def runs(self) -> Array:
        """Contiguous byte ranges [low, high), by low."""
        if self.whole or self.tile.packed:
            return np.array([[self.low, self.high]])
        item = self.tile.dtype.itemsize
        run, offsets = self.tile.rows()
        lows = np.sort(offsets) * item
        lows += self.low - lows[0]
        return np.stack([lows, lows + run * item], axis=1)

    def overlaps(self, other: "Region") -> bool:
        if self.high <= other.low or other.high <= self.low:
            return False
        if self.whole and other.whole:
            return True
        few, many = (self.runs, other.runs) if len(self.runs) < len(other.runs) else (other.runs, self.runs)
        after = np.searchsorted(many[:, 0], few[:, 1], side="left")
        return bool((np.maximum.accumulate(many[:, 1])[np.maximum(after - 1, 0)] > few[:, 0])[after > 0].any())

    def contains(self, other: "Region") -> bool:
        if self is other:
            return True
        return self.whole and self.low <= other.low and other.high <= self.high


class Regions:
    """Every region of a run, by number."""

    def __init__(self) -> None:
        self.all: list[Region] = []
        self.found: dict[tuple[object, ...], int] = {}
        self.spaces: dict[tuple[Memory, int], tuple[Space, int]] = {}
        self.arrays: list[tuple[int, int, Space]] = []

    def number(self, tile: Tile, start: int, core: int, buffer: Buffer | None = None) -> int:
        """The region of a tile that starts there: elements of a global array, bytes of an on-chip memory of a core."""
        key = (tile.memory, core if tile.memory.local else 0, start, tile.sizes, tile.strides, tile.packed, tile.dtype, buffer)
        known = self.found.get(key)
        if known is not None:
            return known
        space, base = self.space(tile.memory, core)
        size = 1 if tile.packed or tile.memory.local else tile.dtype.itemsize
        low, high = extent(tile)
        at = base + start * size
        region = Region(len(self.all), space, at + low, at + high, tile, tile.memory.name, base, buffer)
        self._connect(region)
        self.all.append(region)
        self.found[key] = region.number
        return region.number

    def space(self, memory: Memory, core: int) -> tuple[Space, int]:
        """A memory's space, and where the memory begins in it."""
        key = (memory, core if memory.local else 0)
        known = self.spaces.get(key)
        if known is None:
            known = self._array(memory) if isinstance(memory, GlobalBuffer) else (Space(memory.name, True), 0)
            self.spaces[key] = known
        return known

    def _array(self, memory: GlobalBuffer) -> tuple[Space, int]:
        low: int = memory.array.__array_interface__["data"][0]
        high = low + memory.array.nbytes
        for first, last, space in self.arrays:
            if low < last and first < high:
                self.arrays.append((low, high, space))
                return space, low
        space = Space(memory.name, False)
        self.arrays.append((low, high, space))
        return space, low

    def _connect(self, region: Region) -> None:
        """Finds what shares a byte with a new region, among those that begin near enough."""
        space = region.space
        first = bisect_left(space.lows, (region.low - space.longest, -1))
        for low, number in space.lows[first:]:
            if low >= region.high:
                break
            other = self.all[number]
            if region.overlaps(other):
                region.overlapping.append((number, region.contains(other)))
                other.overlapping.append((region.number, other.contains(region)))
        region.overlapping.append((region.number, True))
        insort(space.lows, (region.low, region.number))
        space.longest = max(space.longest, region.high - region.low)


def extent(tile: Tile) -> tuple[int, int]:
    """Lowest and one past the highest byte of a tile relative to its start."""
    low, high = tile.extent()
    if tile.packed:
        return low // 8, -(-high // 8)
    return low * tile.dtype.itemsize, high * tile.dtype.itemsize
