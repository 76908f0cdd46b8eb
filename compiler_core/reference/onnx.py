"""What a model means: onnxruntime with every optimisation off, in the model's own precision."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from compiler_core.diagnostics import Refused, error

Array = NDArray[np.generic]

MAX_PROBLEM = 300
"""Characters of onnxruntime's complaint that are passed on."""


def available() -> bool:
    """Whether onnxruntime is installed: it is an optional dependency."""
    return find_spec("onnxruntime") is not None


def run(model: bytes, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The model's outputs by name. Raises Refused where onnxruntime is not installed, or does not take the model."""
    if not available():
        raise Refused(error("onnx-no-reference"))
    runtime = import_module("onnxruntime")  # it has no types
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names: list[str] = [output.name for output in session.get_outputs()]
        outputs: list[Array] = session.run(names, dict(inputs))
    except Exception as problem:  # onnxruntime's exceptions have no common base of their own
        raise Refused(error("onnx-reference-failed", problem=str(problem).strip().partition("\n")[0][:MAX_PROBLEM])) from None
    return dict(zip(names, outputs, strict=True))
