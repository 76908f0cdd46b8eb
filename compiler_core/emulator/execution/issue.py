"""Issuing an instruction: at one place of a program, for all lanes at once or for groups of them.

An `Issuer` is the instruction of one place; it is a dictionary from the numbers that decide its shapes and addresses to what is
ready to run with them. `Bound` is the instruction with all its numbers, for some lanes: arrays are made once, and again only
where a tile in global memory moves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import is_not
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler_core.emulator.checks.overflow import watched
from compiler_core.emulator.execution.lanes import Array, Scalar, is_vector
from compiler_core.emulator.execution.memory import (
    GlobalBuffer,
    Memory,
    OutOfBounds,
    Piece,
    Tile,
    array_of,
    progressions,
    read_bits,
    write_bits,
)

if TYPE_CHECKING:
    from compiler_core.emulator.execution.machine import Machine, Site

Run = Callable[..., Any]
"""Carries out a bound instruction, as often as it is called. Takes the scalar inputs in their order, each a number or an array
shaped to broadcast against the tile.
"""
Bind = Callable[[list[Array | None], list[Array], list[Scalar], int], Run]
"""The first of two stages: inputs (None where a scalar will be given to `Run`), outputs, extras, number of lane axes.

Everything that dtypes, shapes and extras decide is decided here, once; the arrays stay, their contents change. The best `Run`
is a `functools.partial` of a ufunc with its `out`.
"""
Weight = Callable[[Sequence[Tile], Sequence[Scalar]], int]
"""Arithmetic operations of one lane."""


@dataclass(frozen=True, slots=True)
class Field:
    """A number that is known when the instruction is issued: its place in the key."""

    index: int


Number = int | Field


@dataclass(frozen=True, slots=True)
class Operand:
    """A tile as far as translation knows it. `start` is in bytes on the chip; in global memory, `issue` says where it is."""

    memory: Memory
    dtype: np.dtype[Any]
    packed: bool
    start: Number
    sizes: tuple[Number, ...]
    strides: tuple[Number, ...]
    write: bool


@dataclass(frozen=True, slots=True)
class Declared:
    """What an instruction is, wherever it stands. `bind` is None for what computes nothing."""

    inputs: tuple[bool, ...]
    """For each input whether it is a tile; else a number."""
    outputs: int
    bind: Bind | None
    weight: Weight | None


Starts = tuple[Any, ...]
"""For each tile in global memory what varies of its start (a vector, a number, None for nothing), and what lanes share."""


class Issuer(dict[tuple[int, ...], Any]):
    """The instruction of one place. Looking up a key gives what runs it for all lanes: for instructions on the chip the run
    and its code in the log (only the code in a run without data), else a `Bound` to call with starts and scalars.
    """

    def __init__(
        self, machine: "Machine", site: "Site", operands: Sequence[Operand], extras: Sequence[Number], declared: Declared
    ) -> None:
        super().__init__()
        self.machine = machine
        self.site = site
        self.operands = operands
        self.extras = extras
        self.declared = declared
        self.writes = tuple(o.write for o in operands)
        self.outside = tuple(i for i, o in enumerate(operands) if not o.memory.local)
        self.rank = max((len(o.sizes) for o in operands), default=0)
        self.packed = any(o.packed for o in operands)
        self.computes = machine.functional and declared.bind is not None
        self.groups: dict[tuple[tuple[int, ...], int], Bound] = {}

    def __missing__(self, key: tuple[int, ...]) -> Any:
        bound = Bound(self, key, None)
        found: Any = bound
        if not self.outside:
            found = (bound.whole(), bound.code) if self.machine.functional else bound.code
        self[key] = found
        return found

    def forget(self) -> None:
        """Drops what is bound to the arrays of a batch."""
        self.clear()
        self.groups.clear()

    def resolve(self, key: tuple[int, ...]) -> tuple[list[Tile], list[int]]:
        def value(number: Number) -> int:
            return key[number.index] if isinstance(number, Field) else number

        tiles = [
            Tile(o.memory, o.dtype, o.packed, value(o.start), tuple(map(value, o.sizes)), tuple(map(value, o.strides)))
            for o in self.operands
        ]
        return tiles, [value(x) for x in self.extras]

    def spread(self, active: Array | None, fields: tuple[Scalar, ...], starts: Starts, scalars: tuple[Scalar, ...]) -> None:
        """Issues for the active lanes, once for each group of them that agrees on the fields."""
        machine = self.machine
        for lanes, key in machine.agreeing(active, fields):
            machine.only(lanes)
            self.bound(key, lanes).issue(starts, scalars)
        machine.only(active)

    def bound(self, key: tuple[int, ...], lanes: Array | None) -> "Bound":
        found = self.groups.get((key, id(lanes)))
        if found is None or found.lanes is not lanes:
            if len(self.groups) > MOST_GROUPS:
                self.groups.clear()
            found = self.groups[key, id(lanes)] = Bound(self, key, lanes)
        return found


MOST_GROUPS = 256
FAR = 1 << 62
"""Beyond every memory: the reach of a tile without elements."""


@dataclass(slots=True)
class Placed:
    """A piece of the lanes: arrays of the tiles on the chip, and what makes the others' with their shared step."""

    piece: Piece
    arrays: list[Any]
    outside: list[tuple[int, int, tuple[int, ...], np.dtype[Any], Array, int, tuple[int, ...]]]
    """Which tile, whose step, shape, dtype, buffer, byte offset without the step, byte strides."""
    steps: tuple[int, ...] = ()
    run: Run | None = None
    """What is bound to the tiles at these steps."""


