"""Which tensors that a loop yields can be computed straight into the buffer that the loop carries them in."""

from compiler_core.ir import Op, Value, has_trait
from compiler_core.passes.machine.tiles import Buffer

ALIASING = frozenset(
    {
        "tensor.expand_shape",
        "tensor.collapse_shape",
        "tensor.cast",
        "tensor.extract_slice",
        "linalg.broadcast",
        "linalg.transpose",
    }
)
"""Ops whose result may lie in their operand's buffer, or be read out of it later."""


def destinations(loop: Op, homes: dict[int, Buffer]) -> dict[int, Buffer]:
    """Index of an iter_arg → its home, where the op that makes the yielded tensor may write there.

    It may when all that reads the carried tensor comes before it, and it reads that tensor element by element if at all.
    """
    yielded = loop.body.terminator.operands
    found: dict[int, Buffer] = {}
    for i, home in homes.items():
        value, argument = yielded[i], loop.body.arguments[1 + i]
        maker = value.op
        if maker is None or maker.parent is not loop.body or list(yielded).count(value) > 1:
            continue
        if _may_write(maker, argument):
            found[i] = home
    return found


def _may_write(maker: Op, argument: Value) -> bool:
    position = maker.parent.ops.index(maker) if maker.parent else 0
    for reader in _readers(argument):
        if reader is maker:
            if not _reads_in_step(maker, argument):
                return False
            continue
        at = _place(reader, maker)
        if at is None or at > position:
            return False
    return True


def _reads_in_step(maker: Op, argument: Value) -> bool:
    """It reads the carried tensor only as a direct operand, each element before it writes that one; a loop carries it on."""
    aliased = [v for v in maker.operands if v is not argument and _is_alias(v, argument)]
    if aliased:
        return False
    if maker.name == "scf.for":
        once = list(maker.operands).count(argument) == 1 and maker.operands.index(argument) >= 3
        return once and not _used_inside(maker, argument)
    return has_trait(maker, "elementwise")


def _used_inside(loop: Op, argument: Value) -> bool:
    return any(loop in user.ancestors() for user in argument.uses)


def _readers(value: Value) -> list[Op]:
    """All users, also through ops that hand the buffer on."""
    found: list[Op] = []
    for user in value.uses:
        found.append(user)
        if user.name in ALIASING:
            found += _readers(user.result)
    return found


def _is_alias(value: Value, of: Value) -> bool:
    at = value
    while at.op is not None and at.op.name in ALIASING:
        at = at.op.operands[0]
        if at is of:
            return True
    return False


def _place(op: Op, beside: Op) -> int | None:
    """Where in `beside`'s block the op is, or the op around it; None where it is not in there."""
    at: Op | None = op
    while at is not None and at.parent is not beside.parent:
        at = at.parent_op
    return at.parent.ops.index(at) if at is not None and at.parent is not None else None
