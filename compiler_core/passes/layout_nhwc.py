"""layout-nhwc: feature maps are kept with channels last, as the cube and the vector unit read them.

Each spatial op gets transposes around it and its weight is permuted now; then transposes sink through what works element by
element until they meet and cancel. What is left stands at the model's edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from compiler_core.dialects.graph import (
    BINARY,
    TO_NCHW,
    TO_NHWC,
    UNARY,
    array_of,
    constant,
    integer,
    integers,
    layout_of,
    shape_of,
    tensor_type,
)
from compiler_core.ir import Builder, DenseArrayAttr, Op, Value, defining
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.ir.types import TensorType
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.eliminate_identities import VIEWS
from compiler_core.passes.graph_rewrites import fusing, remade

SPATIAL = ("graph.conv", "graph.max_pool", "graph.average_pool", "graph.global_average_pool")
WEIGHT_ORDER = (2, 3, 1, 0)
"""From filters, channels, height, width to height, width, channels, filters."""


def permuted(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    return tuple(shape[i] for i in order)


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(order)), key=lambda i: order[i]))


def is_view(shape: Sequence[int], order: Sequence[int]) -> bool:
    """Whether a transpose moves only dimensions of size 1, so that no element moves."""
    kept = [i for i in order if shape[i] != 1]
    return kept == sorted(kept)


def transpose(builder: Builder, x: Value, order: Sequence[int], hint: str = "") -> Value:
    """x transposed: a permuted constant, a reshape where no element moves, an earlier transpose of x, or a new one."""
    shape = permuted(shape_of(x), order)
    array = array_of(x)
    if array is not None:
        return constant(builder, np.ascontiguousarray(array.transpose(order)), hint or x.name)
    type = TensorType(shape, tensor_type(x).element)
    if is_view(shape_of(x), order):
        return builder.value("graph.reshape", [x], type, hint=hint)
    for user in builder.block.ops[: builder.index]:
        same = user.name == "graph.transpose" and user.operands == (x,) and user.result.type == type
        if same and integers(user, "permutation") == tuple(order):
            return user.result
    return builder.value("graph.transpose", [x], type, {"permutation": DenseArrayAttr(tuple(order))}, hint)


def to_nhwc(op: Op) -> bool:
    """The pattern: a spatial op in NCHW becomes one in NHWC between transposes."""
    if layout_of(op) == "NHWC":
        return False
    builder = Builder.before(op)
    x, *rest = op.operands
    if rest:
        rest[0] = transpose(builder, rest[0], WEIGHT_ORDER)
    inner = transpose(builder, x, TO_NHWC, f"{x.name}.nhwc")
    type = TensorType(permuted(shape_of(op.result), TO_NHWC), tensor_type(op.result).element)
    y = remade(builder, op, [inner, *rest], type, layout="NHWC")
    op.replace_with(transpose(builder, y, TO_NCHW, f"{op.result.name}.nchw"))
    return True


def compose(op: Op) -> bool:
    """transpose(transpose(x)) → one transpose, or x; a transpose that moves no element → a reshape."""
    order = integers(op, "permutation")
    inner = defining(op.operands[0], "graph.transpose")
    if inner is None:
        if (
            not is_view(shape_of(op.operands[0]), order)
            or tensor_type(op.operands[0]).element != tensor_type(op.result).element
        ):
            return False
        op.replace_with(Builder.before(op).value("graph.reshape", op.operands, op.result.type, hint=op.result.name))
        return True
    x = inner.operands[0]
    both = permuted(integers(inner, "permutation"), order)
    if both == tuple(range(len(both))) and x.type == op.result.type:
        op.replace_with(x)
    else:
        op.replace_with(transpose(fusing(inner, op), x, both, op.result.name))
    return True


def sink(op: Op) -> bool:
    """f(transpose(x), transpose(y), constant) → transpose(f(x, y, constant transposed back)), for an elementwise f."""
    moved = [v.op for v in op.operands if v.op is not None and v.op.name == "graph.transpose"]
    orders = {integers(t, "permutation") for t in moved}
    if len(orders) != 1:
        return False
    order = orders.pop()
    if any(defining(v, "graph.transpose") is None and not _follows(v, order) for v in op.operands):
        return False
    builder = Builder.before(op)
    operands = [_back(builder, v, order) for v in op.operands]
    type = TensorType(permuted(shape_of(op.result), inverse(order)), tensor_type(op.result).element)
    op.replace_with(transpose(builder, remade(builder, op, operands, type), order, f"{op.result.name}.nchw"))
    return True


def _follows(value: Value, order: Sequence[int]) -> bool:
    """Whether a value that is not transposed can be made so at no cost: a constant."""
    return array_of(value) is not None and len(shape_of(value)) <= len(order)


def _back(builder: Builder, value: Value, order: Sequence[int]) -> Value:
    inner = defining(value, "graph.transpose")
    if inner is not None:
        return inner.operands[0]
    array = array_of(value)
    assert array is not None
    if array.size == 1:
        return value
    full = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
    return constant(builder, np.ascontiguousarray(full.transpose(inverse(order))), value.name)


def sink_normalization(op: Op) -> bool:
    """The same for a batch normalisation, whose channels then lie along another axis."""
    inner = defining(op.operands[0], "graph.transpose")
    if inner is None:
        return False
    order = integers(inner, "permutation")
    builder = Builder.before(op)
    type = TensorType(shape_of(inner.operands[0]), tensor_type(op.result).element)
    operands = [inner.operands[0], *op.operands[1:]]
    y = remade(builder, op, operands, type, axis=order[integer(op, "axis", 1)])
    op.replace_with(transpose(builder, y, order, f"{op.result.name}.nchw"))
    return True


def into_weights(op: Op) -> bool:
    """matmul(flatten(transpose(x)), w) → matmul(flatten(x), w with its rows permuted)."""
    view = defining(op.operands[0], *VIEWS)
    inner = defining(view.operands[0], "graph.transpose") if view is not None else None
    weight = array_of(op.operands[1])
    if view is None or inner is None or weight is None or weight.ndim != 2 or integer(op, "transA"):
        return False
    mapped, order = shape_of(inner.result), integers(inner, "permutation")
    rows, columns = shape_of(view.result)[0], shape_of(view.result)[-1]
    if len(shape_of(view.result)) != 2 or order[0] != 0 or mapped[0] != rows or prod(mapped[1:]) != columns:
        return False
    by_rows = weight.T if integer(op, "transB") else weight
    split = by_rows.reshape(*mapped[1:], by_rows.shape[1])
    back = [i - 1 for i in inverse(order)[1:]]
    reordered = split.transpose(*back, len(back)).reshape(by_rows.shape)
    builder = fusing(inner, view, op)
    flat = builder.value("graph.reshape", [inner.operands[0]], view.result.type, hint=view.result.name)
    kept = constant(builder, np.ascontiguousarray(reordered.T if integer(op, "transB") else reordered), op.operands[1].name)
    op.replace_with(remade(builder, op, [flat, kept, *op.operands[2:]]))
    return True


PATTERNS = {
    **{name: [to_nhwc] for name in SPATIAL},
    **{f"graph.{name}": [sink] for name in (*UNARY, *BINARY, "clip", "identity", "cast")},
    "graph.batch_normalization": [sink_normalization],
    "graph.transpose": [compose],
    "graph.gemm": [into_weights],
    "graph.matmul": [into_weights],
}


@dataclass(frozen=True)
class LayoutNHWC(Pass):
    name = "layout-nhwc"
    summary = {
        "en": "Keeps feature maps with channels last; transposes cancel or move to the edge.",
        "zh": "特征图按通道在后存放；转置互相抵消或移到边缘。",
    }
    stage_in = "graph"
    stage_out = "graph"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, PATTERNS)
