"""expand-graph: graph ops that have no kernel of their own become ops that have one.

What is left: convolutions and pools with channels last and no padding, matrix products with a bias, softmax over the last axis,
elementwise ops, pads, casts, transposes that move elements, and reshapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compiler_core.diagnostics import Diagnostic, Refused, message
from compiler_core.dialects.graph import (
    activation_of,
    array_of,
    constant,
    float_attribute,
    integer,
    integers,
    layout_of,
    number,
    shape_of,
    tensor_type,
    window_of,
)
from compiler_core.ir import Builder, DenseArrayAttr, Op, Value
from compiler_core.ir.attributes import Attribute
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.ir.types import TensorType, Type, f32
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.eliminate_identities import drop_identity
from compiler_core.passes.fold_batch_norm import scale_and_shift
from compiler_core.passes.graph_rewrites import constant_like, float64, remade
from compiler_core.passes.layout_nhwc import compose, to_nhwc, transpose


def refused(op: Op, code: str, **arguments: str | int) -> Refused:
    """The refusal of a node by its name in the model, to be raised."""
    name = next((location.name for location in op.location if location.name), op.result.name)
    return Refused(Diagnostic("error", message(code, name=name, **arguments), node=name))


def _activation(op: Op) -> dict[str, Attribute]:
    return {"activation": op.attributes["activation"]} if activation_of(op) else {}


def _result_like(op: Op, shape: Sequence[int]) -> Type:
    return TensorType(tuple(shape), tensor_type(op.result).element)


def expand_flatten(op: Op) -> bool:
    op.replace_with(Builder.before(op).value("graph.reshape", op.operands, op.result.type, hint=op.result.name))
    return True


def expand_batch_normalization(op: Op) -> bool:
    """x · scale + shift, with the two vectors computed now."""
    affine = scale_and_shift(op)
    if affine is None:
        raise refused(op, "graph-statistics")
    x, name = op.operands[0], op.result.name
    axis = integer(op, "axis", 1)
    along = tuple(-1 if i == axis else 1 for i in range(axis, len(shape_of(x))))
    builder = Builder.before(op)
    scale, shift = (
        constant(builder, part.astype(np.float32).reshape(along), f"{name}.{what}")
        for part, what in zip(affine, ("scale", "shift"), strict=True)
    )
    scaled = builder.value("graph.mul", [x, scale], TensorType(shape_of(x), f32), hint=f"{name}.scaled")
    op.replace_with(builder.value("graph.add", [scaled, shift], op.result.type, _activation(op), name))
    return True


def expand_gemm(op: Op) -> bool:
    """A matrix product of A and B as they lie, alpha in the weight, and C as the bias where it is one number a column."""
    builder = Builder.before(op)
    a, b, *c = op.operands
    a = transpose(builder, a, (1, 0)) if integer(op, "transA") else a
    b = transpose(builder, b, (1, 0)) if integer(op, "transB") else b
    alpha, beta = number(op, "alpha", 1.0), number(op, "beta", 1.0)
    weight = float64(b)
    if alpha != 1 and weight is not None:
        b, alpha = constant_like(builder, weight * alpha, b), 1.0
    columns = shape_of(op.result)[1]
    addend = float64(c[0]) if c else None
    vector = addend is not None and addend.size in (1, columns) and list(addend.shape[-1:]) in ([], [addend.size])
    if alpha == 1 and (not c or vector):
        bias = [] if addend is None else [_bias(builder, np.broadcast_to(addend.reshape(-1) * beta, columns), c[0])]
        op.replace_with(builder.value("graph.matmul", [a, b, *bias], op.result.type, _activation(op), op.result.name))
        return True
    wide = TensorType(shape_of(op.result), f32)
    value = builder.value("graph.matmul", [a, b], wide, hint=f"{op.result.name}.product")
    value = _scaled(builder, value, alpha, f"{op.result.name}.alpha")
    if c:
        value = builder.value("graph.add", [value, _scaled(builder, c[0], beta, f"{op.result.name}.beta")], wide)
    last = "graph.relu" if activation_of(op) else "graph.cast"
    op.replace_with(builder.value(last, [value], op.result.type, hint=op.result.name))
    return True


def _bias(builder: Builder, array: np.ndarray[tuple[int, ...], np.dtype[np.float64]], model: Value) -> Value:
    return constant(builder, array.astype(np.float32), model.name)


def _scaled(builder: Builder, value: Value, factor: float, hint: str) -> Value:
    if factor == 1:
        return value
    scalar = constant(builder, np.full(1, factor, np.float32), hint)
    return builder.value("graph.mul", [value, scalar], TensorType(shape_of(value), f32), hint=hint)


def expand_softmax(op: Op) -> bool:
    """Over another axis than the last: between transposes that bring it there."""
    rank, axis = len(shape_of(op.result)), integer(op, "axis")
    if axis == rank - 1:
        return False
    order = (*(i for i in range(rank) if i != axis), axis)
    back = tuple(sorted(range(rank), key=lambda i: order[i]))
    builder = Builder.before(op)
    rows = transpose(builder, op.operands[0], order)
    y = remade(builder, op, [rows], _result_like(op, shape_of(rows)), axis=rank - 1)
    op.replace_with(transpose(builder, y, back, op.result.name))
    return True


def _padded(builder: Builder, op: Op, value: float) -> Value:
    """The feature map with the window's padding around it."""
    top, left, bottom, right = window_of(op).pads
    x = op.operands[0]
    batch, height, width, channels = shape_of(x)
    type = TensorType((batch, top + height + bottom, left + width + right, channels), tensor_type(x).element)
    attributes = {
        "low": DenseArrayAttr((0, top, left, 0)),
        "high": DenseArrayAttr((0, bottom, right, 0)),
        "value": float_attribute(value),
    }
    return builder.value("graph.pad", [x], type, attributes, f"{x.name}.padded")


