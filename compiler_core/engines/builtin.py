"""Our own compiler as an engine: a request in, events out."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from math import prod
from typing import TypeVar

import numpy as np

import compiler_core.dialects  # noqa: F401  # pyright: ignore[reportUnusedImport] - declares the ops
from compiler_core import __version__, emulator
from compiler_core.blobs import BlobSink
from compiler_core.chips import Chip, chips
from compiler_core.diagnostics import LimitHit, Refused, error, message
from compiler_core.dialects.builtin import entry, symbol
from compiler_core.engines.host import schedule_of
from compiler_core.engines.measure import (
    Argument,
    KernelMeter,
    ModelMeter,
    Program,
    Run,
    add_cycles,
    cycles_of,
    finish,
    kernel_functions,
    program,
)
from compiler_core.engines.recorder import Measured, Recorder
from compiler_core.events import AnyEvent, Cycles, DiagnosticEvent, Done, Output, Outputs, Stage, Started, Trace, Verification
from compiler_core.importers.mlir import bind, import_mlir
from compiler_core.importers.onnx import import_model, model_inputs
from compiler_core.importers.triton import import_kernel, resolve_launch, with_grid
from compiler_core.inputs import flat, make_inputs
from compiler_core.ir import Op
from compiler_core.ir.core import module as new_module
from compiler_core.ir.verifier import verify
from compiler_core.passes.base import PassContext
from compiler_core.pipelines import Step, pipeline, switched
from compiler_core.profiling import profile_event
from compiler_core.reference import onnx as onnx_reference
from compiler_core.reference import triton as triton_reference
from compiler_core.reference.compare import compare, largest, worst
from compiler_core.request import CompileRequest, Launch, TensorArgument

MAX_LAUNCH_BYTES = 2**30
"""Bytes of all tensors of a launch together; more would not fit several copies into the sandbox's memory."""

NO_CYCLES = Measured(reason=message("no-cycles-asked"))


@dataclass
class Compilation:
    """What stays the same from the first pass of a compilation to the last."""

    request: CompileRequest
    blobs: BlobSink
    chip: Chip
    context: PassContext
    started: float = field(default_factory=time.perf_counter)
    given: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    passes: int = 0

    @property
    def every_pass(self) -> bool:
        return self.request.options.cycles == "every-pass"

    @property
    def none(self) -> bool:
        return self.request.options.cycles == "none"

    def start(self, launch: Launch | None) -> Started:
        return Started(engine="builtin", version=__version__, chip=self.chip.name, clock_mhz=self.chip.clock_mhz, launch=launch)

    def notes(self) -> Iterator[DiagnosticEvent]:
        """What passes noted since the last call."""
        notes, self.context.notes = self.context.notes, []
        for i, note in enumerate(notes):
            if note not in notes[:i]:
                yield DiagnosticEvent(diagnostic=note)

    def index(self) -> int:
        self.passes += 1
        return self.passes - 1

    def done(self, cycles: Cycles | None, verification: Verification | None) -> Done:
        ms = (time.perf_counter() - self.started) * 1000
        return Done(cycles=cycles, verification=verification, ms=round(ms, 3), passes=self.passes)


def run(request: CompileRequest, blobs: BlobSink, model: bytes | None, given: Mapping[str, np.ndarray]) -> Iterator[AnyEvent]:
    """Compiles with our own passes. Raises Refused, LimitHit and InvalidIR; the driver makes events of them."""
    known = chips()
    if request.chip not in known:
        raise Refused(error("unknown-chip", name=request.chip, known=", ".join(known)))
    chip = known[request.chip]
    compilation = Compilation(request, blobs, chip, PassContext(chip, request.options.precision), given=given)
    if request.kind == "onnx":
        if model is None:
            raise Refused(error("model-missing"))
        yield from compile_model(compilation, model)
    else:
        yield from compile_kernel(compilation)


# kernels


