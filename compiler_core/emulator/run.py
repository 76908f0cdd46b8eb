"""run(module, …): a launch of a hivm kernel on an emulated chip: its results, its time, and what is wrong with it."""

import math
import time
from collections.abc import Sequence

import numpy as np

from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error
from compiler_core.dialects.hivm import MEMORY
from compiler_core.emulator import instructions
from compiler_core.emulator.checks.judge import Judge
from compiler_core.emulator.checks.overflow import Made, Outputs
from compiler_core.emulator.clock.cache import L2
from compiler_core.emulator.clock.cores import Part, parts_of, uses
from compiler_core.emulator.clock.launch import Launch
from compiler_core.emulator.clock.recorder import Recorder
from compiler_core.emulator.execution.arguments import Argument, Bound, Grid, bind
from compiler_core.emulator.execution.between import Flags, run_together
from compiler_core.emulator.execution.buffers import buffer_intervals
from compiler_core.emulator.execution.machine import MALFORMED, Limits, Machine
from compiler_core.emulator.execution.memory import LocalMemory
from compiler_core.emulator.result import Result
from compiler_core.emulator.translation import control, macros, scalars, transfer, views, workspace
from compiler_core.emulator.translation.program import translate
from compiler_core.emulator.translation.roles import SPACES as ROLES
from compiler_core.ir import Op

MAX_BLOCKS = 65_535
"""Blocks of one launch. Source: the documented limit of a launch's block dimension."""
PROGRAMS_A_BLOCK = 16
"""Most programs of a block that deals programs out itself: what its first load and last store cost alone is then a few percent,
and blocks that the host emulates together stay many.
"""
BATCH_BYTES = 3 << 20
"""On-chip memory of the blocks executed together: small enough to stay in a host's cache, large enough to pay for
each numpy call.
"""
SPACES = {"ub": "ub", "cbuf": "l1", "cc": "l0c"}

assert all((control, instructions, scalars, transfer, views))  # their imports declare the ops


def run(
    module: Op,
    function: str | None,
    arguments: Sequence[Argument],
    grid: Grid,
    chip: Chip,
    *,
    functional: bool = True,
    timing: bool = True,
    hazards: bool = True,
    limits: Limits | None = None,
    l2: L2 | None = None,
) -> Result:
    """Runs a machine-stage function: the user's arguments in order (arrays are changed in place, as global memory is), over a
    grid.

    Without `functional` nothing is computed and only shapes of arrays matter; a kernel whose path depends on data is then
    refused. Raises Refused for code or arguments that cannot run, out of bounds and misaligned accesses and deadlocks;
    LimitHit at a limit. Races and flags left over are in the result's diagnostics.

    `l2` is the cache as an earlier launch on the same arguments left it; without it the cache is empty.
    """
    if l2 is not None:
        l2.next_launch()
    try:
        return _run(module, function, arguments, grid, chip, functional, timing, hazards, limits or Limits(), l2)
    except MALFORMED as problem:
        raise Refused(error("emulator-malformed", what=f"{type(problem).__name__}: {problem}")) from problem


def _run(
    module: Op,
    function: str | None,
    arguments: Sequence[Argument],
    grid: Grid,
    chip: Chip,
    functional: bool,
    timing: bool,
    hazards: bool,
    limits: Limits,
    l2: L2 | None,
) -> Result:
    module = workspace.placed(macros.expanded(module, chip))
    kind, parts = parts_of(module, function, chip)
    programs = grid[0] * grid[1] * grid[2]
    if min(grid) < 1 or programs > MAX_BLOCKS:
        raise Refused(error("emulator-grid", blocks=programs, limit=MAX_BLOCKS))
    launch = Launch(chip, kind, _blocks_to_launch(parts, kind, chip, programs))
    bound = bind(module, parts[0].function, arguments, grid, launch.blocks)
    l2 = l2 or L2(chip.timing.memory.l2_bytes)
    machines = _machines(parts, chip, launch.blocks, functional, timing or hazards, limits, l2)
    judge = Judge(launch, parts, timing, hazards)
    outputs = Outputs([part.function for part in parts], bound.values) if functional and hazards else None
    with np.errstate(all="ignore"):
        _carry_out(parts, machines, bound, grid, limits, judge)
        overflow = _overflow(outputs, parts, machines, bound, grid, limits) if outputs is not None else None
    bound.write_back()
    return judge.result(machines, [overflow] if overflow is not None else [])


