"""Memories and views: global buffers, the on-chip memories of a batch of blocks, and the numpy arrays that a view of them is.

A tile has one shape and one on-chip address for all its lanes; where it starts in global memory may differ. `progressions`
factors those offsets, so that a tile over many lanes is one strided numpy view.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from compiler_core.emulator.execution.lanes import Array, Scalar

ALIGNMENT = 32
"""Bytes to which UB and L1 addresses must be aligned. Source: Ascend C's documented alignment of local memories."""


MAX_ELEMENTS = 1 << 24
"""Elements of one tile: more than any on-chip memory holds, few enough to enumerate."""


class OutOfBounds(Exception):
    """A tile reaches outside its memory. Offsets are elements of a global buffer, or bytes of an on-chip memory."""

    def __init__(self, memory: "Memory", low: int, high: int, limit: int, lane: int) -> None:
        super().__init__(f"{memory.name}: {low} to {high} of {limit}")
        self.memory = memory
        self.low = low
        self.high = high
        self.limit = limit
        self.lane = lane


class Unsupported(Exception):
    """A use of memory this emulator has no model for; the text says which."""


class GlobalBuffer:
    """One array in global memory, flat; kernels read and write it in place."""

    local = False

    def __init__(self, index: int, name: str, array: Array) -> None:
        self.index = index
        self.name = name
        self.array = array
        self.size = array.size
        self.views: dict[np.dtype[Any], GlobalBuffer] = {}

    def seen_as(self, dtype: np.dtype[Any]) -> "GlobalBuffer":
        """The same bytes as elements of another type."""
        if dtype == self.array.dtype:
            return self
        found = self.views.get(dtype)
        if found is None:
            whole = self.array.nbytes // dtype.itemsize * dtype.itemsize
            found = self.views[dtype] = GlobalBuffer(self.index, self.name, self.array.view(np.uint8)[:whole].view(dtype))
        return found


class LocalMemory:
    """UB, L1 or L0C of every lane of a batch.

    Bytes are held as one [lane, bytes] array for each group of overlapping buffers, so that tiles of several lanes lie close
    together.
    """

    local = True

    def __init__(self, name: str, capacity: int, buffers: Sequence[tuple[int, int]]) -> None:
        self.name = name
        self.capacity = capacity
        self.intervals = _merge(buffers)
        self.starts = [low for low, _ in self.intervals]
        self.peak = 0
        self.arrays: list[Array] = []

    @property
    def bytes_per_lane(self) -> int:
        return sum(_padded(high - low) for low, high in self.intervals)

    def allocate(self, lanes: int) -> None:
        """Zeros for so many lanes; the arrays of a batch of as many stay, because instructions are bound to them."""
        if self.arrays and len(self.arrays[0]) == lanes:
            for array in self.arrays:
                array.fill(0)
        else:
            self.arrays = [np.zeros((lanes, _padded(high - low)), np.uint8) for low, high in self.intervals]

    def locate(self, start: int) -> tuple[Array, int]:
        """The array that holds a byte address, and the address inside it."""
        i = bisect_right(self.starts, start) - 1
        return self.arrays[i], start - self.starts[i]


Memory = GlobalBuffer | LocalMemory


