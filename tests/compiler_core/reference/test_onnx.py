"""onnxruntime as the reference: it runs what we compile, and says clearly when it cannot."""

import numpy as np
import pytest

from compiler_core.diagnostics import Refused
from compiler_core.importers.onnx import import_model, model_inputs
from compiler_core.reference import onnx
from tests.models import MODELS


def test_outputs_by_name() -> None:
    model = MODELS["mlp"]()
    outputs = onnx.run(model, model_inputs(import_model(model)))
    assert list(outputs) == ["logits", "probabilities"] and outputs["logits"].shape == (16, 10)
    np.testing.assert_allclose(outputs["probabilities"].sum(axis=1), 1, rtol=1e-5)  # pyright: ignore[reportArgumentType]


def test_it_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "available", lambda: False)
    with pytest.raises(Refused, match=r"pip install tilescope\[models\]"):
        onnx.run(MODELS["mlp"](), {})


def test_what_it_does_not_take() -> None:
    with pytest.raises(Refused, match="does not run this model"):
        onnx.run(MODELS["mlp"](), {"x": np.zeros((3, 3), np.float32)})
