"""licm: moves what a loop computes anew in every iteration, and always the same, in front of the loop."""

from dataclasses import dataclass

from compiler_core.ir import Op, Value, has_trait, is_pure
from compiler_core.passes.base import Pass, PassContext


@dataclass(frozen=True)
class Licm(Pass):
    """Works on any stage; loops are scf.for. Divisions stay, unless by a constant: the loop may run no iteration at all."""

    name = "licm"
    summary = {"en": "Moves what does not change in a loop in front of it.", "zh": "把循环中不变的计算移到循环之前。"}
    stage_in = "tt"
    stage_out = "tt"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        # Inner loops first, so that what leaves one can leave the next.
        for loop in reversed([op for op in module.walk() if op.name == "scf.for"]):
            hoist(loop)


def hoist(loop: Op) -> None:
    """Moves the invariant ops of a loop's body before it, in order."""
    before = loop.parent
    assert before is not None
    inside = values_inside(loop)
    for op in list(loop.body.ops):
        if not movable(op) or any(used in inside for used in used_values(op)):
            continue
        op.detach()
        before.insert(before.ops.index(loop), op)
        inside.difference_update(values_of(op))


def movable(op: Op) -> bool:
    if has_trait(op, "terminator") or has_trait(op, "allocates") or op.name in ("scf.for", "scf.while") or not is_pure(op):
        return False
    if any(op.name.startswith(f"arith.{d}") for d in ("div", "rem", "ceildiv", "floordiv")) and op.name not in (
        "arith.divf",
        "arith.remf",
    ):
        divisor = op.operands[1].op
        return divisor is not None and divisor.name == "arith.constant"
    return True


def values_inside(op: Op) -> set[Value]:
    """Every value defined in an op's regions."""
    found: set[Value] = set()
    for region in op.regions:
        for block in region.blocks:
            found.update(block.arguments)
            for inner in block.ops:
                found.update(values_of(inner))
    return found


def values_of(op: Op) -> set[Value]:
    return {*op.results, *values_inside(op)}


def used_values(op: Op) -> list[Value]:
    """Everything an op and its regions use from outside it."""
    own = values_inside(op)
    return [v for each in op.walk() for v in each.operands if v not in own]
