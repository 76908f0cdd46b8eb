"""Macro ops: a product of matrices in global memory becomes the instructions that a library issues for it.

A block takes every n-th tile of the result. Panels of A and B come to L1 in two buffers by turns; `mmadL1` multiplies them, and
a tile leaves L0C while the next is made. Everything the op leaves open has a documented default.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from compiler_core.chips import Chip
from compiler_core.dialects import arith, hivm, memref, scf
from compiler_core.dialects import index_math as im
from compiler_core.dialects.builtin import functions, symbol
from compiler_core.dialects.hivm import enum, enum_attribute, group, optional
from compiler_core.dialects.indices import Mixed
from compiler_core.emulator.clock.cores import core_type
from compiler_core.emulator.execution.buffers import buffer_intervals
from compiler_core.emulator.execution.machine import refuse
from compiler_core.ir import Block, Builder, Op, Value, single_block
from compiler_core.ir.attributes import AttributeValue, StringAttr, UnitAttr
from compiler_core.ir.types import DYNAMIC, FloatType, MemRefType, Type, bf16, byte_width, f16, f32, i1, i32, i64, index

PRODUCTS = ("hivm.hir.matmul", "hivm.hir.mix_matmul")

TILE = (128, 256)
"""Rows and columns of the result a block makes at a time, where the op names none. Source: the compiler's own tiling."""
PANEL_BYTES = 512
"""Depth of a panel in bytes, where the op has no block sizes: 256 elements of 16 bits, as the compiler's own tiling."""
EVENTS = (6, 7)
"""Events of the two buffers, the last two of each pair of pipes: compilers hand out events from 0."""
CONVERSIONS: dict[tuple[Type, Type], str] = {(f32, f32): "", (f32, f16): "F322F16", (f32, bf16): "F322BF16", (i32, i32): ""}
"""L0C's type and the result's → fixpipe's pre_quant."""


def expanded(module: Op, chip: Chip) -> Op:
    """The module with its products on global memory written out; the module itself where it has none. Raises Refused."""
    if not any(op.name in PRODUCTS for op in module.walk()):
        return module
    copy = module.clone(keep_ids=True)
    for function in functions(copy):
        for op in [op for op in function.walk() if op.name in PRODUCTS]:
            if not _is_vector_half(function, chip):
                _check(op, function, chip)
                _Writer(op, chip, _tops(function, chip)).write()
            op.erase()
    return copy


def _is_vector_half(function: Op, chip: Chip) -> bool:
    """A mix kernel's function for the vector cores calls the library too; what is left of it without an epilogue is nothing."""
    return chip.split and core_type(function) == "AIV" and symbol(function).endswith("_mix_aiv")


def _unsupported(op: Op, what: str) -> NoReturn:
    refuse(op, "emulator-unsupported", op=op.name, what=what)


def _check(op: Op, function: Op, chip: Chip) -> None:
    """What cannot be known from the op is refused by name."""
    epilogue = op.get("post_vector_func", StringAttr)
    names = hivm.GROUPS[op.name]
    if epilogue is not None or ("postVecFuncIns" in names and group(op, "postVecFuncIns")):
        called = epilogue.value if epilogue is not None else "post_vector_func_ins"
        _unsupported(op, f"{called}: how a library hands tiles to a vector function is not published")
    if "commParams" in names and group(op, "commParams"):
        _unsupported(op, "comm_params: what they hold is not published")
    if group(op, "tilingParams") and not group(op, "blockSizes"):
        _unsupported(op, "tiling_params without block_sizes: the layout of the tiling data is not published")
    if chip.split and core_type(function) == "AIV":
        _unsupported(op, "a product in a function for vector cores")
    for name in ("a", "b", "c"):
        type = group(op, name)[0].type
        if not isinstance(type, MemRefType) or type.rank != 2:
            _unsupported(op, f"an operand of type {type}: it takes matrices in global memory")


