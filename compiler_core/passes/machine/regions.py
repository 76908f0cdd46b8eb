"""Which bytes a buffer is, and whether two uses of memory may touch the same ones."""

from dataclasses import dataclass, replace

from compiler_core.dialects import hivm
from compiler_core.dialects.arith import constant_value
from compiler_core.dialects.memref import base_of
from compiler_core.ir import Op, Value
from compiler_core.ir.core import Block
from compiler_core.ir.types import MemRefType
from compiler_core.passes.machine.lifetimes import size_of


@dataclass(frozen=True)
class Region:
    """Byte ranges of one memory. For global memory `base` is the buffer's argument and there are no ranges: all of it.

    With two ranges, even iterations of the loop use the first and odd ones the second; `selector` is the parity (an i1).
    """

    space: str
    base: Value | None
    ranges: tuple[tuple[int, int], ...]
    selector: Value | None = None

    def meets(self, other: "Region") -> bool:
        """They may share a byte in the same iteration."""
        if self.space != other.space:
            return False
        if self.space == "gm":
            return self.base is other.base
        if self.selector is not None and self.selector is other.selector:
            return any(_overlap(a, b) for a, b in zip(self.ranges, other.ranges, strict=True))
        return any(_overlap(a, b) for a in self.ranges for b in other.ranges)

    def meets_next(self, other: "Region") -> bool:
        """They may share a byte where `other` is used one iteration later."""
        if self.selector is not None and self.selector is other.selector:
            later = (other.ranges[1], other.ranges[0])
            return any(_overlap(a, b) for a, b in zip(self.ranges, later, strict=True))
        return self.meets(other)


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def region_of(value: Value) -> Region:
    """The bytes of the buffer behind a view. Different arguments are taken to be different memory."""
    base = base_of(value)
    type = base.type
    assert isinstance(type, MemRefType)
    if base.op is None or base.op.name != "hivm.hir.pointer_cast":
        return Region("gm", base, ())
    (pointer,) = hivm.group(base.op, "addrs")
    size = size_of(type)
    selected = pointer.op
    if selected is not None and selected.name == "arith.select":
        odd, even = (_address(v) for v in selected.operands[1:])
        return Region(type.space or "ub", None, ((even, even + size), (odd, odd + size)), selected.operands[0])
    start = _address(pointer)
    return Region(type.space or "ub", None, ((start, start + size),))


def _address(value: Value) -> int:
    number = constant_value(value)
    assert isinstance(number, int), "an address that plan-memory did not make"
    return number


@dataclass(frozen=True)
class Use:
    """One pipe's use of a region."""

    pipe: hivm.Pipe
    region: Region
    write: bool

    def seen_from(self, body: Block) -> "Use":
        """The use where `body` is repeated: whose turn it is is known only for buffers that take turns in that very loop."""
        selector = self.region.selector
        if selector is None or (selector.op is not None and selector.op.parent is body):
            return self
        return Use(self.pipe, replace(self.region, selector=None), self.write)


def uses_of(op: Op) -> list[Use]:
    return [Use(access.pipe, region_of(access.value), access.write) for access in hivm.accesses(op)]


IN_ORDER = frozenset({"PIPE_S", "PIPE_M"})
"""Pipes whose own instructions see each other's results: the scalar unit, accumulation in L0C. So do one pipe's moves to and
from global memory."""


def conflict(first: Use, second: Use) -> bool:
    """The second must wait for the first, in the same iteration. Scalar reads are over before anything after them."""
    return _ordered(first, second) and first.region.meets(second.region)


def conflict_next(first: Use, second: Use) -> bool:
    """The same, where the second belongs to the next iteration."""
    return _ordered(first, second) and first.region.meets_next(second.region)


def _ordered(first: Use, second: Use) -> bool:
    if not (first.write or second.write):
        return False
    if first.pipe == "PIPE_S" and not first.write:
        return False
    in_order = first.pipe in IN_ORDER or first.region.space == "gm"
    return not (first.pipe == second.pipe and in_order)
