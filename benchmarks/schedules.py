"""Programs with a given schedule, for comparing emulated times with published ones: sums, copies and matrix products.

Each function takes the parameters a publication gives (split over cores, tile, buffering, order) and makes the hivm program
that runs so. They are for timing only: buffers are reused without waiting where the published program does not wait either.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.chips import Chip
from compiler_core.dialects import arith, hivm, index_math, scf
from compiler_core.dialects import memref as mem
from compiler_core.dialects.builtin import function
from compiler_core.dialects.hivm import block_shape
from compiler_core.dialects.indices import Mixed
from compiler_core.emulator import Result, run
from compiler_core.ir import Attribute, Builder, IntegerAttr, Location, Op, RawAttr, UnitAttr, Value, module, single_block
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import DYNAMIC, MemRefType, Type, f16, f32, i32, i64, index

STREAMED: dict[str, Attribute] = {"eviction_policy": RawAttr("#hivm.eviction_policy<EvictFirst>")}
"""On a load: L2 does not keep what it reads."""
UB_BYTES = 32
"""Rows in UB start at multiples of this."""


@dataclass(frozen=True)
class Program:
    """A module with what it is launched on: shapes of its arguments (nothing is computed) and blocks."""

    module: Op
    arguments: tuple[Any, ...]
    blocks: int

    def time(self, chip: Chip) -> Result:
        return run(self.module, None, self.arguments, (self.blocks, 1, 1), chip, functional=False, hazards=False)


class Schedule:
    """A program under construction. Numbers are ints or values of type index; arithmetic on ints folds."""

    def __init__(self, core: Literal["AIV", "AIC"], arguments: dict[str, Type], mixed: bool = False) -> None:
        types = [MemRefType((DYNAMIC,), element, None, "gm") for element in arguments.values()]
        name = f"kernel_mix_{core.lower()}" if mixed else "kernel"
        self.function = function(name, [*types, i32, i32, i32], names=[*arguments, "grid_x", "grid_y", "grid_z"])
        self.function.attributes["hivm.func_core_type"] = RawAttr(f"#hivm.func_core_type<{core}>")
        if mixed:
            self.function.attributes["hivm.part_of_mix"] = UnitAttr()
        self.arguments = dict(zip(arguments, self.function.body.arguments, strict=False))
        self.builder = Builder.at_end(self.function.body)
        self.builder.location = (Location("schedule", 1),)
        self.block = self.builder.value("arith.index_cast", [hivm.get_block_index(self.builder)], index, hint="block")

    def program(self, shapes: Sequence[tuple[int, Type]], blocks: int, *others: "Schedule") -> Program:
        """Ends the program. `shapes`: elements and type of each argument; `others`: what the other cores of a block run."""
        for schedule in (self, *others):
            hivm.pipe_barrier(schedule.builder, "PIPE_ALL")
            schedule.builder.op("func.return")
        arguments = tuple(np.empty(elements, dtype_of(element)) for elements, element in shapes)
        return Program(module([s.function for s in (self, *others)]), arguments, blocks)

    # Numbers

    def plus(self, *terms: Mixed) -> Mixed:
        total: Mixed = 0
        for term in terms:
            total = index_math.add(self.builder, total, term)
        return total

    def times(self, a: Mixed, b: Mixed) -> Mixed:
        return index_math.multiply(self.builder, a, b)

    def rest(self, whole: Mixed, used: Mixed, most: int) -> Mixed:
        """What is left of `whole` after `used`, at most `most`."""
        return index_math.smaller(self.builder, index_math.subtract(self.builder, whole, used), most)

    def turns(self, whole: Mixed, step: int) -> Mixed:
        return index_math.quotient_up(self.builder, whole, step)

    def quotient(self, a: Mixed, b: int) -> Mixed:
        return index_math.quotient(self.builder, a, b)

    def remainder(self, a: Mixed, b: int) -> Mixed:
        return index_math.remainder(self.builder, a, b)

    def is_less(self, a: Mixed, b: Mixed) -> Value:
        return arith.compare(self.builder, "slt", self.value(a), self.value(b))

    def value(self, number: Mixed) -> Value:
        return index_math.as_value(self.builder, number)

    # Control

    @contextmanager
    def loop(self, count: Mixed) -> Iterator[Value]:
        """A loop whose body is what is built inside the context; gives its index."""
        made = scf.for_loop(self.builder, self.value(0), self.value(count), self.value(1))
        with self._inside(made.body):
            yield made.body.arguments[0]

    @contextmanager
    def when(self, condition: Value | None) -> Iterator[None]:
        """A branch; None is always."""
        if condition is None:
            yield
            return
        regions = [single_block(), single_block()]
        self.builder.op("scf.if", [condition], regions=regions)
        Builder.at_end(regions[1].blocks[0]).op("scf.yield")
        with self._inside(regions[0].blocks[0]):
            yield

    @contextmanager
    def _inside(self, block: Any) -> Iterator[None]:
        outer = self.builder
        self.builder = Builder.at_end(block)
        self.builder.location = outer.location
        yield
        self.builder.op("scf.yield")
        self.builder = outer

    # Memory and instructions

    def buffer(self, address: Mixed, shape: Sequence[int], element: Type, space: str = "ub") -> Value:
        place = (
            arith.constant(self.builder, address, i64)
            if isinstance(address, int)
            else self.builder.value("arith.index_cast", [address], i64)
        )
        return hivm.pointer_cast(self.builder, place, MemRefType(tuple(shape), element, None, space))

    def alternating(self, turn: Mixed, buffers: int, first: int, step: int) -> Mixed:
        """Address of the buffer a turn uses."""
        return first if buffers == 1 else self.plus(first, self.times(self.remainder(turn, buffers), step))

    def cut(self, buffer: Value, sizes: Sequence[Mixed], at: Sequence[Mixed] = ()) -> Value:
        """A part of a buffer; the whole of it where the sizes say so."""
        assert isinstance(buffer.type, MemRefType)
        if tuple(sizes) == buffer.type.shape:
            return buffer
        return mem.subview(self.builder, buffer, list(at) or [0] * len(sizes), sizes)

    def part(self, name: str, offset: Mixed, sizes: Sequence[Mixed], strides: Sequence[Mixed]) -> Value:
        """A tile of an argument."""
        return mem.reinterpret_cast(self.builder, self.arguments[name], offset, sizes, strides)

    def move(self, name: str, source: Value, target: Value, attributes: dict[str, Attribute] | None = None) -> None:
        hivm.instruction(self.builder, name, [[source], [target]], attributes)

    def set(self, pipes: str, event: Mixed = 0) -> None:
        first, second = pipes.split(">")
        hivm.set_flag(self.builder, f"PIPE_{first}", f"PIPE_{second}", self._event(event))

    def wait(self, pipes: str, event: Mixed = 0) -> None:
        first, second = pipes.split(">")
        hivm.wait_flag(self.builder, f"PIPE_{first}", f"PIPE_{second}", self._event(event))

    def then(self, pipes: str, event: Mixed = 0) -> None:
        """The second pipe goes on when the first has come here."""
        self.set(pipes, event)
        self.wait(pipes, event)

    def post(self, pipe: str) -> None:
        """Tells the other cores of the block, when the pipe has come here."""
        self._between_cores("set", "CUBE", pipe)

    def expect(self, pipe: str) -> None:
        """Goes on when the other cores have told so."""
        self._between_cores("wait", "VECTOR", pipe)

    def _between_cores(self, what: str, core: str, pipe: str) -> None:
        attributes: dict[str, Attribute] = {
            "tcore_type": RawAttr(f"#hivm.tcore_type<{core}>"),
            "tpipe": hivm.pipe_attribute(f"PIPE_{pipe}"),
            "pipe": hivm.pipe_attribute("PIPE_S"),
            "static_flag_id": IntegerAttr(0, i64),
        }
        groups = [[], []] if what == "set" else [[]]
        hivm.instruction(self.builder, f"sync_block_{what}", groups, attributes)

    def _event(self, event: Mixed) -> int | Value:
        return event if isinstance(event, int) else self.builder.value("arith.index_cast", [event], i64)


def spread(schedule: Schedule, whole: int, parts: int) -> tuple[Mixed, Mixed]:
    """First and number of this block's share of `whole` things; the first blocks have one more."""
    least, more = divmod(whole, parts)
    if not more:
        return schedule.times(schedule.block, least), least
    extra = index_math.smaller(schedule.builder, schedule.block, more)
    count = index_math.choose(schedule.builder, schedule.is_less(schedule.block, more), least + 1, least)
    return schedule.plus(schedule.times(schedule.block, least), extra), count


