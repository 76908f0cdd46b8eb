"""Cycles and numbers of a program at any stage: finish it by lowerings alone, emulate it, compare with the reference.

Two programs that finish as the same machine text are run once: the emulator is deterministic.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from compiler_core import emulator
from compiler_core.chips import Chip
from compiler_core.diagnostics import Refused, message
from compiler_core.dialects.builtin import device_functions, symbol
from compiler_core.engines.recorder import Measured
from compiler_core.events import Cycles, Verification
from compiler_core.ir import Op, to_text
from compiler_core.passes.base import PassContext
from compiler_core.pipelines import Step
from compiler_core.reference.compare import worst

Argument = np.ndarray | int | float


@dataclass(frozen=True)
class Run:
    """One emulated run: what it measured, and its tensor arguments afterwards."""

    result: emulator.Result
    arguments: tuple[Argument, ...]


def run_machine(module: Op, arguments: Sequence[Argument], grid: tuple[int, int, int], chip: Chip) -> Run:
    """Runs a machine-stage module on copies of `arguments` (GM as flat arrays, in order of the user's arguments)."""
    own = tuple(a.copy() if isinstance(a, np.ndarray) else a for a in arguments)
    return Run(emulator.run(module, None, own, grid, chip), own)


@dataclass(frozen=True)
class Program:
    """A machine-stage module with its text, by which equal programs are known."""

    machine: Op
    text: str


def program(machine: Op) -> Program:
    return Program(machine, to_text(machine))


def finish(module: Op, rest: Sequence[Step], context: PassContext) -> Op:
    """A copy of `module` brought down by the lowerings in `rest` alone."""
    copy = module.clone(keep_ids=True)
    for step in rest:
        if step.mandatory:
            step.apply(copy, context)
    return copy


def cycles_of(result: emulator.Result, chip: Chip) -> Cycles:
    return Cycles(
        total=result.cycles,
        microseconds=result.cycles / chip.clock_mhz,
        launch_microseconds=result.launch_microseconds,
        pipes=result.pipes,
        cores=tuple(result.cores),
    )


def add_cycles(parts: Sequence[Cycles]) -> Cycles | None:
    """Kernels run one after another: totals and busy cycles add up; cores too."""
    if not parts:
        return None
    pipes: dict[str, int] = {}
    for part in parts:
        for pipe, busy in part.pipes.items():
            pipes[pipe] = pipes.get(pipe, 0) + busy
    cores = [0] * max(len(p.cores) for p in parts)
    for part in parts:
        for i, end in enumerate(part.cores):
            cores[i] += end
    return Cycles(
        total=sum(p.total for p in parts),
        microseconds=sum(p.microseconds for p in parts),
        launch_microseconds=sum(p.launch_microseconds for p in parts),
        pipes=pipes,
        cores=tuple(cores),
    )


Check = Callable[[tuple[Argument, ...]], list[Verification]]
"""Compares a run's arguments with the reference."""


@dataclass
class KernelMeter:
    """Measures one kernel under one launch."""

    arguments: tuple[Argument, ...]
    grid: tuple[int, int, int]
    context: PassContext
    check: Check
    runs: dict[str, tuple[Run, list[Verification]]] = field(default_factory=dict[str, tuple[Run, list[Verification]]])

    def run(self, machine: Op) -> tuple[Run, list[Verification]]:
        """A machine-stage module's run, and its tensors against the reference."""
        text = to_text(machine)
        if text not in self.runs:
            run = run_machine(machine, self.arguments, self.grid, self.context.chip)
            self.runs[text] = (run, self.check(run.arguments))
        return self.runs[text]

    def measure(self, module: Op, rest: Sequence[Step]) -> Measured:
        """Cycles and numbers of `module`, finished by the lowerings in `rest`."""
        try:
            run, verifications = self.run(finish(module, rest, self.context))
        except Refused as refused:
            reason = message("not-finished", reason=refused.diagnostics[0].message.text)
            return Measured(reason=reason, diagnostics=refused.diagnostics)
        return Measured(
            cycles=cycles_of(run.result, self.context.chip),
            memory=run.result.memory,
            verification=worst(verifications),
            diagnostics=run.result.diagnostics,
        )


@dataclass(frozen=True)
class Call:
    """One kernel call of a model's schedule: the kernel's name and the buffers it gets."""

    kernel: str
    buffers: tuple[str, ...]


@dataclass
class ModelMeter:
    """Measures a model: its kernels called in the order of the schedule, buffers passed between them.

    A call whose kernel text and inputs were seen before is not run again.
    """

    schedule: "Schedule"
    inputs: dict[str, np.ndarray]
    context: PassContext
    check: Callable[[dict[str, np.ndarray]], list[Verification]]
    runs: dict[tuple[str, bytes], Run] = field(default_factory=dict[tuple[str, bytes], Run])

    def call(self, kernel: Program, grid: tuple[int, int, int], buffers: Sequence[np.ndarray]) -> Run:
        key = (kernel.text, digest(buffers))
        if key not in self.runs:
            self.runs[key] = run_machine(kernel.machine, buffers, grid, self.context.chip)
        return self.runs[key]

    def run(self, kernels: dict[str, Program]) -> tuple[dict[str, np.ndarray], list[tuple[str, Run]]]:
        """Runs the schedule with machine-stage `kernels`; returns the outputs by name and each call's kernel and run."""
        memory = self.schedule.allocate(self.inputs)
        calls: list[tuple[str, Run]] = []
        for call in self.schedule.calls:
            grid = self.schedule.grids[call.kernel]
            run = self.call(kernels[call.kernel], grid, [memory[b] for b in call.buffers])
            for buffer, array in zip(call.buffers, run.arguments, strict=True):
                assert isinstance(array, np.ndarray)
                memory[buffer] = array
            calls.append((call.kernel, run))
        return self.schedule.outputs(memory), calls

    def measure(self, kernels: dict[str, Program], scope: str = "") -> Measured:
        """Numbers of the whole model; cycles of one run of kernel `scope`, or of the whole model."""
        outputs, calls = self.run(kernels)
        chip = self.context.chip
        if scope:
            run = next(run for name, run in calls if name == scope)
            cycles, memory = cycles_of(run.result, chip), run.result.memory
        else:
            cycles = add_cycles([cycles_of(run.result, chip) for _, run in calls])
            memory = dict[str, int]()
            for _, run in calls:
                for buffer, peak in run.result.memory.items():
                    memory[buffer] = max(memory.get(buffer, 0), peak)
        found = dict.fromkeys(d for name, run in calls if scope in ("", name) for d in run.result.diagnostics)
        return Measured(cycles=cycles, memory=memory, verification=worst(self.check(outputs)), diagnostics=tuple(found))


def digest(buffers: Sequence[np.ndarray]) -> bytes:
    """A content hash of arrays."""
    import hashlib

    state = hashlib.blake2b(digest_size=16)
    for buffer in buffers:
        state.update(str((buffer.dtype, buffer.shape)).encode())
        state.update(np.ascontiguousarray(buffer).view(np.uint8).data if buffer.size else b"")
    return state.digest()


@dataclass(frozen=True)
class Schedule:
    """The host side of a model: which kernels run in which order on which buffers."""

    calls: tuple[Call, ...]
    grids: dict[str, tuple[int, int, int]]
    constants: dict[str, np.ndarray]
    scratch: dict[str, tuple[int, np.dtype]]
    input_names: tuple[str, ...]
    output_shapes: dict[str, tuple[tuple[int, ...], np.dtype]]

    def allocate(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Device memory: flat arrays by buffer name. Scratch and outputs start as zeros."""
        memory: dict[str, np.ndarray] = dict(self.constants)
        for name in self.input_names:
            memory[name] = np.ascontiguousarray(inputs[name]).reshape(-1)
        for name, (size, dtype) in self.scratch.items():
            memory[name] = np.zeros(size, dtype)
        for name, (shape, dtype) in self.output_shapes.items():
            memory[name] = np.zeros(int(np.prod(shape)), dtype)
        return memory

    def outputs(self, memory: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: memory[name].reshape(shape) for name, (shape, _) in self.output_shapes.items()}


def kernel_functions(module: Op) -> dict[str, Op]:
    """A module's device functions by name."""
    return {symbol(f): f for f in device_functions(module)}
