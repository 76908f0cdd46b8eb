"""fold-batch-norm: a batch normalisation after a convolution or a matrix product goes into its weights and bias.

With s = scale / sqrt(variance + epsilon), weights become w · s per filter and the bias (b - mean) · s + shift: in double
precision, rounded once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler_core.dialects.graph import activation_of, integer, layout_of, number, shape_of
from compiler_core.ir import Op, Value, defining
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.graph_rewrites import constant_like, float64, fusing, only_user, remade

Array = NDArray[np.float64]


def scale_and_shift(op: Op) -> tuple[Array, Array] | None:
    """A batch normalisation as x · scale + shift, one pair of numbers a channel; None where its statistics are computed."""
    scale, bias, mean, variance = (float64(v) for v in op.operands[1:])
    if scale is None or bias is None or mean is None or variance is None:
        return None
    factor = scale / np.sqrt(variance + number(op, "epsilon", 1e-5))
    return factor, bias - mean * factor


def filter_axis(op: Op) -> int | None:
    """The weight's dimension along which filters lie; None for a producer that cannot take a factor a filter."""
    if op.name == "graph.conv":
        return 3 if layout_of(op) == "NHWC" else 0
    if op.name == "graph.gemm":
        return 0 if integer(op, "transB") else 1
    return len(shape_of(op.operands[1])) - 1 if op.name == "graph.matmul" else None


def _vector(value: Value, filters: int) -> Array | None:
    """A constant bias as one number a filter; None where it is computed or differs between rows."""
    array = float64(value)
    if array is None or array.size not in (1, filters) or list(array.shape[-1:]) not in ([], [array.size]):
        return None
    return np.broadcast_to(array.reshape(-1), filters)


def fold(op: Op) -> bool:
    """The pattern, on the batch normalisation."""
    producer = defining(op.operands[0], "graph.conv", "graph.gemm", "graph.matmul")
    affine = scale_and_shift(op)
    if producer is None or affine is None or activation_of(producer) or only_user(producer.result) is not op:
        return False
    if integer(op, "axis", 1) != (1 if producer.name == "graph.conv" else len(shape_of(op.result)) - 1):
        return False
    factor, shift = affine
    axis = filter_axis(producer)
    x, kernel, *biases = producer.operands
    weight = float64(kernel)
    bias = _vector(biases[0], factor.size) if biases else np.zeros(factor.size)
    if axis is None or weight is None or bias is None:
        return False
    beta = number(producer, "beta", 1.0) if producer.name == "graph.gemm" else 1.0
    builder = fusing(producer, op)
    along = tuple(-1 if i == axis else 1 for i in range(weight.ndim))
    folded = constant_like(builder, weight * factor.reshape(along), kernel)
    moved = constant_like(builder, beta * bias * factor + shift, op.operands[2], f"{op.operands[0].name}.bias")
    value = remade(builder, producer, [x, folded, moved], op.result.type, op.result.name)
    assert value.op is not None
    value.op.attributes.pop("beta", None)
    activation = activation_of(op)
    if activation is not None:
        value.op.attributes["activation"] = op.attributes["activation"]
    op.replace_with(value)
    return True


@dataclass(frozen=True)
class FoldBatchNorm(Pass):
    name = "fold-batch-norm"
    summary = {"en": "Folds batch normalisation into weights and bias.", "zh": "把批归一化折叠进权重和偏置。"}
    stage_in = "graph"
    stage_out = "graph"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, {"graph.batch_normalization": [fold]})
