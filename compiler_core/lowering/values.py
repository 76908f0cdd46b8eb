"""Triton's operations on values as upstream tensor and linalg operations: ranges, splats, shapes, reductions, products."""

from collections.abc import Callable

from compiler_core.dialects import linalg, tensor
from compiler_core.dialects.arith import constant
from compiler_core.dialects.tt import axis_of
from compiler_core.ir import Builder, DenseArrayAttr, IntegerAttr, Op, Value
from compiler_core.ir.types import FloatType, Type, element_of


def make_range(builder: Builder, op: Op) -> Value:
    """tt.make_range as a tensor computed from its index."""
    start = op.get("start", IntegerAttr)
    element = element_of(op.result.type)

    def body(inner: Builder, indices: list[Value]) -> Value:
        number = inner.value("arith.index_cast", indices, element)
        if start is None or start.value == 0:
            return number
        return inner.value("arith.addi", [number, constant(inner, start.value, element)], element)

    return tensor.generate(builder, tensor.tensor_type(op.result).shape, element, body, op.result.name)


def splat(builder: Builder, op: Op) -> Value:
    return tensor.splat(builder, op.operands[0], tensor.tensor_type(op.result).shape, op.result.name)


def reshape(builder: Builder, source: Value, shape: tuple[int, ...], hint: str) -> Value:
    """The same elements, row-major, in another shape: one split or join of dimensions, or a join to 1-D and a split."""
    before = tensor.tensor_type(source).shape
    if before == shape:
        return source
    made_by = source.op
    if made_by is not None and made_by.name in _RESHAPES and tensor.tensor_type(made_by.operands[0]).shape == shape:
        return made_by.operands[0]
    try:
        if len(before) < len(shape):
            return tensor.expand_shape(builder, source, tensor.reassociation(before, shape), shape, hint)
        return tensor.collapse_shape(builder, source, tensor.reassociation(shape, before), shape, hint)
    except ValueError:
        size = tensor.tensor_type(source).size
        flat = tensor.collapse_shape(builder, source, [list(range(len(before)))], (size,), hint)
        return tensor.expand_shape(builder, flat, [list(range(len(shape)))], shape, hint)


_RESHAPES = ("tensor.expand_shape", "tensor.collapse_shape")


def broadcast(builder: Builder, source: Value, shape: tuple[int, ...], hint: str) -> Value:
    """Stretches dimensions of size 1 to `shape`, which has the same rank."""
    before = tensor.tensor_type(source)
    stretched = [d for d, (a, b) in enumerate(zip(before.shape, shape, strict=True)) if a != b]
    if not stretched:
        return source
    if source.op is not None and source.op.name == "tensor.splat":
        return tensor.splat(builder, source.op.operands[0], shape, hint)
    small = reshape(builder, source, tuple(s for d, s in enumerate(before.shape) if d not in stretched), source.name)
    return linalg.broadcast(builder, small, tensor.empty(builder, shape, before.element), stretched, hint)


def transpose(builder: Builder, source: Value, order: tuple[int, ...], hint: str) -> Value:
    before = tensor.tensor_type(source)
    if order == tuple(range(before.rank)):
        return source
    out = tensor.empty(builder, [before.shape[d] for d in order], before.element)
    return linalg.transpose(builder, source, out, order, hint)


def reduce(builder: Builder, op: Op, combiner: str) -> Value:
    """A tt.reduce by one op, from the combiner's identity; a scalar where no dimension is left."""
    source, axis = op.operands[0], axis_of(op)
    before = tensor.tensor_type(source)
    identity = constant(builder, linalg.identity(combiner, before.element), before.element)
    left = linalg.reduced_type(before, [axis])
    init = tensor.splat(builder, identity, left.shape)
    result = linalg.reduce(builder, combiner, source, init, [axis], op.result.name)
    return result if left.shape else tensor.extract(builder, result, hint=op.result.name)


def dot(builder: Builder, op: Op) -> Value:
    a, b, accumulator = op.operands
    return linalg.matmul(builder, a, b, accumulator, op.result.name)


def clamp(builder: Builder, op: Op) -> Value:
    """tt.clampf: nan in the number gives a bound, as Triton's default says."""
    number, low, high = op.operands
    above = builder.value("arith.maxnumf", [number, low], number.type, hint=op.result.name)
    return builder.value("arith.minnumf", [above, high], number.type, hint=op.result.name)


def bitcast(builder: Builder, op: Op) -> Value:
    return builder.value("arith.bitcast", op.operands, op.result.type, hint=op.result.name)


def order_of(op: Op) -> tuple[int, ...]:
    """A tt.trans's permutation."""
    order = op.attributes["order"]
    assert isinstance(order, DenseArrayAttr)
    return order.values


def shape_of(op: Op) -> tuple[int, ...]:
    return tensor.tensor_type(op.result).shape


LOWERINGS: dict[str, Callable[[Builder, Op], Value]] = {
    "tt.make_range": make_range,
    "tt.splat": splat,
    "tt.expand_dims": lambda builder, op: reshape(builder, op.operands[0], shape_of(op), op.result.name),
    "tt.reshape": lambda builder, op: reshape(builder, op.operands[0], shape_of(op), op.result.name),
    "tt.broadcast": lambda builder, op: broadcast(builder, op.operands[0], shape_of(op), op.result.name),
    "tt.trans": lambda builder, op: transpose(builder, op.operands[0], order_of(op), op.result.name),
    "tt.dot": dot,
    "tt.clampf": clamp,
    "tt.bitcast": bitcast,
}
"""Op name → what makes its value. Each gives a value of the result's type."""


_CASTS = frozenset({"arith.trunci", "arith.extsi", "arith.extui", "arith.sitofp", "arith.uitofp", "arith.extf", "arith.truncf"})


def scalar_of(builder: Builder, value: Value) -> Value | None:
    """The scalar that every element of a tensor is, where its ops say so: a splat, or a conversion of one."""
    if value.op is None:
        return None
    if value.op.name == "tensor.splat":
        return value.op.operands[0]
    if value.op.name not in _CASTS:
        return None
    inner = scalar_of(builder, value.op.operands[0])
    return builder.value(value.op.name, [inner], element_of(value.type), hint=value.name) if inner is not None else None


def zero(type: Type) -> int | float:
    return 0.0 if isinstance(type, FloatType) else 0