def compile_kernel(compilation: Compilation) -> Iterator[AnyEvent]:
    request = compilation.request
    began = time.perf_counter()
    if request.kind == "triton":
        launch = resolve_launch(request.source, request.launch)
        bound_memory(launch)
        module, stage = import_kernel(request.source, launch), "tt"
        verify(module, stage)
    else:
        module, stage = import_mlir(request.source)
        if request.launch is None:
            raise Refused(error("no-launch"))
        launch = with_grid(request.launch)
        bound_memory(launch)
        bind(module, stage, launch)
    ms = (time.perf_counter() - began) * 1000
    yield compilation.start(launch)
    inputs = with_given(make_inputs(launch), compilation.given)
    compilation.context.programs = prod(grid_of(launch))
    steps = pipeline(stage)
    chosen = switched(steps, request.options.passes, request.options.stop_after)
    meter = kernel_meter(compilation, module, stage, launch, inputs)
    yield from kernel_passes(compilation, module, stage, chosen, meter, ms)
    if request.options.stop_after is None and not compilation.none:
        yield from kernel_results(compilation, module, launch, inputs, meter)
    else:
        yield compilation.done(None, None)


def bound_memory(launch: Launch) -> None:
    """Raises LimitHit where the launch's tensors are too large together."""
    total = 0
    for argument in launch.arguments.values():
        if isinstance(argument, TensorArgument):
            size = 8
            for extent in argument.shape:
                size *= extent
            for extent, stride in zip(argument.shape, argument.strides or (), strict=False):
                size = max(size, 8 * extent * abs(stride))
            total += size
    if total > MAX_LAUNCH_BYTES:
        raise LimitHit(error("memory-exceeds-launch", bytes=total, limit=MAX_LAUNCH_BYTES))


def kernel_meter(
    compilation: Compilation, module: Op, stage: Stage, launch: Launch, inputs: dict[str, np.ndarray | int | float]
) -> KernelMeter:
    grid = grid_of(launch)
    arguments: tuple[Argument, ...] = tuple(flat(v) if isinstance(v, np.ndarray) else v for v in inputs.values())
    tensors = {name: i for i, (name, v) in enumerate(inputs.items()) if isinstance(v, np.ndarray)}
    expected: dict[str, np.ndarray] = {}
    if stage == "tt" and not compilation.none:
        expected = triton_reference.run(module, dict(zip(inputs, arguments, strict=True)), grid)
    scales = {name: largest(array) for name, array in expected.items()}

    def check(after: tuple[Argument, ...]) -> list[Verification]:
        found: list[Verification] = []
        for name, position in tensors.items():
            actual = after[position]
            if name in expected and isinstance(actual, np.ndarray):
                found.append(compare(actual, expected[name], "numpy: tt", scale=scales[name]))
        return found

    return KernelMeter(arguments, grid, compilation.context, check)


Inputs = TypeVar("Inputs", np.ndarray, np.ndarray | int | float)


def with_given(inputs: dict[str, Inputs], given: Mapping[str, np.ndarray]) -> dict[str, Inputs]:
    """The inputs, with the tensors that the caller gave in place of fills. Raises Refused where one does not fit."""
    for name, array in given.items():
        expected = inputs.get(name)
        if not isinstance(expected, np.ndarray):
            known = ", ".join(n for n, v in inputs.items() if isinstance(v, np.ndarray))
            raise Refused(error("unknown-input", name=name, known=known))
        if (array.shape, array.dtype) != (expected.shape, expected.dtype):
            wanted = f"{expected.dtype}{list(expected.shape)}"
            raise Refused(error("input-mismatch", name=name, given=f"{array.dtype}{list(array.shape)}", wanted=wanted))
        expected[...] = array
    return inputs


def grid_of(launch: Launch) -> tuple[int, int, int]:
    extents = [int(extent) for extent in launch.grid] + [1, 1, 1]
    return extents[0], extents[1], extents[2]


def kernel_passes(
    compilation: Compilation, module: Op, stage: Stage, chosen: Sequence[int], meter: KernelMeter, ms: float
) -> Iterator[AnyEvent]:
    steps = pipeline(stage)
    recorder = Recorder(compilation.blobs, module, symbol(entry(module)), compilation.index)

    def measured(rest: Sequence[Step]) -> Measured:
        wanted = compilation.every_pass or (not rest and not compilation.none)
        return meter.measure(module, rest) if wanted else NO_CYCLES

    yield recorder.imported(module, stage, ms, partial(measured, steps))
    for position in chosen:
        elapsed = apply(steps[position], module, compilation.context)
        yield from compilation.notes()
        yield recorder.after(steps[position], module, elapsed, partial(measured, steps[position + 1 :]))


