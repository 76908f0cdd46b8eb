"""Liveness: what no effect needs goes, values that loops only carry around included."""

from compiler_core.ir.core import Block, Op, Value
from compiler_core.ir.registry import has_trait


def erase_unneeded(root: Op) -> bool:
    """Removes, in `root`, ops whose results no effect needs, and values that loops carry for nobody. Tells whether any went."""
    live = _Live(root).values
    changed = False
    for op in list(root.walk()):
        if op is root or op.parent is None or has_trait(op, "terminator"):
            continue
        if has_no_effect(op) and op.results and not any(r in live for r in op.results):
            op.drop_uses()
            op.detach()
            changed = True
        elif op.name == "scf.for" and not all(r in live for r in op.results):
            _drop_carried(op, [k for k, r in enumerate(op.results) if r not in live])
            changed = True
    return changed


def has_no_effect(op: Op) -> bool:
    """Neither the op nor anything inside it writes; it may read."""
    if not (has_trait(op, "pure") or has_trait(op, "reads")):
        return False
    inside = (inner for r in op.regions for b in r.blocks for inner in b.ops)
    return all(has_trait(inner, "terminator") or has_no_effect(inner) for inner in inside)


class _Live:
    """The values that an effect needs, directly or through others."""

    def __init__(self, root: Op) -> None:
        self.values: set[Value] = set()
        self.work: list[Value] = []
        for op in root.walk():
            if not has_trait(op, "terminator") and not has_no_effect(op):
                self.need_effect(op)
            elif has_trait(op, "terminator") and op.parent_op is not None and not op.parent_op.results:
                self.need(*op.operands)
        while self.work:
            self.need_sources(self.work.pop())

    def need(self, *values: Value) -> None:
        for value in values:
            if value not in self.values:
                self.values.add(value)
                self.work.append(value)

    def need_effect(self, op: Op) -> None:
        """What an op that has an effect takes; a loop's carried values and a region's results only as far as they are used."""
        if op.name == "scf.for":
            self.need(*op.operands[:3])
            return
        self.need(*op.operands)
        self.need_yields(op)

    def need_yields(self, op: Op) -> None:
        for region in op.regions:
            for block in region.blocks:
                if block.ops:
                    self.need(*block.terminator.operands)

    def need_sources(self, value: Value) -> None:
        owner = value.owner
        if isinstance(owner, Block):
            around = owner.parent_op
            if around is not None and around.name == "scf.for":
                self.need_loop(around, value.index - 1)
        elif owner.name == "scf.for":
            self.need_loop(owner, value.index)
        else:
            self.need(*owner.operands)
            self.need_yields(owner)

    def need_loop(self, op: Op, k: int) -> None:
        """One carried value of a loop, k < 0 for the index."""
        self.need(*op.operands[:3])
        if k >= 0:
            self.need(op.operands[3 + k], op.body.arguments[1 + k], op.results[k], op.body.terminator.operands[k])


def _drop_carried(op: Op, dead: list[int]) -> None:
    """Takes values that nobody needs out of a loop; what used them in the body is dead too, and erased here."""
    body, terminator = op.body, op.body.terminator
    keep = [k for k in range(len(op.results)) if k not in dead]
    terminator.operands = [terminator.operands[k] for k in keep]
    op.operands = [*op.operands[:3], *(op.operands[3 + k] for k in keep)]
    for k in dead:
        _erase_users(body.arguments[1 + k])
        _erase_users(op.results[k])
    for k in reversed(dead):
        body.remove_argument(1 + k)
        del op.results[k]
    for k, result in enumerate(op.results):
        result.index = k


def _erase_users(value: Value) -> None:
    for user in list(value.uses):
        for result in user.results:
            _erase_users(result)
        if user.parent is not None:
            user.drop_uses()
            user.detach()