def add(
    rows: int,
    columns: int,
    cores: int,
    elements: int,
    places: Sequence[Sequence[int]],
    element: Type = f16,
    streamed: bool = False,
) -> Program:
    """z = x + y, whole rows dealt to cores, `elements` a transfer.

    `places`: UB addresses of x, y, z for each buffer set; `streamed`: x and y are not kept in L2.
    """
    s = Schedule("AIV", {"x": element, "y": element, "z": element})
    buffers = len(places)
    first, count = spread(s, rows, cores)
    start, whole = s.times(first, columns), s.times(count, columns)
    attributes = STREAMED if streamed else None
    for event in range(buffers):
        s.set("V>MTE2", event)
        s.set("MTE3>V", event)
    with s.loop(s.turns(whole, elements)) as turn:
        event = 0 if buffers == 1 else s.remainder(turn, buffers)
        at = s.times(turn, elements)
        size = s.rest(whole, at, elements)
        step = [places[-1][i] - places[0][i] for i in range(3)]
        x, y, z = (
            s.cut(s.buffer(s.alternating(turn, buffers, places[0][i], step[i]), [elements], element), [size]) for i in range(3)
        )
        offset = s.plus(start, at)
        s.wait("V>MTE2", event)
        s.move("load", s.part("x", offset, [size], [1]), x, attributes)
        s.move("load", s.part("y", offset, [size], [1]), y, attributes)
        s.then("MTE2>V", event)
        s.wait("MTE3>V", event)
        hivm.vector(s.builder, "vadd", [x, y], z)
        s.set("V>MTE2", event)
        s.then("V>MTE3", event)
        s.move("store", z, s.part("z", offset, [size], [1]))
        s.set("MTE3>V", event)
    for event in range(buffers):
        s.wait("V>MTE2", event)
        s.wait("MTE3>V", event)
    return s.program([(rows * columns, element)] * 3, cores)


