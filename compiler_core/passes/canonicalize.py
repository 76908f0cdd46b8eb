"""canonicalize: folds constants and identities, and removes what nobody uses."""

from dataclasses import dataclass

from compiler_core.dialects.arith import constant_value
from compiler_core.ir import Op, Value, defining
from compiler_core.ir.core import fuse_locations
from compiler_core.ir.rewriter import Patterns, apply_patterns
from compiler_core.ir.types import IndexType, IntegerType
from compiler_core.passes.base import Pass, PassContext


@dataclass(frozen=True)
class Canonicalize(Pass):
    """Works on any stage; what ops fold to is said where they are declared."""

    name = "canonicalize"
    summary = {"en": "Folds constants and identities; removes unused ops.", "zh": "折叠常量与恒等式，删除无用操作。"}
    stage_in = "tt"
    stage_out = "tt"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, PATTERNS, fold=True)


def constant_condition(op: Op) -> bool:
    """An scf.if whose condition is a constant: the taken region takes its place."""
    value = constant_value(op.operands[0])
    block = op.parent
    if value is None or block is None:
        return False
    taken = op.regions[0 if value else 1] if len(op.regions) > 1 or value else None
    at = block.ops.index(op)
    results: tuple[Value, ...] = ()
    if taken is not None and taken.blocks:
        *body, end = taken.blocks[0].ops
        results = end.operands
        for i, inner in enumerate(body):
            block.insert(at + i, inner.detach())
        end.drop_uses()
        taken.blocks[0].ops.clear()
    op.replace_with(*results)
    return True


def empty_if(op: Op) -> bool:
    """An scf.if without results whose regions do nothing."""
    if op.results or any(len(b.ops) > 1 for r in op.regions for b in r.blocks):
        return False
    op.erase()
    return True


def invariant_argument(op: Op) -> bool:
    """A value that a loop carries without changing it is the value from before the loop."""
    yielded = op.body.terminator
    for i, argument in enumerate(op.body.arguments[1:]):
        initial = op.operands[i + 3]
        if yielded.operands[i] is not argument and yielded.operands[i] is not initial:
            continue
        argument.replace_all_uses_with(initial)
        op.results[i].replace_all_uses_with(initial)
        drop_carried(op, i)
        return True
    return False


def unused_result(op: Op) -> bool:
    """A value that a loop carries for nobody."""
    for i, (argument, result) in enumerate(zip(op.body.arguments[1:], op.results, strict=True)):
        if not argument.uses and not result.uses:
            drop_carried(op, i)
            return True
    return False


def drop_carried(op: Op, i: int) -> None:
    """Removes the i-th carried value of an scf.for; nobody uses its argument or result any more."""
    yielded = op.body.terminator
    yielded.operands = [v for j, v in enumerate(yielded.operands) if j != i]
    op.body.remove_argument(i + 1)
    op.operands = [v for j, v in enumerate(op.operands) if j != i + 3]
    del op.results[i]
    for j, result in enumerate(op.results):
        result.index = j


def unrolled_once(op: Op) -> bool:
    """A loop of no iteration goes; one of exactly one iteration is its body."""
    bounds = [constant_integer(v) for v in op.operands[:3]]
    low, high, step = bounds
    block = op.parent
    if low is None or high is None or step is None or step <= 0 or block is None:
        return False
    if high <= low:
        op.replace_with(*op.operands[3:])
        return True
    if high - low > step:
        return False
    values = [op.operands[0], *op.operands[3:]]
    for argument, value in zip(op.body.arguments, values, strict=True):
        argument.replace_all_uses_with(value)
    at = block.ops.index(op)
    *body, end = op.body.ops
    results = end.operands
    for i, inner in enumerate(body):
        inner.location = fuse_locations(inner.location, op.location)
        block.insert(at + i, inner.detach())
    end.drop_uses()
    op.body.ops.clear()
    op.replace_with(*results)
    return True


def constant_integer(value: Value) -> int | None:
    number = constant_value(value)
    return int(number) if isinstance(number, int) else None


def double_negation(op: Op) -> bool:
    """x ^ true ^ true is x, for booleans."""
    if op.results[0].type != IntegerType(1):
        return False
    inner = defining(op.operands[0], "arith.xori")
    if inner is None or constant_integer(op.operands[1]) != 1 or constant_integer(inner.operands[1]) != 1:
        return False
    op.replace_with(inner.operands[0])
    return True


def cast_of_cast(op: Op) -> bool:
    """An integer cast to index and back to its type."""
    inner = defining(op.operands[0], "arith.index_cast")
    if inner is None or inner.operands[0].type != op.result.type or not isinstance(inner.result.type, IndexType):
        return False
    op.replace_with(inner.operands[0])
    return True


PATTERNS: Patterns = {
    "scf.if": (constant_condition, empty_if),
    "scf.for": (unrolled_once, invariant_argument, unused_result),
    "arith.xori": (double_negation,),
    "arith.index_cast": (cast_of_cast,),
}
