"""Buffers that a loop loads into, or stores from, get a second copy: one iteration's data moves while another's is computed."""

from dataclasses import dataclass
from typing import ClassVar

from compiler_core.chips import Chip
from compiler_core.dialects import hivm
from compiler_core.dialects.builtin import device_functions
from compiler_core.ir import Op
from compiler_core.ir.attributes import integer
from compiler_core.ir.types import i32
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.machine.lifetimes import MULTI_BUFFER, allocations, users
from compiler_core.passes.plan_memory import overfull, place

MOVES = frozenset({"hivm.hir.load", "hivm.hir.nd2nz", "hivm.hir.store", "hivm.hir.fixpipe"})


@dataclass(frozen=True)
class DoubleBuffer(Pass):
    name: ClassVar[str] = "double-buffer"
    summary: ClassVar[dict[str, str]] = {
        "en": "Buffers that a loop moves data through get two copies, so that moving and computing overlap",
        "zh": "循环中搬运数据的缓冲区设双份，使搬运与计算重叠",
    }
    stage_in: ClassVar = "machine"
    stage_out: ClassVar = "machine"
    mandatory: ClassVar[bool] = False

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            double(function, context.chip)


def double(function: Op, chip: Chip) -> None:
    """Doubles buffer by buffer, as long as all of them fit the core's memories."""
    for alloc in allocations(function):
        if not _moved_in_loop(alloc):
            continue
        alloc.attributes[MULTI_BUFFER] = integer(2, i32)
        if overfull(place(function), chip) is not None:
            del alloc.attributes[MULTI_BUFFER]


def _moved_in_loop(alloc: Op) -> bool:
    """Made in the body of a counted loop, and filled from or emptied to global memory there."""
    loop = alloc.parent_op
    if loop is None or loop.name != "scf.for":
        return False
    return any(user.name in MOVES and _global(user) for user in users(alloc.result))


def _global(move: Op) -> bool:
    return any(hivm.space_of(v) == "gm" for v in move.operands)
