"""Models from anybody: what is too large, broken, foreign or hostile is refused with a reason, before it costs anything."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, templates
from compiler_core.importers.onnx import import_model, proto
from compiler_core.ir import to_text
from tests.models import MODELS

CNN = MODELS["cnn"]()


def refused(data: bytes) -> Diagnostic:
    with pytest.raises(Refused) as caught:
        import_model(data)
    return caught.value.diagnostics[0]


def model(
    *nodes: NodeProto,
    weights: tuple[TensorProto, ...] = (),
    opset: int = 17,
    shape: tuple[int, ...] = (2, 2),
    output: str = "y",
) -> bytes:
    """A model on x of a shape, unchecked."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, list(shape)) for n in ("x", output))
    graph = helper.make_graph(list(nodes), "g", [x], [y], list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]).SerializeToString()


RELU = helper.make_node("Relu", ["x"], ["y"], name="relu")


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(50), b"<html></html>", CNN[: len(CNN) // 2]])
def test_what_is_no_model(data: bytes) -> None:
    assert refused(data).message.code == "onnx-broken"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_bytes_are_refused_or_read_but_never_crash(changes: list[tuple[int, int]]) -> None:
    data = bytearray(MODELS["mlp"]())
    data = data[:900] + data[-2100:] if len(data) < 3000 else data
    for place, byte in changes:
        data[-1 - place % len(data)] = byte
    try:
        import_model(bytes(data))
    except Refused as found:
        assert found.diagnostics[0].message.text


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proto, "MAX_MODEL_BYTES", 1000)
    with pytest.raises(LimitHit) as caught:
        import_model(CNN)
    assert caught.value.diagnostics[0].message.code == "onnx-too-large"


def test_too_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proto, "MAX_NODES", 5)
    with pytest.raises(LimitHit):
        import_model(CNN)


def test_an_operator_that_is_not_known_names_node_domain_and_what_is() -> None:
    found = refused(model(helper.make_node("Celu", ["x"], ["y"], name="act")))
    assert found.node == "act"
    for part in ("Celu", "ai.onnx", "17", "Conv"):
        assert part in found.message.text


def test_every_unknown_operator_is_told_once() -> None:
    nodes = [helper.make_node(kind, ["x"], [f"o{i}"]) for i, kind in enumerate(("Celu", "Celu", "Mish", "Relu"))]
    with pytest.raises(Refused) as caught:
        import_model(model(*nodes))
    assert [d.message.arguments["op"] for d in caught.value.diagnostics] == ["Celu", "Mish"]


def test_shape_arithmetic_on_tensors_is_refused() -> None:
    found = refused(model(helper.make_node("Concat", ["x", "x"], ["y"], name="join", axis=0)))
    assert found.message.code == "onnx-shapes-only" and found.node == "join"


def test_a_foreign_domain_is_no_standard_operator() -> None:
    assert "com.example" in refused(model(helper.make_node("Relu", ["x"], ["y"], domain="com.example"))).message.text


@pytest.mark.parametrize("kind", ["Loop", "If", "Scan"])
def test_control_flow_is_refused_by_name(kind: str) -> None:
    body = helper.make_graph([RELU], "body", [], [])
    found = refused(model(helper.make_node(kind, ["x"], ["y"], name="flow", body=body)))
    assert found.message.code == "onnx-subgraph" and kind in found.message.text and found.node == "flow"


def test_functions_are_not_expanded() -> None:
    data = ModelProto.FromString(model(helper.make_node("F", ["x"], ["y"], domain="own")))
    data.functions.append(helper.make_function("own", "F", ["x"], ["y"], [RELU], [helper.make_opsetid("", 17)]))
    assert refused(data.SerializeToString()).message.code == "onnx-function"


def test_external_data_are_never_opened() -> None:
    weight = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    add = helper.make_node("Add", ["x", "w"], ["y"])
    assert refused(model(add, weights=(weight,))).message.code == "onnx-external-data"


