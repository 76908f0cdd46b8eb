"""When each buffer of a function holds something: positions of its first and last use, over structured control flow."""

from collections.abc import Iterator
from dataclasses import dataclass

from compiler_core.dialects.memref import VIEWS
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import IntegerAttr
from compiler_core.ir.types import MemRefType, bit_width

MULTI_BUFFER = "hivm.multi_buffer"
"""On a memref.alloc in a loop: how many copies of the buffer successive iterations take turns with."""
ALIGNMENT = {"ub": 32, "cbuf": 32, "cc": 512}
"""Bytes. UB and L1 address blocks of 32; a fractal of L0C starts at a multiple of 512 (the vendor's L0C_ALIGN_SIZE)."""


@dataclass(frozen=True)
class Lifetime:
    """A buffer is live from position `start` to position `end`, both included."""

    alloc: Op
    start: int
    end: int

    def meets(self, other: "Lifetime") -> bool:
        return self.start <= other.end and other.start <= self.end


def copies(alloc: Op) -> int:
    found = alloc.get(MULTI_BUFFER, IntegerAttr)
    return found.value if found is not None else 1


def buffer_type(alloc: Op) -> MemRefType:
    type = alloc.result.type
    assert isinstance(type, MemRefType)
    return type


def size_of(type: MemRefType) -> int:
    """Bytes of a buffer of its own, aligned for its memory. Bits of an i1 are packed."""
    unit = ALIGNMENT[type.space or "ub"]
    return -(-_bytes(type) // unit) * unit


def _bytes(type: MemRefType) -> int:
    return -(-type.size * bit_width(type) // 8)


def users(value: Value) -> Iterator[Op]:
    """The instructions that use a buffer, also through views of it."""
    for user in value.uses:
        if user.name in VIEWS:
            yield from users(user.result)
        else:
            yield user


def allocations(function: Op) -> list[Op]:
    return [op for op in function.walk() if op.name == "memref.alloc"]


def erase_unused(function: Op) -> None:
    """Removes the buffers that no instruction uses, with their views."""
    for alloc in allocations(function):
        if not any(True for _ in users(alloc.result)):
            _erase_views(alloc.result)
            alloc.erase()


def _erase_views(value: Value) -> None:
    for view in list(value.uses):
        _erase_views(view.result)
        view.erase()


def lifetimes(function: Op) -> list[Lifetime]:
    """One for each memref.alloc that is used at all."""
    positions = {op.id: i for i, op in enumerate(function.walk())}
    ends = {op.id: max(positions[inner.id] for inner in op.walk()) for op in function.walk() if op.regions}
    found: list[Lifetime] = []
    for alloc in allocations(function):
        spans = [_extent(user, alloc, positions, ends) for user in users(alloc.result)]
        loop = alloc.parent_op
        if copies(alloc) > 1 and loop is not None:
            spans.append((positions[loop.id], ends[loop.id]))
        if spans:
            found.append(Lifetime(alloc, min(s for s, _ in spans), max(e for _, e in spans)))
    return found


def _extent(user: Op, alloc: Op, positions: dict[int, int], ends: dict[int, int]) -> tuple[int, int]:
    """The positions a use keeps the buffer live at: all of the outermost loop around the use that the buffer is not made in."""
    start = end = positions[user.id]
    for around in user.ancestors():
        if around is alloc.parent_op:
            break
        if around.name in ("scf.for", "scf.while"):
            start, end = positions[around.id], ends[around.id]
    return start, end
