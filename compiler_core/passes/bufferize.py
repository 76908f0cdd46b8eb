"""Tile to machine: tensors become buffers in the core's memories, tensor ops become instructions that write them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from compiler_core.dialects import hivm, memref
from compiler_core.dialects.arith import constant_value
from compiler_core.dialects.builtin import device_functions, update_function_type
from compiler_core.dialects.indices import Mixed, unpack
from compiler_core.dialects.linalg import dimensions_of, permutation_of, reduction_kind
from compiler_core.dialects.tensor import pad_value, tensor_type
from compiler_core.ir import Builder, DenseArrayAttr, Op, RawAttr, UnitAttr, Value, has_trait, is_pure, single_block
from compiler_core.ir.attributes import AttributeValue, DenseAttr
from compiler_core.ir.core import Block
from compiler_core.ir.rewriter import erase_dead
from compiler_core.ir.types import MemRefType, TensorType, bf16, bit_width, element_of, f32, i32, index, is_float
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.machine.cube import (
    CubeUnit,
    carried_by_cube,
    feeds_bias,
    feeds_only_cube,
    product_elementwise,
)
from compiler_core.passes.machine.elementwise import Vector, lower_elementwise
from compiler_core.passes.machine.inplace import destinations
from compiler_core.passes.machine.tiles import (
    REPEAT_BYTES,
    Before,
    Buffer,
    Emitter,
    Fractals,
    Product,
    Row,
    Scalar,
    Slice,
    Spread,
    Tile,
    Window,
    held,
    refuse,
)


@dataclass(frozen=True)
class Bufferize(Pass):
    name: ClassVar[str] = "bufferize"
    summary: ClassVar[dict[str, str]] = {
        "en": "Tensors become buffers in UB, L1 and L0C; tensor ops become vector, cube and move instructions",
        "zh": "张量变为 UB、L1、L0C 中的缓冲区；张量运算变为 vector、cube 与搬运指令",
    }
    stage_in: ClassVar = "tile"
    stage_out: ClassVar = "machine"
    mandatory: ClassVar[bool] = True

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            lower_function(function, context)


def lower_function(function: Op, context: PassContext) -> None:
    """Raises Refused where an op has no counterpart on the chip."""
    place_arguments(function)
    emitter = Emitter(function, context.chip, Builder(function.body, 0, function.location))
    lowering = Lowering(emitter, CubeUnit(emitter))
    lowering.block(function.body)
    remove_tensors(function)
    erase_dead(function)
    finish_function(function)
    block_numbers(function)
    update_function_type(function)


def place_arguments(function: Op) -> None:
    """Pointers, and every view of them, lie in global memory."""
    for op in function.walk():
        values = [*op.results, *(a for r in op.regions for b in r.blocks for a in b.arguments)]
        for value in values:
            if isinstance(value.type, MemRefType) and value.type.space is None:
                value.type = MemRefType(value.type.shape, value.type.element, value.type.layout, "gm")


def finish_function(function: Op) -> None:
    """What the runtime and the vendor's tools want to know of a kernel; a drained core at its end."""
    spaces = {hivm.space_of(v) for op in function.walk() for v in op.results}
    cube, vector = "cc" in spaces, "ub" in spaces
    core = "MIX" if cube and vector else "AIC" if cube else "AIV"
    function.attributes.pop("tilescope.core", None)
    function.attributes["hacc.entry"] = UnitAttr()
    function.attributes["hacc.function_kind"] = RawAttr("#hacc.function_kind<DEVICE>")
    function.attributes["hivm.func_core_type"] = hivm.enum_attribute("func_core_type", core)
    end = Builder.before(function.body.terminator)
    hivm.pipe_barrier(end, "PIPE_ALL")


