"""What a tensor becomes on the machine, and the emitter that allocates, views, fills and moves the buffers behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic, Refused, message
from compiler_core.dialects import hivm, memref
from compiler_core.dialects.arith import compare, constant_attribute
from compiler_core.dialects.indices import Mixed
from compiler_core.ir import Builder, DenseArrayAttr, Op, Region, Value, single_block
from compiler_core.ir.attributes import AttributeValue
from compiler_core.ir.spans import spans_of
from compiler_core.ir.types import FloatType, IndexType, IntegerType, MemRefType, TensorType, Type, bit_width, i1, index

BLOCK_BYTES = 32
"""A vector instruction reads memory in blocks of this size."""
REPEAT_BYTES = 256
"""One repeat of a vector instruction."""


@dataclass(frozen=True)
class Buffer:
    """A tensor held in a buffer: `base` is a contiguous memref of as many elements as `shape` has."""

    base: Value
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Scalar:
    """A tensor whose elements all are one scalar; None where they do not matter."""

    value: Value | None


@dataclass(frozen=True)
class Spread:
    """A buffer repeated along the dimensions where it has size 1 and `shape` has more. `op` is the tensor op that says so."""

    buffer: Buffer
    shape: tuple[int, ...]
    op: Op


@dataclass(frozen=True)
class Window:
    """The part of a static tensor that a view of global memory fills, and what the rest holds. Not loaded yet."""

    view: Value
    offsets: tuple[Mixed, ...]
    sizes: tuple[Mixed, ...]
    shape: tuple[int, ...]
    pad: Value | None


@dataclass(frozen=True)
class Slice:
    """A rectangular part of a tensor, as extract_slice cuts it; sizes may be dynamic."""

    source: "Tile"
    offsets: tuple[Mixed, ...]
    sizes: tuple[Mixed, ...]
    strides: tuple[Mixed, ...]


@dataclass(frozen=True)
class Fractals:
    """A matrix in L1: `valid` are the rows and columns that hold data. `transposed`: the tensor is this matrix transposed."""

    buffer: Value
    valid: tuple[Mixed, Mixed]
    shape: tuple[int, int]
    transposed: bool = False


@dataclass(frozen=True)
class Product:
    """A matrix in L0C, on its way out: converted to `element`, after ReLU where `relu`.

    `clear` tells when the next multiplication must start from zero: True, False, or an i1.
    """

    buffer: Value
    shape: tuple[int, int]
    element: Type
    relu: bool = False
    clear: Value | bool = False
    bias: Value | None = None
    """Flat L1 buffer that the first multiplication adds to each row."""
    rest: "Tile | None" = None
    """What the vector unit still has to add."""


@dataclass(frozen=True)
class Row:
    """A row in L1, for the cube to add to every row of a product."""

    buffer: Value


Tile = Buffer | Scalar | Spread | Window | Slice | Fractals | Product | Row


def held(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a buffer for a tensor; one of rank 0 takes one element."""
    return shape or (1,)


def refuse(op: Op, code: str, /, **arguments: str) -> Refused:
    node = next((at.name for at in op.location if at.name), None)
    return Refused(Diagnostic("error", message(code, **arguments), spans_of(op), node))


class Before(Builder):
    """Inserts before an op wherever that stands by then: constants and views go in above it meanwhile."""

    __slots__ = ("anchor",)

    def __init__(self, anchor: Op) -> None:
        assert anchor.parent is not None
        super().__init__(anchor.parent, 0, anchor.location, (anchor.id,))
        self.anchor = anchor

    def insert(self, op: Op) -> Op:
        return self.block.insert(self.block.ops.index(self.anchor), op)