def _tops(function: Op, chip: Chip) -> dict[str, int]:
    """Where the function's own buffers end in each memory."""
    capacity = {"ub": chip.ub, "cbuf": chip.l1, "cc": chip.l0c}
    intervals = buffer_intervals(function, capacity)
    return {space: -(-max((high for _, high in intervals[space]), default=0) // 512) * 512 for space in capacity}


@dataclass(frozen=True)
class _Sizes:
    """Rows, columns and depth of a tile in L1, and of what one `mmadL1` multiplies."""

    m: int
    n: int
    k: int
    step_m: int
    step_n: int
    step_k: int


class _Writer:
    """Writes one product out, in front of its op."""

    def __init__(self, op: Op, chip: Chip, tops: dict[str, int]) -> None:
        self.op = op
        self.chip = chip
        self.tops = tops
        self.builder = Builder.before(op)
        self.a, self.b, self.c = (group(op, name)[0] for name in "abc")
        self.bias = optional(op, "bias")
        self.across_a, self.across_b = "aTranspose" in op.attributes, "bTranspose" in op.attributes
        self.element = _memref(self.a).element
        self.item = byte_width(self.element)
        self.width = hivm.C0_BYTES // self.item
        self.made: Type = f32 if isinstance(self.element, FloatType) else i32
        self.attributes = self._conversion()
        self.rows, self.columns = self._dim(self.c, 0), self._dim(self.c, 1)
        self.depth = self._dim(self.a, 0 if self.across_a else 1)
        self.sizes = self._sizes()
        self.staging = 1 if 2 * self.sizes.m * self.sizes.n * 4 > chip.l0c - tops["cc"] else 2
        self._check_room()

    # What the op says

    def _conversion(self) -> dict[str, AttributeValue]:
        result = _memref(self.c).element
        mode = CONVERSIONS.get((self.made, result))
        if mode is None:
            _unsupported(self.op, f"a result of {result} from sums of {self.made}")
        attributes: dict[str, AttributeValue] = {"dma_mode": enum_attribute("dma_mode", "nz2nd")}
        if mode:
            attributes["pre_quant"] = enum_attribute("fixpipe_pre_quant_mode", mode)
        return attributes

    def _dim(self, value: Value, which: int) -> Mixed:
        size = _memref(value).shape[which]
        if size != DYNAMIC:
            return size
        return self.builder.value("memref.dim", [value, im.as_value(self.builder, which)], index)

    def _numbers(self, name: str) -> list[int]:
        found = [arith.constant_value(v) for v in group(self.op, name)]
        if any(v is None or int(v) < 1 for v in found) or len(found) not in (0, 3):
            _unsupported(self.op, f"{name} that are not three positive constants")
        return [int(v) for v in found if v is not None]

    def _number(self, name: str, default: int) -> int:
        value = optional(self.op, name)
        found = default if value is None else arith.constant_value(value)
        if found is None or int(found) < 0:
            _unsupported(self.op, f"{name} that is no constant")
        return int(found)

    def _sizes(self) -> _Sizes:
        """Block sizes, no larger than the matrices, of whole fractals and whole process sizes."""
        unit = max(hivm.FRACTAL, self.width)
        block = self._numbers("blockSizes") or [*TILE, PANEL_BYTES // self.item]
        step = self._numbers("processSizes") or list(block)
        if any(b % s or s % unit for s, b in zip(step, block, strict=True)):
            _unsupported(self.op, f"process sizes {step} in block sizes {block}: parts of them, and multiples of {unit}")
        for i, most in enumerate((self.rows, self.columns, self.depth)):
            if isinstance(most, int):
                step[i] = min(step[i], _up(most, unit))
                block[i] = _up(min(block[i], most), step[i])
        return _Sizes(*block, *step)

    def _check_room(self) -> None:
        s, chip = self.sizes, self.chip
        needed = {
            "L1": (self.tops["cbuf"] + 2 * self._turn_bytes(), chip.l1),
            "L0C": (self.tops["cc"] + s.m * s.n * 4, chip.l0c),
            "L0A": (s.step_m * self.width * self.item * 2, chip.l0a),
            "L0B": (s.step_n * self.width * self.item * 2, chip.l0b),
            "UB": (0 if chip.split else self.tops["ub"] + s.m * s.n * byte_width(_memref(self.c).element), chip.ub),
        }
        for memory, (bytes_, capacity) in needed.items():
            if bytes_ > capacity:
                _unsupported(self.op, f"block sizes {s.m}, {s.n}, {s.k}: they need {bytes_} bytes of {memory}'s {capacity}")

    def _turn_bytes(self) -> int:
        """Bytes of L1 for a panel of each matrix and a row of the bias."""
        s = self.sizes
        bias = _up(s.n * byte_width(_memref(self.bias).element), 512) if self.bias is not None else 0
        return (s.m + s.n) * s.k * self.item + bias

    # Numbers, loops, buffers

    def _value(self, number: Mixed) -> Value:
        return im.as_value(self.builder, number)

    def _rest(self, whole: Mixed, used: Mixed, most: int) -> Mixed:
        return im.smaller(self.builder, im.subtract(self.builder, whole, used), most)

    def _is(self, number: Mixed, other: int) -> Value:
        return arith.compare(self.builder, "eq", self._value(number), self._value(other))

    @contextmanager
    def _loop(self, count: Mixed) -> Generator[Mixed]:
        if count == 1:
            yield 0
            return
        made = scf.for_loop(self.builder, self._value(0), self._value(count), self._value(1))
        with self._inside(made.body):
            yield made.body.arguments[0]

    @contextmanager
    def _inside(self, block: Block) -> Generator[None]:
        outer = self.builder
        self.builder = Builder(block, 0, outer.location, outer.origin)
        yield
        self.builder.op("scf.yield")
        self.builder = outer

    def _either(self, condition: Value) -> tuple[Block, Block]:
        regions = [single_block(), single_block()]
        self.builder.op("scf.if", [condition], regions=regions)
        return regions[0].blocks[0], regions[1].blocks[0]

    def _buffer(self, turn: Mixed, first: int, step: int, shape: Sequence[int], element: Type, space: str) -> Value:
        """One of two buffers, `step` bytes apart."""
        place = arith.constant(self.builder, first, i64)
        if turn != 0:
            other = arith.constant(self.builder, first + step, i64)
            place = self.builder.value("arith.select", [self._is(turn, 0), place, other], i64)
        return hivm.pointer_cast(self.builder, place, MemRefType(tuple(shape), element, None, space))

    def _flag(self, what: str, pipes: str, turn: Mixed) -> None:
        first, second = (f"PIPE_{p}" for p in pipes.split(">"))
        number = im.add(self.builder, turn, EVENTS[0])
        event = number if isinstance(number, int) else self.builder.value("arith.index_cast", [number], i64)
        (hivm.set_flag if what == "set" else hivm.wait_flag)(self.builder, first, second, event)

    def _then(self, pipes: str, turn: Mixed) -> None:
        self._flag("set", pipes, turn)
        self._flag("wait", pipes, turn)

    def _fractals(self, buffer: Value, at: tuple[Mixed, Mixed], sizes: tuple[Mixed, Mixed], width: int) -> Value:
        """The fractals of a part of a matrix, which starts at a fractal."""
        b = self.builder
        (row, column), (rows, columns) = at, sizes
        offsets = [im.quotient(b, column, width), im.quotient(b, row, hivm.FRACTAL), 0, 0]
        counts = [im.quotient_up(b, columns, width), im.quotient_up(b, rows, hivm.FRACTAL), hivm.FRACTAL, width]
        return memref.subview(b, buffer, offsets, counts)

    # The product

    def write(self) -> None:
        b, s = self.builder, self.sizes
        down, across = im.quotient_up(b, self.rows, s.m), im.quotient_up(b, self.columns, s.n)
        panels = im.quotient_up(b, self.depth, s.k)
        cast = "arith.index_cast"
        block = b.value(cast, [hivm.get_block_index(b)], index)
        blocks = b.value(cast, [hivm.get_block_count(b)], index)
        tiles = im.multiply(b, down, across)
        scale = self._scale()
        hivm.pipe_barrier(b, "PIPE_ALL")
        for turn in (0, 1):
            self._flag("set", "MTE1>MTE2", turn)
        for turn in range(self.staging):
            self._flag("set", self._left(">M"), turn)
        mine = im.quotient_up(b, im.subtract(b, tiles, block), blocks)
        with self._loop(mine) as i:
            b = self.builder
            row, column = self._place(im.add(b, block, im.multiply(b, i, blocks)), down, across)
            self._tile(i, panels, im.multiply(b, row, s.m), im.multiply(b, column, s.n), scale)
        for turn in (0, 1):
            self._flag("wait", "MTE1>MTE2", turn)
        for turn in range(self.staging):
            self._flag("wait", self._left(">M"), turn)
        hivm.pipe_barrier(self.builder, "PIPE_ALL")

    def _left(self, direction: str) -> str:
        """The pipes by which L0C is emptied, and M."""
        leaves = "FIX" if self.chip.split else "V"
        return f"{leaves}>M" if direction == ">M" else f"M>{leaves}"

    def _scale(self) -> Value | None:
        """descale, where it is one number."""
        descale = optional(self.op, "descale")
        mode = enum(self.op.attributes.get("descaleMode"))
        if descale is None or mode == "DescaleNull":
            return None
        if mode == "DescalePerChannel" or self.made != f32:
            _unsupported(self.op, f"{mode or 'descale'} of sums of {self.made}: fixpipe here scales f32 by one number")
        loaded = memref.load(self.builder, descale, [self._value(0)])
        return loaded if loaded.type == f32 else self.builder.value("arith.extf", [loaded], f32)

    def _place(self, tile: Mixed, down: Mixed, across: Mixed) -> tuple[Mixed, Mixed]:
        """Row and column of a tile. Source: the block swizzle of the published product templates.

        Bands of `swizzle_offset` rows, each from its top down and then on to the next column; every second band backwards. With
        `swizzle_direction` 1 rows and columns change places.
        """
        band, turned = max(1, self._number("swizzleOffset", 1)), self._number("swizzleDirection", 0)
        if turned:
            down, across = across, down
        b = self.builder
        long = im.multiply(b, across, band)
        nth, inside = im.quotient(b, tile, long), im.remainder(b, tile, long)
        top = im.multiply(b, nth, band)
        height = self._rest(down, top, band) if band > 1 else 1
        row = im.add(b, top, im.remainder(b, inside, height))
        column = im.quotient(b, inside, height)
        back = im.subtract(b, im.subtract(b, across, 1), column)
        column = im.choose(b, self._is(im.remainder(b, nth, 2), 1), back, column)
        return (column, row) if turned else (row, column)

    def _tile(self, i: Mixed, panels: Mixed, top: Mixed, left: Mixed, scale: Value | None) -> None:
        b, s = self.builder, self.sizes
        rows, columns = self._rest(self.rows, top, s.m), self._rest(self.columns, left, s.n)
        turn = im.remainder(b, i, self.staging)
        shape = hivm.block_shape(s.m, s.n, 4, "cc")
        result = self._buffer(turn, self.tops["cc"], s.m * s.n * 4, shape, self.made, "cc")
        self._flag("wait", self._left(">M"), turn)
        with self._loop(panels) as nth:
            b = self.builder
            parity = im.remainder(b, im.add(b, im.multiply(b, i, panels), nth), 2)
            self._panels(nth, parity, (top, left), (rows, columns), result)
        self._then(self._left("M>"), turn)
        self._out(turn, result, (top, left), (rows, columns), scale)

    def _panels(self, nth: Mixed, turn: Mixed, at: tuple[Mixed, Mixed], sizes: tuple[Mixed, Mixed], result: Value) -> None:
        """A panel of each matrix to L1, and their product into L0C."""
        b, s = self.builder, self.sizes
        start = im.multiply(b, nth, s.k)
        depth = self._rest(self.depth, start, s.k)
        (top, left), (rows, columns) = at, sizes
        self._flag("wait", "MTE1>MTE2", turn)
        base, step = self.tops["cbuf"], self._turn_bytes()
        of_a = self._panel(self.a, self.across_a, turn, base, (top, start), (rows, depth), (s.m, s.k))
        base += s.m * s.k * self.item
        of_b = self._panel(self.b, self.across_b, turn, base, (start, left), (depth, columns), (s.k, s.n))
        base += s.k * s.n * self.item
        bias: Value | None = None
        if self.bias is not None:
            bias = self._buffer(turn, base, step, (s.n,), _memref(self.bias).element, "cbuf")
            first, other = self._either(self._is(nth, 0))
            with self._inside(first):
                source = memref.subview(self.builder, self.bias, [left], [columns])
                hivm.instruction(self.builder, "load", [[source], [memref.subview(self.builder, bias, [0], [columns])]])
            with self._inside(other):
                pass
        self._then("MTE2>MTE1", turn)
        with self._loop(im.quotient_up(self.builder, depth, s.step_k) if s.step_k < s.k else 1) as by_k:
            k = im.multiply(self.builder, by_k, s.step_k)
            first_step = self._is(im.add(self.builder, start, k), 0)
            with self._loop(im.quotient_up(self.builder, rows, s.step_m) if s.step_m < s.m else 1) as by_m:
                m = im.multiply(self.builder, by_m, s.step_m)
                with self._loop(im.quotient_up(self.builder, columns, s.step_n) if s.step_n < s.n else 1) as by_n:
                    n = im.multiply(self.builder, by_n, s.step_n)
                    part = (self._rest(rows, m, s.step_m), self._rest(depth, k, s.step_k), self._rest(columns, n, s.step_n))
                    self._multiply(of_a, of_b, result, (m, k, n), part, first_step, bias)
        self._flag("set", "MTE1>MTE2", turn)

    def _panel(
        self,
        matrix: Value,
        across: bool,
        turn: Mixed,
        base: int,
        at: tuple[Mixed, Mixed],
        sizes: tuple[Mixed, Mixed],
        most: tuple[int, int],
    ) -> Value:
        """A part of a matrix in L1, as it lies in memory: transposed ones are turned on their way to L0."""
        if across:
            at, sizes, most = (at[1], at[0]), (sizes[1], sizes[0]), (most[1], most[0])
        buffer = self._buffer(turn, base, self._turn_bytes(), hivm.block_shape(*most, self.item, "cbuf"), self.element, "cbuf")
        into = self._fractals(buffer, (0, 0), sizes, self.width)
        source = memref.subview(self.builder, matrix, at, sizes)
        attributes: dict[str, AttributeValue] = {"dst_continuous": UnitAttr(), "init_out_buffer": False}
        hivm.instruction(self.builder, "nd2nz", [[source], [into]], attributes)
        return buffer

    def _multiply(
        self,
        of_a: Value,
        of_b: Value,
        result: Value,
        at: tuple[Mixed, Mixed, Mixed],
        sizes: tuple[Mixed, Mixed, Mixed],
        first: Value,
        bias: Value | None,
    ) -> None:
        (m, k, n), (rows, depth, columns) = at, sizes
        a = self._part(of_a, self.across_a, (m, k), (rows, depth))
        b = self._part(of_b, self.across_b, (k, n), (depth, columns))
        c = self._fractals(result, (m, n), (rows, columns), hivm.FRACTAL)
        numbers = [[self._value(x)] for x in sizes]
        if bias is None:
            self._mmad([[a], [b], [first], *numbers, [c]])
            return
        begin, go_on = self._either(first)
        with self._inside(begin):
            row = memref.subview(self.builder, bias, [n], [columns])
            self._mmad([[a], [b], [arith.constant(self.builder, True, i1)], *numbers, [c], [], [], [row]])
        with self._inside(go_on):
            self._mmad([[a], [b], [arith.constant(self.builder, False, i1)], *numbers, [c]])

    def _part(self, panel: Value, across: bool, at: tuple[Mixed, Mixed], sizes: tuple[Mixed, Mixed]) -> Value:
        if across:
            at, sizes = (at[1], at[0]), (sizes[1], sizes[0])
        return self._fractals(panel, at, sizes, self.width)

    def _mmad(self, groups: Sequence[Sequence[Value]]) -> None:
        attributes: dict[str, AttributeValue] = {}
        if self.across_a:
            attributes["a_transpose"] = UnitAttr()
        if self.across_b:
            attributes["b_transpose"] = UnitAttr()
        hivm.instruction(self.builder, "mmadL1", groups, attributes)

    def _out(
        self, turn: Mixed, result: Value, at: tuple[Mixed, Mixed], sizes: tuple[Mixed, Mixed], scale: Value | None
    ) -> None:
        """L0C to global memory; on a coupled chip by way of UB."""
        b, s = self.builder, self.sizes
        source = self._fractals(result, (0, 0), sizes, hivm.FRACTAL)
        target = memref.subview(b, self.c, at, sizes)
        factor = [scale] if scale is not None else []
        if self.chip.split:
            hivm.instruction(b, "fixpipe", [[source], [target], [], factor], self.attributes)
            self._flag("set", self._left(">M"), turn)
            return
        whole = self._buffer(0, self.tops["ub"], 0, (s.m, s.n), _memref(self.c).element, "ub")
        staged = memref.subview(b, whole, [0, 0], sizes)
        hivm.instruction(b, "fixpipe", [[source], [staged], [], factor], self.attributes)
        self._flag("set", self._left(">M"), turn)
        self._then("V>MTE3", 0)
        hivm.instruction(b, "store", [[staged], [target]])
        self._then("MTE3>V", 0)


def _memref(value: Value) -> MemRefType:
    assert isinstance(value.type, MemRefType)
    return value.type


def _up(number: int, unit: int) -> int:
    return -(-number // unit) * unit
