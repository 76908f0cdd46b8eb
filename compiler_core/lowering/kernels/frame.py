"""A kernel under construction: its function, its grid, and the loads, stores and loops that kernels are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from compiler_core.dialects import bufferization, memref, tensor
from compiler_core.dialects.arith import constant
from compiler_core.dialects.builtin import function
from compiler_core.dialects.graph import tensor_type
from compiler_core.dialects.index_math import add, as_value, multiply, quotient, remainder, smaller, subtract
from compiler_core.dialects.indices import Mixed
from compiler_core.dialects.scf import for_loop
from compiler_core.ir import Builder, DenseArrayAttr, Locations, Op, Value, single_block
from compiler_core.ir.types import DYNAMIC, FloatType, MemRefType, TensorType, Type, f32, i32, index

GRID_ARGUMENTS = ("grid_x", "grid_y", "grid_z", "pid_x", "pid_y", "pid_z")


def pieces(size: int, tile: int) -> int:
    """How many tiles cover the size."""
    return -(-size // tile)


def rounded_up(size: int, multiple: int) -> int:
    return pieces(size, multiple) * multiple


@dataclass(frozen=True)
class Tiled:
    """One dimension cut into tiles: where this program's tile starts, and how much of it is inside."""

    tile: int
    start: Mixed
    inside: Mixed


