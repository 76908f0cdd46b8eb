"""What a model means: onnxruntime with every optimisation off, in the model's own precision; and seeded inputs to run it on."""

from collections.abc import Mapping
from importlib.util import find_spec
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from compiler_core.diagnostics import Refused, error
from compiler_core.dialects.builtin import function_type, functions
from compiler_core.dialects.graph import dtype_of
from compiler_core.ir import ArrayAttr, Op, StringAttr
from compiler_core.ir.types import TensorType

Array = NDArray[np.generic]


def available() -> bool:
    """Whether onnxruntime is installed: it is an optional dependency."""
    return find_spec("onnxruntime") is not None


def run(model: bytes, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The model's outputs by name. Raises Refused where onnxruntime is not installed, or does not take the model."""
    if not available():
        raise Refused(error("onnx-no-reference"))
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))
    except Exception as problem:  # onnxruntime's exceptions have no common base of their own
        raise Refused(error("onnx-reference-failed", problem=str(problem).strip().splitlines()[0][:300])) from None


def names(main: Op, which: str) -> list[str]:
    """The model's input or output names ("inputs", "outputs"), in order, of the graph stage's or the host's @main."""
    attribute = main.attributes[f"tilescope.{which}"]
    assert isinstance(attribute, ArrayAttr)
    return [name.value for name in attribute.values if isinstance(name, StringAttr)]


def random_inputs(module: Op, seed: int = 0) -> dict[str, Array]:
    """Standard normal numbers for each input of a graph-stage module, in its shape and type; the same for the same seed.

    Every input has a generator of its own, so that adding one leaves the others as they were.
    """
    (main,) = functions(module)
    inputs: dict[str, Array] = {}
    for i, (name, type) in enumerate(zip(names(main, "inputs"), function_type(main).inputs, strict=True)):
        assert isinstance(type, TensorType)
        numbers = np.random.default_rng([seed, i]).standard_normal(type.shape)
        inputs[name] = numbers.astype(dtype_of(type.element))
    return inputs


def tolerance(precision: str, depth: int) -> tuple[float, float]:
    """Absolute and relative tolerance of a compiled model against the reference, after `depth` products in a row.

    Each product rounds its operands to the precision's unit u; rounding errors of independent steps add up like a random walk, and
    the factor 8 covers the largest of some thousand outputs. Operands in 16 bits and sums in float32 (Higham, Accuracy and Stability
    of Numerical Algorithms, chapter 3) leave no error that grows with the inner dimension.
    """
    unit = {"fp32": 2.0**-23, "bf16": 2.0**-8}.get(precision, 2.0**-11)
    bound = 8 * unit * sqrt(max(depth, 1))
    return bound, bound