def block_numbers(function: Op) -> None:
    """Program ids from the block's number, last dimension fastest: z = n mod gz, y = n / gz mod gy, x = n / (gz·gy)."""
    named = {a.name: a for a in function.body.arguments}
    wanted = [named.get(f"pid_{axis}") for axis in "xyz"]
    builder = Builder(function.body, _after_constants(function.body), function.location, (function.id,))
    hivm.instruction(builder, "set_mask_norm", [])
    if any(w is not None and w.uses for w in wanted):
        number = builder.value("arith.trunci", [hivm.get_block_index(builder)], i32, hint="block")
        for axis, identity in zip("xyz", _coordinates(builder, number, named, wanted), strict=True):
            argument = named[f"pid_{axis}"]
            if identity is not None:
                identity.name = f"pid_{axis}"
                argument.replace_all_uses_with(identity)
    for argument in reversed(function.body.arguments):
        if argument.name in ("pid_x", "pid_y", "pid_z"):
            function.body.remove_argument(argument.index)


def _coordinates(
    builder: Builder, number: Value, named: dict[str, Value], wanted: Sequence[Value | None]
) -> list[Value | None]:
    used = [w is not None and bool(w.uses) for w in wanted]
    grid_y, grid_z = named["grid_y"], named["grid_z"]
    rows = builder.value("arith.divsi", [number, grid_z], i32) if used[1] or used[0] else None
    z = builder.value("arith.remsi", [number, grid_z], i32) if used[2] else None
    y = builder.value("arith.remsi", [rows, grid_y], i32) if used[1] and rows else None
    x = builder.value("arith.divsi", [rows, grid_y], i32) if used[0] and rows else None
    return [x, y, z]


def _after_constants(block: Block) -> int:
    return next((i for i, op in enumerate(block.ops) if op.name != "arith.constant"), 0)


def remove_tensors(function: Op) -> None:
    """Erases the tensor ops, which nothing but each other uses any more, and the tensors that control flow hands on."""
    for op in reversed(list(function.walk())):
        if op is function:
            continue
        if op.name in ("scf.yield", "scf.condition"):
            op.operands = [v for v in op.operands if not isinstance(v.type, TensorType)]
        elif op.name in ("scf.for", "scf.if", "scf.while"):
            _drop_tensor_values(op)
        elif op.name not in ("func.return",) and _on_tensors(op):
            op.erase()


def _on_tensors(op: Op) -> bool:
    return any(isinstance(v.type, TensorType) for v in (*op.operands, *op.results))


def _drop_tensor_values(op: Op) -> None:
    for region in op.regions:
        for block in region.blocks:
            for argument in reversed(block.arguments):
                if isinstance(argument.type, TensorType):
                    block.remove_argument(argument.index)
    op.operands = [v for v in op.operands if not isinstance(v.type, TensorType)]
    op.results = [v for v in op.results if not isinstance(v.type, TensorType)]
    for i, result in enumerate(op.results):
        result.index = i


