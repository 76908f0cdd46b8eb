"""The graph passes: what each rewrites, what it leaves alone, and that the numbers stay what they were."""

import numpy as np
import pytest

from compiler_core.chips import chips
from compiler_core.diagnostics import Refused
from compiler_core.dialects.builtin import functions
from compiler_core.dialects.graph import activation_of, array_of, integers, shape_of, tensor_type
from compiler_core.importers.onnx import import_model, model_inputs
from compiler_core.ir import Op
from compiler_core.passes.base import PassContext
from compiler_core.reference import onnx
from tests.compiler_core.model_door import Way, errors, graph_steps, relative, run_lowered, run_passes
from tests.models import MODELS, Maker

CONTEXT = PassContext(chips()["Ascend910B3"], "fp32")
FUSIONS = ["eliminate-identities", "fold-constants", "fold-batch-norm", "fuse-bias", "fuse-activation"]


def kinds(module: Op) -> list[str]:
    """The names of @main's ops without constants and the return, in order."""
    body = functions(module)[0].body
    return [op.name.removeprefix("graph.") for op in body.ops if op.name not in ("graph.constant", "func.return")]


def after(model: bytes, *passes: str, context: PassContext = CONTEXT) -> Op:
    return run_passes(import_model(model), passes, context)


def find(module: Op, kind: str) -> Op:
    return next(op for op in module.walk() if op.name == f"graph.{kind}")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("passes", range(len(FUSIONS) + 2))
def test_the_numbers_stay_after_each_pass(name: str, passes: int) -> None:
    """The first passes as asked for, then lowerings alone."""
    model = MODELS[name]()
    module = import_model(model)
    inputs = model_inputs(module)
    wanted = onnx.run(model, inputs)
    run_passes(module, [*[*FUSIONS, "layout-nhwc"][:passes], *graph_steps(optimise=False)], CONTEXT)
    found = run_lowered(module, inputs, wanted)
    assert max(relative(found[n], wanted[n]) for n in wanted) < 2e-6


# fold-batch-norm


def test_batch_norm_goes_into_the_convolution() -> None:
    module = after(MODELS["cnn"](), "fold-batch-norm")
    assert "batch_normalization" not in kinds(module)
    conv = find(module, "conv")
    assert conv.result.name == "stem.norm" and len(conv.operands) == 3
    assert [location.name for location in conv.location] == ["stem", "stem.norm"] and len(conv.origin) == 2


def test_batch_norm_goes_into_a_matrix_product() -> None:
    m = Maker(1)
    m.batch_norm(m.gemm("x", "fc", 8, 4), "y", 4)
    model = m.model({"x": [3, 8]}, {"y": [3, 4]})
    assert kinds(after(model, "fold-batch-norm")) == ["gemm"]
    assert max(errors(model).values()) < 1e-6


def test_batch_norm_stays_where_its_input_is_used_twice() -> None:
    m = Maker(1)
    m.node("Add", [m.batch_norm(m.conv("x", "c", 2, 4, 1), "n", 4), "c"], "y")
    model = m.model({"x": [1, 2, 5, 5]}, {"y": [1, 4, 5, 5]})
    assert kinds(after(model, "fold-batch-norm")) == ["conv", "batch_normalization", "add"]
    assert max(errors(model).values()) < 1e-6


# fuse-bias, fuse-activation


def test_an_added_vector_becomes_the_bias() -> None:
    module = after(MODELS["mlp"](), "fuse-bias")
    assert len(find(module, "matmul").operands) == 3 and "add" not in kinds(module)


@pytest.mark.parametrize("shape", [[4, 1], [3, 4], [1, 3, 4]])
def test_what_is_no_vector_stays_an_addition(shape: list[int]) -> None:
    m = Maker(1)
    product = m.node("MatMul", ["x", m.weight("w", m.he(8, 4, fan_in=8))], "p")
    m.node("Add", [product, m.weight("c", m.small(*shape))], "y")
    rows = 4 if shape == [4, 1] else 3
    model = m.model({"x": [rows, 8]}, {"y": [1, rows, 4] if len(shape) == 3 else [rows, 4]})
    assert "add" in kinds(after(model, "fuse-bias"))
    assert max(errors(model).values()) < 1e-6


