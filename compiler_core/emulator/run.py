"""run(module, …): a launch of a hivm kernel on an emulated chip: its results, its time, and what is wrong with it."""

import math
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error
from compiler_core.dialects.builtin import argument_attributes, device_functions, symbol
from compiler_core.dialects.hivm import MEMORY
from compiler_core.emulator import instructions
from compiler_core.emulator.cache import L2
from compiler_core.emulator.conflicts import Conflicts
from compiler_core.emulator.hazards import HazardCheck
from compiler_core.emulator.lanes import is_vector
from compiler_core.emulator.launch import Launch
from compiler_core.emulator.machine import Batch, Limits, Machine
from compiler_core.emulator.memory import GlobalBuffer, LocalMemory, View
from compiler_core.emulator.program import MALFORMED, Program, Translator, buffer_intervals
from compiler_core.emulator.recorder import Recorder
from compiler_core.emulator.result import Result
from compiler_core.ir import Op
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import DYNAMIC, MemRefType, Type, contiguous_strides

Argument: TypeAlias = NDArray[Any] | int | float
Grid: TypeAlias = tuple[int, int, int]

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

assert instructions  # its import declares the instructions


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
    blocks = grid[0] * grid[1] * grid[2]
    if min(grid) < 1 or blocks > MAX_BLOCKS:
        raise Refused(error("emulator-grid", blocks=blocks, limit=MAX_BLOCKS))
    if chip.split and core_type(target) == "MIX":
        raise Refused(error("emulator-mix", function=symbol(target)))
    capacity = {space: getattr(chip, name) for space, name in SPACES.items()}
    program = Translator(chip).program(target)
    intervals = buffer_intervals(target, capacity)
    local = {s: LocalMemory(MEMORY[s], capacity[s], intervals[s]) for s in SPACES}
    recorder = Recorder(L2(chip.timing.memory.l2_bytes), timing or hazards)
    launch = Launch(chip, core_type(target), _blocks_to_launch(target, chip, blocks))
    blocks = launch.blocks
    machine = Machine(chip, local, recorder, functional, limits, time.monotonic() + limits.seconds, blocks)
    bound, written_back = _bind(target, arguments, grid)
    check, conflicts = HazardCheck(), Conflicts(target)
    with np.errstate(all="ignore"):
        for first, count in _batches(local, grid, blocks, functional, limits):
            if functional:
                for memory in local.values():
                    memory.allocate(count)
            recorder.begin(count)
            _execute(program, machine, bound, first, count)
            if not recorder.enabled:
                continue
            if hazards:
                conflicts.batch(recorder, first)
            for path in recorder.finish(first):
                if hazards:
                    check.path(path, lambda code: launch.items(code, recorder))
                if timing:
                    launch.add(path)
    for original, copy in written_back:
        original[...] = copy.reshape(original.shape)
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
        return Result(memory=memory, operations=machine.operations, diagnostics=tuple(diagnostics))
    return launch.result(machine, tuple(diagnostics))


def _execute(program: Program, machine: Machine, bound: list[Any], first: int, count: int) -> None:
    values: list[Any] = [None] * program.slots
    for slot, value in program.constants:
        values[slot] = value
    for slot, value in zip(program.arguments, bound, strict=True):
        values[slot] = value
    batch = Batch(machine, first, count, values)
    for step in program.steps:
        step(batch)


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


def _bind(function: Op, arguments: Sequence[Argument], grid: Grid) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """A value for each block argument, and the arrays that must be copied back because they were not contiguous."""
    given = list(arguments)
    formal = function.body.arguments
    attributes = argument_attributes(function)
    hidden = ["hacc.arg_type" in dict(a.entries) for a in attributes]
    expected = len(formal) - sum(hidden) - 3
    if expected != len(given):
        raise Refused(error("emulator-argument-count", function=symbol(function), expected=max(0, expected), given=len(given)))
    visible = iter([*given, *grid])
    bound: list[Any] = []
    written_back: list[tuple[Any, Any]] = []
    for i, (argument, is_hidden) in enumerate(zip(formal, hidden, strict=True)):
        name = argument.name or f"arg{i}"
        if is_hidden:
            empty = np.zeros(0, np.int8)
            value: Argument = empty if isinstance(argument.type, MemRefType) else 0
        else:
            value = next(visible)
        if isinstance(argument.type, MemRefType):
            view, flat = _global(function, i, name, argument.type, value)
            if is_vector(value) and not np.shares_memory(flat, value) and value.size:
                written_back.append((value, flat))
            bound.append(view)
        else:
            bound.append(_number(argument.type, value))
    return bound, written_back


def _number(type: Type, value: Argument) -> Any:
    dtype = dtype_of(type)
    return int(value) if dtype.kind in "iub" else dtype.type(value)


def _global(function: Op, index: int, name: str, type: MemRefType, value: Argument) -> tuple[View, NDArray[Any]]:
    """An array as the view its argument type says. Arrays of 16-bit words stand for bfloat16."""
    dtype = dtype_of(type.element)
    array = np.asarray(value)
    if array.dtype != dtype and array.dtype.itemsize == dtype.itemsize and (array.dtype.kind in "uib" or dtype.kind in "ub"):
        array = array.view(dtype)
    if array.dtype != dtype:
        raise Refused(
            error("emulator-argument-type", index=index, function=symbol(function), expected=str(type), given=str(array.dtype))
        )
    flat = np.ascontiguousarray(array).reshape(-1)
    shape = (flat.size,) if type.shape == (DYNAMIC,) else type.shape
    buffer = GlobalBuffer(index, name, flat)
    return View(buffer, dtype, False, 0, 0, shape, contiguous_strides(shape)), flat
