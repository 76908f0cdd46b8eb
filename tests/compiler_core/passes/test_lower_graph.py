"""lower-graph: kernels whose tiles fit, for shapes that divide nothing, and a host's schedule that shares what is the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_core.chips import chips
from compiler_core.dialects.builtin import functions, symbol
from compiler_core.importers.onnx import import_model
from compiler_core.ir import Op
from compiler_core.ir.types import TensorType, bf16, byte_width, f16, f32
from compiler_core.lowering.kernels import movement
from compiler_core.lowering.kernels.elementwise import collapse
from compiler_core.lowering.kernels.product import bias_operands, choose
from tests.compiler_core.model_door import Way, errors, lower
from tests.models import MODELS, Maker
from tests.representative import CHIPS

UNIT = {"fp32": 2.0**-23, "fp16": 2.0**-11, "bf16": 2.0**-8, "mixed": 2.0**-11}
FEW = settings(max_examples=12, deadline=None)


def kernels(module: Op) -> dict[str, Op]:
    return {symbol(f): f for f in functions(module) if symbol(f) != "main"}


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "mixed"])
@pytest.mark.parametrize("name", MODELS)
def test_models_equal_onnxruntime(name: str, precision: str, chip: str) -> None:
    """Up to a few roundings of the operands' type; the coupled chip's cube takes float16 whatever was asked for."""
    unit = UNIT["fp16" if precision == "fp32" and not chips()[chip].split else precision]
    for optimise in (False, True):
        assert max(errors(MODELS[name](), Way(precision, optimise, chip)).values()) < 8 * unit


def test_bfloat16() -> None:
    assert max(errors(MODELS["mlp"](), Way("bf16")).values()) < 8 * UNIT["bf16"]


def test_equal_layers_share_a_kernel_and_its_locations() -> None:
    m = Maker(1)
    x = "x"
    for i in range(3):
        x = m.node("Relu", [m.conv(x, f"conv{i}", 8, 8, 3, bias=True, pads=[1, 1, 1, 1])], f"relu{i}")
    module = lower(m.model({"x": [1, 8, 8, 8]}, {"relu2": [1, 8, 8, 8]}))
    assert sorted(kernels(module)) == ["conv_3x3_relu", "pad", "transpose", "transpose_2"]
    named = {location.name for location in kernels(module)["conv_3x3_relu"].location}
    assert {"conv0", "relu0", "conv2", "relu2"} <= named
    (main,) = [f for f in functions(module) if symbol(f) == "main"]
    assert [str(op.attributes["callee"]) for op in main.body.ops if op.name == "func.call"].count("@conv_3x3_relu") == 3


def test_every_op_has_a_location_and_an_origin() -> None:
    for op in lower(MODELS["cnn"]()).walk():
        if op.name != "builtin.module" and "ones" not in str(op.attributes.get("sym_name")):
            assert op.location, op
        if op.name not in ("builtin.module", "memref.global"):
            assert op.origin, op


def test_tensors_fit_the_memories() -> None:
    """A large layer: no tensor of a kernel is larger than the vector unit's buffer, operands of the cube fit half of theirs."""
    m = Maker(1)
    m.node("Relu", [m.conv("x", "c", 256, 512, 3, bias=True, pads=[1, 1, 1, 1])], "y")
    for chip in chips().values():
        module = lower(m.model({"x": [1, 256, 28, 28]}, {"y": [1, 512, 28, 28]}), Way("fp16", chip=chip.name))
        for op in module.walk():
            for value in op.results:
                if isinstance(value.type, TensorType) and value.type.is_static:
                    assert value.type.size * byte_width(value.type) <= chip.ub // 2
            if op.name == "linalg.matmul":
                a, b, c = (v.type for v in op.operands)
                assert isinstance(a, TensorType) and isinstance(b, TensorType) and isinstance(c, TensorType)
                assert 2 * a.size * 2 <= chip.l0a and 2 * b.size * 2 <= chip.l0b and 2 * c.size * 4 <= chip.l0c


def test_outputs_that_are_inputs_constants_or_the_same_are_copies() -> None:
    m = Maker(1)
    m.node("Relu", ["x"], "a")
    m.node("Identity", ["a"], "b")
    m.node("Reshape", ["a", m.weight("s", np.array([6], np.int64))], "c")
    m.node("Identity", ["x"], "d")
    m.node("Identity", [m.weight("w", m.small(4))], "e")
    model = m.model({"x": [2, 3]}, {"a": [2, 3], "b": [2, 3], "c": [6], "d": [2, 3], "e": [4]})
    for optimise in (False, True):
        assert max(errors(model, Way(optimise=optimise)).values()) == 0


# shapes


@FEW
@given(m=st.integers(1, 150), n=st.integers(1, 150), k=st.integers(1, 300), bias=st.booleans())
def test_matrix_products_of_any_size(m: int, n: int, k: int, bias: bool) -> None:
    maker = Maker(1)
    inputs = ["x", maker.weight("w", maker.he(k, n, fan_in=k)), *([maker.weight("b", maker.small(n))] if bias else [])]
    maker.node("Gemm", inputs, "y")
    assert max(errors(maker.model({"x": [m, k]}, {"y": [m, n]})).values()) < 1e-5


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([2, 3, 5, 4], [2, 3, 4, 6]),
        ([3, 5, 4], [2, 1, 4, 6]),
        ([2, 1, 5, 4], [3, 4, 6]),
        ([5, 4], [2, 4, 6]),
        ([7, 3, 4], [4, 2]),
    ],
)
def test_batched_products_broadcast(a: list[int], b: list[int]) -> None:
    m = Maker(1)
    m.node("MatMul", ["a", "b"], "y")
    shape = np.matmul(np.zeros(a), np.zeros(b)).shape
    assert max(errors(m.model({"a": a, "b": b}, {"y": list(shape)})).values()) < 1e-6


