"""What our compiler makes of the examples and of the test models: generic MLIR text, and launches, for the judges."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.chips import chips
from compiler_core.dialects.builtin import symbol
from compiler_core.engines.builtin import alone
from compiler_core.engines.measure import kernel_functions
from compiler_core.importers.onnx import import_model
from compiler_core.importers.triton import import_kernel, resolve_launch
from compiler_core.inputs import make_inputs
from compiler_core.ir import Op, to_text
from compiler_core.passes.base import PassContext
from compiler_core.passes.inline import Inline
from compiler_core.pipelines import Step, pipeline
from tests.cases import Case
from tests.oracles.judges import interpret
from tests.representative import CHIPS


def imported(case: Case) -> Op:
    return import_kernel(case.text, resolve_launch(case.text, case.launch))


def inlined(case: Case) -> Op:
    """As Triton hands TTIR over: its own inliner has run before any backend sees the module."""
    module = imported(case)
    Inline().apply(module, PassContext(chips()[CHIPS[0]]))
    return module


@cache
def arguments(case: Case) -> dict[str, np.ndarray | int | float]:
    """The launch's arguments by name, tensors filled as it says."""
    return make_inputs(resolve_launch(case.text, case.launch))


@cache
def interpreted(case: Case) -> dict[str, np.ndarray]:
    """Every tensor after Triton's interpreter ran the launch as we resolve it."""
    launch = resolve_launch(case.text, case.launch)
    assert launch.kernel is not None
    grid = tuple(int(extent) for extent in launch.grid)
    return interpret(case.source, launch.kernel, grid, {**arguments(case), **launch.constexprs})


def hivm(case: Case, chip: str, *, optimised: bool) -> str:
    """What the pipeline ends in, with every optimisation or with lowerings alone."""
    module = imported(case)
    _apply(module, pipeline("tt"), PassContext(chips()[chip]), optimised)
    return to_text(module, generic=True)


def model_hivm(model: bytes, chip: str, precision: str, *, optimised: bool) -> Iterator[tuple[str, str]]:
    """The name and the final text of every kernel of a model."""
    module = import_model(model)
    context = PassContext(chips()[chip], precision)
    passes = pipeline("graph")
    _apply(module, [p for p in passes if p.stage_in == "graph"], context, optimised)
    for function in kernel_functions(module).values():
        kernel = alone(function)
        _apply(kernel, [p for p in passes if p.stage_in != "graph"], context, optimised)
        yield symbol(function), to_text(kernel, generic=True)


def _apply(module: Op, passes: Sequence[Step], context: PassContext, optimised: bool) -> None:
    for step in passes:
        if optimised or step.mandatory:
            step.apply(module, context)