def copy(
    to: Literal["UB", "L1"],
    rows: int,
    columns: int,
    cores: int,
    tile: tuple[int, int],
    times: int = 1,
    slices: int = 1,
) -> Program:
    """Reads an fp16 matrix into one buffer on the chip, transfer after transfer without waiting; to L1 with ND → NZ.

    Each core reads `rows / cores` rows in tiles, row of tiles after row of tiles. With `slices`, the columns are cut and each
    slice is read `times` times in a row.
    """
    s = _copying(to)
    mine, height, width = rows // cores, *tile
    first = s.times(s.block, mine)
    span = columns // slices
    with s.loop(slices) as part, s.loop(times), s.loop(mine // height) as i:
        row = s.plus(first, s.times(i, height))
        with s.loop(s.turns(span, width)) as j:
            column = s.times(j, width)
            size = width if span % width == 0 else s.rest(span, column, width)
            at = s.plus(s.times(row, columns), s.times(part, span), column)
            _read_tile(s, to, at, columns, tile, size)
    return s.program([(rows * columns, f16)], cores)


def copy_all(to: Literal["UB", "L1"], rows: int, columns: int, cores: int, tile: tuple[int, int], staggered: bool) -> Program:
    """Every core reads the whole fp16 matrix past L2, in as many blocks of rows as there are cores: all in the same order, or
    each beginning with its own.
    """
    s = _copying(to)
    height, width = tile
    each = rows // cores
    with s.loop(cores) as turn:
        block = s.remainder(s.plus(turn, s.block), cores) if staggered else turn
        with s.loop(each // height) as i, s.loop(columns // width) as j:
            row = s.plus(s.times(block, each), s.times(i, height))
            at = s.plus(s.times(row, columns), s.times(j, width))
            _read_tile(s, to, at, columns, tile, width, STREAMED)
    return s.program([(rows * columns, f16)], cores)


def _copying(to: Literal["UB", "L1"]) -> Schedule:
    return Schedule("AIV" if to == "UB" else "AIC", {"x": f16})


def _read_tile(
    s: Schedule,
    to: Literal["UB", "L1"],
    at: Mixed,
    stride: int,
    tile: tuple[int, int],
    width: Mixed,
    attributes: dict[str, Attribute] | None = None,
) -> None:
    height, most = tile
    source = s.part("x", at, [height, width], [stride, 1])
    if to == "UB":
        pad = UB_BYTES // 2
        s.move("load", source, s.cut(s.buffer(0, [height, -(-most // pad) * pad], f16), [height, width]), attributes)
    else:
        s.move("nd2nz", source, s.buffer(0, block_shape(height, most, 2, "cbuf"), f16, "cbuf"), attributes)


@dataclass(frozen=True)
class Split:
    """How a matrix product is dealt: core i takes slice i mod `down` of the rows and slice i div `down` of the columns."""

    down: int
    across: int
    rows: int
    columns: int
    """Of a slice; the last of each may be smaller."""
    rounds: int = 1
    """Times over, each time with the next `down` slices of the rows."""

    @property
    def cores(self) -> int:
        return self.down * self.across


def gemm(
    m: int,
    n: int,
    k: int,
    split: Split,
    base: tuple[int, int, int],
    steps: tuple[int, int] = (1, 1),
    buffers: int = 2,
    order: Literal["mn", "nm"] = "nm",
    out: Type = f16,
    b_rows: bool = False,
    unit_flag: bool = True,
    ahead: bool = False,
) -> Program:
    """C = A B of fp16 matrices, with A [m, k] and B given as [n, k] (`b_rows`: as [k, n]).

    base: rows, columns and depth of a step in L0. steps: depths of A and of B brought into L1 at once (one a multiple of the
    other). buffers: in L1, for each operand. order: "nm" goes through the row tiles of a column of tiles first. unit_flag: the
    cube may write L0C while its last content leaves, as far as that has left (here: without waiting). ahead: with two buffers,
    a pack is fetched as soon as a buffer is free, B's before A's, and not when the turn that uses it comes.
    """
    s = Schedule("AIC", {"a": f16, "b": f16, "c": out})
    product = _Product(s, (m, n, k), base, steps, buffers, out, b_rows, ahead, unit_flag)
    product.begin()
    with _tiles(s, (m, n), split, base, order) as tile:
        product.tile(*tile)
    product.end()
    return s.program([(m * k, f16), (n * k, f16), (m * n, out)], split.cores)


def gemm_gelu(m: int, n: int, k: int, split: Split, base: tuple[int, int, int], steps: tuple[int, int]) -> Program:
    """As gemm to fp32 that fetches ahead; the two vector cores of a block then read a tile's halves and write their GELU
    (x / (1 + exp(-1.6 (x + 0.045 x³))), eight instructions on one buffer) in place, one tile at a time.
    """
    arguments: dict[str, Type] = {"a": f16, "b": f16, "c": f32}
    cube, vector = Schedule("AIC", arguments, mixed=True), Schedule("AIV", arguments, mixed=True)
    product = _Product(cube, (m, n, k), base, steps, out=f32, ahead=True)
    product.begin()
    with _tiles(cube, (m, n), split, base, "nm") as tile:
        product.tile(*tile)
        cube.post("FIX")
    product.end()
    half = base[0] // 2
    which = vector.builder.value("hivm.hir.get_sub_block_idx", [], i64)
    which = vector.builder.value("arith.index_cast", [which], index)
    with _tiles(vector, (m, n), split, base, "nm") as (row, column, _, wide):
        vector.expect("FIX")
        at = vector.plus(vector.times(vector.plus(row, vector.times(which, half)), n), column)
        memory = vector.part("c", at, [half, wide], [n, 1])
        x, y = (vector.cut(vector.buffer(place, [half, base[1]], f32), [half, wide]) for place in (0, half * base[1] * 4))
        vector.move("load", memory, x)
        vector.then("MTE2>V")
        _gelu(vector, x, y)
        vector.then("V>MTE3")
        vector.move("store", y, memory)
    return cube.program([(m * k, f16), (n * k, f16), (m * n, f32)], split.cores, vector)


def _gelu(s: Schedule, x: Value, y: Value) -> None:
    a, b, one = (arith.constant(s.builder, c, f32) for c in (0.044715, -1.5957691, 1.0))
    steps = [("vmul", x, x), ("vmul", y, x), ("vmul", y, a), ("vadd", x, y), ("vmul", y, b), ("vexp", y), ("vadd", y, one)]
    for name, *sources in steps:
        hivm.vector(s.builder, name, sources, y)
        hivm.pipe_barrier(s.builder, "PIPE_V")
    hivm.vector(s.builder, "vdiv", [x, y], y)


@contextmanager
def _tiles(
    s: Schedule, shape: tuple[int, int], split: Split, base: tuple[int, int, int], order: Literal["mn", "nm"]
) -> Iterator[tuple[Mixed, Mixed, Mixed, Mixed]]:
    """Loops over this block's tiles of C: row, column, rows and columns of each."""
    (m, n), (bm, bn, _) = shape, base
    with s.loop(split.rounds) as turn:
        top = s.times(s.plus(s.remainder(s.block, split.down), s.times(turn, split.down)), split.rows)
        left = s.times(s.quotient(s.block, split.down), split.columns)
        height, width = s.rest(m, top, split.rows), s.rest(n, left, split.columns)
        down, across = s.turns(height, bm), s.turns(width, bn)
        outer, inner = (across, down) if order == "nm" else (down, across)
        with s.loop(outer) as i, s.loop(inner) as j:
            row, column = (s.times(x, b) for x, b in zip((j, i) if order == "nm" else (i, j), base, strict=False))
            tall = bm if m % bm == 0 == split.rows % bm else s.rest(height, row, bm)
            wide = bn if n % bn == 0 == split.columns % bn else s.rest(width, column, bn)
            yield s.plus(top, row), s.plus(left, column), tall, wide


def gemm_zigzag(m: int, n: int, k: int, cores: int, base: tuple[int, int, int], steps: tuple[int, int]) -> Program:
    """As gemm, with tiles of C dealt to cores in stretches of one order: row of tiles after row of tiles, every second one
    backwards. A core empties its pipes after each tile.
    """
    s = Schedule("AIC", {"a": f16, "b": f16, "c": f16})
    product = _Product(s, (m, n, k), base, steps, unit_flag=False)
    across = n // base[1]
    first, count = spread(s, m // base[0] * across, cores)
    product.begin()
    with s.loop(count) as turn:
        number = s.plus(first, turn)
        i, j = s.quotient(number, across), s.remainder(number, across)
        backwards = s.is_less(0, s.remainder(i, 2))
        j = index_math.choose(s.builder, backwards, index_math.subtract(s.builder, across - 1, j), j)
        product.tile(s.times(i, base[0]), s.times(j, base[1]), *base[:2])
        hivm.pipe_barrier(s.builder, "PIPE_ALL")
    product.end()
    return s.program([(m * k, f16), (n * k, f16), (m * n, f16)], cores)


@dataclass
class _Product:
    """The part of a matrix product that makes one tile of C after another, each as a sum over the depth."""

    s: Schedule
    shape: tuple[int, int, int]
    base: tuple[int, int, int]
    steps: tuple[int, int]
    buffers: int = 2
    out: Type = f16
    b_rows: bool = False
    ahead: bool = False
    unit_flag: bool = True

    def begin(self) -> None:
        """All buffers are free."""
        for event in range(2 * self.buffers):
            self.s.set("MTE1>MTE2", event)
        if not self.unit_flag:
            self.s.set("FIX>M")

    def end(self) -> None:
        for event in range(2 * self.buffers):
            self.s.wait("MTE1>MTE2", event)
        if not self.unit_flag:
            self.s.wait("FIX>M")

    def tile(self, row: Mixed, column: Mixed, tall: Mixed, wide: Mixed) -> None:
        s, (_, n, k) = self.s, self.shape
        accumulator = s.buffer(0, block_shape(*self.base[:2], 4, "cc"), f32, "cc")
        if not self.unit_flag:
            s.wait("FIX>M")
        self._sum(k // self.base[2], (row, column), (tall, wide), accumulator)
        s.then("M>FIX")
        attributes: dict[str, Attribute] = {"dma_mode": RawAttr("#hivm.dma_mode<nz2nd>")}
        if self.out == f16:
            attributes["pre_quant"] = RawAttr("#hivm.fixpipe_pre_quant_mode<F322F16>")
        s.move("fixpipe", accumulator, s.part("c", s.plus(s.times(row, n), column), [tall, wide], [n, 1]), attributes)
        if not self.unit_flag:
            s.set("FIX>M")

    def _sum(self, depth: int, at: tuple[Mixed, Mixed], size: tuple[Mixed, Mixed], accumulator: Value) -> None:
        """A turn for each pack of the operand with fewer steps; the other's pack lasts several turns."""
        s, low = self.s, min(self.steps)
        turns, ratios = depth // low, [steps // low for steps in self.steps]
        if self.ahead:
            for operand, number in ((0, 0), (1, 0), (1, 1), (0, 1)):
                if number * ratios[operand] < turns:
                    self._fetch(operand, number, at[operand], size[operand])
        with s.loop(turns) as turn:
            for operand, ratio in enumerate(ratios):
                if not self.ahead:
                    with s.when(self._is_at(turn, ratio, 0)):
                        self._fetch(operand, s.quotient(turn, ratio), at[operand], size[operand])
            for operand, ratio in enumerate(ratios):
                with s.when(self._is_at(turn, ratio, 0)):
                    s.wait("MTE2>MTE1", self._event(operand, s.quotient(turn, ratio)))
            parts = [self._part(operand, turn, ratio) for operand, ratio in enumerate(ratios)]
            clear = arith.compare(s.builder, "eq", turn, s.value(0))
            sizes = [[s.value(x)] for x in (size[0], low * self.base[2], size[1])]
            attributes = None if self.b_rows else {"b_transpose": UnitAttr()}
            hivm.instruction(s.builder, "mmadL1", [[parts[0]], [parts[1]], [clear], *sizes, [accumulator]], attributes)
            for operand, ratio in enumerate(ratios):
                with s.when(self._is_at(turn, ratio, ratio - 1)):
                    s.set("MTE1>MTE2", self._event(operand, s.quotient(turn, ratio)))
            for operand in (1, 0) if self.ahead else ():
                self._fetch_next(operand, turn, turns, ratios[operand], at[operand], size[operand])

    def _fetch_next(self, operand: int, turn: Value, turns: int, ratio: int, at: Mixed, size: Mixed) -> None:
        """Brings in the pack after the next, into the buffer that this turn has freed."""
        s = self.s
        number = s.plus(s.quotient(turn, ratio), 2)
        with s.when(self._is_at(turn, ratio, ratio - 1)), s.when(s.is_less(number, turns // ratio)):
            self._fetch(operand, number, at, size)

    def _across(self, operand: int) -> bool:
        """Whether the operand's rows go along the depth."""
        return operand == 1 and self.b_rows

    def _pack(self, operand: int, number: Mixed) -> Value:
        """The L1 buffer of the operand's pack with that number along the depth."""
        s, most, depth = self.s, self.base[operand], self.steps[operand] * self.base[2]
        sizes = [self.base[i] * self.base[2] * self.steps[i] * 2 for i in (0, 1)]
        address = s.alternating(number, self.buffers, operand * sizes[0] * self.buffers, sizes[operand])
        shape = (depth, most) if self._across(operand) else (most, depth)
        return s.buffer(address, block_shape(*shape, 2, "cbuf"), f16, "cbuf")

    def _fetch(self, operand: int, number: Mixed, at: Mixed, size: Mixed) -> None:
        s, (_, n, k), depth = self.s, self.shape, self.steps[operand] * self.base[2]
        event, low = self._event(operand, number), s.times(number, depth)
        buffer = self._pack(operand, number)
        s.wait("MTE1>MTE2", event)
        if self._across(operand):
            source = s.part("b", s.plus(s.times(low, n), at), [depth, size], [n, 1])
        else:
            source = s.part("ab"[operand], s.plus(s.times(at, k), low), [size, depth], [k, 1])
        s.move("nd2nz", source, buffer)
        s.set("MTE2>MTE1", event)

    def _part(self, operand: int, turn: Value, ratio: int) -> Value:
        """What of its pack the turn uses."""
        s, used = self.s, self.base[2] * min(self.steps)
        buffer = self._pack(operand, s.quotient(turn, ratio))
        if ratio == 1:
            return buffer
        across = self._across(operand)
        blocks = block_shape(*((used, self.base[operand]) if across else (self.base[operand], used)), 2, "cbuf")
        start: list[Mixed] = [0, 0, 0, 0]
        axis = 1 if across else 0
        start[axis] = s.times(s.remainder(turn, ratio), blocks[axis])
        return s.cut(buffer, blocks, start)

    def _event(self, operand: int, number: Mixed) -> Mixed:
        return self.s.alternating(number, self.buffers, self.buffers * operand, 1)

    def _is_at(self, turn: Value, ratio: int, place: int) -> Value | None:
        """Whether a turn is that place of the pack; None where every turn is."""
        if ratio == 1:
            return None
        return arith.compare(self.s.builder, "eq", self.s.value(self.s.remainder(turn, ratio)), self.s.value(place))


def vadds(times: int, repeats: int, places: Sequence[int]) -> Program:
    """The same fp32 sum so many times over, without waiting: x, y, z at these places of UB."""
    s = Schedule("AIV", {"x": f32})
    x, y, z = (s.buffer(place, [repeats * 64], f32) for place in places)
    with s.loop(times):
        hivm.vector(s.builder, "vadd", [x, y], z)
    return s.program([(1, f32)], 1)


def nd_to_nz(size: int, split: tuple[int, int], tile: tuple[int, int], pitch: int) -> Program:
    """A square fp16 matrix into NZ by way of UB, ping-pong: cores as `split` rows and columns of tiles, blocks of 32 bytes
    written `pitch` blocks apart.
    """
    s = Schedule("AIV", {"x": f16, "z": f16})
    height, width = tile
    columns = width // 16
    across = size // width // split[1]
    rows = -(-size // height)
    least, more = divmod(rows, split[0])
    group = s.quotient(s.block, split[1])
    first = s.plus(s.times(group, least), index_math.smaller(s.builder, group, more))
    count = index_math.choose(s.builder, s.is_less(group, more), least + 1, least) if more else least
    taken, made = height * width * 2, pitch * columns * 32
    for event in (0, 1):
        s.set("V>MTE2", event)
        s.set("MTE3>V", event)
    with s.loop(s.times(count, across)) as turn:
        event = s.remainder(turn, 2)
        row = s.times(s.plus(first, s.quotient(turn, across)), height)
        column = s.times(s.plus(s.times(s.remainder(s.block, split[1]), across), s.remainder(turn, across)), width)
        tall = height if size % height == 0 else s.rest(size, row, height)
        source = s.cut(s.buffer(s.alternating(turn, 2, 0, taken), [height, columns, 16], f16), [tall, columns, 16])
        place = s.alternating(turn, 2, 2 * taken, made)
        target = s.cut(s.buffer(place, [columns, pitch, 16], f16), [columns, tall, 16])
        s.wait("V>MTE2", event)
        s.move("load", s.part("x", s.plus(s.times(row, size), column), [tall, columns, 16], [size, 16, 1]), source)
        s.then("MTE2>V", event)
        s.wait("MTE3>V", event)
        s.move("copy", source, mem.reinterpret_cast(s.builder, target, 0, [tall, columns, 16], [16, 16 * pitch, 1]))
        s.set("V>MTE2", event)
        s.then("V>MTE3", event)
        out = s.plus(s.times(column, size), s.times(row, 16))
        s.move("store", target, s.part("z", out, [columns, tall, 16], [16 * size, 16, 1]))
        s.set("MTE3>V", event)
    for event in (0, 1):
        s.wait("V>MTE2", event)
        s.wait("MTE3>V", event)
    return s.program([(size * size, f16)] * 2, split[0] * split[1])