def _padded(size: int) -> int:
    """Room for one 64-byte line more, so that lanes do not all fall on the same cache set."""
    return -(-size // 64) * 64 + 64


def _merge(buffers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(buffers):
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


@dataclass(slots=True)
class Tile:
    """A view with one shape for all its lanes. `start` is a vector only in global memory."""

    memory: Memory
    dtype: np.dtype[Any]
    packed: bool
    start: Scalar
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def elements(self) -> int:
        return prod(self.sizes)

    @property
    def bytes(self) -> int:
        return -(-self.elements // 8) if self.packed else self.elements * self.dtype.itemsize

    def extent(self) -> tuple[int, int]:
        """Lowest and one past the highest element relative to the start."""
        low = high = 0
        for size, stride in zip(self.sizes, self.strides, strict=True):
            reach = (size - 1) * stride
            if reach < 0:
                low += reach
            else:
                high += reach
        return low, high + 1

    def rows(self) -> tuple[int, Array]:
        """Elements of one contiguous run, and the run's offsets in elements."""
        run = 1
        outer = list(zip(self.sizes, self.strides, strict=True))
        while outer and (outer[-1][1] == run or outer[-1][0] == 1):
            run *= outer.pop()[0]
        offsets = np.zeros(1, np.int64)
        for size, stride in outer:
            offsets = (offsets[:, None] + np.arange(size, dtype=np.int64) * stride).reshape(-1)
        return run, offsets

    def check_size(self) -> None:
        """Raises Unsupported where no tile can be that large."""
        elements = self.elements
        if elements and (min(self.sizes, default=1) < 0 or elements > MAX_ELEMENTS):
            raise Unsupported(f"a tile of size {' x '.join(map(str, self.sizes))}")

    def check(self) -> None:
        """Raises OutOfBounds where the tile reaches outside its memory, Unsupported where no tile can be that large."""
        if not self.elements:
            return
        self.check_size()
        low, high = self.extent()
        memory = self.memory
        if isinstance(memory, GlobalBuffer):
            first, last, limit = np.min(self.start) + low, np.max(self.start) + high, memory.size
            lane = int(np.argmax(self.start) if last > limit else np.argmin(self.start))
        else:
            item = self.dtype.itemsize
            first = self.start + (low // 8 if self.packed else low * item)
            last, limit, lane = self.start + (-(-high // 8) if self.packed else high * item), memory.capacity, 0
            memory.peak = max(memory.peak, last)
        if first < 0 or last > limit:
            raise OutOfBounds(memory, int(first), int(last), limit, lane)


@dataclass(slots=True)
class Piece:
    """Lanes in one or two nested arithmetic progressions: `first` and `steps` for the lane number, then for each vector
    start.
    """

    low: int
    shape: tuple[int, ...]
    first: list[int]
    steps: list[tuple[int, ...]]

    @property
    def lanes(self) -> int:
        return prod(self.shape)


def progressions(lanes: Array | None, vectors: Sequence[Array], count: int) -> Iterator[Piece]:
    """Cuts lanes into pieces in which the lane number and every vector are nested arithmetic progressions."""
    if lanes is None and not vectors:
        yield Piece(0, (count,), [0], [(1,)])
        return
    table = np.stack([np.arange(count) if lanes is None else lanes, *vectors])
    low = 0
    while low < count:
        piece = _piece(table, low, count)
        yield piece
        low += piece.lanes


def _piece(table: Array, low: int, count: int) -> Piece:
    """The longest piece that starts at `low`: one progression, or equal progressions that repeat at a constant distance."""
    first = [int(x) for x in table[:, low]]
    if low == count - 1:
        return Piece(low, (1,), first, [(0,)] * len(first))
    steps = table[:, low + 1 :] - table[:, low:-1]
    breaks = np.nonzero((steps != steps[:, :1]).any(axis=0))[0]
    inner = [int(x) for x in steps[:, 0]]
    if not len(breaks):
        return Piece(low, (count - low,), first, [(x,) for x in inner])
    run = int(breaks[0]) + 1
    rest = count - low
    if rest % run == 0 and run > 1:
        outer = [int(x) for x in table[:, low + run] - table[:, low]]
        rows, columns = np.arange(rest // run)[:, None], np.arange(run)[None, :]
        expected = np.stack([f + rows * o + columns * i for f, o, i in zip(first, outer, inner, strict=True)])
        if bool((expected.reshape(len(first), rest) == table[:, low:]).all()):
            return Piece(low, (rest // run, run), first, list(zip(outer, inner, strict=True)))
    return Piece(low, (run,), first, [(x,) for x in inner])


def array_of(tile: Tile, piece: Piece, nth: int) -> Array:
    """The numpy array of a tile over a piece's lanes; `nth` is the place of its start among the piece's vectors, 0 for none."""
    item = tile.dtype.itemsize
    memory = tile.memory
    if isinstance(memory, GlobalBuffer):
        buffer = memory.array
        offset = (piece.first[nth] if nth else int(tile.start)) * item
        lane_strides = tuple(s * item for s in piece.steps[nth]) if nth else (0,) * len(piece.shape)
    else:
        buffer, offset = memory.locate(tile.start)
        lane = buffer.shape[1]
        offset += piece.first[0] * lane
        lane_strides = tuple(s * lane for s in piece.steps[0])
        if tile.packed:
            return _packed_bytes(tile, buffer, offset, piece, lane_strides)
    if not tile.elements:
        return np.zeros((*piece.shape, *tile.sizes), tile.dtype)
    strides = (*lane_strides, *(s * item for s in tile.strides))
    return np.ndarray((*piece.shape, *tile.sizes), tile.dtype, buffer, offset, strides)


def _packed_bytes(tile: Tile, buffer: Array, offset: int, piece: Piece, lane_strides: tuple[int, ...]) -> Array:
    """The bytes that hold a tile of bits: the last dimension counts bytes."""
    sizes, strides = list(tile.sizes), list(tile.strides)
    while len(sizes) > 1 and (strides[-2] == strides[-1] * sizes[-1] or sizes[-2] == 1):
        last = sizes.pop()
        strides.pop(-2)
        sizes[-1] *= last
    if sizes and (strides[-1] != 1 and sizes[-1] != 1):
        raise Unsupported("bits that are not next to each other")
    if any(s % 8 for s in strides[:-1]):
        raise Unsupported("rows of bits that do not start at a byte")
    shape = (*piece.shape, *sizes[:-1], -(-sizes[-1] // 8))
    return np.ndarray(shape, np.uint8, buffer, offset, (*lane_strides, *(s // 8 for s in strides[:-1]), 1))


def read_bits(array: Array, sizes: tuple[int, ...], lanes: int) -> Array:
    """The bits of a packed tile's bytes as bools [lanes…, *sizes]; `lanes` is the number of leading lane axes."""
    bits = np.unpackbits(array, axis=-1, bitorder="little")
    shape = array.shape[:lanes]
    inner = prod(sizes) // max(1, prod(array.shape[lanes:-1]))
    return bits[..., :inner].reshape(*shape, *sizes).view(np.bool_)


def write_bits(array: Array, values: Array, lanes: int) -> None:
    """Packs bools [lanes…, *sizes] into a packed tile's bytes."""
    flat = values.reshape(*array.shape[:-1], -1) if values.size else values
    array[...] = np.packbits(flat, axis=-1, bitorder="little")
