"""Where a function's buffers lie: byte ranges of each on-chip memory, so that only these are held."""

from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import IntegerAttr
from compiler_core.ir.types import MemRefType, bit_width, byte_width


def buffer_intervals(function: Op, capacity: dict[str, int]) -> dict[str, list[tuple[int, int]]]:
    """Byte ranges of the buffers of each on-chip space; the whole memory where an address is computed in a way not
    looked into.
    """
    found: dict[str, list[tuple[int, int]]] = {space: [] for space in capacity}
    for op in function.walk():
        if op.name != "hivm.hir.pointer_cast":
            continue
        type = op.result.type
        if not isinstance(type, MemRefType) or type.space not in found:
            continue
        addresses = _addresses(op.operands[0])
        if addresses is None or not type.is_static:
            found[type.space].append((0, capacity[type.space]))
            continue
        size = _bytes(type)
        found[type.space] += [(a, a + size) for a in addresses]
    return found


def _bytes(type: MemRefType) -> int:
    return -(-type.size // 8) if bit_width(type) == 1 else type.size * byte_width(type)


def _addresses(value: Value) -> set[int] | None:
    """Every number a value can be, through select and casts; None where that is not seen."""
    op = value.op
    if op is None:
        return None
    if op.name == "arith.constant":
        constant = op.attributes["value"]
        return {constant.value} if isinstance(constant, IntegerAttr) else None
    if op.name == "arith.select":
        sides = [_addresses(v) for v in op.operands[1:]]
        return sides[0] | sides[1] if sides[0] is not None and sides[1] is not None else None
    if op.name in ("arith.index_cast", "arith.extsi", "arith.extui", "arith.trunci"):
        return _addresses(op.operands[0])
    return None
