"""Compiles a model to the tensor stage with chosen passes and runs it there on numpy, for tests of the model door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler_core.chips import chips
from compiler_core.dialects.builtin import functions
from compiler_core.importers.onnx import import_model, model_inputs
from compiler_core.importers.onnx.inputs import names_of
from compiler_core.ir import Op
from compiler_core.ir.verifier import verify
from compiler_core.passes.base import PassContext
from compiler_core.pipelines import pipeline
from compiler_core.reference import onnx, tensor

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Way:
    """How to compile: chip, precision, and whether optimisations run."""

    precision: str = "fp32"
    optimise: bool = True
    chip: str = "Ascend910B3"

    @property
    def context(self) -> PassContext:
        return PassContext(chips()[self.chip], self.precision)


def main_of(module: Op) -> Op:
    return next(f for f in functions(module) if f.attributes["sym_name"] and "tilescope.outputs" in f.attributes)


def graph_steps(optimise: bool = True) -> list[str]:
    return [s.name for s in pipeline("graph") if s.stage_in == "graph" and (optimise or s.mandatory)]


def run_passes(module: Op, names: Sequence[str], context: PassContext) -> Op:
    """Applies graph-stage passes by name, verifying after each."""
    steps = {s.name: s for s in pipeline("graph") if s.stage_in == "graph"}
    for name in names:
        steps[name].apply(module, context)
        verify(module, steps[name].stage_out)
    return module


def lower(model: bytes, way: Way = Way()) -> Op:
    return run_passes(import_model(model), graph_steps(way.optimise), way.context)


def run_lowered(module: Op, inputs: Mapping[str, Array], shapes: Mapping[str, Array]) -> dict[str, Array]:
    """Runs the host schedule of a lowered module; outputs have the shapes and types of `shapes`."""
    outputs = {name: np.zeros(like.size, like.dtype) for name, like in shapes.items()}
    order = [
        *(inputs[n] for n in names_of(main_of(module), "inputs")),
        *(outputs[n] for n in names_of(main_of(module), "outputs")),
    ]
    tensor.run_main(module, [a.reshape(-1) if a.flags.writeable else a.reshape(-1).copy() for a in order])
    return {name: flat.reshape(shapes[name].shape) for name, flat in outputs.items()}


def errors(model: bytes, way: Way = Way(), seed: int = 1) -> dict[str, float]:
    """For each output, the largest error against onnxruntime, relative to the output's largest magnitude."""
    inputs = model_inputs(import_model(model), seed)
    wanted = onnx.run(model, inputs)
    found = run_lowered(lower(model, way), inputs, wanted)
    return {name: relative(found[name], wanted[name]) for name in wanted}


def relative(found: Array, wanted: Array) -> float:
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    same = (np.isnan(a) & np.isnan(b)) | (a == b)
    scale = np.abs(b[np.isfinite(b)]).max(initial=1e-6)
    return float((np.where(same, 0, np.abs(a - b)) / scale).max(initial=0))
