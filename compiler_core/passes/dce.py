"""dce: removes ops whose results nobody uses, and private functions that nobody calls."""

from dataclasses import dataclass

from compiler_core.dialects.builtin import functions, symbol
from compiler_core.ir import Op
from compiler_core.ir.attributes import SymbolRefAttr
from compiler_core.ir.rewriter import erase_dead
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.inline import is_private


@dataclass(frozen=True)
class Dce(Pass):
    """Works on any stage."""

    name = "dce"
    summary = {"en": "Removes what nobody uses.", "zh": "删除无人使用的操作和函数。"}
    stage_in = "tt"
    stage_out = "tt"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        while erase_dead(module) or erase_uncalled(module):
            pass


def erase_uncalled(module: Op) -> bool:
    """Removes private functions that no attribute names. Tells whether there were any."""
    named = {a.value for op in module.walk() for a in op.attributes.values() if isinstance(a, SymbolRefAttr)}
    idle = [f for f in functions(module) if is_private(f) and symbol(f) not in named]
    for function in idle:
        function.detach().drop_uses()
    return bool(idle)
