"""ONNX's own cases for each supported operator: imported, lowered and run at the tensor stage, against onnxruntime."""

import warnings
from functools import cache

import onnx
import pytest
from onnx.backend.test.case.node import collect_testcases

from compiler_core.diagnostics import Refused
from compiler_core.importers.onnx.operators import OPERATORS
from tests.compiler_core.model_door import Way, errors

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
STATISTICS = {"BatchNormalization": ("s", "bias", "mean", "var", "scale", "B"), "Clip": ("min", "max")}
"""Inputs that are constants in real models, whatever their type."""
REFUSED = {
    "1d": "onnx-two-dimensional",
    "3d": "onnx-two-dimensional",
    "allowzero": "onnx-no-elements",
    "ceil": "onnx-attribute-value",
    "averagepool_2d_dilations": "onnx-attribute-value",
    "argmax": "onnx-second-output",
    "mask": "onnx-training",
    "training": "onnx-training",
}
"""Parts of names of cases that ask for what is refused, and the refusal's code."""


@cache
def cases() -> dict[str, bytes]:
    """The cases on float tensors; other inputs (shapes, axes) are made constants, as exporters write them."""
    found: dict[str, bytes] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # making the cases divides by zero on purpose
        collected = collect_testcases(None)
    for case in collected:
        assert case.model is not None
        if len(case.model.graph.node) == 1 and case.model.graph.node[0].op_type in OPERATORS:
            model = _with_constants(case.model, case.data_sets)
            if model is not None:
                found[case.name.removeprefix("test_")] = model.SerializeToString()
    return found


def _with_constants(original: onnx.ModelProto, data_sets) -> onnx.ModelProto | None:
    """The model with integer inputs and statistics as initialisers; None where what it computes is not float."""
    model = onnx.ModelProto.FromString(original.SerializeToString())
    constant = STATISTICS.get(model.graph.node[0].op_type, ())
    inputs = list(model.graph.input)
    del model.graph.input[:]
    for info, value in zip(inputs, data_sets[0][0], strict=True):
        element = info.type.tensor_type.elem_type
        if element in (onnx.TensorProto.INT64, onnx.TensorProto.BOOL) or info.name in constant:
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, info.name))
        elif element in FLOATS:
            model.graph.input.append(info)
        else:
            return None
    whole = model.graph.input and all(o.type.tensor_type.elem_type in FLOATS for o in model.graph.output[:1])
    return model if whole else None


def refusal(name: str) -> str | None:
    if name.startswith(("matmul", "softmax")):
        return None
    return next((code for part, code in REFUSED.items() if part in name and "maxpool_2d_ceil" not in name), None)


@pytest.mark.parametrize("name", cases())
def test_equals_onnxruntime(name: str) -> None:
    model, expected = cases()[name], refusal(name)
    if expected is not None:
        with pytest.raises(Refused) as refused:
            errors(model)
        assert refused.value.diagnostics[0].message.code == expected
        return
    tolerance = 2e-3 if "16" in name else 1e-5
    assert max(errors(model, Way(optimise=False)).values()) <= tolerance
    if any(part in name for part in ("conv", "pool", "norm", "transpose")):
        assert max(errors(model, Way(optimise=True)).values()) <= tolerance


def test_there_are_many() -> None:
    assert len(cases()) > 120
