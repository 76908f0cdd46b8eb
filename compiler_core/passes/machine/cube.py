"""Matrix products: operands in L1 as fractals, accumulation in L0C, and what the way out of L0C can do on the fly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from compiler_core.dialects import hivm, memref
from compiler_core.dialects.arith import compare, constant_value
from compiler_core.dialects.indices import Mixed, unpack
from compiler_core.dialects.linalg import dimensions_of
from compiler_core.dialects.tensor import tensor_type
from compiler_core.ir import Builder, Op, UnitAttr, Value, single_block
from compiler_core.ir.attributes import AttributeValue
from compiler_core.ir.types import MemRefType, TensorType, bf16, byte_width, f16, f32, i1
from compiler_core.passes.machine.elementwise import Vector
from compiler_core.passes.machine.tiles import (
    Buffer,
    Emitter,
    Fractals,
    Product,
    Row,
    Scalar,
    Tile,
    Window,
    fixpipe_attributes,
    refuse,
)

MATMUL = "linalg.matmul"


def feeds_only_cube(value: Value) -> bool:
    """Every user multiplies it as a matrix, perhaps transposed first."""
    if not value.uses or tensor_type(value).rank != 2:
        return False
    return all(_multiplies(user, value) for user in value.uses)


def _multiplies(user: Op, value: Value) -> bool:
    if user.name == "linalg.transpose":
        return feeds_only_cube(user.result)
    return user.name == MATMUL and value in user.operands[:2]


def carried_by_cube(loop: Op, i: int) -> bool:
    """The loop's i-th tensor is only added to by matrix products, directly or in loops inside, so that L0C can hold it."""
    argument, yielded = loop.body.arguments[1 + i], loop.body.terminator.operands[i]
    maker = yielded.op
    if maker is None or maker.parent is not loop.body or argument.uses != [maker] or yielded.uses != [loop.body.terminator]:
        return False
    if maker.name == MATMUL:
        return maker.operands[2] is argument
    if maker.name == "scf.for":
        inner = yielded.index
        return maker.operands[3 + inner] is argument and carried_by_cube(maker, inner)
    return False


def feeds_bias(value: Value) -> bool:
    """Every user starts a product from it, the same in each row."""
    return bool(value.uses) and all(_starts_product(user, value) for user in value.uses)


def _starts_product(user: Op, value: Value) -> bool:
    if user.name == "arith.extf":
        return feeds_bias(user.result)
    if user.name == "linalg.broadcast":
        return tensor_type(value).rank == 1 and dimensions_of(user) == (0,) and feeds_bias(user.result)
    if user.name == MATMUL:
        return user.operands[2] is value and value not in user.operands[:2]
    if user.name == "scf.for" and value in user.operands[3:]:
        return carried_by_cube(user, user.operands.index(value) - 3)
    return False


def product_elementwise(op: Op, tiles: Mapping[Value, Tile]) -> Product | None:
    """The product after an op that the way out of L0C does on the fly: ReLU, then a conversion from f32. None for others."""
    source = tiles.get(op.operands[0])
    if not isinstance(source, Product) or source.rest is not None:
        return None
    if op.name == "arith.truncf" and op.operands[0].type != op.results[0].type:
        element = tensor_type(op.results[0]).element
        return replace(source, element=element) if source.element == f32 and element in (f16, bf16) else None
    if op.name in ("arith.maximumf", "arith.maxnumf"):
        other = tiles.get(op.operands[1])
        if isinstance(other, Scalar) and other.value is not None and constant_value(other.value) == 0:
            return replace(source, relu=True)
    return None