@FEW
@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 40)),
    channels=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    batch=st.integers(1, 2),
)
def test_convolutions_of_any_shape(
    size: tuple[int, int],
    channels: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: tuple[int, int, int, int],
    batch: int,
) -> None:
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    out = [(s + pads[i] + pads[i + 2] - extent[i]) // stride[i] + 1 for i, s in enumerate(size)]
    if min(out) < 1 or min(s + pads[i] + pads[i + 2] - extent[i] for i, s in enumerate(size)) < 0:
        return
    m = Maker(1)
    weight = m.weight("w", m.he(channels[1], channels[0], *kernel, fan_in=channels[0] * kernel[0] * kernel[1]))
    inputs = ["x", weight, m.weight("b", m.small(channels[1]))]
    m.node("Conv", inputs, "y", pads=list(pads), strides=list(stride), dilations=list(dilation))
    assert max(errors(m.model({"x": [batch, channels[0], *size]}, {"y": [batch, channels[1], *out]})).values()) < 1e-5


@pytest.mark.parametrize("channels", [5, 16, 200])
@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolutions(channels: int, stride: int) -> None:
    m = Maker(1)
    inputs = ["x", m.weight("w", m.he(channels, 1, 3, 3, fan_in=9)), m.weight("b", m.small(channels))]
    m.node("Relu", [m.node("Conv", inputs, "c", group=channels, pads=[1, 1, 1, 1], strides=[stride, stride])], "y")
    out = -(-9 // stride)
    assert max(errors(m.model({"x": [1, channels, 9, 9]}, {"y": [1, channels, out, out]})).values()) < 1e-6


@FEW
@given(shape=st.lists(st.integers(1, 20), min_size=1, max_size=4), data=st.data())
def test_transposes_of_any_order(shape: list[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    m = Maker(1)
    m.node("Transpose", ["x"], "y", perm=order)
    assert max(errors(m.model({"x": shape}, {"y": [shape[i] for i in order]}), Way(optimise=False)).values()) == 0


@pytest.mark.parametrize(("shape", "axis"), [([3, 10], 1), ([5, 7, 9], 1), ([2, 3, 4], 0), ([700, 33], -1), ([2, 4000], 1)])
def test_softmax_along_any_axis(shape: list[int], axis: int) -> None:
    m = Maker(1)
    m.node("Softmax", ["x"], "y", axis=axis)
    assert max(errors(m.model({"x": shape}, {"y": shape})).values()) < 1e-6


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([10000], [1]),
        ([3, 5000], [5000]),
        ([70, 90], [70, 1]),
        ([4, 5, 6], [5, 1]),
        ([2, 3, 4, 5], [1, 3, 1, 5]),
        ([6, 1], [1, 7]),
        ([], [3]),
    ],
)
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
def test_elementwise_ops_broadcast(kind: str, a: list[int], b: list[int]) -> None:
    m = Maker(1)
    m.node(kind, ["a", "b"], "y")
    shape = list(np.broadcast_shapes(a, b))
    assert max(errors(m.model({"a": a, "b": b}, {"y": shape})).values()) < 1e-6


@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "Erf", "Exp", "Abs", "Neg", "Relu"])
def test_elementwise_functions(kind: str) -> None:
    m = Maker(1)
    m.node(kind, ["x"], "y")
    assert max(errors(m.model({"x": [3, 1000]}, {"y": [3, 1000]})).values()) < 1e-6


# parts


def test_a_bias_in_pieces_loses_nothing() -> None:
    bias = np.random.default_rng(0).standard_normal(50)
    for type in (f16, bf16, f32):
        ones, rows = bias_operands(bias, type)
        total = ones[0].astype(np.float64) @ rows.astype(np.float64)
        assert np.abs(total - bias).max() < 2.0**-21


def test_tiles_shrink_until_all_cores_have_work() -> None:
    chip = chips()["Ascend910B3"]
    large, small = choose(chip, 4096, 4096, 4096, 1, f16), choose(chip, 256, 256, 256, 1, f16)
    assert (large.m, large.n) == (128, 128) and small.m * small.n < large.m * large.n
    assert all(t % 16 == 0 for t in (large.m, large.n, large.k, small.m, small.n, small.k))


def test_broadcast_dimensions_join() -> None:
    collapsed = collapse([2, 3, 4, 5], [[2, 3, 4, 5], [3, 1, 1], []])
    assert collapsed.sizes == (2, 3, 20)
    assert [collapsed.strides(i) for i in range(3)] == [(60, 20, 1), (0, 1, 0), (0, 0, 0)]


def test_transposes_collapse() -> None:
    assert movement.collapse([2, 3, 4, 5], [0, 2, 3, 1]) == movement.Order((2, 3, 20), (0, 2, 1))
    assert movement.collapse([1, 3, 4, 5], [0, 2, 3, 1]) == movement.Order((3, 20), (1, 0))


def test_the_schedule_is_host_code_alone() -> None:
    module = lower(MODELS["mlp"]())
    (main,) = [f for f in functions(module) if symbol(f) == "main"]
    allowed = {"memref.get_global", "memref.alloc", "memref.cast", "func.call", "func.return"}
    assert {op.name for op in main.body.ops} <= allowed and "tilescope.host" in main.attributes
    assert [a.name for a in main.body.arguments] == ["x", "logits", "probabilities"]
    assert len(import_model(MODELS["mlp"]()).body.ops) == 1