def test_relu_becomes_part_of_convolution_and_addition() -> None:
    module = after(MODELS["cnn"](), *FUSIONS)
    assert "relu" not in kinds(module)
    assert activation_of(find(module, "conv")) == activation_of(find(module, "add")) == "relu"
    assert [location.name for location in find(module, "add").location] == ["block.add", "block.relu2"]


def test_relu_stays_where_the_sum_is_used_too() -> None:
    m = Maker(1)
    total = m.node("Add", ["x", "x"], "sum")
    m.node("Mul", [m.node("Relu", [total], "positive"), total], "y")
    model = m.model({"x": [3, 5]}, {"y": [3, 5]})
    assert kinds(after(model, "fuse-activation")) == ["add", "relu", "mul"]
    assert max(errors(model).values()) < 1e-6


# fold-constants, eliminate-identities


def test_constants_are_computed_once_and_rounded_once() -> None:
    m = Maker(1)
    a, b = np.array([0.1, 0.2], np.float32), np.array([0.3, 7], np.float32)
    m.node("Add", ["x", m.node("Exp", [m.node("Mul", [m.weight("a", a), m.weight("b", b)], "p")], "e")], "y")
    module = after(m.model({"x": [3, 2]}, {"y": [3, 2]}), "fold-constants")
    assert kinds(module) == ["add"]
    known = array_of(find(module, "add").operands[1])
    assert known is not None
    assert relative(known, np.exp(a.astype(np.float64) * b)) < 1e-7


def test_nothing_is_left_of_what_does_nothing() -> None:
    m = Maker(1)
    x = m.node("Identity", [m.node("Dropout", ["x"], "d")], "i")
    for i, shape in enumerate(([6, 4], [2, 12], [24])):
        x = m.node("Reshape", [x, m.weight(f"s{i}", np.array(shape, np.int64))], f"r{i}")
    m.node("Relu", ["x"], "unused")
    m.node("Relu", [x], "y")
    assert kinds(after(m.model({"x": [2, 3, 4]}, {"y": [24]}), "eliminate-identities")) == ["reshape", "relu"]


# layout-nhwc


def test_transposes_are_left_at_the_edge_alone() -> None:
    module = after(MODELS["cnn"](), *FUSIONS, "layout-nhwc")
    assert kinds(module).count("transpose") == 1
    assert all(shape_of(op.result)[-1] in (16, 32) for op in module.walk() if op.name == "graph.conv")
    assert shape_of(find(module, "conv").operands[1]) == (3, 3, 3, 16)


def test_a_flattened_map_permutes_the_weights_behind_it() -> None:
    m = Maker(1)
    x = m.node("Flatten", [m.conv("x", "c", 3, 4, 3)], "f")
    m.gemm(x, "y", 4 * 3 * 5, 6)
    model = m.model({"x": [2, 3, 5, 7]}, {"y": [2, 6]})
    assert kinds(after(model, "layout-nhwc")) == ["transpose", "conv", "reshape", "gemm"]
    assert max(errors(model).values()) < 1e-6


def test_both_sides_of_an_addition_sink() -> None:
    m = Maker(1)
    a, b = m.conv("x", "a", 3, 4, 1), m.conv("x", "b", 3, 4, 1)
    scaled = m.node("Mul", [m.node("Sigmoid", [a], "s"), m.weight("k", m.small(4, 1, 1))], "m")
    m.node("MaxPool", [m.node("Add", [scaled, b], "sum")], "y", kernel_shape=[2, 2])
    model = m.model({"x": [1, 3, 6, 6]}, {"y": [1, 4, 5, 5]})
    found = kinds(after(model, "layout-nhwc"))
    assert found.count("transpose") == 2 and found[0] == "transpose" and found[-1] == "transpose"
    assert max(errors(model).values()) < 1e-6


