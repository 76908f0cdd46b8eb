"""eliminate-identities: identities, reshapes to the same shape and chains of reshapes go, and so does what nobody uses."""

from dataclasses import dataclass

from compiler_core.ir import Op, defining
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.graph_rewrites import fusing

VIEWS = ("graph.reshape", "graph.flatten")


def drop_identity(op: Op) -> bool:
    """An op that gives its operand back."""
    if op.operands[0].type != op.result.type:
        return False
    op.replace_with(op.operands[0])
    return True


def join_reshapes(op: Op) -> bool:
    """reshape(reshape(x)) → reshape(x)."""
    inner = defining(op.operands[0], *VIEWS)
    if inner is None:
        return False
    view = fusing(inner, op).value("graph.reshape", inner.operands, op.result.type, hint=op.result.name)
    op.replace_with(view)
    return True


@dataclass(frozen=True)
class EliminateIdentities(Pass):
    name = "eliminate-identities"
    summary = {"en": "Removes nodes that change nothing or that nobody uses.", "zh": "去掉不起作用或无人使用的节点。"}
    stage_in = "graph"
    stage_out = "graph"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        views = {name: [drop_identity, join_reshapes] for name in VIEWS}
        apply_patterns(module, {"graph.identity": [drop_identity], **views})