class Bound:
    """An instruction with all its numbers, for some lanes (None for all)."""

    __slots__ = ("bases", "code", "count", "extras", "issuer", "lanes", "placed", "reach", "runs", "tiles")

    def __init__(self, issuer: Issuer, key: tuple[int, ...], lanes: Array | None) -> None:
        machine = issuer.machine
        self.issuer = issuer
        self.lanes = lanes
        self.count = machine.count if lanes is None else len(lanes)
        self.tiles, self.extras = issuer.resolve(key)
        for tile in self.tiles:
            if tile.memory.local:
                self._checked(tile)
            else:
                tile.check_size()
        self.code = machine.recorder.ref(issuer.site, self.tiles, issuer.writes, self.extras)
        weight = issuer.declared.weight
        if weight is not None:
            machine.weights[self.code] = weight(self.tiles, self.extras)
        self.bases: tuple[Any, ...] | None = None
        self.reach: list[tuple[int, int, int]] = []
        """For each tile in global memory its first and last element over all lanes, without the step, and the memory's size."""
        self.placed: list[Placed] = []
        self.runs: list[tuple[Piece, Run]] | None = None

    def _checked(self, tile: Tile) -> None:
        try:
            tile.check()
        except OutOfBounds as found:
            found.lane = 0 if self.lanes is None else int(self.lanes[0])
            raise

    def whole(self) -> Run:
        """For instructions on the chip: the run over all lanes; scalar operands come with a column's shape."""
        if not self.issuer.computes:
            return _nothing
        ((_, run),) = self._local_runs()
        return run

    def _local_runs(self) -> list[tuple[Piece, Run]]:
        if self.runs is None:
            self.runs = [
                (piece, self._bind([array_of(t, piece, 0) for t in self.tiles], len(piece.shape)))
                for piece in progressions(self.lanes, (), self.count)
            ]
        return self.runs

    def issue(self, starts: Starts, scalars: tuple[Scalar, ...]) -> None:
        """Logs the instruction, and computes."""
        issuer = self.issuer
        if issuer.outside:
            self(starts, scalars)
            return
        issuer.machine.log(self.code)
        if issuer.computes:
            for piece, run in self._local_runs():
                run(*[self._lanewise(s, piece) for s in scalars])

    def __call__(self, starts: Starts, scalars: tuple[Scalar, ...] = ()) -> None:
        """Moves tiles of global memory: `starts` has two entries for each of them."""
        issuer = self.issuer
        machine = issuer.machine
        bases, steps = starts[::2], starts[1::2]
        held = self.bases
        if held is None or bases[0] is not held[0] or (len(bases) > 1 and any(map(is_not, bases, held))):
            self._place(bases)
        for (low, high, size), step in zip(self.reach, steps, strict=True):
            if low + step < 0 or high + step > size:
                self._outside(bases, steps)
        machine.log(self.code)
        if machine.recorder.enabled:
            for base, step in zip(bases, steps, strict=True):
                machine.starts(step if base is None else self._mine(base) + step)
        if issuer.computes:
            for placed in self.placed:
                run = placed.run
                if run is None or placed.steps != steps:
                    arrays = placed.arrays
                    for i, nth, shape, dtype, buffer, offset, strides in placed.outside:
                        arrays[i] = np.ndarray(shape, dtype, buffer, offset + steps[nth] * dtype.itemsize, strides)
                    run = placed.run = self._bind(arrays, len(placed.piece.shape))
                    placed.steps = steps
                if scalars:
                    run(*[self._lanewise(s, placed.piece) for s in scalars])
                else:
                    run()

    def _mine(self, base: Scalar) -> Scalar:
        return base[self.lanes] if self.lanes is not None and is_vector(base) else base

    def _place(self, bases: tuple[Any, ...]) -> None:
        """Cuts the lanes into pieces over which every base is a progression, and prepares the arrays."""
        self.bases = bases
        cut = self.issuer.machine.cut(self.lanes, bases, self.count)
        self.reach = []
        for i, (least, most) in zip(self.issuer.outside, cut.ranges, strict=True):
            tile = self.tiles[i]
            low, high = tile.extent()
            assert isinstance(tile.memory, GlobalBuffer)
            self.reach.append((least + low, most + high, tile.memory.size) if tile.elements else (FAR, -FAR, FAR))
        if not self.issuer.computes:
            return
        self.placed = []
        for piece in cut.pieces:
            arrays: list[Any] = [array_of(t, piece, 0) if t.memory.local else None for t in self.tiles]
            outside: list[tuple[int, int, tuple[int, ...], np.dtype[Any], Array, int, tuple[int, ...]]] = []
            nth = 0
            for which, (i, base) in enumerate(zip(self.issuer.outside, bases, strict=True)):
                tile = self.tiles[i]
                memory, item = tile.memory, tile.dtype.itemsize
                assert isinstance(memory, GlobalBuffer)
                steps = (0,) * len(piece.shape)
                first = 0 if base is None else base
                if is_vector(base):
                    nth += 1
                    first, steps = piece.first[nth], piece.steps[nth]
                shape = (*piece.shape, *tile.sizes)
                if not tile.elements:
                    arrays[i] = np.zeros(shape, tile.dtype)
                    continue
                strides = tuple(s * item for s in (*steps, *tile.strides))
                outside.append((i, which, shape, tile.dtype, memory.array, first * item, strides))
            self.placed.append(Placed(piece, arrays, outside))

    def _bind(self, arrays: Sequence[Array], axes: int) -> Run:
        issuer = self.issuer
        if issuer.packed:
            return self._bind_bits(list(arrays), axes)
        return self._given(arrays, axes)

    def _given(self, arrays: Sequence[Array], axes: int) -> Run:
        declared = self.issuer.declared
        assert declared.bind is not None
        given: list[Array | None] = []
        at = 0
        for shaped in declared.inputs:
            given.append(arrays[at] if shaped else None)
            at += shaped
        outputs = list(arrays[at : at + declared.outputs])
        run = declared.bind(given, outputs, list(self.extras), axes)
        return watched(self.issuer.site, given, outputs, axes, run) if self.issuer.machine.watched else run

    def _bind_bits(self, arrays: list[Array], axes: int) -> Run:
        """Packed tiles are held as bools, filled before the instruction and packed after it."""
        held = list(arrays)
        before: list[tuple[Tile, Array, Array]] = []
        after: list[tuple[Tile, Array, Array]] = []
        for i, tile in enumerate(self.tiles):
            if tile.packed:
                held[i] = np.zeros((*arrays[i].shape[:axes], *tile.sizes), np.bool_)
                (after if self.issuer.writes[i] else before).append((tile, arrays[i], held[i]))
        run = self._given(held, axes)

        def on_bits(*scalars: Scalar) -> None:
            for tile, packed, bools in before:
                bools[...] = read_bits(packed, tile.sizes, axes)
            run(*scalars)
            for _, packed, bools in after:
                write_bits(packed, bools, axes)

        return on_bits

    def _lanewise(self, value: Scalar, piece: Piece) -> Scalar:
        """A scalar operand shaped to broadcast against the tiles of a piece."""
        if not is_vector(value):
            return value
        mine: Array = value if self.lanes is None else value[self.lanes]
        return mine[piece.low : piece.low + piece.lanes].reshape(*piece.shape, *(1,) * self.issuer.rank)

    def _outside(self, bases: tuple[Any, ...], steps: tuple[int, ...]) -> None:
        """Raises OutOfBounds with the lane that reaches farthest."""
        for i, base, step, (first, last, size) in zip(self.issuer.outside, bases, steps, self.reach, strict=True):
            if first + step >= 0 and last + step <= size:
                continue
            starts = np.atleast_1d(self._mine(base) if base is not None else np.int64(0))
            lane = int(np.argmax(starts) if last + step > size else np.argmin(starts))
            if self.lanes is not None:
                lane = int(self.lanes[min(lane, len(self.lanes) - 1)])
            raise OutOfBounds(self.tiles[i].memory, first + step, last + step, size, lane)


def _nothing(*scalars: Scalar) -> None:
    """Runs nothing: flags, and instructions of which only time matters."""
