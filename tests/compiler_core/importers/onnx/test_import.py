"""What models look like at the graph stage: names, shapes, attributes, locations, and the meaning of older operator sets."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler_core.diagnostics import Diagnostic, Refused
from compiler_core.dialects.builtin import function_type, functions
from compiler_core.dialects.graph import array_of, integer, integers, shape_of
from compiler_core.importers.onnx import import_model, model_inputs
from compiler_core.ir import Op, to_text
from compiler_core.ir.verifier import verify
from tests.compiler_core.model_door import Way, errors
from tests.models import MODELS, Maker


def ops(module: Op, name: str) -> list[Op]:
    return [op for op in module.walk() if op.name == f"graph.{name}"]


def one(
    kind: str,
    shape: list[int | str],
    out: list[int],
    opset: int = 17,
    constants: dict[str, np.ndarray] | None = None,
    **attributes: object,
) -> bytes:
    """A model of one node on x, with constants behind it."""
    m = Maker()
    names = [m.weight(name, array) for name, array in (constants or {}).items()]
    m.node(kind, ["x", *names], "y", **attributes)
    return m.model({"x": shape}, {"y": out}, opset)


@pytest.mark.parametrize("name", MODELS)
def test_the_test_models_verify(name: str) -> None:
    verify(import_model(MODELS[name]()), "graph")


def test_a_node_keeps_its_names_and_place() -> None:
    (conv, *_) = ops(import_model(MODELS["cnn"]()), "conv")
    assert conv.result.name == "stem"
    assert [location.name for location in conv.location] == ["stem"]
    assert shape_of(conv.result) == (1, 16, 32, 32)
    assert integers(conv, "pads") == (1, 1, 1, 1)
    weight = array_of(conv.operands[1])
    assert weight is not None and weight.shape == (16, 3, 3, 3)


def test_the_signature_is_the_models() -> None:
    module = import_model(MODELS["cnn"]())
    (main,) = functions(module)
    assert str(function_type(main)) == "(tensor<1x3x32x32xf32>) -> (tensor<1x10xf32>, tensor<1x10xf32>)"
    assert 'tilescope.outputs = ["logits", "probabilities"]' in to_text(module)


def test_inputs_are_seeded_one_by_one() -> None:
    module = import_model(MODELS["mlp"]())
    first, again, other = (model_inputs(module, seed)["x"] for seed in (1, 1, 2))
    assert first.shape == (16, 8, 8) and first.dtype == np.float32
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_an_open_batch_is_one_and_said() -> None:
    notes: list[Diagnostic] = []
    module = import_model(one("Relu", ["N", 4], [1, 4]), notes)
    assert str(function_type(functions(module)[0]).inputs[0]) == "tensor<1x4xf32>"
    assert [n.message.code for n in notes] == ["onnx-batch"] and "'N'" in notes[0].message.text


def test_another_open_dimension_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        import_model(one("Relu", [1, "width"], [1, 4]))
    assert refused.value.diagnostics[0].message.code == "onnx-input-dimension"


@pytest.mark.parametrize(
    ("opset", "axis", "shapes"), [(13, None, [(2, 3, 4)]), (11, None, [(2, 3, 4), (2, 12), (2, 12), (2, 3, 4)])]
)
def test_softmax_before_13_joins_dimensions(opset: int, axis: int | None, shapes: list[tuple[int, ...]]) -> None:
    model = one("Softmax", [2, 3, 4], [2, 3, 4], opset)
    (softmax,) = ops(import_model(model), "softmax")
    assert shape_of(softmax.result) == (shapes[2] if len(shapes) > 1 else shapes[0])
    assert integer(softmax, "axis") == len(shape_of(softmax.result)) - 1
    assert max(errors(model).values()) < 1e-5


@pytest.mark.parametrize("opset", [7, 9, 14, 15, 17, 21])
def test_batch_normalisation_of_every_definition(opset: int) -> None:
    m = Maker(3)
    m.batch_norm("x", "y", 4)
    assert max(errors(m.model({"x": [2, 4, 3, 3]}, {"y": [2, 4, 3, 3]}, opset)).values()) < 1e-5


@pytest.mark.parametrize("opset", [7, 10, 12])
def test_clip_of_every_definition(opset: int) -> None:
    bounds = {"low": np.float32(0), "high": np.float32(0.5)}
    if opset < 11:
        model = one("Clip", [3, 5], [3, 5], opset, min=0.0, max=0.5)
    else:
        model = one("Clip", [3, 5], [3, 5], opset, {k: np.asarray(v) for k, v in bounds.items()})
    assert max(errors(model).values()) < 1e-6


@pytest.mark.parametrize("shape", [[0, -1], [2, 12], [-1], [4, 0, 2]])
def test_reshape_resolves_its_shape(shape: list[int]) -> None:
    x = np.zeros((2, 3, 4), np.float32)
    shape_out = [4, 3, 2] if shape == [4, 0, 2] else list(x.reshape([2 if s == 0 else s for s in shape]).shape)
    module = import_model(one("Reshape", [2, 3, 4], shape_out, constants={"shape": np.array(shape, np.int64)}))
    assert shape_of(ops(module, "reshape")[0].result) == tuple(shape_out)


@pytest.mark.parametrize("automatic", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_automatic_padding(automatic: str) -> None:
    m = Maker(4)
    m.conv("x", "y", 2, 3, 4, auto_pad=automatic, strides=[2, 3])
    out = [1, 3, 5, 4] if automatic != "VALID" else [1, 3, 3, 3]
    assert max(errors(m.model({"x": [1, 2, 9, 10]}, {"y": out})).values()) < 1e-5


def test_shape_arithmetic_is_done_by_the_importer() -> None:
    """The chain that an exporter leaves of x.reshape(x.shape[0], -1)."""
    m = Maker()
    m.node("Shape", ["x"], "shape")
    m.node("Gather", ["shape", m.weight("zero", np.array(0, np.int64))], "batch", axis=0)
    m.node("Unsqueeze", ["batch", m.weight("axes", np.array([0], np.int64))], "first")
    m.node("Concat", ["first", m.weight("rest", np.array([-1], np.int64))], "sizes", axis=0)
    m.node("Reshape", ["x", "sizes"], "y")
    module = import_model(m.model({"x": [2, 3, 4]}, {"y": [2, 12]}))
    assert [op.name for op in functions(module)[0].body.ops] == ["graph.reshape", "func.return"]


def test_weights_of_every_storage_are_read() -> None:
    """Raw bytes, typed fields, and float16 as bit patterns."""
    values = np.array([1.5, -2.0, 0.25], np.float32)
    raw = numpy_helper.from_array(values, "a")
    typed = helper.make_tensor("b", TensorProto.FLOAT, [3], values.tolist())
    nodes = [helper.make_node("Add", ["x", "a"], ["s"]), helper.make_node("Mul", ["s", "b"], ["y"])]
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", info[:1], info[1:], [raw, typed])
    module = import_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    arrays = [array_of(op.result) for op in ops(module, "constant")]
    assert all(a is not None and np.array_equal(a, values) for a in arrays) and len(arrays) == 2


def test_a_model_in_float16() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Relu", ["m"], ["y"])]
    weight = helper.make_tensor("w", TensorProto.FLOAT16, [8, 4], np.linspace(-1, 1, 32).astype(np.float16))
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT16, s) for n, s in (("x", [2, 8]), ("y", [2, 4]))]
    model = helper.make_model(
        helper.make_graph(nodes, "g", info[:1], info[1:], [weight]), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    for precision in ("fp32", "fp16"):
        assert max(errors(model.SerializeToString(), Way(precision)).values()) < 2e-3