@dataclass
class Lowering:
    """Walks a function in program order; `tiles` says what each tensor has become."""

    emit: Emitter
    cube: CubeUnit
    tiles: dict[Value, Tile] = field(default_factory=dict[Value, Tile])
    into: dict[Value, Buffer] = field(default_factory=dict[Value, Buffer])
    """Tensors that must be computed into a given buffer, because a loop or a branch hands them on there."""

    def block(self, block: Block) -> None:
        for op in list(block.ops):
            self.emit.builder = Before(op)
            self.op(op)

    def op(self, op: Op) -> None:
        if op.name == "scf.for":
            self.loop(op)
        elif op.name == "scf.if":
            self.branch(op)
        elif op.name == "scf.while":
            self.while_loop(op)
        elif op.name == "bufferization.materialize_in_destination":
            self.store(op)
        elif _on_tensors(op) and op.name not in ("scf.yield", "scf.condition", "func.return"):
            self.tensor_op(op)

    def tensor_op(self, op: Op) -> None:
        handler = self.HANDLERS.get(op.name)
        if handler is not None:
            handler(self, op)
        elif has_trait(op, "elementwise"):
            self.elementwise(op)
        else:
            raise refuse(op, "machine-unsupported", op=op.name)
        for result in op.results:
            self.deliver(result)

    def deliver(self, value: Value) -> None:
        """Brings a tensor into the buffer that it was promised to, where its op did not already write there."""
        promised = self.into.get(value)
        if promised is None:
            return
        tile = self.tiles[value]
        if isinstance(tile, Product):
            self.tiles[value] = self.cube.to_ub(tile, value.op or self.emit.function, promised)
        elif not (isinstance(tile, Buffer) and tile.base is promised.base):
            self.emit.write(tile, tensor_type(value), promised)
            self.tiles[value] = promised

    def buffer(self, value: Value) -> Buffer:
        tile = self.tiles[value]
        if isinstance(tile, Product):
            buffer = self.cube.to_ub(tile, value.op or self.emit.function)
            if value.op is not None and value.op.parent is self.emit.builder.block:
                self.tiles[value] = buffer
            return buffer
        return self.emit.materialize(self.tiles[value], tensor_type(value), value.name)

    # elementwise

    def elementwise(self, op: Op) -> None:
        result = op.results[0]
        if not isinstance(result.type, TensorType):
            return
        source = self.tiles[op.operands[0]] if isinstance(op.operands[0].type, TensorType) else None
        if isinstance(source, Row):
            self.tiles[result] = source
            return
        folded = product_elementwise(op, self.tiles)
        if folded is not None:
            self.tiles[result] = folded
            return
        if op.name == "arith.select" and not isinstance(op.operands[0].type, TensorType):
            self.scalar_select(op)
            return
        tiles = [self.operand(v) for v in op.operands]
        made = lower_elementwise(self.emit, op, tiles, self.into.get(result))
        if isinstance(made, Buffer) and not made.base.name:
            made.base.name = result.name
        self.tiles[result] = made

    def operand(self, value: Value) -> Tile:
        """A tile that a vector instruction can read."""
        tile = self.tiles[value]
        return tile if isinstance(tile, Buffer | Scalar | Spread) else self.buffer(value)

    def scalar_select(self, op: Op) -> None:
        """A tensor by a scalar condition: a branch that copies."""
        condition, *choices = op.operands
        type = tensor_type(op.result)
        tiles = [self.operand(v) for v in choices]
        if all(isinstance(t, Scalar) for t in tiles):
            values = [t.value for t in tiles if isinstance(t, Scalar) and t.value is not None]
            self.tiles[op.result] = Scalar(self.emit.scalar("arith.select", [condition, *values], type.element))
            return
        target = self.into.get(op.result) or self.emit.new(type.shape, type.element, op.result.name)
        regions = [single_block(), single_block()]
        self.emit.builder.op("scf.if", [condition], regions=regions)
        outside = self.emit.builder
        for region, tile in zip(regions, tiles, strict=True):
            self.emit.builder = Builder(region.blocks[0], 0, outside.location, outside.origin)
            self.emit.write(tile, type, target)
            self.emit.builder.op("scf.yield")
        self.emit.builder = outside
        self.tiles[op.result] = target

    # making and reshaping

    def constant(self, op: Op) -> None:
        type = tensor_type(op.result)
        value = constant_value(op.result)
        if value is not None:
            self.tiles[op.result] = Scalar(self.emit.constant(value, type.element))
            return
        dense = op.attributes["value"]
        if not isinstance(dense, DenseAttr):
            raise refuse(op, "machine-unsupported", op=f"a constant of {type}")
        self.elements(op, [self.emit.constant(v, type.element) for v in dense.values])

    def from_elements(self, op: Op) -> None:
        self.elements(op, list(op.operands))

    def elements(self, op: Op, values: list[Value]) -> None:
        """Scalar stores, one an element."""
        type = tensor_type(op.result)
        target = self.into.get(op.result) or self.emit.new(type.shape, type.element, op.result.name)
        flat = self.emit.view(target.base, (max(len(values), 1),))
        for i, value in enumerate(values):
            memref.store(self.emit.builder, value, flat, [self.emit.index(i)])
        self.tiles[op.result] = target

    def empty(self, op: Op) -> None:
        self.tiles[op.result] = Scalar(None)

    def splat(self, op: Op) -> None:
        self.tiles[op.result] = Scalar(op.operands[0])

    def arange(self, op: Op) -> None:
        """A tensor of its own index, plus a constant or scalar: varange."""
        type = tensor_type(op.result)
        offset = _arange_offset(op)
        if offset is None or type.rank != 1:
            raise refuse(op, "machine-unsupported", op="tensor.generate")
        target = self.into.get(op.result) or self.emit.new(type.shape, type.element, op.result.name)
        start = self._as_index(offset)
        groups = [[self.emit.full(target)], [start], [self.emit.index(1)]]
        hivm.instruction(self.emit.builder, "varange", groups)
        self.tiles[op.result] = target

    def _as_index(self, offset: Value | int) -> Value:
        if isinstance(offset, int):
            return self.emit.index(offset)
        return offset if offset.type == index else self.emit.scalar("arith.index_cast", [offset], index)

    def reshape(self, op: Op) -> None:
        source, shape = self.tiles[op.operands[0]], tensor_type(op.result).shape
        if isinstance(source, Scalar) or (isinstance(source, Fractals) and source.shape == shape):
            self.tiles[op.result] = source
        else:
            self.tiles[op.result] = Buffer(self.buffer(op.operands[0]).base, shape)

    def broadcast(self, op: Op) -> None:
        shape = tensor_type(op.result).shape
        source = self.tiles[op.operands[0]]
        if isinstance(source, Scalar | Row):
            self.tiles[op.result] = source
            return
        buffer = self.buffer(op.operands[0])
        added = dimensions_of(op)
        small = tuple(1 if d in added else size for d, size in enumerate(shape))
        self.tiles[op.result] = Spread(Buffer(buffer.base, small), shape, op)

    def transpose(self, op: Op) -> None:
        source = self.tiles[op.operands[0]]
        type = tensor_type(op.result)
        if isinstance(source, Scalar):
            self.tiles[op.result] = source
            return
        if isinstance(source, Fractals):
            self.tiles[op.result] = Fractals(source.buffer, source.valid, (type.shape[0], type.shape[1]), not source.transposed)
            return
        order = permutation_of(op)
        buffer = self.buffer(op.operands[0])
        if [d for d in order if type.shape[order.index(d)] > 1] == sorted(d for d in order if type.shape[order.index(d)] > 1):
            self.tiles[op.result] = Buffer(buffer.base, type.shape)
            return
        target = self.into.get(op.result) or self.emit.new(type.shape, type.element, op.result.name)
        attributes: dict[str, AttributeValue] = {"permutation": DenseArrayAttr(order), "disable_align": False}
        groups = [[self.emit.full(buffer)], [self.emit.full(target)]]
        hivm.instruction(self.emit.builder, "vtranspose", groups, attributes)
        self.tiles[op.result] = target

    def cast(self, op: Op) -> None:
        self.tiles[op.result] = self.tiles[op.operands[0]]

    # parts

    def extract(self, op: Op) -> None:
        """One element, read by the scalar unit."""
        source, *indices = op.operands
        tile = self.tiles[source]
        if isinstance(tile, Scalar) and tile.value is not None:
            op.result.replace_all_uses_with(tile.value)
            return
        buffer = self.buffer(source)
        places = indices or [self.emit.index(0)]
        loaded = memref.load(self.emit.builder, self.emit.full(buffer), places, op.result.name)
        op.result.replace_all_uses_with(loaded)

    def extract_slice(self, op: Op) -> None:
        source = self.tiles[op.operands[0]]
        offsets, sizes, strides = (tuple(unpack(op, k)) for k in ("offsets", "sizes", "strides"))
        static = tensor_type(op.result).is_static
        if isinstance(source, Scalar) and static:
            self.tiles[op.result] = source
            return
        if not isinstance(source, Product):
            source = self.buffer(op.operands[0])
        part = Slice(source, offsets, sizes, strides)
        if static and isinstance(source, Buffer) and any(u.name != _MATERIALIZE for u in op.result.uses):
            type = tensor_type(op.result)
            target = self.into.get(op.result) or self.emit.new(type.shape, type.element, op.result.name)
            self.emit.copy(self._cut(part, type), self.emit.full(target))
            self.tiles[op.result] = target
            return
        self.tiles[op.result] = part

    def _cut(self, part: Slice, type: TensorType) -> Value:
        """The part as a view of the slice's rank; dropped dimensions of size 1 are put back on the target's side."""
        view = self.emit.slice_view(part, type)
        assert isinstance(view.type, MemRefType)
        return view

    def insert_slice(self, op: Op) -> None:
        part, whole = op.operands[:2]
        type = tensor_type(op.result)
        target = self.into.get(op.result) or self.emit.new(type.shape, type.element, op.result.name)
        self.emit.write(self.operand(whole), type, target)
        offsets, sizes, strides = (tuple(unpack(op, k)) for k in ("offsets", "sizes", "strides"))
        view = self.emit.slice_view(Slice(target, offsets, sizes, strides), type)
        tile = self.operand(part)
        if isinstance(tile, Scalar):
            self.emit.fill(tile.value, view)
        else:
            self.emit.copy(self.emit.view(self.buffer(part).base, _shape(view)), view)
        self.tiles[op.result] = target

    # memory

    def to_tensor(self, op: Op) -> None:
        """A read of global memory; where a pad follows it is loaded as part of that."""
        view = op.operands[0]
        type = tensor_type(op.result)
        pads = [u for u in op.result.uses if u.name == "tensor.pad"]
        for pad in pads:
            _hoist_behind(pad, op)
        if len(pads) < len(op.result.uses):
            sizes = tuple(_sizes(view)) if not type.is_static else type.shape
            window = Window(view, (0,) * type.rank, sizes, type.shape, None)
            self.read(op, op.result, window)
        else:
            self.tiles[op.result] = Scalar(None)

    def pad(self, op: Op) -> None:
        source = op.operands[0]
        shape = tensor_type(op.result).shape
        low = tuple(unpack(op, "low"))
        read = source.op
        if read is not None and read.name == "bufferization.to_tensor":
            view = read.operands[0]
            self.read(op, op.result, Window(view, low, tuple(_sizes(view)), shape, pad_value(op)))
            return
        target = self.into.get(op.result) or self.emit.new(shape, tensor_type(op.result).element, op.result.name)
        self.emit.fill(pad_value(op), self.emit.full(target))
        tile = self.tiles[source]
        sizes = tile.sizes if isinstance(tile, Slice) else tensor_type(source).shape
        inner = memref.subview(self.emit.builder, self.emit.full(target), low, sizes)
        part = isinstance(tile, Slice)
        outer = self.emit.slice_view(tile, tensor_type(source)) if part else self.emit.full(self.buffer(source))
        self.emit.copy(outer, inner)
        self.tiles[op.result] = target

    def read(self, op: Op, result: Value, window: Window) -> None:
        """Loads into L1 what only the cube reads, into UB the rest."""
        type = tensor_type(result)
        if not type.is_static:
            wrapped = any(u.name == "tensor.insert_slice" for u in result.uses)
            raise refuse(op, "machine-wrapped-load") if wrapped else refuse(op, "machine-dynamic-tensor", type=str(type))
        if self.emit.chip.split and feeds_bias(result):
            self.tiles[result] = self.cube.load_row(window, type, result.name)
            return
        if feeds_only_cube(result) and all(offset == 0 for offset in window.offsets):
            self.tiles[result] = self.cube.load(window, type, result.name)
            return
        target = self.into.get(result) or self.emit.new(type.shape, type.element, result.name)
        self.emit.load(_ranked(window), self.emit.full(target))
        self.tiles[result] = target

    def store(self, op: Op) -> None:
        source, view = op.operands
        tile = self.tiles[source]
        product = tile.source if isinstance(tile, Slice) else tile
        if isinstance(product, Product):
            self.store_product(op, product, tile, view)
            return
        if isinstance(tile, Slice):
            part = self.emit.slice_view(tile, tensor_type(source))
        else:
            part = self.emit.full(self.buffer(source))
        hivm.instruction(self.emit.builder, "store", [[part], [view]])

    def store_product(self, op: Op, product: Product, tile: Tile, view: Value) -> None:
        """Straight out of L0C where the chip has the pipe for it."""
        corner = not isinstance(tile, Slice) or all(o == 0 for o in tile.offsets)
        if self.emit.chip.split and corner:
            sizes = tile.sizes if isinstance(tile, Slice) else product.shape
            self.cube.store(product, sizes, view)
            return
        buffer = self.cube.to_ub(product, op)
        if isinstance(tile, Slice):
            part = self.emit.slice_view(Slice(buffer, tile.offsets, tile.sizes, tile.strides), tensor_type(op.operands[0]))
        else:
            part = self.emit.full(buffer)
        hivm.instruction(self.emit.builder, "store", [[part], [view]])

    # reductions

    def reduce(self, op: Op) -> None:
        """vreduce keeps the rank; the init joins in afterwards, unless it is the combiner's identity."""
        source, init = op.operands
        type, result = tensor_type(source), tensor_type(op.result)
        kind = reduction_kind(op)
        if kind not in ("sum", "prod", "max", "min"):
            raise refuse(op, "machine-reduction", kind=kind or "a combiner of several ops")
        dims = dimensions_of(op)
        operand, element = self.buffer(source), type.element
        vector = Vector(self.emit, type.shape)
        if element == bf16:
            operand, element = vector.cast(operand, bf16, f32), f32
        kept = tuple(1 if d in dims else size for d, size in enumerate(type.shape))
        plain = self.is_identity(init, kind, result)
        into = self.into.get(op.result) if plain and element == type.element else None
        target = into or Buffer(self.emit.allocate(kept, element, hint=op.result.name), result.shape)
        temp = self.emit.temporary(_scratch(kind, type.size, bit_width(element)), element)
        groups = [[self.emit.view(operand.base, type.shape)], [self.emit.view(target.base, kept)], [temp]]
        attributes: dict[str, AttributeValue] = {
            "arith": hivm.enum_attribute("reduce_op", kind),
            "reduce_dims": DenseArrayAttr(dims),
        }
        hivm.instruction(self.emit.builder, "vreduce", groups, attributes)
        made: Tile = target
        after = Vector(self.emit, result.shape)
        if element != type.element:
            made = after.cast(made, element, type.element)
        if not plain:
            name = {"sum": "vadd", "prod": "vmul", "max": "vmax", "min": "vmin"}[kind]
            made = after.binary(name, made, self.operand(init), type.element, self.into.get(op.result))
        self.tiles[op.result] = made

    def is_identity(self, init: Value, kind: str, type: TensorType) -> bool:
        tile = self.tiles[init]
        number = constant_value(tile.value) if isinstance(tile, Scalar) and tile.value is not None else None
        if number is None:
            return isinstance(tile, Scalar) and tile.value is None
        if kind in ("sum", "prod"):
            return number == (0 if kind == "sum" else 1)
        low, high = _range(type)
        return number <= low if kind == "max" else number >= high

    # cube

    def matmul(self, op: Op) -> None:
        a, b, outs = op.operands
        accumulator = self.tiles[outs]
        if isinstance(accumulator, Window | Slice | Fractals):
            accumulator = self.buffer(outs)
        left, right = (self.cube.operand(self.tiles[v], v, op, lambda v=v: self.buffer(v)) for v in (a, b))
        self.tiles[op.result] = self.cube.multiply(op, left, right, accumulator)

    # control flow

    def loop(self, op: Op) -> None:
        tensors = [i for i, v in enumerate(op.operands[3:]) if isinstance(v.type, TensorType)]
        body = op.body
        homes: dict[int, Buffer] = {}
        for i in tensors:
            init, argument = op.operands[3 + i], body.arguments[1 + i]
            if carried_by_cube(op, i):
                self.tiles[argument] = self.cube.enter_loop(op, self.tiles[init], tensor_type(argument), argument.name)
                continue
            homes[i] = self.home(op, i)
            self.tiles[argument] = homes[i]
        yielded = body.terminator.operands
        for i, target in destinations(op, homes).items():
            self.into[yielded[i]] = target
        self.block(body)
        self.emit.builder = Before(body.terminator)
        self.hand_on([(yielded[i], homes[i]) for i in homes])
        for i in tensors:
            self.tiles[op.results[i]] = homes[i] if i in homes else self.cube.leave_loop(self.tiles[yielded[i]])
            self.emit.builder = Before(_next(op))
            self.deliver(op.results[i])

    def home(self, op: Op, i: int) -> Buffer:
        """The buffer a loop carries its i-th tensor in: the initial value's own where nobody else needs that."""
        init, type = op.operands[3 + i], tensor_type(op.operands[3 + i])
        promised = self.into.get(op.results[i])
        tile = self.operand(init)
        if isinstance(tile, Buffer) and self._last_use(init, op) and (promised is None or promised.base is tile.base):
            return Buffer(tile.base, type.shape)
        home = promised or self.emit.new(type.shape, type.element, op.body.arguments[1 + i].name)
        if not (isinstance(tile, Buffer) and tile.base is home.base):
            self.emit.write(tile, type, home)
        return home

    def _last_use(self, value: Value, op: Op) -> bool:
        """Only `op` uses it, in the block where it is made, and no other tensor lies in the same buffer."""
        block = value.owner.parent if isinstance(value.owner, Op) else value.owner
        if value.uses != [op] or block is not op.parent:
            return False
        tile = self.tiles[value]
        return not any(
            isinstance(t, Buffer) and isinstance(tile, Buffer) and t.base is tile.base and v is not value and v.uses
            for v, t in self.tiles.items()
        )

    def hand_on(self, moves: list[tuple[Value, Buffer]]) -> None:
        """Copies yielded tensors to where the next iteration looks for them; through a spare buffer where they cross."""
        pending: list[tuple[Value, Buffer]] = []
        for value, home in moves:
            tile = self.operand(value)
            if isinstance(tile, Buffer) and tile.base is home.base:
                continue
            pending.append((value, home))
        homes = {home.base for _, home in pending}
        for value, _ in pending:
            tile = self.operand(value)
            source = tile.buffer if isinstance(tile, Spread) else tile
            if isinstance(source, Buffer) and source.base in homes and len(pending) > 1:
                type = tensor_type(value)
                spare = self.emit.new(type.shape, type.element, value.name)
                self.emit.write(tile, type, spare)
                self.tiles[value] = spare
        for value, home in pending:
            self.emit.write(self.operand(value), tensor_type(value), home)

    def branch(self, op: Op) -> None:
        """Both branches write a tensor result into one buffer, made before them."""
        homes: dict[int, Buffer] = {}
        for i, result in enumerate(op.results):
            if isinstance(result.type, TensorType):
                promised = self.into.get(result)
                homes[i] = promised or self.emit.new(result.type.shape, result.type.element, result.name)
                self.tiles[result] = homes[i]
        for region in op.regions:
            for block in region.blocks:
                self.block(block)
                self.emit.builder = Before(block.terminator)
                yielded = block.terminator.operands
                self.hand_on([(yielded[i], home) for i, home in homes.items()])

    def while_loop(self, op: Op) -> None:
        """A carried tensor stays in one buffer, which the condition hands on as it is."""
        before, after = (region.blocks[0] for region in op.regions)
        condition, body = before.terminator, after.terminator
        homes: dict[int, Buffer] = {}
        for i, (init, argument) in enumerate(zip(op.operands, before.arguments, strict=True)):
            if isinstance(init.type, TensorType):
                homes[i] = self.emit.new(init.type.shape, init.type.element, argument.name)
                self.emit.write(self.operand(init), init.type, homes[i])
                self.tiles[argument] = homes[i]
        self.block(before)
        for i, (value, argument) in enumerate(zip(condition.operands[1:], after.arguments, strict=True)):
            if isinstance(value.type, TensorType):
                if value not in before.arguments:
                    raise refuse(op, "machine-while", value=value.name or "a tensor")
                self.tiles[argument] = self.tiles[op.results[i]] = self.tiles[value]
        self.block(after)
        self.emit.builder = Before(body)
        self.hand_on([(body.operands[i], home) for i, home in homes.items()])
        self.emit.builder = Before(_next(op))
        for result in op.results:
            if isinstance(result.type, TensorType):
                self.deliver(result)

    HANDLERS = {
        "arith.constant": constant,
        "bufferization.to_tensor": to_tensor,
        "tensor.pad": pad,
        "tensor.empty": empty,
        "tensor.splat": splat,
        "tensor.generate": arange,
        "tensor.from_elements": from_elements,
        "tensor.extract": extract,
        "tensor.extract_slice": extract_slice,
        "tensor.insert_slice": insert_slice,
        "tensor.expand_shape": reshape,
        "tensor.collapse_shape": reshape,
        "tensor.cast": cast,
        "linalg.fill": splat,
        "linalg.broadcast": broadcast,
        "linalg.transpose": transpose,
        "linalg.reduce": reduce,
        "linalg.matmul": matmul,
    }


