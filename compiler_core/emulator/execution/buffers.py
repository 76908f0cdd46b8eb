"""Buffers: where a program's on-chip buffers lie, and which of them an instruction's operand lies in."""

from typing import TypeVar

from compiler_core.emulator.execution.memory import Tile
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import IntegerAttr
from compiler_core.ir.types import MemRefType, bit_width

T = TypeVar("T")
Buffer = tuple[int, int]
"""Bytes [low, high) of its memory."""

VIEWS = (
    *("memref.subview", "memref.reinterpret_cast", "memref.cast", "memref.memory_space_cast"),
    *("memref.collapse_shape", "memref.expand_shape"),
)
"""Ops whose result lies in their first operand."""


def buffer_of(op: Op, tile: Tile) -> Buffer | None:
    """The buffer that holds a tile of an op; None where that is not one."""
    low, high = tile.extent()
    size = 1 if tile.packed else tile.dtype.itemsize
    first = int(tile.start) + (low // 8 if tile.packed else low * size)
    last = int(tile.start) + (-(-high // 8) if tile.packed else high * size)
    found: set[Buffer] = set()
    for operand in op.operands:
        buffers = buffers_of(operand)
        if buffers is None:
            return None
        found |= {b for b in buffers if b[0] <= first and last <= b[1]}
    return found.pop() if len(found) == 1 else None


def buffer_intervals(function: Op, capacity: dict[str, int]) -> dict[str, list[Buffer]]:
    """The buffers of each on-chip space, so that only these bytes are held; the whole memory where an address is computed in a
    way not looked into.
    """
    found: dict[str, list[Buffer]] = {space: [] for space in capacity}
    for op in function.walk():
        if op.name != "hivm.hir.pointer_cast":
            continue
        type = op.result.type
        if isinstance(type, MemRefType) and type.space in found:
            buffers = buffers_of(op.result)
            found[type.space] += [(0, capacity[type.space])] if buffers is None else sorted(buffers)
    return found


def buffers_of(value: Value) -> set[Buffer] | None:
    """Every buffer a value can lie in, empty for what is no buffer; None where that is not seen."""
    if not isinstance(value.type, MemRefType) or value.type.space not in ("ub", "cbuf", "cc"):
        return set()
    op = value.op
    if op is None:
        return None
    if op.name in VIEWS:
        return buffers_of(op.operands[0])
    if op.name == "arith.select":
        return _either(buffers_of(op.operands[1]), buffers_of(op.operands[2]))
    if op.name != "hivm.hir.pointer_cast" or not value.type.is_static:
        return None
    addresses = addresses_of(op.operands[0])
    if addresses is None:
        return None
    bits = value.type.size * bit_width(value.type)
    return {(a, a + -(-bits // 8)) for a in addresses}


def addresses_of(value: Value) -> set[int] | None:
    """Every number a value can be, through selects and casts; None where that is not seen."""
    op = value.op
    if op is None:
        return None
    if op.name == "arith.constant":
        constant = op.attributes["value"]
        return {constant.value} if isinstance(constant, IntegerAttr) else None
    if op.name == "arith.select":
        return _either(addresses_of(op.operands[1]), addresses_of(op.operands[2]))
    if op.name in ("arith.index_cast", "arith.extsi", "arith.extui", "arith.trunci"):
        return addresses_of(op.operands[0])
    return None


def _either(a: set[T] | None, b: set[T] | None) -> set[T] | None:
    return None if a is None or b is None else a | b
