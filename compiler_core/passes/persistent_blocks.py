"""persistent-blocks: one block a core runs many programs in a loop, instead of one block a program.

Launched so, a core loads for the next program while it still computes and stores for the last one (double-buffer and the flags
do the rest), and what all programs share is computed once. Programs are dealt out in turn: block b runs b, b + blocks, …
A function that asks for the number of blocks is launched with that many: see `emulator/run.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from compiler_core.chips import Chip
from compiler_core.dialects import hivm
from compiler_core.dialects.builtin import arguments_by_name, device_functions
from compiler_core.dialects.scf import for_loop
from compiler_core.ir import Builder, DenseArrayAttr, Op, StringAttr, Value
from compiler_core.ir.types import i32
from compiler_core.passes.base import Pass, PassContext


@dataclass(frozen=True)
class PersistentBlocks(Pass):
    name = "persistent-blocks"
    summary: ClassVar[Mapping[str, str]] = {
        "en": "One block per core runs many programs in a loop, so that moving and computing overlap between them.",
        "zh": "每个核一个块，循环执行多个程序，使程序之间的搬运与计算重叠。",
    }
    stage_in = "tile"
    stage_out = "tile"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            programs = programs_of(function, context)
            if programs is None or programs > cores_for(function, context.chip):
                make_persistent(function)


def programs_of(function: Op, context: PassContext) -> int | None:
    """How many programs will be launched; None where that is not known yet."""
    grid = function.get("tilescope.grid", DenseArrayAttr)
    return prod(grid.values) if grid is not None else context.programs


def cores_for(function: Op, chip: Chip) -> int:
    """How many of the chip's cores can run this kind of function."""
    core = function.get("tilescope.core", StringAttr)
    return chip.vector_cores if core is not None and core.value == "vector" else chip.cube_cores


def make_persistent(function: Op) -> None:
    """Wraps the body in a loop over programs, whose ids come from the loop's index."""
    body = function.body
    named = arguments_by_name(function)
    body.ops.sort(key=lambda op: op.name != "arith.constant")  # constants first: they stay outside of the loop
    inside = [op for op in body.ops[:-1] if op.name != "arith.constant"]
    if not inside:
        return
    builder = Builder(body, len(body.ops) - 1, function.location, (function.id,))
    first = builder.value("arith.trunci", [hivm.get_block_index(builder)], i32, hint="block")
    blocks = builder.value("arith.trunci", [hivm.get_block_count(builder)], i32, hint="blocks")
    rows = builder.value("arith.muli", [named["grid_y"], named["grid_z"]], i32, hint="row_programs")
    programs = builder.value("arith.muli", [named["grid_x"], rows], i32, hint="programs")
    loop = for_loop(builder, first, programs, blocks, index="program")
    place = Builder(loop.body, 0, function.location, (function.id,))
    _replace_ids(place, loop.body.arguments[0], named, rows)
    for op in inside:
        loop.body.append(op.detach())
    Builder(loop.body, None, function.location, (function.id,)).op("scf.yield")


def _replace_ids(builder: Builder, program: Value, named: Mapping[str, Value], rows: Value) -> None:
    """Program ids from the program's number, last axis fastest."""
    grid_y, grid_z = named["grid_y"], named["grid_z"]
    if named["pid_x"].uses:
        named["pid_x"].replace_all_uses_with(builder.value("arith.divsi", [program, rows], i32, hint="pid_x"))
    if named["pid_y"].uses:
        row = builder.value("arith.divsi", [program, grid_z], i32, hint="row")
        named["pid_y"].replace_all_uses_with(builder.value("arith.remsi", [row, grid_y], i32, hint="pid_y"))
    if named["pid_z"].uses:
        named["pid_z"].replace_all_uses_with(builder.value("arith.remsi", [program, grid_z], i32, hint="pid_z"))