class Kernel:
    """A tensor-stage kernel function. `buffers` are the names and element types of its flat memory arguments."""

    def __init__(
        self,
        name: str,
        buffers: Sequence[tuple[str, Type]],
        grid: Sequence[int],
        location: Locations,
        origin: tuple[int, ...],
    ) -> None:
        types: list[Type] = [MemRefType((DYNAMIC,), element) for _, element in buffers]
        names = [hint for hint, _ in buffers]
        self.function = function(name, [*types, *[i32] * 6], names=[*names, *GRID_ARGUMENTS], location=location)
        self.function.origin = origin
        self.grid = tuple([*grid, 1, 1][:3])
        self.function.attributes["tilescope.grid"] = DenseArrayAttr(self.grid)
        body = self.function.body
        self.buffers = body.arguments[: len(buffers)]
        self.builder = Builder(body, 0, location, origin)

    def finish(self) -> Op:
        self.builder.op("func.return")
        return self.function

    # program ids

    def program(self, axis: int) -> Mixed:
        """This program's place on an axis of the grid, as an index; 0 where there is but one."""
        if self.grid[axis] == 1:
            return 0
        pid = self.function.body.arguments[len(self.buffers) + 3 + axis]
        return self.builder.value("arith.index_cast", [pid], index, hint=f"program_{'xyz'[axis]}")

    def split(self, number: Mixed, sizes: Sequence[int], names: Sequence[str]) -> list[Mixed]:
        """A row-major number taken apart into one place for each size."""
        places: list[Mixed] = []
        for i, (size, name) in enumerate(zip(sizes, names, strict=True)):
            rest = prod(sizes[i + 1 :])
            place: Mixed = 0
            if size > 1:
                place = quotient(self.builder, number, rest, name)
                number = remainder(self.builder, number, rest) if rest > 1 else 0
            places.append(place)
        return places

    def tiled(self, place: Mixed, size: int, tile: int, name: str) -> Tiled:
        """Tile number `place` of a dimension."""
        start = self.times(place, tile, name)
        return Tiled(tile, start, self.inside(start, size, tile, name))

    def inside(self, start: Mixed, size: int, tile: int, name: str = "") -> Mixed:
        """How many of the tile's elements from `start` on are within the size."""
        if size <= tile:
            return size
        if size % tile == 0:
            return tile
        return smaller(self.builder, tile, subtract(self.builder, size, start), f"{name}_inside")

    # index arithmetic

    def constant_index(self, value: int) -> Value:
        return constant(self.builder, value, index)

    def plus(self, *terms: Mixed, hint: str = "") -> Mixed:
        total: Mixed = 0
        for term in terms:
            total = add(self.builder, total, term, hint)
        return total

    def times(self, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
        return multiply(self.builder, a, b, hint)

    def at(self, *terms: tuple[Mixed, int]) -> Mixed:
        """Σ place · stride: an offset in elements."""
        return self.plus(*(self.times(place, stride) for place, stride in terms), hint="offset")

    # memory

    def load(
        self,
        base: Value,
        offset: Mixed,
        shape: Sequence[int],
        strides: Sequence[int],
        valid: Sequence[Mixed] = (),
        other: float = 0.0,
        hint: str = "",
    ) -> Value:
        """A tile of `shape`; outside of `valid` (all of it by default) its elements are `other`."""
        view = memref.reinterpret_cast(self.builder, base, offset, shape, strides, f"{hint}_view")
        if not valid or list(valid) == list(shape):
            return bufferization.to_tensor(self.builder, view, hint)
        part = memref.subview(self.builder, view, [0] * len(shape), valid, hint=f"{hint}_part")
        read = bufferization.to_tensor(self.builder, part, f"{hint}_read")
        border = constant(self.builder, other, tensor_type(read).element)
        high = [subtract(self.builder, size, inside) for size, inside in zip(shape, valid, strict=True)]
        return tensor.pad(self.builder, read, [0] * len(shape), high, border, shape, hint)

    def store(self, value: Value, base: Value, offset: Mixed, strides: Sequence[int], valid: Sequence[Mixed] = ()) -> None:
        """Writes the tile, or its valid part."""
        shape = tensor_type(value).shape
        view = memref.reinterpret_cast(self.builder, base, offset, shape, strides, f"{base.name}_view")
        if valid and list(valid) != list(shape):
            zeros = [0] * len(shape)
            view = memref.subview(self.builder, view, zeros, valid, hint=f"{base.name}_part")
            value = tensor.extract_slice(self.builder, value, zeros, valid, hint=f"{value.name}_part")
        bufferization.materialize(self.builder, value, view)

    # arithmetic

    def full(self, value: float, shape: Sequence[int], element: Type = f32, hint: str = "") -> Value:
        """A tensor of one number."""
        return constant(self.builder, value, TensorType(tuple(shape), element), hint)

    def op(self, name: str, *operands: Value, hint: str = "") -> Value:
        """An elementwise op whose result has the first operand's type."""
        return self.builder.value(name, operands, operands[0].type, hint=hint)

    def to(self, value: Value, element: Type, hint: str = "") -> Value:
        """The tensor with another float type."""
        old = tensor_type(value).element
        if old == element:
            return value
        assert isinstance(old, FloatType) and isinstance(element, FloatType)
        type = TensorType(tensor_type(value).shape, element)
        if old.width == element.width:
            return self.to(self.to(value, f32), element, hint)
        return self.builder.value("arith.extf" if old.width < element.width else "arith.truncf", [value], type, hint=hint)

    def activate(self, value: Value, activation: str | None) -> Value:
        if activation is None:
            return value
        assert activation == "relu"
        type = tensor_type(value)
        return self.op("arith.maximumf", value, self.full(0.0, type.shape, type.element, "zero"), hint="relu")

    # control

    def loop(
        self, size: int, step: int, carried: Sequence[Value], body: Callable[[Mixed, list[Value]], list[Value]], name: str
    ) -> list[Value]:
        """`body(start, carried)` for every start in range(0, size, step); straight code where that is one."""
        if size <= step:
            return body(0, list(carried))
        outside = self.builder
        low, high, stride = (as_value(outside, n) for n in (0, size, step))
        op = for_loop(outside, low, high, stride, carried, index=name)
        self.builder = Builder(op.body, 0, outside.location, outside.origin)
        values = body(op.body.arguments[0], list(op.body.arguments[1:]))
        self.builder.op("scf.yield", values)
        self.builder = outside
        return list(op.results)

    def nest(
        self,
        dimensions: Sequence[tuple[str, int, int]],
        carried: Sequence[Value],
        body: Callable[[list[Mixed], list[Value]], list[Value]],
    ) -> list[Value]:
        """`body(starts, carried)` over several dimensions (name, size, step), the last fastest, in one loop.

        One loop keeps loads running ahead across the dimensions, where a nest would run dry at the end of each inner loop.
        """
        counts = [pieces(size, step) for _, size, step in dimensions]
        longer = [i for i, count in enumerate(counts) if count > 1]
        if len(longer) <= 1:
            at = longer[0] if longer else 0
            name, size, step = dimensions[at]
            starts: list[Mixed] = [0] * len(dimensions)
            return self.loop(size, step, carried, lambda start, c: body([*starts[:at], start, *starts[at + 1 :]], c), name)
        names = [name for name, _, _ in dimensions]

        def one(number: Mixed, values: list[Value]) -> list[Value]:
            places = self.split(number, counts, names)
            return body([self.times(p, step) for p, (_, _, step) in zip(places, dimensions, strict=True)], values)

        return self.loop(prod(counts), 1, carried, one, "_".join(names[i] for i in longer))

    def when(self, condition: Value, yes: Callable[[], None], no: Callable[[], None]) -> None:
        """`yes` where the i1 holds, `no` where it does not."""
        outside = self.builder
        regions = [single_block(), single_block()]
        outside.op("scf.if", [condition], regions=regions)
        for region, body in zip(regions, (yes, no), strict=True):
            self.builder = Builder(region.blocks[0], 0, outside.location, outside.origin)
            body()
            self.builder.op("scf.yield")
        self.builder = outside
