"""fuse-activation: a ReLU after a convolution, a matrix product, an addition or the like becomes part of it.

The producer gets `activation = "relu"`; its result is then made, rounded and stored once.
"""

from dataclasses import dataclass

from compiler_core.dialects.graph import activation_of
from compiler_core.ir import Op, defining
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.graph_rewrites import fusing, only_user, remade

PRODUCERS = tuple(
    f"graph.{name}" for name in ("conv", "gemm", "matmul", "batch_normalization", "add", "sub", "mul", "div", "average_pool")
)
"""Ops whose lowering can end in an activation."""


def fuse(op: Op) -> bool:
    """The pattern, on the ReLU."""
    producer = defining(op.operands[0], *PRODUCERS)
    if producer is None or activation_of(producer) or only_user(producer.result) is not op:
        return False
    op.replace_with(
        remade(fusing(producer, op), producer, producer.operands, op.result.type, op.result.name, activation="relu")
    )
    return True


@dataclass(frozen=True)
class FuseActivation(Pass):
    name = "fuse-activation"
    summary = {"en": "Makes a ReLU part of the op before it.", "zh": "把 ReLU 并入前一个算子。"}
    stage_in = "graph"
    stage_out = "graph"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, {"graph.relu": [fuse]})