def _next(op: Op) -> Op:
    assert op.parent is not None
    return op.parent.ops[op.parent.ops.index(op) + 1]


_MATERIALIZE = "bufferization.materialize_in_destination"


def _shape(value: Value) -> tuple[int, ...]:
    assert isinstance(value.type, MemRefType)
    return value.type.shape


def _ranked(window: Window) -> Window:
    """A tensor of rank 0 is loaded as one element."""
    return window if window.shape else Window(window.view, (0,), (1,), held(()), window.pad)


def _sizes(view: Value) -> list[Mixed]:
    """A view's sizes: of the subview that made it where they are dynamic."""
    type = view.type
    assert isinstance(type, MemRefType)
    if type.is_static:
        return list(type.shape)
    assert view.op is not None and view.op.name in ("memref.subview", "memref.reinterpret_cast")
    return unpack(view.op, "sizes")


def _hoist_behind(op: Op, anchor: Op) -> None:
    """Moves a pure op, and what it needs, right behind `anchor`, which is before it in the same block."""
    block = anchor.parent
    if block is None or op.parent is not block:
        return
    here = block.ops.index(anchor)
    for value in [v for inner in op.walk() for v in inner.operands]:
        maker = value.op
        if maker is not None and maker.parent is block and block.ops.index(maker) > here and is_pure(maker):
            _hoist_behind(maker, anchor)
            here = max(here, block.ops.index(maker))
    op.detach()
    block.insert(here + 1, op)


