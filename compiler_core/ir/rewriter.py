"""Rewriting: patterns applied until nothing changes, folding through the ops' declarations, removal of dead ops."""

from collections.abc import Mapping, Sequence

from compiler_core.ir.attributes import Attribute
from compiler_core.ir.core import Builder, Op, Rewrite, Value
from compiler_core.ir.registry import OPS, is_pure

MAX_ROUNDS = 64
"""A set of patterns that has not settled by then is circular: a bug in the patterns."""

Patterns = Mapping[str, Sequence[Rewrite]]
"""Op name → patterns to try on such ops, in order."""


def apply_patterns(root: Op, patterns: Patterns, *, fold: bool = False) -> bool:
    """Applies patterns (and folding) in `root` until nothing changes; dead pure ops go. Tells whether anything changed.

    Raises RuntimeError where the patterns never settle.
    """
    changed = False
    for _ in range(MAX_ROUNDS):
        if not _round(root, patterns, fold):
            return changed
        changed = True
    raise RuntimeError(f"patterns did not settle in {MAX_ROUNDS} rounds")


def _round(root: Op, patterns: Patterns, fold: bool) -> bool:
    changed = False
    for op in list(root.walk()):
        if op is root or op.parent is None or not _attached(op, root):
            continue
        if is_dead(op):
            op.erase()
            changed = True
            continue
        if fold and fold_op(op):
            changed = True
            continue
        for pattern in patterns.get(op.name, ()):
            if pattern(op):
                changed = True
                break
    return changed


def _attached(op: Op, root: Op) -> bool:
    return any(ancestor is root for ancestor in op.ancestors())


def is_dead(op: Op) -> bool:
    """Pure, with results that nobody uses."""
    return bool(op.results) and not any(r.uses for r in op.results) and is_pure(op)


def erase_dead(root: Op) -> bool:
    """Removes dead ops, users before what they use. Tells whether there were any."""
    changed = False
    for op in reversed(list(root.walk())):
        if op is not root and op.parent is not None and is_dead(op):
            op.erase()
            changed = True
    return changed


def constant_of(value: Value) -> Attribute | None:
    """The attribute of a value made by arith.constant."""
    op = value.op
    return op.attributes.get("value") if op is not None and op.name == "arith.constant" else None


def fold_op(op: Op) -> bool:
    """Replaces an op by the constant or operand that its declaration folds it to. Tells whether it did."""
    definition = OPS.get(op.name)
    if definition is None or definition.fold is None:
        return False
    folded = definition.fold(op, [constant_of(v) for v in op.operands])
    if folded is None:
        return False
    if isinstance(folded, int):
        operand = op.operands[folded]
        if operand.type != op.result.type:
            return False
        op.replace_with(operand)
    else:
        constant = Builder.before(op).op("arith.constant", [], [op.result.type], {"value": folded})
        constant.result.name = op.result.name
        op.replace_with(constant.result)
    return True
