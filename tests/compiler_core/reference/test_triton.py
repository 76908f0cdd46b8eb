"""The reference interpreter: closed forms, programs that take different ways, rounding, and accesses that go wrong."""

from importlib.resources import files

import ml_dtypes
import msgspec
import numpy as np
import pytest

from compiler_core.diagnostics import LimitHit, Refused
from compiler_core.importers.triton import import_kernel, resolve_launch
from compiler_core.inputs import flat, make_inputs
from compiler_core.reference import triton
from compiler_core.request import Launch, TensorArgument
from tests.compiler_core.importers.triton.kernels import HEADER, integers, tensor


def example(name: str) -> tuple[dict[str, np.ndarray | int | float], dict[str, np.ndarray]]:
    """Inputs and outputs of a gallery kernel under its own launch."""
    folder = files("compiler_core.examples")
    text = folder.joinpath(f"{name}.py").read_text()
    launch = resolve_launch(text, msgspec.json.decode(folder.joinpath(f"{name}.launch.json").read_bytes(), type=Launch))
    inputs = make_inputs(launch)
    return inputs, triton.run(import_kernel(text, launch), inputs, integers(launch))


def wide(value: np.ndarray | int | float) -> np.ndarray:
    return np.asarray(value, np.float64)


def test_add() -> None:
    inputs, outputs = example("add")
    np.testing.assert_array_equal(outputs["out_ptr"], np.asarray(inputs["x_ptr"]) + np.asarray(inputs["y_ptr"]))


def test_softmax() -> None:
    inputs, outputs = example("softmax")
    x = wide(inputs["in_ptr"])
    powers = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(outputs["out_ptr"], powers / powers.sum(1, keepdims=True), rtol=1e-6)


def test_layer_norm() -> None:
    inputs, outputs = example("layer_norm")
    x = wide(inputs["x_ptr"])
    normalised = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(outputs["mean_ptr"], x.mean(1), atol=1e-6)
    expected = normalised * wide(inputs["weight_ptr"]) + wide(inputs["bias_ptr"])
    np.testing.assert_allclose(wide(outputs["out_ptr"]), expected, rtol=1e-3, atol=1e-3)


def test_matmul() -> None:
    inputs, outputs = example("matmul")
    expected = wide(inputs["a_ptr"]) @ wide(inputs["b_ptr"])
    np.testing.assert_allclose(wide(outputs["c_ptr"]), expected, rtol=1e-3, atol=1e-3)


def ran(body: str, grid: int = 4, size: int = 8, dtype: str = "float32", **arguments: int | float) -> np.ndarray:
    """o_ptr after programs of `grid` ran a body; o_ptr starts as zeros, x_ptr as 0, 1, 2, …"""
    names = "".join(f", {a}" for a in arguments)
    lines = [HEADER, "@triton.jit", f"def k(x_ptr, o_ptr{names}):", "    pid = tl.program_id(0)"]
    text = "\n".join([*lines, *(f"    {line}" for line in body.split("\n"))])
    launch = Launch("k", (grid,), {"x_ptr": tensor(dtype, (size,)), "o_ptr": tensor(dtype, (size,)), **arguments})
    resolved = resolve_launch(text, launch)
    element = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    arrays = {"x_ptr": np.arange(size).astype(element), "o_ptr": np.zeros(size, element)}
    return triton.run(import_kernel(text, resolved), {**arrays, **arguments}, (grid,))["o_ptr"]


def test_programs_may_branch_differently() -> None:
    body = "if pid % 2 == 0:\n    v = pid * 10\nelse:\n    v = -pid\ntl.store(o_ptr + pid, v.to(tl.float32))"
    assert ran(body).tolist() == [0, -1, 20, -3, 0, 0, 0, 0]


def test_a_branch_not_taken_stores_nothing() -> None:
    assert ran("if pid > 1:\n    tl.store(o_ptr + pid, 1.0)").tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


def test_programs_may_return_early() -> None:
    assert ran("if pid > 1:\n    return\ntl.store(o_ptr + pid, 1.0)").tolist() == [1, 1, 0, 0, 0, 0, 0, 0]


