"""Liveness: what no effect needs goes, values that loops only carry around included."""

from compiler_core.ir.core import Block, Op, Value
from compiler_core.ir.registry import has_trait


def erase_unneeded(root: Op) -> bool:
    """Removes, in `root`, ops whose results no effect needs, and values that loops carry for nobody. Tells whether any went."""
    live = _Live(root).values
    ops = [op for op in root.walk() if op is not root and op.parent is not None and not has_trait(op, "terminator")]
    dead = [op for op in ops if op.results and has_no_effect(op) and not any(r in live for r in op.results)]
    gone = set(dead)
    loops = [op for op in ops if op.name == "scf.for" and op not in gone and not all(r in live for r in op.results)]
    for loop in loops:
        _stop_carrying(loop, live)
    for op in dead:
        op.drop_uses()
    for op in dead:
        op.detach()
    for loop in loops:
        _remove_carried(loop, live)
    return bool(dead or loops)


def _stop_carrying(loop: Op, live: set[Value]) -> None:
    """Takes the dead values out of what a loop starts from and yields."""
    keep = [k for k, r in enumerate(loop.results) if r in live]
    terminator = loop.body.terminator
    terminator.operands = [terminator.operands[k] for k in keep]
    loop.operands = [*loop.operands[:3], *(loop.operands[3 + k] for k in keep)]


def _remove_carried(loop: Op, live: set[Value]) -> None:
    """Removes the dead values' arguments and results, which nothing uses any more."""
    for k in reversed([k for k, r in enumerate(loop.results) if r not in live]):
        loop.body.remove_argument(1 + k)
        del loop.results[k]
    for k, result in enumerate(loop.results):
        result.index = k


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
