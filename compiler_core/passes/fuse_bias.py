"""fuse-bias: the addition of a constant vector after a matrix product or a convolution becomes its bias."""

from dataclasses import dataclass

import numpy as np

from compiler_core.dialects.graph import activation_of, shape_of
from compiler_core.ir import Op, Value, defining
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.graph_rewrites import constant_like, float64, fusing, only_user, remade

PRODUCERS = ("graph.matmul", "graph.conv")


def _fits(addend: Value, result: Value, axis: int) -> bool:
    """Whether the addend varies along `axis` of the result alone, counted from the end as broadcasting does."""
    shape, whole = shape_of(addend), shape_of(result)
    if len(shape) > len(whole):
        return False
    full = (1,) * (len(whole) - len(shape)) + shape
    return all(size == 1 or i == axis for i, size in enumerate(full))


def fuse(op: Op) -> bool:
    """The pattern, on the addition."""
    for product, addend in (op.operands, reversed(op.operands)):
        producer = defining(product, *PRODUCERS)
        array = float64(addend)
        if producer is None or array is None or len(producer.operands) > 2 or activation_of(producer):
            continue
        axis = 1 if producer.name == "graph.conv" else len(shape_of(product)) - 1
        if only_user(product) is not op or product.type != op.result.type or not _fits(addend, product, axis):
            continue
        builder = fusing(producer, op)
        vector = np.broadcast_to(array.reshape(-1), shape_of(product)[axis])
        bias = addend if shape_of(addend) == vector.shape else constant_like(builder, vector, addend)
        biased = remade(builder, producer, [*producer.operands, bias], hint=op.result.name)
        if biased.op is not None and "activation" in op.attributes:
            biased.op.attributes["activation"] = op.attributes["activation"]
        op.replace_with(biased)
        return True
    return False


@dataclass(frozen=True)
class FuseBias(Pass):
    name = "fuse-bias"
    summary = {
        "en": "Makes an added constant vector the bias of the product before it.",
        "zh": "把随后相加的常量向量变成前面乘积的偏置。",
    }
    stage_in = "graph"
    stage_out = "graph"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, {"graph.add": [fuse]})