def expand_padding(op: Op) -> bool:
    """A window with padding: a pad, and a window without. A mean counts padding only with `count_include_pad`."""
    if layout_of(op) != "NHWC" or not any(integers(op, "pads")):
        return False
    builder = Builder.before(op)
    x = _padded(builder, op, -np.inf if op.name == "graph.max_pool" else 0.0)
    partial = op.name == "graph.average_pool" and not integer(op, "count_include_pad")
    y = remade(builder, op, [x, *op.operands[1:]], _result_like(op, shape_of(op.result)))
    assert y.op is not None
    y.op.attributes.pop("pads")
    if partial:
        y.op.attributes.pop("activation", None)
        y.type = TensorType(shape_of(y), f32)
        factor = constant(builder, _corrections(op), f"{op.result.name}.counts")
        y = builder.value("graph.mul", [y, factor], op.result.type, _activation(op), op.result.name)
    op.replace_with(y)
    return True


def _corrections(op: Op) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """For each output pixel, the window's size over the number of its pixels that are no padding: [height, width, 1]."""
    window = window_of(op)
    _, height, width, _ = shape_of(op.operands[0])
    counts: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = []
    for axis, size in enumerate((height, width)):
        start = np.arange(shape_of(op.result)[1 + axis]) * window.strides[axis] - window.pads[axis]
        taps = start[:, None] + np.arange(window.kernel[axis])[None, :] * window.dilations[axis]
        inside = ((taps >= 0) & (taps < size)).sum(axis=1)
        counts.append(window.kernel[axis] / np.maximum(inside, 1))
    return (counts[0][:, None, None] * counts[1][None, :, None]).astype(np.float32)


def expand_bias(op: Op) -> bool:
    """A bias that the model computes: an addition after the product."""
    if len(op.operands) < 3 or array_of(op.operands[2]) is not None or (op.name == "graph.conv" and layout_of(op) == "NCHW"):
        return False
    builder = Builder.before(op)
    y = remade(builder, op, op.operands[:2], TensorType(shape_of(op.result), f32))
    assert y.op is not None
    y.op.attributes.pop("activation", None)
    op.replace_with(builder.value("graph.add", [y, op.operands[2]], op.result.type, _activation(op), op.result.name))
    return True


def check_groups(op: Op) -> bool:
    """Raises Refused for grouped convolutions that are neither whole nor depthwise."""
    groups = integer(op, "group", 1)
    channels, filters = shape_of(op.operands[0])[-1], shape_of(op.result)[-1]
    if layout_of(op) == "NHWC" and groups > 1 and not groups == channels == filters:
        raise refused(op, "graph-groups", groups=groups, channels=channels, filters=filters)
    return False


PATTERNS = {
    "graph.identity": [drop_identity],
    "graph.flatten": [expand_flatten],
    "graph.batch_normalization": [expand_batch_normalization],
    "graph.gemm": [expand_gemm],
    "graph.softmax": [expand_softmax],
    "graph.conv": [to_nhwc, check_groups, expand_padding, expand_bias],
    "graph.matmul": [expand_bias],
    "graph.max_pool": [to_nhwc, expand_padding],
    "graph.average_pool": [to_nhwc, expand_padding],
    "graph.global_average_pool": [to_nhwc],
    "graph.transpose": [compose],
}


@dataclass(frozen=True)
class ExpandGraph(Pass):
    name = "expand-graph"
    summary = {
        "en": "Says every op by those that have a kernel: pads, products with bias, channels last.",
        "zh": "把每个算子表示为有核函数的算子：填充、带偏置的乘积、通道在后。",
    }
    stage_in = "graph"
    stage_out = "graph"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, PATTERNS)
