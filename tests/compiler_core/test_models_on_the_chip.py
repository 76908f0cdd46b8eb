"""Whole models on the emulated chips: through every pass down to machine code, run, and compared with onnxruntime."""

import hashlib

import numpy as np
import pytest

from compiler_core.blobs import MemoryBlobs
from compiler_core.driver import compile
from compiler_core.events import AnyEvent, Done, Outputs, Pass
from compiler_core.pipelines import pipeline
from compiler_core.request import CompileRequest, Options
from tests.models import MODELS, Maker
from tests.representative import CHIPS

OPTIONAL = tuple(dict.fromkeys(f"-{s.name}" for s in pipeline("graph") if not s.mandatory))


def depthwise(m: Maker) -> bytes:
    inputs = ["x", m.weight("w", m.he(20, 1, 3, 3, fan_in=9)), m.weight("b", m.small(20))]
    m.node("Relu", [m.node("Conv", inputs, "c", group=20, pads=[1, 1, 1, 1], strides=[2, 2])], "y")
    return m.model({"x": [1, 20, 9, 9]}, {"y": [1, 20, 5, 5]})


def dilated(m: Maker) -> bytes:
    m.conv("x", "y", 5, 7, 3, dilations=[2, 2], pads=[2, 1, 0, 3])
    return m.model({"x": [2, 5, 11, 13]}, {"y": [2, 7, 9, 13]})


def stem(m: Maker) -> bytes:
    """The first layers of a residual network: many programs, large strides, few channels."""
    x = m.node("Relu", [m.batch_norm(m.conv("x", "c", 3, 24, 7, strides=[2, 2], pads=[3, 3, 3, 3]), "n", 24)], "r")
    m.node("MaxPool", [x], "y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    return m.model({"x": [1, 3, 56, 56]}, {"y": [1, 24, 14, 14]})


def deep(m: Maker) -> bytes:
    """Several tiles along every dimension of the product."""
    m.conv("x", "y", 160, 192, 3, bias=True, pads=[1, 1, 1, 1])
    return m.model({"x": [1, 160, 14, 14]}, {"y": [1, 192, 14, 14]})


def pools(m: Maker) -> bytes:
    x = m.node("AveragePool", ["x"], "a", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    m.node("GlobalAveragePool", [m.node("Sigmoid", [x], "s")], "y")
    return m.model({"x": [2, 150, 13, 13]}, {"y": [2, 150, 1, 1]})


def attention(m: Maker) -> bytes:
    """Scores of one head: batched products, a scale, softmax, transposes."""
    keys = m.node("Transpose", ["k"], "kt", perm=[0, 2, 1])
    scores = m.node("Mul", [m.node("MatMul", ["q", keys], "qk"), m.weight("scale", np.array(0.25, np.float32))], "scores")
    m.node("MatMul", [m.node("Softmax", [scores], "p", axis=-1), "v"], "y")
    return m.model({n: [3, 20, 16] for n in "qkv"}, {"y": [3, 20, 16]})


def odd_rows(m: Maker) -> bytes:
    x = m.node("Softmax", [m.gemm("x", "fc", 70, 33)], "p", axis=1)
    m.node("Transpose", [m.node("Add", [x, m.weight("c", m.small(130, 1))], "s")], "y", perm=[1, 0])
    return m.model({"x": [130, 70]}, {"y": [33, 130]})


LAYERS = {f.__name__: f for f in (depthwise, dilated, stem, deep, pools, attention, odd_rows)}


def run(model: bytes, chip: str, **options: object) -> list[AnyEvent]:
    sha = hashlib.sha256(model).hexdigest()
    request = CompileRequest("onnx", model_sha256=sha, chip=chip, options=Options(**options))  # pyright: ignore[reportArgumentType]
    return list(compile(request, MemoryBlobs(), model))


def verified(events: list[AnyEvent]) -> bool:
    assert isinstance(events[-1], Done), events[-1]
    (outputs,) = (e.outputs for e in events if isinstance(e, Outputs))
    return all(o.verification is not None and o.verification.ok for o in outputs)


@pytest.mark.parametrize("passes", [(), OPTIONAL], ids=["optimised", "lowered"])
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, chip: str, passes: tuple[str, ...]) -> None:
    assert verified(run(LAYERS[name](Maker(1)), chip, cycles="final", passes=passes))


@pytest.mark.parametrize("precision", ["fp32", "mixed"])
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, chip: str, precision: str) -> None:
    assert verified(run(MODELS[name](), chip, cycles="final", precision=precision))


@pytest.mark.parametrize("chip", CHIPS)
def test_the_graph_passes_pay(chip: str) -> None:
    """After every pass the numbers are right, and the optimisations of the graph save cycles."""
    passes = [e for e in run(MODELS["cnn"](), chip, stop_after="lower-graph") if isinstance(e, Pass)]
    assert all(e.verification is not None and e.verification.ok for e in passes)
    cycles = {e.name: e.cycles.total for e in passes if e.cycles is not None}
    assert cycles["fold-batch-norm"] < cycles["import"]
    assert cycles["fuse-activation"] < cycles["fold-batch-norm"]
    assert cycles["layout-nhwc"] < cycles["fuse-activation"]