def test_a_weight_that_declares_more_than_it_has() -> None:
    weight = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    weight.dims[0] = 2000
    assert refused(model(helper.make_node("Add", ["x", "w"], ["y"]), weights=(weight,))).message.code == "onnx-constant-size"


@pytest.mark.parametrize("dims", [(2**40,), (2**20, 2**20), (-1,), (1,) * 9])
def test_a_weight_of_an_impossible_shape(dims: tuple[int, ...]) -> None:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=b"")
    assert refused(model(helper.make_node("Add", ["x", "w"], ["y"]), weights=(weight,))).message.code in (
        "onnx-tensor-too-large",
        "onnx-shape",
    )


@pytest.mark.parametrize("size", [2**33, 2**62])
def test_constant_of_shape_is_bounded_before_it_is_made(size: int) -> None:
    shape = numpy_helper.from_array(np.array([size], np.int64), "n")
    found = refused(model(helper.make_node("ConstantOfShape", ["n"], ["y"]), weights=(shape,)))
    assert found.message.code == "onnx-tensor-too-large"


def test_a_small_file_that_broadcasts_to_a_huge_tensor() -> None:
    one, other = (numpy_helper.from_array(np.ones(s, np.float32), n) for n, s in (("a", (60000, 1)), ("b", (1, 60000))))
    assert (
        refused(model(helper.make_node("Add", ["a", "b"], ["y"]), weights=(one, other))).message.code == "onnx-tensor-too-large"
    )


def test_all_tensors_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proto, "MAX_TOTAL_BYTES", 1 << 16)
    with pytest.raises(LimitHit) as caught:
        import_model(CNN)
    assert caught.value.diagnostics[0].message.code == "onnx-total-too-large"


def test_nodes_out_of_order() -> None:
    late = helper.make_node("Relu", ["z"], ["y"], name="late")
    found = refused(model(late, helper.make_node("Relu", ["x"], ["z"])))
    assert found.message.code == "onnx-undefined" and found.node == "late"


def test_a_name_given_twice() -> None:
    assert refused(model(RELU, RELU)).message.code == "onnx-defined-twice"


def test_an_output_that_nobody_makes() -> None:
    assert refused(model(RELU, output="other")).message.code == "onnx-output-undefined"


@pytest.mark.parametrize("opset", [1, 6, 99])
def test_operator_sets_out_of_range(opset: int) -> None:
    assert refused(model(RELU, opset=opset)).message.code == "onnx-opset"


def test_an_attribute_of_the_wrong_type_or_unknown() -> None:
    wrong = helper.make_node("Flatten", ["x"], ["y"], axis="one")
    assert refused(model(wrong)).message.code == "onnx-attribute-type"
    assert refused(model(helper.make_node("Relu", ["x"], ["y"], slope=1))).message.code == "onnx-attribute-unknown"


def test_shapes_that_do_not_fit_say_which() -> None:
    weight = numpy_helper.from_array(np.ones((3, 2), np.float32), "w")
    found = refused(model(helper.make_node("MatMul", ["x", "w"], ["y"], name="product"), weights=(weight,)))
    assert found.node == "product" and "2 columns against 3 rows" in found.message.text


def test_tensors_without_elements() -> None:
    shape = numpy_helper.from_array(np.array([0, 4], np.int64), "s")
    reshape = helper.make_node("Reshape", ["x", "s"], ["y"], allowzero=1)
    assert refused(model(reshape, weights=(shape,), shape=(0, 4))).message.code == "onnx-no-elements"


def test_names_in_any_script_and_of_any_length_print() -> None:
    hostile = 'a"b\n%x) : 名' + "z" * 5000
    first, second = helper.make_node("Relu", ["x"], [hostile], name=hostile), helper.make_node("Relu", [hostile], ["y"])
    text = to_text(import_model(model(first, second)))
    assert "\n%x)" not in text and max(map(len, text.splitlines())) < 1000


def test_every_message_has_both_languages() -> None:
    codes = {code: texts for code, texts in templates().items() if code.startswith(("onnx-", "graph-", "precision-"))}
    assert len(codes) > 30
    assert all(set(texts) == {"en", "zh"} for texts in codes.values())