@dataclass
class CubeUnit:
    """Emits loads into L1, products, and moves out of L0C."""

    emit: Emitter

    def load(self, window: Window, type: TensorType, hint: str) -> Fractals:
        """Global memory to L1. Where data may end inside a fractal, the rest of the buffer is cleared first."""
        emit = self.emit
        rows, columns = type.shape
        target = emit.allocate(hivm.block_shape(rows, columns, byte_width(type.element), "cbuf"), type.element, "cbuf", hint)
        partial = window.sizes != window.shape or not _whole_fractals(target, rows, columns)
        if partial:
            flat = emit.view(target, (_elements(target),))
            pad = window.pad if window.pad is not None else emit.constant(0, type.element)
            emit.fill_border(replace(window, pad=pad), flat) if window.sizes != window.shape else emit.fill(pad, flat)
        into = emit.blocks_of(target, window.sizes)
        attributes: dict[str, AttributeValue] = {"dst_continuous": UnitAttr(), "init_out_buffer": False}
        hivm.instruction(emit.builder, "nd2nz", [[window.view], [into]], attributes)
        zero = window.pad is None or constant_value(window.pad) == 0
        valid = window.sizes if zero else window.shape
        return Fractals(target, (valid[0], valid[1]), (rows, columns))

    def load_row(self, window: Window, type: TensorType, hint: str) -> Row:
        """Global memory to L1, in a line."""
        emit = self.emit
        target = emit.allocate((-(-type.size // hivm.FRACTAL) * hivm.FRACTAL,), type.element, "cbuf", hint)
        if window.sizes != (_elements(target),):
            emit.fill(window.pad or emit.constant(0, type.element), target)
        into = memref.subview(emit.builder, target, window.offsets, window.sizes)
        attributes: dict[str, AttributeValue] = {"init_out_buffer": False, "may_implicit_transpose_with_last_axis": False}
        hivm.instruction(emit.builder, "load", [[window.view], [into]], attributes)
        return Row(target)

    def operand(self, tile: Tile, value: Value, op: Op, in_ub: Callable[[], Buffer]) -> Fractals:
        """The tile in L1. One that was computed comes from UB, which only coupled chips can do directly."""
        if isinstance(tile, Fractals):
            return tile
        if self.emit.chip.split:
            raise refuse(op, "machine-mix", value=value.name or "operand")
        type = tensor_type(value)
        source = self.emit.full(in_ub())
        rows, columns = type.shape
        shape = hivm.block_shape(rows, columns, byte_width(type.element), "cbuf")
        target = self.emit.allocate(shape, type.element, "cbuf", value.name)
        if not _whole_fractals(target, rows, columns):
            self.emit.fill(self.emit.constant(0, type.element), self.emit.view(target, (_elements(target),)))
        attributes: dict[str, AttributeValue] = {"dst_continuous": UnitAttr(), "init_out_buffer": False}
        into = self.emit.blocks_of(target, type.shape)
        hivm.instruction(self.emit.builder, "nd2nz", [[source], [into]], attributes)
        return Fractals(target, (rows, columns), (rows, columns))

    def multiply(self, op: Op, a: Fractals, b: Fractals, outs: Tile) -> Product:
        """outs + a · b."""
        emit = self.emit
        type = tensor_type(op.result)
        if tensor_type(op.operands[0]).element == f32 and not emit.chip.split:
            raise refuse(op, "machine-no-f32-cube", chip=emit.chip.name)
        if not isinstance(outs, Product):
            outs = self.start(outs, type, op.result.name)
        rows, inner = _effective(a)
        other, columns = _effective(b)
        k = inner if inner is other else self._least(inner, other)
        m = rows if _covers(op.result, 0, rows) else type.shape[0]
        n = columns if _covers(op.result, 1, columns) else type.shape[1]
        sizes = [emit.index(size) for size in (m, k, n)]
        self._mmad(a, b, outs, sizes)
        return replace(outs, clear=False, bias=None)

    def _mmad(self, a: Fractals, b: Fractals, outs: Product, sizes: list[Value]) -> None:
        emit = self.emit
        if outs.bias is None or outs.clear is True:
            self._issue(a, b, outs, outs.clear, sizes, outs.bias)
            return
        assert isinstance(outs.clear, Value)
        first, later = single_block(), single_block()
        emit.builder.op("scf.if", [outs.clear], regions=[first, later])
        outside = emit.builder
        for region, clear, bias in ((first, True, outs.bias), (later, False, None)):
            emit.builder = Builder(region.blocks[0], 0, outside.location, outside.origin)
            self._issue(a, b, outs, clear, sizes, bias)
            emit.builder.op("scf.yield")
        emit.builder = outside

    def _issue(
        self, a: Fractals, b: Fractals, outs: Product, clear: Value | bool, sizes: list[Value], bias: Value | None
    ) -> None:
        emit = self.emit
        condition = clear if isinstance(clear, Value) else emit.constant(clear, i1)
        attributes: dict[str, AttributeValue] = {}
        if a.transposed:
            attributes["a_transpose"] = UnitAttr()
        if b.transposed:
            attributes["b_transpose"] = UnitAttr()
        m, k, n = sizes
        groups = [[a.buffer], [b.buffer], [condition], [m], [k], [n], [outs.buffer], [], [], [bias] if bias else []]
        hivm.instruction(emit.builder, "mmadL1", groups, attributes)

    def _least(self, a: Mixed, b: Mixed) -> Mixed:
        """The smaller of two depths: beyond it one of the operands is zero."""
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        return self.emit.scalar("arith.minsi", [self.emit.index(a), self.emit.index(b)], self.emit.index(0).type)

    def start(self, init: Tile, type: TensorType, hint: str) -> Product:
        """An L0C buffer that the next product clears. What it should have held instead of zeros is added by whoever can."""
        shape = (type.shape[0], type.shape[1])
        buffer = self.emit.allocate(hivm.block_shape(*shape, byte_width(type.element), "cc"), type.element, "cc", hint)
        product = Product(buffer, shape, type.element, clear=True)
        if isinstance(init, Scalar) and (init.value is None or constant_value(init.value) == 0):
            return product
        if isinstance(init, Row):
            return replace(product, bias=init.buffer)
        return replace(product, rest=init)

    def enter_loop(self, loop: Op, init: Tile, type: TensorType, hint: str) -> Product:
        """What the loop's body sees of an accumulator: cleared by the first product of the first iteration."""
        if not isinstance(init, Product):
            init = self.start(init, type, hint)
        if init.clear is False:
            return init
        low, counter = loop.operands[0], loop.body.arguments[0]
        inside = Builder(loop.body, 0, loop.location, (loop.id,))
        first = compare(inside, "eq", counter, low, "first")
        if isinstance(init.clear, Value):
            first = inside.value("arith.andi", [first, init.clear], i1, hint="first")
        return replace(init, clear=first)

    def leave_loop(self, tile: Tile) -> Product:
        assert isinstance(tile, Product)
        return replace(tile, clear=False, bias=None)

    def store(self, product: Product, sizes: tuple[Mixed, ...], view: Value) -> None:
        """L0C to global memory."""
        source = self.emit.product_view(product, sizes)
        hivm.instruction(self.emit.builder, "fixpipe", [[source], [view]], fixpipe_attributes(product))

    def to_ub(self, product: Product, op: Op, into: Buffer | None = None) -> Buffer:
        """L0C to UB, with what is still to be added. Raises Refused on split chips, whose cube core has no way there."""
        if self.emit.chip.split:
            raise refuse(op, "machine-mix", value="product")
        direct = into if into is not None and product.rest is None else None
        buffer = direct or self.emit.new(product.shape, product.element, "product")
        self.emit.product_to_ub(product, self.emit.full(buffer))
        if product.rest is None:
            return buffer
        added = Vector(self.emit, product.shape).binary("vadd", buffer, product.rest, product.element, into)
        assert isinstance(added, Buffer)
        return added


def _elements(buffer: Value) -> int:
    assert isinstance(buffer.type, MemRefType)
    return buffer.type.size


def _whole_fractals(buffer: Value, rows: int, columns: int) -> bool:
    return _elements(buffer) == rows * columns


def _effective(operand: Fractals) -> tuple[Mixed, Mixed]:
    """Rows and columns that hold data, as the product sees the operand."""
    rows, columns = operand.valid
    return (columns, rows) if operand.transposed else (rows, columns)


def _covers(value: Value, dimension: int, size: Mixed) -> bool:
    """Whatever leaves L0C of this product lies within `size` along `dimension`."""
    if isinstance(size, int):
        return size == tensor_type(value).shape[dimension]
    return all(_stays_within(user, value, dimension, size) for user in value.uses)


def _stays_within(user: Op, value: Value, dimension: int, size: Value) -> bool:
    if user.name == "tensor.extract_slice":
        return unpack(user, "offsets")[dimension] == 0 and unpack(user, "sizes")[dimension] is size
    if user.name == "scf.yield" and user.parent_op is not None and user.parent_op.name == "scf.for":
        return all(_covers(user.parent_op.results[i], dimension, size) for i, v in enumerate(user.operands) if v is value)
    if user.name == MATMUL and user.operands[2] is value:
        return _covers(user.result, dimension, size)
    if user.name in ("arith.truncf", "arith.maximumf", "arith.maxnumf") and user.operands[0] is value:
        return _covers(user.result, dimension, size)
    return False