def apply(step: Step, module: Op, context: PassContext) -> float:
    """Runs a pass and checks what it left. Returns its milliseconds, the check not counted."""
    began = time.perf_counter()
    step.apply(module, context)
    ms = (time.perf_counter() - began) * 1000
    verify(module, step.stage_out)
    return ms


def kernel_results(
    compilation: Compilation, module: Op, launch: Launch, inputs: dict[str, np.ndarray | int | float], meter: KernelMeter
) -> Iterator[AnyEvent]:
    run, verifications = meter.run(module)
    yield from results(compilation.chip, compilation.blobs, symbol(entry(module)), run.result)
    outputs: list[Output] = []
    checks = iter(verifications)
    for (name, value), after in zip(inputs.items(), run.arguments, strict=True):
        if isinstance(value, np.ndarray) and isinstance(after, np.ndarray):
            outputs.append(output(compilation.blobs, name, view_like(after, launch, name), next(checks, None)))
    yield Outputs(outputs=tuple(outputs))
    cycles = cycles_of(run.result, compilation.chip)
    yield compilation.done(cycles, worst([o.verification for o in outputs if o.verification]))


def view_like(buffer: np.ndarray, launch: Launch, name: str) -> np.ndarray:
    """The argument's logical tensor in its flat buffer."""
    argument = launch.arguments[name]
    assert isinstance(argument, TensorArgument)
    if argument.strides is None:
        return buffer.reshape(argument.shape)
    strides = [s * buffer.itemsize for s in argument.strides]
    return np.lib.stride_tricks.as_strided(buffer, argument.shape, strides, writeable=False)


def results(chip: Chip, blobs: BlobSink, scope: str, result: emulator.Result) -> Iterator[AnyEvent]:
    """Profile and timeline of a finished run."""
    yield profile_event(result, chip, scope, blobs)
    yield Trace(scope=scope, blob=blobs.put(result.trace))


def output(blobs: BlobSink, name: str, array: np.ndarray, verification: Verification | None) -> Output:
    """An output's summary; its body goes to the blobs as .npy, bfloat16 as uint16."""
    wide = array.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    body = BytesIO()
    dtype = array.dtype.name
    np.save(body, np.ascontiguousarray(array.view(np.uint16) if dtype == "bfloat16" else array))
    return Output(
        name=name,
        dtype=dtype,
        shape=tuple(array.shape),
        blob=blobs.put(body.getvalue()),
        minimum=float(finite.min(initial=np.inf)) if finite.size else 0.0,
        maximum=float(finite.max(initial=-np.inf)) if finite.size else 0.0,
        mean=float(finite.mean()) if finite.size else 0.0,
        finite=finite.size == wide.size,
        verification=verification,
    )


# models


@dataclass
class ModelWork:
    """What the passes over a model share: its steps, and how the model is measured at any point."""

    compilation: Compilation
    steps: tuple[Step, ...]
    inputs: dict[str, np.ndarray]
    expected: dict[str, np.ndarray]
    runs: dict[tuple[str, bytes], Run] = field(default_factory=dict[tuple[str, bytes], Run])

    @property
    def heights(self) -> int:
        """How many of the steps work on the whole model."""
        return sum(1 for step in self.steps if step.stage_in == "graph")

    def check(self, outputs: dict[str, np.ndarray]) -> list[Verification]:
        precision = self.compilation.request.options.precision
        narrow_cube = precision == "fp32" and not self.compilation.chip.split  # as convert-precision notes
        rtol = MODEL_RTOL["mixed" if narrow_cube else precision]
        return [compare(array, self.expected[name], "onnxruntime", rtol) for name, array in outputs.items()]

    def meter(self, lowered: Op) -> ModelMeter:
        return ModelMeter(schedule_of(lowered), self.inputs, self.compilation.context, self.check, self.runs)

    def measure(self, module: Op, position: int) -> Measured:
        """Cycles and numbers of the whole model after the first `position` steps."""
        if not self.compilation.every_pass:
            return NO_CYCLES
        context = self.compilation.context
        try:
            lowered = finish(module, self.steps[position : self.heights], context)
            return self.meter(lowered).measure(finish_kernels(lowered, self.steps[self.heights :], context))
        except Refused as refused:
            reason = message("not-finished", reason=refused.diagnostics[0].message.text)
            return Measured(reason=reason, diagnostics=refused.diagnostics)