def test_a_transpose_that_moves_no_element_is_a_reshape() -> None:
    m = Maker(1)
    m.conv("x", "y", 1, 4, 3)
    assert kinds(after(m.model({"x": [1, 1, 6, 6]}, {"y": [1, 4, 4, 4]}), "layout-nhwc"))[0] == "reshape"


# convert-precision


def convert(precision: str, chip: str = "Ascend910B3") -> tuple[Op, PassContext]:
    context = PassContext(chips()[chip], precision)
    return after(MODELS["cnn"](), *FUSIONS, "layout-nhwc", "convert-precision", context=context), context


def elements(op: Op) -> list[str]:
    return [str(tensor_type(v).element) for v in (*op.operands, op.result)]


@pytest.mark.parametrize(
    ("precision", "conv", "add"),
    [
        ("fp16", ["f16", "f16", "f32", "f16"], ["f16", "f16", "f16"]),
        ("bf16", ["bf16", "bf16", "f32", "bf16"], ["bf16", "bf16", "bf16"]),
        ("mixed", ["f16", "f16", "f32", "f32"], ["f32", "f32", "f32"]),
        ("fp32", ["f32", "f32", "f32", "f32"], ["f32", "f32", "f32"]),
    ],
)
def test_precisions(precision: str, conv: list[str], add: list[str]) -> None:
    module, _ = convert(precision)
    assert elements(find(module, "conv")) == conv and elements(find(module, "add")) == add
    terminator = functions(module)[0].body.terminator
    assert all(str(tensor_type(v).element) == "f32" for v in terminator.operands)


def test_the_coupled_chips_cube_has_no_float32_and_no_bfloat16() -> None:
    module, context = convert("fp32", "Ascend310P3")
    assert elements(find(module, "conv")) == ["f16", "f16", "f32", "f32"]
    assert [n.message.code for n in context.notes] == ["precision-cube-fp16"]
    with pytest.raises(Refused, match="bfloat16"):
        convert("bf16", "Ascend310P3")


# expand-graph


def test_padding_stands_apart() -> None:
    module = after(MODELS["cnn"](), "expand-graph")
    assert integers(find(module, "pad"), "low") == (0, 1, 1, 0)
    assert not any(integers(op, "pads") for op in module.walk() if op.name == "graph.conv")
    assert {"gemm", "flatten", "batch_normalization"}.isdisjoint(kinds(module))


def test_grouped_convolutions_are_refused_by_name() -> None:
    m = Maker(1)
    m.node("Conv", ["x", m.weight("w", m.he(8, 2, 3, 3, fan_in=18))], "grouped", group=2)
    with pytest.raises(Refused) as refused:
        after(m.model({"x": [1, 4, 6, 6]}, {"grouped": [1, 8, 4, 4]}), "expand-graph")
    assert refused.value.diagnostics[0].node == "grouped"


@pytest.mark.parametrize(
    "attributes", [{"alpha": 0.5}, {"beta": 2.0}, {"transA": 1}, {"transB": 1, "alpha": 3.0, "beta": 0.25}]
)
@pytest.mark.parametrize("c", [[6], [1, 6], [5, 6], [5, 1], [1], None])
def test_gemm_of_every_kind(attributes: dict[str, float], c: list[int] | None) -> None:
    m = Maker(1)
    weight = m.weight("b", m.he(*((6, 7) if "transB" in attributes else (7, 6)), fan_in=7))
    m.node("Gemm", ["x", weight, *([m.weight("c", m.small(*c))] if c else [])], "y", **attributes)
    x = [7, 5] if "transA" in attributes else [5, 7]
    assert max(errors(m.model({"x": x}, {"y": [5, 6]}), Way(optimise=False)).values()) < 1e-6


def test_a_product_of_two_computed_matrices() -> None:
    m = Maker(1)
    m.node("Relu", [m.node("Gemm", ["a", "b", "c"], "g", alpha=0.5, transB=1)], "y")
    assert max(errors(m.model({"a": [5, 7], "b": [6, 7], "c": [5, 6]}, {"y": [5, 6]})).values()) < 1e-6