@dataclass
class Emitter:
    """Emits machine ops for one function. `builder` stands before the tensor op that is being lowered."""

    function: Op
    chip: Chip
    builder: Builder
    constants: dict[tuple[str, Type], Value] = field(default_factory=dict[tuple[str, Type], Value])
    views: dict[tuple[Value, tuple[int, ...]], Value] = field(default_factory=dict[tuple[Value, tuple[int, ...]], Value])
    spreads: dict[Spread, Buffer] = field(default_factory=dict["Spread", Buffer])

    # scalars

    def constant(self, value: int | float | bool, type: Type) -> Value:
        """A constant, once in a function, at its top."""
        attribute = constant_attribute(value, type)
        key = (str(attribute), type)
        if key not in self.constants:
            entry = Builder(self.function.body, 0, self.function.location)
            self.constants[key] = entry.value("arith.constant", [], type, {"value": attribute}, _constant_name(value, type))
        return self.constants[key]

    def index(self, value: Mixed) -> Value:
        return value if isinstance(value, Value) else self.constant(value, index)

    def scalar(self, name: str, operands: Sequence[Value], type: Type, hint: str = "") -> Value:
        return self.builder.value(name, operands, type, hint=hint)

    # buffers

    def allocate(self, shape: Sequence[int], element: Type, space: str = "ub", hint: str = "") -> Value:
        return memref.alloc(self.builder, MemRefType(held(tuple(shape)), element, None, space), hint=hint)

    def new(self, shape: Sequence[int], element: Type, hint: str = "") -> Buffer:
        return Buffer(self.allocate(shape, element, hint=hint), tuple(shape))

    def temporary(self, elements: int, element: Type) -> Value:
        return self.allocate((max(elements, 1),), element, hint="temp")

    def view(self, base: Value, shape: Sequence[int]) -> Value:
        """The same buffer in another shape; made right behind the buffer, so that every use sees it."""
        wanted = held(tuple(shape))
        type = base.type
        assert isinstance(type, MemRefType)
        if type.shape == wanted:
            return base
        if (base, wanted) not in self.views:
            assert base.op is not None
            self.views[base, wanted] = _reshape(Builder.after(base.op), base, wanted)
        return self.views[base, wanted]

    def full(self, buffer: Buffer) -> Value:
        """The buffer in its tensor's shape."""
        return self.view(buffer.base, buffer.shape)

    # contents

    def fill(self, scalar: Value | None, target: Value) -> None:
        if scalar is not None:
            hivm.instruction(self.builder, "vbrc", [[scalar], [target]], {"broadcast_dims": DenseArrayAttr(())})

    def copy(self, source: Value, target: Value) -> None:
        hivm.instruction(self.builder, "copy", [[source], [target]])

    def materialize(self, tile: Tile, type: TensorType, hint: str = "") -> Buffer:
        """The tile in a buffer of its own or of its source's."""
        if isinstance(tile, Buffer):
            return Buffer(tile.base, type.shape)
        if isinstance(tile, Spread):
            return self._repeat(tile, type, hint)
        target = self.new(type.shape, type.element, hint)
        self.write(tile, type, target)
        return target

    def write(self, tile: Tile, type: TensorType, target: Buffer) -> None:
        """Puts the tile's elements into `target`."""
        into = self.full(target)
        if isinstance(tile, Scalar):
            self.fill(tile.value, into)
        elif isinstance(tile, Buffer):
            self.copy(self.view(tile.base, type.shape), into)
        elif isinstance(tile, Spread):
            self.repeat(tile, into)
        elif isinstance(tile, Window):
            self.load(tile, into)
        elif isinstance(tile, Slice):
            self.copy(self.slice_view(tile, type), into)
        else:
            raise TypeError(f"{type} is held by the cube")

    def _repeat(self, tile: Spread, type: TensorType, hint: str) -> Buffer:
        """Made where the tensor op stands, so that every user shares it."""
        if tile not in self.spreads:
            here, self.builder = self.builder, Before(tile.op)
            target = self.new(tile.shape, type.element, hint or "wide")
            self.repeat(tile, self.full(target))
            self.builder = here
            self.spreads[tile] = target
        return self.spreads[tile]

    def repeat(self, tile: Spread, into: Value) -> None:
        source = self.full(tile.buffer)
        dims = spread_dims(tile)
        temp = None
        if dims and dims[-1] == len(tile.shape) - 1:
            temp = self.row_blocks(tile.buffer.shape, source.type)
        groups = [[source], [into], *([[temp]] if temp else [])]
        hivm.instruction(self.builder, "vbrc", groups, {"broadcast_dims": DenseArrayAttr(dims)})

    def row_blocks(self, shape: tuple[int, ...], type: Type) -> Value:
        """Scratch for repeating the last dimension: a block for each row, by eights, as the vendor sizes it."""
        assert isinstance(type, MemRefType)
        rows = shape[-2] if len(shape) > 1 else 1
        blocks = 1 if rows == 1 else -(-rows // 8) * 8
        return self.temporary(blocks * BLOCK_BYTES * 8 // bit_width(type.element), type.element)

    # global memory

    def load(self, window: Window, into: Value) -> None:
        """Loads what the window covers of the buffer and fills the rest.

        The load itself pads up to the next 32 bytes; the rest is filled afterwards, since then the load waits for nobody.
        """
        if window.pad is None or window.sizes == window.shape:
            target = into if window.sizes == window.shape else self.part(into, window.offsets, window.sizes)
            self.move_in(window.view, target, None)
        elif any(offset != 0 for offset in window.offsets):
            self.fill_border(window, into)
            self.move_in(window.view, self.part(into, window.offsets, window.sizes), window.pad)
        else:
            ends = (*window.sizes[:-1], self.whole_blocks(window.sizes[-1], into))
            self.move_in(window.view, self.part(into, window.offsets, ends), window.pad)
            self.fill_behind(ends, window.pad, into)

    def move_in(self, view: Value, target: Value, pad: Value | None) -> None:
        """One load, with its own padding where there is a value for it."""
        groups: list[list[Value]] = [[view], [target]]
        attributes: dict[str, AttributeValue] = {}
        if pad is not None:
            attributes["pad_mode"] = hivm.enum_attribute("padmode", "PadValue")
            groups += [[pad], [self.index(0)]]
        attributes |= {"init_out_buffer": False, "may_implicit_transpose_with_last_axis": False}
        hivm.instruction(self.builder, "load", groups, attributes)

    def part(self, buffer: Value, offsets: Sequence[Mixed], sizes: Sequence[Mixed]) -> Value:
        type = buffer.type
        assert isinstance(type, MemRefType)
        return buffer if tuple(sizes) == type.shape else memref.subview(self.builder, buffer, offsets, sizes)

    def whole_blocks(self, size: Mixed, buffer: Value) -> Mixed:
        """A size of the last dimension, up to the next 32 bytes, within the buffer."""
        type = buffer.type
        assert isinstance(type, MemRefType)
        full, block = type.shape[-1], BLOCK_BYTES * 8 // bit_width(type.element)
        blocks = self.blocks(size, block)
        if isinstance(blocks, int):
            return min(blocks * block, full)
        rounded = self.scalar("arith.muli", [blocks, self.index(block)], index)
        return rounded if full % block == 0 else self.scalar("arith.minsi", [rounded, self.index(full)], index)

    def fill_behind(self, ends: Sequence[Mixed], pad: Value, into: Value) -> None:
        """Fills what lies behind the end of each dimension; where that is not known, in a branch that is rarely taken."""
        type = into.type
        assert isinstance(type, MemRefType)
        for dimension, (end, full) in enumerate(zip(ends, type.shape, strict=True)):
            if end == full:
                continue
            offsets: list[Mixed] = [end if d == dimension else 0 for d in range(type.rank)]
            if isinstance(end, int):
                sizes: list[Mixed] = [full - end if d == dimension else size for d, size in enumerate(type.shape)]
                self.fill(pad, self.part(into, offsets, sizes))
                continue
            partial = compare(self.builder, "slt", end, self.index(full), "partial")

            def behind(end: Value = end, offsets: list[Mixed] = offsets, dimension: int = dimension, full: int = full) -> None:
                rest = self.scalar("arith.subi", [self.index(full), end], index)
                sizes: list[Mixed] = [rest if d == dimension else size for d, size in enumerate(type.shape)]
                self.fill(pad, self.part(into, offsets, sizes))

            self.when(partial, behind)

    def when(self, condition: Value, emit: Callable[[], None]) -> None:
        """What `emit` emits, under a condition."""
        then = single_block()
        self.builder.op("scf.if", [condition], regions=[then, Region()])
        outside, self.builder = self.builder, Builder(then.blocks[0], 0, self.builder.location, self.builder.origin)
        emit()
        self.builder.op("scf.yield")
        self.builder = outside

    def fill_border(self, window: Window, into: Value) -> None:
        """The buffer filled with the padding, unless the window turns out to cover all of it."""
        assert window.pad is not None
        pairs = [(size, full) for size, full in zip(window.sizes, window.shape, strict=True) if size != full]
        if any(isinstance(size, int) for size, _ in pairs):
            self.fill(window.pad, into)
            return
        partial, *others = [compare(self.builder, "slt", self.index(size), self.index(full)) for size, full in pairs]
        for other in others:
            partial = self.scalar("arith.ori", [partial, other], i1)
        partial.name = partial.name or "partial"
        self.when(partial, lambda: self.fill(window.pad, into))

    def product_to_ub(self, product: Product, into: Value) -> None:
        """L0C to UB: through the vector unit of a coupled chip."""
        source = self.product_view(product, product.shape)
        hivm.instruction(self.builder, "fixpipe", [[source], [into]], fixpipe_attributes(product))

    def product_view(self, product: Product, sizes: Sequence[Mixed]) -> Value:
        """The blocks of an L0C matrix that hold its first rows and columns."""
        return self.blocks_of(product.buffer, sizes)

    def blocks_of(self, buffer: Value, sizes: Sequence[Mixed]) -> Value:
        """The part of a fractal buffer that holds the first `sizes` rows and columns."""
        type = buffer.type
        assert isinstance(type, MemRefType)
        high, wide = type.shape[2:]
        wanted: list[Mixed] = [self.blocks(sizes[1], wide), self.blocks(sizes[0], high), high, wide]
        if tuple(wanted) == type.shape:
            return buffer
        return memref.subview(self.builder, buffer, [0, 0, 0, 0], wanted)

    def blocks(self, size: Mixed, width: int) -> Mixed:
        """⌈size / width⌉."""
        if isinstance(size, int):
            return -(-size // width)
        return self.scalar("arith.ceildivsi", [size, self.index(width)], size.type)

    def slice_view(self, tile: Slice, type: TensorType) -> Value:
        """A view of the part."""
        source = tile.source
        assert isinstance(source, Buffer)
        return memref.subview(self.builder, self.full(source), tile.offsets, tile.sizes, tile.strides)


def spread_dims(tile: Spread) -> tuple[int, ...]:
    """The dimensions along which it repeats."""
    pairs = zip(tile.buffer.shape, tile.shape, strict=True)
    return tuple(d for d, (small, large) in enumerate(pairs) if small != large)


def fixpipe_attributes(product: Product) -> dict[str, AttributeValue]:
    """Layout nZ to rows, conversion and ReLU, as the fixed-function pipe does them."""
    source = product.buffer.type
    assert isinstance(source, MemRefType)
    attributes: dict[str, AttributeValue] = {"dma_mode": hivm.enum_attribute("dma_mode", "nz2nd")}
    if product.element != source.element:
        mode = {"f16": "F322F16", "bf16": "F322BF16"}[str(product.element)]
        attributes["pre_quant"] = hivm.enum_attribute("fixpipe_pre_quant_mode", mode)
    if product.relu:
        attributes["pre_relu"] = hivm.enum_attribute("fixpipe_pre_relu_mode", "NORMAL_RELU")
    return attributes


def _reshape(builder: Builder, base: Value, shape: tuple[int, ...]) -> Value:
    """By way of one dimension where neither side has one."""
    type = base.type
    assert isinstance(type, MemRefType)
    flat = base
    if type.rank > 1:
        attributes = {"reassociation": [list(range(type.rank))]}
        flat_type = MemRefType((type.size,), type.element, None, type.space)
        flat = builder.value("memref.collapse_shape", [base], flat_type, attributes, base.name)
    if len(shape) == 1:
        return flat
    attributes = {"reassociation": [list(range(len(shape)))], "static_output_shape": DenseArrayAttr(shape)}
    return builder.value(
        "memref.expand_shape", [flat], MemRefType(shape, type.element, None, type.space), attributes, base.name
    )


def _constant_name(value: int | float | bool, type: Type) -> str:
    if isinstance(type, FloatType):
        return "cst"
    if type == IntegerType(1):
        return "true" if value else "false"
    suffix = "" if isinstance(type, IndexType) else f"_{type}"
    return f"c{value}{suffix}" if value >= 0 else f"c_{-value}{suffix}"
