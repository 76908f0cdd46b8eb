"""Buffers get addresses: greedy by size over their lifetimes, in each memory of the core."""

from dataclasses import dataclass
from typing import ClassVar

from compiler_core.chips import Chip
from compiler_core.diagnostics import Refused, Span, error
from compiler_core.dialects import hivm
from compiler_core.dialects.arith import constant, constant_attribute
from compiler_core.dialects.builtin import device_functions
from compiler_core.ir import Builder, Op, Value
from compiler_core.ir.types import i1, i64
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.machine.lifetimes import Lifetime, buffer_type, copies, erase_unused, lifetimes, size_of
from compiler_core.passes.reuse_buffers import merge_in_place


@dataclass(frozen=True)
class Placement:
    lifetime: Lifetime
    address: int

    @property
    def end(self) -> int:
        return self.address + footprint(self.lifetime.alloc)


@dataclass(frozen=True)
class PlanMemory(Pass):
    name: ClassVar[str] = "plan-memory"
    summary: ClassVar[dict[str, str]] = {
        "en": "Every buffer gets its address in UB, L1 or L0C; buffers that are never live together share memory",
        "zh": "为每个缓冲区在 UB、L1、L0C 中分配地址；从不同时存活的缓冲区共用内存",
    }
    stage_in: ClassVar = "machine"
    stage_out: ClassVar = "machine"
    mandatory: ClassVar[bool] = True

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            plan_function(function, context.chip)


def plan_function(function: Op, chip: Chip) -> None:
    """Raises Refused where a memory is too small even when results take over the buffers of dying operands."""
    erase_unused(function)
    placements = place(function)
    if overfull(placements, chip) is not None:
        merge_in_place(function)
        placements = place(function)
        memory = overfull(placements, chip)
        if memory is not None:
            raise _refused(placements, memory, chip)
    for placement in placements:
        _replace(function, placement)


def footprint(alloc: Op) -> int:
    """Bytes that a buffer takes, with all its copies."""
    return size_of(buffer_type(alloc)) * copies(alloc)


def place(function: Op) -> list[Placement]:
    """Largest first, each at the lowest address where it meets no placed buffer in time and space."""
    placed: list[Placement] = []
    order = sorted(lifetimes(function), key=lambda t: (-footprint(t.alloc), t.start))
    for lifetime in order:
        space = buffer_type(lifetime.alloc).space
        others = [p for p in placed if buffer_type(p.lifetime.alloc).space == space and p.lifetime.meets(lifetime)]
        placed.append(Placement(lifetime, _lowest(footprint(lifetime.alloc), others)))
    return placed


def _lowest(size: int, others: list[Placement]) -> int:
    at = 0
    for other in sorted(others, key=lambda p: p.address):
        if at + size <= other.address:
            break
        at = max(at, other.end)
    return at


def capacity(space: str, chip: Chip) -> int:
    return chip.buffers[hivm.MEMORY[space]]


def overfull(placements: list[Placement], chip: Chip) -> str | None:
    """The first space whose memory the placements exceed."""
    for space in ("ub", "cbuf", "cc"):
        ends = [p.end for p in placements if buffer_type(p.lifetime.alloc).space == space]
        if max(ends, default=0) > capacity(space, chip):
            return space
    return None


def _refused(placements: list[Placement], space: str, chip: Chip) -> Refused:
    here = [p for p in placements if buffer_type(p.lifetime.alloc).space == space]
    largest = sorted(here, key=lambda p: -footprint(p.lifetime.alloc))[:3]
    spans = tuple(Span(at.line, at.column) for p in largest for at in p.lifetime.alloc.location[:1] if at.line > 0)
    node = next((at.name for p in largest for at in p.lifetime.alloc.location if at.name), None)
    diagnostic = error(
        "machine-memory-full",
        *dict.fromkeys(spans),
        node=node,
        memory=hivm.MEMORY[space],
        capacity=capacity(space, chip),
        needed=max(p.end for p in here),
        largest=", ".join(_described(p.lifetime.alloc) for p in largest),
    )
    return Refused(diagnostic)


def _described(alloc: Op) -> str:
    type = buffer_type(alloc)
    shape = "×".join(map(str, type.shape))
    line = next((f", line {at.line}" for at in alloc.location if at.line > 0), "")
    times = " twice" if copies(alloc) > 1 else ""
    return f"{alloc.result.name or 'a buffer'} ({shape} {type.element}, {footprint(alloc)} bytes{times}{line})"


def _replace(function: Op, placement: Placement) -> None:
    alloc = placement.lifetime.alloc
    type = buffer_type(alloc)
    addresses = [placement.address + i * size_of(type) for i in range(copies(alloc))]
    if len(addresses) == 1:
        value = address(function, addresses[0])
    else:
        loop = alloc.parent_op
        assert loop is not None and loop.name == "scf.for" and len(addresses) == 2
        even, odd = (address(function, a) for a in addresses)
        select = parity(function, loop)
        value = Builder.before(alloc).value("arith.select", [select, odd, even], i64)
    alloc.replace_with(hivm.pointer_cast(Builder.before(alloc), value, type, alloc.result.name))


def address(function: Op, value: int) -> Value:
    """An i64 constant at the function's top, shared."""
    attribute = constant_attribute(value, i64)
    for op in function.body.ops:
        if op.name != "arith.constant":
            break
        if op.attributes["value"] == attribute:
            return op.result
    return constant(Builder(function.body, 0, function.location), value, i64)


def parity(function: Op, loop: Op) -> Value:
    """Whether this is an odd iteration of the loop (i1), computed once at the top of its body."""
    for op in loop.body.ops:
        if op.name == "arith.cmpi" and PARITY in op.attributes:
            return op.result
    low, _, step = loop.operands[:3]
    counter = loop.body.arguments[0]
    builder = Builder(loop.body, 0, loop.location, (loop.id,))
    distance = builder.value("arith.subi", [counter, low], counter.type)
    number = builder.value("arith.divui", [distance, step], counter.type, hint="iteration")
    two, zero = (constant(Builder(function.body, 0, function.location), v, counter.type) for v in (2, 0))
    odd = builder.value("arith.remui", [number, two], counter.type)
    return builder.value("arith.cmpi", [odd, zero], i1, {"predicate": 1, PARITY: True}, "odd")


PARITY = "tilescope.parity"
"""Marks the comparison that tells odd iterations of the loop around it."""