def test_loops_may_differ_in_length() -> None:
    body = "s = 0.0\nfor i in range(pid, 4):\n    s += i\ntl.store(o_ptr + pid, s)"
    assert ran(body).tolist()[:4] == [6, 6, 5, 3]


def test_while_loops_may_differ_in_length() -> None:
    body = "n = pid\ns = 0\nwhile n > 0:\n    s += n\n    n -= 1\ntl.store(o_ptr + pid, s.to(tl.float32))"
    assert ran(body).tolist()[:4] == [0, 1, 3, 6]


def test_a_store_is_seen_by_a_later_load() -> None:
    body = "tl.store(o_ptr + pid, 5.0)\ntl.store(o_ptr + pid, tl.load(o_ptr + pid) + pid)"
    assert ran(body).tolist()[:4] == [5, 6, 7, 8]


def test_integers_wrap() -> None:
    body = "v = pid + 2147483647\ntl.store(o_ptr + pid, v)"
    assert ran(body, dtype="int32").tolist()[:3] == [2147483647, -2147483648, -2147483647]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_short_floats_round_once_an_op(dtype: str) -> None:
    element = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float16
    third = ran("x = tl.load(x_ptr + 1)\ntl.store(o_ptr + pid, x / 3 * 3)", dtype=dtype)
    assert third[0] == (np.float32(1) / np.float32(3) * np.float32(3)).astype(element)
    sums = ran("x = tl.load(x_ptr + tl.arange(0, 8))\ntl.store(o_ptr + pid, tl.sum(x * x, 0))", dtype=dtype)
    assert sums[0] == np.float32(140).astype(element)


def test_strided_inputs() -> None:
    text = f"{HEADER}\n@triton.jit\ndef k(x_ptr):\n    p = x_ptr + tl.program_id(0) * 5\n    tl.store(p, tl.load(p) * 2)\n"
    launch = Launch("k", (2,), {"x_ptr": TensorArgument("float32", (2, 3), "ones", strides=(5, 1))})
    x = make_inputs(launch)["x_ptr"]
    assert isinstance(x, np.ndarray)
    assert triton.run(import_kernel(text, launch), {"x_ptr": flat(x)}, [2])["x_ptr"].tolist() == [2, 1, 1, 0, 0, 2, 1, 1]


@pytest.mark.parametrize(
    ("body", "index"),
    [
        ("tl.store(o_ptr + pid * 3, 1.0)", "9"),
        ("tl.store(o_ptr + pid, tl.load(x_ptr + pid - 1))", "-1"),
        ("tl.store(o_ptr + tl.arange(0, 16), 1.0, mask=tl.arange(0, 16) < 9)", "8"),
    ],
)
def test_out_of_bounds_is_told_with_line_and_element(body: str, index: str) -> None:
    with pytest.raises(Refused) as refusal:
        ran(body)
    (diagnostic,) = refusal.value.diagnostics
    assert diagnostic.message.code == "reference-out-of-bounds"
    assert str(diagnostic.message.arguments["index"]) == index
    assert diagnostic.spans[0].line == 8


def test_masked_accesses_may_point_anywhere() -> None:
    assert ran("tl.store(o_ptr + pid * 1000, 1.0, mask=pid < 1)").tolist()[0] == 1


def test_division_by_zero_is_told_where_it_happens_only() -> None:
    assert ran("if pid > 0:\n    tl.store(o_ptr + pid, (12 // pid).to(tl.float32))").tolist()[:4] == [0, 12, 6, 4]
    with pytest.raises(Refused, match="zero"):
        ran("tl.store(o_ptr + pid, (12 // pid).to(tl.float32))")


def test_a_kernel_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "MAX_STEPS", 1000)
    with pytest.raises(LimitHit):
        ran("n = 1\nwhile n > 0:\n    n = n + 0")


def test_inputs_are_left_alone() -> None:
    inputs, _ = example("add")
    before = np.array(inputs["out_ptr"])
    assert (before == 0).all()