MODEL_RTOL = {"fp32": 1e-4, "fp16": 1e-2, "mixed": 1e-2, "bf16": 5e-2}
"""Allowed error against onnxruntime in fp32, relative to each output's own and largest magnitude: a few roundings of the
precision's storage type (fp16 2⁻¹¹, bf16 2⁻⁸) through the layers of a network."""


def compile_model(compilation: Compilation, model: bytes) -> Iterator[AnyEvent]:
    options = compilation.request.options
    began = time.perf_counter()
    module = import_model(model, compilation.context.notes)
    ms = (time.perf_counter() - began) * 1000
    verify(module, "graph")
    yield compilation.start(None)
    steps = pipeline("graph")
    chosen = switched(steps, options.passes, options.stop_after)
    inputs = with_given(model_inputs(module), compilation.given)
    work = ModelWork(compilation, steps, inputs, {} if compilation.none else onnx_reference.run(model, inputs))
    recorder = Recorder(compilation.blobs, module, "", compilation.index)
    yield recorder.imported(module, "graph", ms, partial(work.measure, module, 0))
    for position in (i for i in chosen if i < work.heights):
        elapsed = apply(steps[position], module, compilation.context)
        yield from compilation.notes()
        yield recorder.after(steps[position], module, elapsed, partial(work.measure, module, position + 1))
    below = [i for i in chosen if i >= work.heights]
    if below:
        yield from model_kernels(work, module, below)
    else:
        yield compilation.done(None, None)


def finish_kernels(lowered: Op, rest: Sequence[Step], context: PassContext) -> dict[str, Program]:
    """Each kernel of a lowered model as a machine module of its own, by lowerings alone."""
    return {name: program(finish(alone(f), rest, context)) for name, f in kernel_functions(lowered).items()}


def alone(function: Op) -> Op:
    """A module that holds a copy of one function, ids kept."""
    return new_module([function.clone(keep_ids=True)])


def model_kernels(work: ModelWork, module: Op, chosen: Sequence[int]) -> Iterator[AnyEvent]:
    """Runs the passes below the graph over one kernel after the other; each event measures that kernel in the whole model."""
    compilation, context = work.compilation, work.compilation.context
    measuring = compilation.request.options.stop_after is None and not compilation.none
    meter = work.meter(module)
    current = finish_kernels(module, work.steps[work.heights :], context) if measuring else {}

    def measured(name: str, own: Op, rest: Sequence[Step]) -> Measured:
        if not measuring or not compilation.every_pass:
            return NO_CYCLES
        current[name] = program(finish(own, rest, context))
        return meter.measure(current, name)

    for name, function in kernel_functions(module).items():
        own = alone(function)
        recorder = Recorder(compilation.blobs, own, name, compilation.index)
        for position in chosen:
            elapsed = apply(work.steps[position], own, context)
            yield from compilation.notes()
            measure = partial(measured, name, own, work.steps[position + 1 :])
            yield recorder.after(work.steps[position], own, elapsed, measure)
        if measuring:
            current[name] = program(own)
    if measuring:
        yield from model_results(compilation, current, meter)
    else:
        yield compilation.done(None, None)


def model_results(compilation: Compilation, kernels: dict[str, Program], meter: ModelMeter) -> Iterator[AnyEvent]:
    arrays, calls = meter.run(kernels)
    for name, run in dict(reversed(calls)).items():
        yield from results(compilation.chip, compilation.blobs, name, run.result)
    verifications = meter.check(arrays)
    outputs = [
        output(compilation.blobs, name, array, verification)
        for (name, array), verification in zip(arrays.items(), verifications, strict=True)
    ]
    yield Outputs(outputs=tuple(outputs))
    total = add_cycles([cycles_of(run.result, compilation.chip) for _, run in calls])
    yield compilation.done(total, worst(verifications))
