"""Launches: grid expressions, defaults, what is missing or unknown; and launches inferred from a kernel alone."""

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler_core.diagnostics import LimitHit, Refused
from compiler_core.importers.triton import import_kernel, inspect_source, resolve_launch
from compiler_core.importers.triton.grid import evaluate
from compiler_core.inputs import make_inputs
from compiler_core.ir import to_text
from compiler_core.reference.triton import run
from compiler_core.request import Launch, TensorArgument
from tests.compiler_core.importers.triton.kernels import HEADER, integers, launch, source, tensor

ADD = files("compiler_core.examples").joinpath("add.py").read_text()
ARGUMENTS = {"x_ptr": tensor(), "y_ptr": tensor(), "out_ptr": tensor(), "n": 64}


def codes(text: str, wanted: Launch) -> list[str]:
    with pytest.raises(Refused) as refusal:
        resolve_launch(text, wanted)
    return [d.message.code for d in refusal.value.diagnostics]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("cdiv(n, BLOCK)", 4),
        ("triton.cdiv(n, META['BLOCK'])", 4),
        ("n // BLOCK + 1", 4),
        ("max(1, min(n, 7)) * 2", 14),
        ("-(-n % 7)", -6),
        ("next_power_of_2(n)", 64),
        ("(n - 1) * 2", 98),
    ],
)
def test_grid_expressions(expression: str, value: int) -> None:
    assert evaluate(expression, {"n": 50, "BLOCK": 16}) == value


@pytest.mark.parametrize(
    "expression",
    ["n / 0", "n // 0", "m", "__import__('os')", "n ** 9", "(lambda: 1)()", "2 << 4000", "n.bit_length()", "", "1 +",
     "9" * 5000, "*".join(["n"] * 99), "(" * 90 + "1" + ")" * 90 + "+", "cdiv(n)", "'a'", "n if n else 1", "[n][0]"],
)  # fmt: skip
def test_anything_but_bounded_arithmetic_is_refused(expression: str) -> None:
    with pytest.raises(Refused):
        evaluate(expression, {"n": 10**9})


@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_cdiv_is_the_ceiling(a: int, b: int) -> None:
    assert evaluate("cdiv(a, b)", {"a": a, "b": b}) == -(-a // b)


def test_the_grid_becomes_integers() -> None:
    resolved = resolve_launch(ADD, Launch(None, ("cdiv(n, BLOCK)", 2), ARGUMENTS, {"BLOCK": 16}))
    assert (resolved.kernel, resolved.grid) == ("add_kernel", (4, 2))


def test_missing_and_unknown_arguments_are_named() -> None:
    without = {k: v for k, v in ARGUMENTS.items() if k != "y_ptr"}
    assert codes(ADD, Launch(None, (1,), {**without, "z_ptr": tensor()}, {"BLOCK": 16})) == [
        "launch-argument-unknown",
        "launch-argument-missing",
    ]
    assert codes(ADD, Launch(None, (1,), ARGUMENTS)) == ["launch-constexpr-missing"]
    assert codes(ADD, Launch("sub_kernel", (1,), ARGUMENTS)) == ["launch-kernel"]
    assert codes("x = 1", Launch()) == ["no-jit-kernel"]
    assert codes(ADD, Launch(None, (0,), ARGUMENTS, {"BLOCK": 16})) == ["grid-size"]
    assert codes(ADD, Launch(None, (1, 1, 1, 1), ARGUMENTS, {"BLOCK": 16})) == ["grid-rank"]
    assert codes(ADD, Launch(None, (1,), {**ARGUMENTS, "x_ptr": tensor("float7")}, {"BLOCK": 16})) == ["launch-dtype"]
    bad = TensorArgument("float32", (4, 4), strides=(1,))
    assert codes(ADD, Launch(None, (1,), {**ARGUMENTS, "x_ptr": bad}, {"BLOCK": 16})) == ["launch-strides"]


def test_limits_name_themselves() -> None:
    with pytest.raises(LimitHit, match="65535"):
        resolve_launch(ADD, Launch(None, (65536,), ARGUMENTS, {"BLOCK": 16}))
    with pytest.raises(LimitHit, match="bytes"):
        resolve_launch(ADD, Launch(None, (1,), {**ARGUMENTS, "x_ptr": tensor(shape=(2**20, 2**12))}, {"BLOCK": 16}))


def test_constants_come_from_the_launch_then_the_configuration_then_the_default() -> None:
    text = f"""{HEADER}
@triton.autotune(configs=[triton.Config({{"A": 32, "B": 64}}, num_warps=4), triton.Config({{"A": 1, "B": 1}})], key=["n"])
@triton.heuristics({{"EVEN": lambda args: True}})
@triton.jit
def k(x_ptr, n, bias=None, eps=1e-6, A: tl.constexpr = 8, B: tl.constexpr = 8, C: tl.constexpr = 8, EVEN: tl.constexpr = False):
    if bias is not None:
        tl.store(x_ptr, bias)
    tl.store(x_ptr + n, A + B + C + eps)
"""
    resolved = resolve_launch(text, Launch(None, (1,), {"x_ptr": tensor(), "n": 3}, {"A": 2}))
    assert resolved.constexprs == {"A": 2, "B": 64, "C": 8, "EVEN": False, "bias": None}
    assert resolved.arguments["eps"] == 1e-6
    import_kernel(text, resolved)


@pytest.mark.parametrize("name", ["add", "softmax", "layer_norm", "matmul", "gelu", "rms_norm", "matmul_relu"])
def test_a_kernel_alone_gives_a_launch_that_runs(name: str) -> None:
    text = files("compiler_core.examples").joinpath(f"{name}.py").read_text()
    inspection = inspect_source(text)
    assert inspection.launch is not None
    assert set(inspection.assumed) >= {n for n, v in inspection.launch.arguments.items() if isinstance(v, TensorArgument)}
    resolved = resolve_launch(text)
    outputs = run(import_kernel(text, resolved), make_inputs(resolved), integers(resolved))
    assert all(np.isfinite(o.astype(np.float32)).all() for o in outputs.values())


def test_inspection_tells_kinds_of_parameters() -> None:
    (kernel,) = inspect_source(source("tl.store(x_ptr + n, tl.load(y_ptr).to(tl.float32))")).kernels
    kinds = {p.name: p.kind for p in kernel.parameters}
    assert kinds == {"x_ptr": "tensor", "y_ptr": "tensor", "h_ptr": "tensor", "n": "scalar", "B": "constexpr"}
    assert (kernel.name, kernel.line) == ("k", 7)


def test_helpers_are_not_kernels() -> None:
    text = source("f(x_ptr, n)", "@triton.jit\ndef f(p, v):\n    tl.store(p, v)\n")
    assert [k.name for k in inspect_source(text).kernels] == ["k"]
    assert {p.name: p.kind for p in inspect_source(text).kernels[0].parameters}["x_ptr"] == "tensor"


def test_a_resolved_launch_resolves_to_itself() -> None:
    text = source("tl.store(x_ptr + n, 1.0)")
    resolved = resolve_launch(text, launch())
    assert resolve_launch(text, resolved) == resolved


def test_types_travel_through_launches_by_name() -> None:
    text = source("tl.store(x_ptr, tl.full((1,), 1.5, B).sum())")
    resolved = resolve_launch(text, launch(B="tl.float16"))
    assert resolved.constexprs == {"B": "tl.float16"}
    assert "tensor<1xf16>" in to_text(import_kernel(text, resolved))