def _arange_offset(op: Op) -> Value | int | None:
    """c in a generate that yields index + c; None for any other body."""
    block = op.body
    value = block.terminator.operands[0]
    offset: Value | int = 0
    while value.op is not None and value.op.parent is block:
        if value.op.name == "arith.addi":
            inner = [v for v in value.op.operands if _inside(v, block)]
            outer = [v for v in value.op.operands if not _inside(v, block)]
            if len(inner) != 1 or offset != 0:
                return None
            value, offset = inner[0], outer[0]
        elif value.op.name in ("arith.index_cast", "arith.index_castui", "arith.trunci"):
            value = value.op.operands[0]
        else:
            return None
    return offset if value in block.arguments else None


def _inside(value: Value, block: Block) -> bool:
    return value in block.arguments or (value.op is not None and value.op.parent is block)


def _scratch(kind: str, elements: int, bits: int) -> int:
    """Elements of a reduction's scratch, as the vendor sizes it: half of the source for a tree of sums, else one repeat."""
    repeat = REPEAT_BYTES * 8 // bits
    return max(elements // 2, repeat) if kind in ("sum", "prod") else repeat


def _range(type: TensorType) -> tuple[float, float]:
    element = element_of(type)
    if is_float(element):
        return float("-inf"), float("inf")
    width = bit_width(element)
    return -(1 << (width - 1)), (1 << (width - 1)) - 1