def _carry_out(
    parts: Sequence[Part], machines: Sequence[Machine], bound: Bound, grid: Grid, limits: Limits, judge: Judge | None
) -> None:
    """Runs the programs over all blocks, batch by batch."""
    team = [translate(p.function, m, bound, p.shared) for p, m in zip(parts, machines, strict=True)]
    functional = machines[0].functional
    for first, count in _batches(machines, _in_step(parts), grid, functional, limits):
        for machine in machines:
            machine.allocate(count)
        run_together([(m.kind, program.run(first, count)) for m, program in zip(machines, team, strict=True)])
        if judge is not None:
            judge.batch(machines, first)
    for program in team:
        program.close()


def _overflow(
    outputs: Outputs, parts: Sequence[Part], machines: Sequence[Machine], bound: Bound, grid: Grid, limits: Limits
) -> Diagnostic | None:
    """The instruction that made the inf or nan in an output, found by running again; None where none did."""
    wrong = outputs.wrong()
    if wrong is None:
        return None
    first = machines[0]
    again = _machines(parts, first.chip, first.blocks, True, False, limits, first.recorder.l2)
    for machine in again:
        machine.watched = True
    with outputs.as_before():
        try:
            _carry_out(parts, again, bound, grid, limits, None)
        except Made as made:
            return outputs.told(made, wrong)
        except LimitHit:
            return None
    return None


def _machines(
    parts: Sequence[Part], chip: Chip, blocks: int, functional: bool, enabled: bool, limits: Limits, l2: L2
) -> list[Machine]:
    """A machine for each program; they share L2, the deadline and the flags between cores."""
    deadline = time.monotonic() + limits.seconds
    flags = Flags(parts[-1].lanes) if len(parts) > 1 else None
    capacity = {space: getattr(chip, name) for space, name in SPACES.items()}
    found: list[Machine] = []
    for part in parts:
        intervals = buffer_intervals(part.function, capacity)
        held = {s: intervals[s] if not part.shared or ROLES[s] == part.kind else [] for s in SPACES}
        local = {s: LocalMemory(MEMORY[s], capacity[s], held[s]) for s in SPACES}
        machine = Machine(chip, local, Recorder(l2, enabled), functional, limits, deadline, blocks, part.lanes)
        machine.varied, machine.kind, machine.flags = blocks * part.lanes > 1, part.kind, flags
        found.append(machine)
    return found


def _blocks_to_launch(parts: Sequence[Part], kind: str, chip: Chip, programs: int) -> int:
    """A block a program; a function that asks how many blocks there are deals the programs out itself.

    It gets as many on every core: one, or as few as keep a block from running more than PROGRAMS_A_BLOCK.
    """
    if not uses(parts, "get_block_num"):
        return programs
    cores = chip.vector_cores if kind == "AIV" else chip.cube_cores
    return min(programs, cores * math.ceil(programs / (cores * PROGRAMS_A_BLOCK)))


def _in_step(parts: Sequence[Part]) -> int:
    """Blocks that have to run together: 1 where they take turns at a lock, 0 for all where they meet, -1 where it does not
    matter.
    """
    if uses(parts, "sync_block_lock", "free_lock_var"):
        return 1
    return 0 if uses(parts, "sync_block") else -1


def _batches(machines: Sequence[Machine], in_step: int, grid: Grid, functional: bool, limits: Limits) -> list[tuple[int, int]]:
    """First block and number of blocks of each batch; whole rows of the grid where they fit, so that offsets stay
    progressions.
    """
    blocks = machines[0].blocks
    if not functional:
        return [(0, blocks)]
    each = max(1, sum(m.bytes_per_lane * machine.sub_blocks for machine in machines for m in machine.local.values()))
    needed = each * (blocks if in_step == 0 else 1)
    if needed > limits.bytes:
        raise LimitHit(error("emulator-limit-bytes", bytes=needed, limit=limits.bytes))
    lanes = max(1, min(blocks, min(BATCH_BYTES, limits.bytes) // each))
    for row in (grid[1] * grid[2], grid[2]):
        if 1 < row <= lanes:
            lanes -= lanes % row
            break
    lanes = lanes if in_step < 0 else in_step or blocks
    return [(first, min(lanes, blocks - first)) for first in range(0, blocks, lanes)]
