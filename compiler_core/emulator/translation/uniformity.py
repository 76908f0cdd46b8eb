"""Which values may differ between lanes: a fixpoint through what loops and branches carry."""

from compiler_core.emulator.translation.terms import CONSTANT, UNIFORM, UNKNOWN, VARYING
from compiler_core.ir import Block, Op, Value


def kinds_of(function: Op, *, lanes: int, functional: bool) -> dict[Value, int]:
    """UNIFORM, VARYING or UNKNOWN for each value; a value that is missing is UNIFORM."""
    if not any(op.regions for op in function.body.ops):
        return {}
    different = VARYING if lanes > 1 else UNIFORM
    found = _Kinds(different, different if functional else UNKNOWN)
    found.block(function.body)
    return found.kinds


class _Kinds:
    """`number` is the kind of a lane's number, `read` of what memory holds."""

    def __init__(self, number: int, read: int) -> None:
        self.kinds: dict[Value, int] = {}
        self.sources = dict.fromkeys(("hivm.hir.get_block_idx", "hivm.hir.get_sub_block_idx"), number) | {"memref.load": read}

    def of(self, value: Value) -> int:
        return self.kinds.get(value, UNIFORM)

    def raised(self, value: Value, kind: int) -> bool:
        """Notes a kind, and tells whether that changed anything."""
        if kind <= self.of(value):
            return False
        self.kinds[value] = kind
        return True

    def block(self, block: Block) -> None:
        for op in block.ops:
            if op.regions:
                self.regions(op)
                continue
            kind = self.sources.get(op.name, CONSTANT)
            for operand in op.operands:
                kind = max(kind, self.of(operand))
            for result in op.results:
                self.raised(result, kind)

    def regions(self, op: Op) -> None:
        if op.name == "scf.if":
            condition = self.of(op.operands[0])
            for region in op.regions:
                for block in region.blocks:
                    self.block(block)
                    for result, value in zip(op.results, block.terminator.operands, strict=False):
                        self.raised(result, max(condition, self.of(value)))
        elif op.name == "scf.for":
            bounds = max(self.of(v) for v in op.operands[:3])
            index, *carried = op.body.arguments
            self.raised(index, bounds)
            for argument, value in zip(carried, op.operands[3:], strict=False):
                self.raised(argument, max(bounds, self.of(value)))
            while True:
                self.block(op.body)
                pairs = zip(carried, op.body.terminator.operands, strict=False)
                if not any(self.raised(argument, max(bounds, self.of(value))) for argument, value in pairs):
                    break
            for result, argument in zip(op.results, carried, strict=False):
                self.raised(result, self.of(argument))
        elif op.name == "scf.while":
            self.loop_until(op)
        else:
            for region in op.regions:
                for block in region.blocks:
                    self.block(block)

    def loop_until(self, op: Op) -> None:
        before, after = (region.blocks[0] for region in op.regions)
        for argument, value in zip(before.arguments, op.operands, strict=False):
            self.raised(argument, self.of(value))
        while True:
            self.block(before)
            condition, *passed = before.terminator.operands
            kind = self.of(condition)
            for argument, value in zip(after.arguments, passed, strict=False):
                self.raised(argument, self.of(value))
            self.block(after)
            again = [
                self.raised(argument, max(kind, self.of(value)))
                for argument, value in zip(before.arguments, after.terminator.operands, strict=False)
            ]
            for result, value in zip(op.results, passed, strict=False):
                self.raised(result, max(kind, self.of(value)))
            if not any(again):
                return
