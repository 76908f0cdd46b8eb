"""Elementwise ops with numpy's broadcasting, for the vector unit: float32 in between, one rounding at the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from compiler_core.dialects import linalg, memref, tensor
from compiler_core.dialects.graph import activation_of, number
from compiler_core.dialects.indices import Mixed
from compiler_core.ir import Op, Value
from compiler_core.ir.types import element_of, f32
from compiler_core.lowering.kernels.frame import Kernel, Tiled, pieces

Emit = Callable[[Kernel, Op, list[Value]], Value]


def _shape(value: Value) -> tuple[int, ...]:
    return tensor.tensor_type(value).shape


def _simple(name: str) -> Emit:
    return lambda kernel, op, values: kernel.op(name, *values)


def _relu(kernel: Kernel, op: Op, values: list[Value]) -> Value:
    return kernel.activate(values[0], "relu")


def _sigmoid(kernel: Kernel, op: Op, values: list[Value]) -> Value:
    one = kernel.full(1.0, _shape(values[0]))
    power = kernel.op("math.exp", kernel.op("arith.negf", values[0]))
    return kernel.op("arith.divf", one, kernel.op("arith.addf", power, one))


def _clip(kernel: Kernel, op: Op, values: list[Value]) -> Value:
    shape = _shape(values[0])
    low, high = kernel.full(number(op, "min", 0.0), shape), kernel.full(number(op, "max", 0.0), shape)
    return kernel.op("arith.minimumf", kernel.op("arith.maximumf", values[0], low), high)


EMIT: Mapping[str, Emit] = {
    "graph.add": _simple("arith.addf"),
    "graph.sub": _simple("arith.subf"),
    "graph.mul": _simple("arith.mulf"),
    "graph.div": _simple("arith.divf"),
    "graph.neg": _simple("arith.negf"),
    "graph.abs": _simple("math.absf"),
    "graph.exp": _simple("math.exp"),
    "graph.sqrt": _simple("math.sqrt"),
    "graph.erf": _simple("math.erf"),
    "graph.tanh": _simple("math.tanh"),
    "graph.sigmoid": _sigmoid,
    "graph.relu": _relu,
    "graph.clip": _clip,
    "graph.cast": lambda kernel, op, values: values[0],
}
"""The float32 computation of each op."""


@dataclass(frozen=True)
class Collapsed:
    """Broadcasting shapes with neighbouring dimensions joined: sizes, and for each operand which dimensions it has."""

    sizes: tuple[int, ...]
    present: tuple[tuple[bool, ...], ...]

    def strides(self, operand: int) -> tuple[int, ...]:
        """The operand's strides in elements, 0 where it broadcasts."""
        sizes = [s if p else 1 for s, p in zip(self.sizes, self.present[operand], strict=True)]
        return tuple(prod(sizes[i + 1 :]) if p else 0 for i, p in enumerate(self.present[operand]))


def collapse(result: Sequence[int], operands: Sequence[Sequence[int]]) -> Collapsed:
    """Joins dimensions in which every operand either broadcasts or does not."""
    full = [(1,) * (len(result) - len(shape)) + tuple(shape) for shape in operands]
    sizes: list[int] = []
    columns: list[tuple[bool, ...]] = []
    for i, size in enumerate(result):
        if size == 1:
            continue
        column = tuple(shape[i] == size for shape in full)
        if columns and columns[-1] == column:
            sizes[-1] *= size
        else:
            sizes.append(size)
            columns.append(column)
    if not sizes:
        sizes, columns = [1], [tuple(True for _ in operands)]
    return Collapsed(tuple(sizes), tuple(zip(*columns, strict=True)))


def elementwise(make: Callable[[Sequence[int]], Kernel], op: Op, known: Mapping[int, float], room: int) -> Op:
    """The op over the broadcast of its operands' shapes, in tiles of at most `room` elements.

    `make` starts a kernel with a grid. `known` holds the operands that are one constant number; the others have buffers.
    """
    shapes = [_shape(v) for i, v in enumerate(op.operands) if i not in known]
    collapsed = collapse(_shape(op.result), shapes)
    *outer, columns_size = collapsed.sizes
    rows_size = outer.pop() if outer else 1
    width = columns_size if columns_size <= room else room
    height = min(rows_size, max(1, room // width))
    grid = (prod(outer) * pieces(rows_size, height), pieces(columns_size, width))
    kernel = make(grid)
    sizes = [*outer, pieces(rows_size, height)]
    *places, row = kernel.split(kernel.program(0), sizes, [*(f"dim_{i}" for i in range(len(outer))), "row"])
    rows = kernel.tiled(row, rows_size, height, "row")
    columns = kernel.tiled(kernel.program(1), columns_size, width, "column")
    values: list[Value] = []
    for i, buffer in enumerate(kernel.buffers[:-1]):
        strides = (0,) * (2 - min(2, len(collapsed.sizes))) + collapsed.strides(i)
        values.append(_tile(kernel, buffer, strides, [*places, rows.start, columns.start], rows, columns))
    shape = _shape(values[0])
    for i in sorted(known):
        values.insert(i, kernel.full(known[i], shape))
    value = kernel.activate(EMIT[op.name](kernel, op, values), activation_of(op))
    out = kernel.buffers[-1]
    element = element_of(out.type)
    whole = [prod(collapsed.sizes[i + 1 :]) for i in range(len(collapsed.sizes))]
    start = kernel.at(*zip([*places, rows.start, columns.start][-len(whole) :], whole, strict=True))
    value = kernel.to(value, element, "rounded")
    if height == 1:
        kernel.store(value, out, start, (1,), (columns.inside,))
    else:
        kernel.store(value, out, start, (columns_size, 1), (rows.inside, columns.inside))
    return kernel.finish()


def _tile(kernel: Kernel, buffer: Value, strides: Sequence[int], places: Sequence[Mixed], rows: Tiled, columns: Tiled) -> Value:
    """An operand's part of the tile in float32, repeated where it broadcasts."""
    offset = kernel.at(*zip(places, strides, strict=True))
    by_row, by_column = strides[-2] != 0, strides[-1] != 0
    flat = rows.tile == 1 and rows.inside == 1
    shape = (columns.tile,) if flat else (rows.tile, columns.tile)
    name = buffer.name
    if by_column and (by_row or flat):
        valid = (columns.inside,) if flat else (rows.inside, columns.inside)
        return kernel.to(kernel.load(buffer, offset, shape, strides[-len(shape) :], valid, hint=f"{name}_tile"), f32)
    if by_column:
        part = kernel.load(buffer, offset, (columns.tile,), (1,), (columns.inside,), hint=f"{name}_tile")
        return linalg.broadcast(kernel.builder, kernel.to(part, f32), tensor.empty(kernel.builder, shape, f32), (0,))
    if by_row and not flat:
        part = kernel.load(buffer, offset, (rows.tile,), (strides[-2],), (rows.inside,), hint=f"{name}_tile")
        return linalg.broadcast(kernel.builder, kernel.to(part, f32), tensor.empty(kernel.builder, shape, f32), (1,))
    view = memref.reinterpret_cast(kernel.builder, buffer, offset, (1,), (1,), f"{name}_view")
    zero = kernel.constant_index(0)
    scalar = memref.load(kernel.builder, view, [zero], f"{name}_value")
    return kernel.to(tensor.splat(kernel.builder, scalar, shape), f32)
