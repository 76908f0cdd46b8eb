"""run(module, …): a launch of a hivm kernel on an emulated chip: its results, its time, and what is wrong with it."""

import math
import time
from collections.abc import Sequence

import numpy as np

from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error
from compiler_core.dialects.builtin import device_functions, symbol
from compiler_core.dialects.hivm import MEMORY
from compiler_core.emulator import control, instructions, scalars, transfer, views
from compiler_core.emulator.arguments import Argument, Grid, bind
from compiler_core.emulator.cache import L2
from compiler_core.emulator.conflicts import Conflicts
from compiler_core.emulator.hazards import HazardCheck
from compiler_core.emulator.launch import Launch
from compiler_core.emulator.layout import buffer_intervals
from compiler_core.emulator.machine import MALFORMED, Limits, Machine
from compiler_core.emulator.memory import LocalMemory
from compiler_core.emulator.program import translate
from compiler_core.emulator.recorder import Recorder
from compiler_core.emulator.result import Result
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


def find_function(module: Op, name: str | None) -> Op:
    """The device function to run: the one named, or the only one. Raises Refused."""
    devices = [f for f in device_functions(module) if name in (None, symbol(f))]
    if not devices:
        raise Refused(error("emulator-no-function", name=name or ""))
    return devices[0]


def core_type(function: Op) -> str:
    """AIV, AIC or MIX."""
    text = str(function.attributes.get("hivm.func_core_type", ""))
    return next((kind for kind in ("AIV", "AIC", "MIX") if f"<{kind}>" in text), "AIV")


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
) -> Result:
    """Runs a machine-stage function: the user's arguments in order (arrays are changed in place, as global memory is), over a
    grid.

    Without `functional` nothing is computed and only shapes of arrays matter; a kernel whose path depends on data is then
    refused. Raises Refused for code or arguments that cannot run, out of bounds and misaligned accesses and deadlocks;
    LimitHit at a limit. Races and flags left over are in the result's diagnostics.
    """
    try:
        return _run(module, function, arguments, grid, chip, functional, timing, hazards, limits or Limits())
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
) -> Result:
    target = find_function(module, function)
    programs = grid[0] * grid[1] * grid[2]
    if min(grid) < 1 or programs > MAX_BLOCKS:
        raise Refused(error("emulator-grid", blocks=programs, limit=MAX_BLOCKS))
    if chip.split and core_type(target) == "MIX":
        raise Refused(error("emulator-mix", function=symbol(target)))
    launch = Launch(chip, core_type(target), _blocks_to_launch(target, chip, programs))
    bound = bind(module, target, arguments, grid, launch.blocks)
    capacity = {space: getattr(chip, name) for space, name in SPACES.items()}
    intervals = buffer_intervals(target, capacity)
    local = {s: LocalMemory(MEMORY[s], capacity[s], intervals[s]) for s in SPACES}
    recorder = Recorder(L2(chip.timing.memory.l2_bytes), timing or hazards)
    deadline = time.monotonic() + limits.seconds
    machine = Machine(chip, local, recorder, functional, limits, deadline, launch.blocks, varied=launch.blocks > 1)
    with np.errstate(all="ignore"):
        program = translate(target, machine, bound)
        check, conflicts = HazardCheck(), Conflicts(target)
        for first, count in _batches(local, grid, launch.blocks, functional, limits):
            if functional:
                for memory in local.values():
                    memory.allocate(count)
            program.run(first, count)
            if not recorder.enabled:
                continue
            if hazards:
                conflicts.batch(recorder, first)
            for path in recorder.finish(first):
                if hazards:
                    check.path(path, lambda code: launch.items(code, recorder))
                if timing:
                    launch.add(path)
    bound.write_back()
    return _result(launch, machine, [*check.diagnostics, *conflicts.findings()], timing)


def _blocks_to_launch(function: Op, chip: Chip, programs: int) -> int:
    """A block a program; a function that asks how many blocks there are deals the programs out itself.

    It gets as many on every core: one, or as few as keep a block from running more than PROGRAMS_A_BLOCK.
    """
    if not any(op.name == "hivm.hir.get_block_num" for op in function.walk()):
        return programs
    cores = chip.vector_cores if core_type(function) == "AIV" else chip.cube_cores
    return min(programs, cores * math.ceil(programs / (cores * PROGRAMS_A_BLOCK)))


def _result(launch: Launch, machine: Machine, diagnostics: list[Diagnostic], timing: bool) -> Result:
    if not timing:
        memory = {m.name: m.peak for m in machine.local.values() if m.peak}
        return Result(
            memory=memory, operations=machine.operations, diagnostics=tuple(diagnostics), printed=tuple(machine.printed)
        )
    return launch.result(machine, tuple(diagnostics))


def _batches(local: dict[str, LocalMemory], grid: Grid, blocks: int, functional: bool, limits: Limits) -> list[tuple[int, int]]:
    """First block and number of blocks of each batch; whole rows of the grid where they fit, so that offsets stay
    progressions.
    """
    if not functional:
        return [(0, blocks)]
    each = max(1, sum(m.bytes_per_lane for m in local.values()))
    if each > limits.bytes:
        raise LimitHit(error("emulator-limit-bytes", bytes=each, limit=limits.bytes))
    lanes = max(1, min(blocks, min(BATCH_BYTES, limits.bytes) // each))
    for row in (grid[1] * grid[2], grid[2]):
        if 1 < row <= lanes:
            lanes -= lanes % row
            break
    return [(first, min(lanes, blocks - first)) for first in range(0, blocks, lanes)]
