"""What constructs of the language become: short texts where the form matters, numbers where the meaning does."""

from collections.abc import Callable

import numpy as np
import pytest

from compiler_core.importers.triton import import_kernel
from compiler_core.ir import to_text
from compiler_core.ir.verifier import verify
from compiler_core.reference.triton import run
from compiler_core.request import Launch
from tests.compiler_core.importers.triton.kernels import HEADER, imported, tensor

X = np.linspace(-2, 2, 16, dtype=np.float32)
I = np.arange(-8, 8, dtype=np.int32)  # noqa: E741 - the integers of every case


def computed(expression: str, before: str = "", **arguments: int | float | bool) -> np.ndarray:
    """A block expression of x (fp32), h (fp16), i (int32) and scalars, as the kernel stores it in fp32."""
    lines = [HEADER, before, "@triton.jit", f"def k(x_ptr, h_ptr, i_ptr, o_ptr{''.join(', ' + a for a in arguments)}):"]
    loads = ["r = tl.arange(0, 16)", *(f"{n} = tl.load({n}_ptr + r)" for n in "xhi"), *expression.strip().split("\n")]
    lines += [f"    {line}" for line in [*loads, "tl.store(o_ptr + r, out)"]]
    tensors = {"x_ptr": tensor(), "h_ptr": tensor("float16"), "i_ptr": tensor("int32"), "o_ptr": tensor()}
    module = import_kernel("\n".join(lines), Launch("k", (1,), {**tensors, **arguments}, {}))
    verify(module, "tt")
    arrays = {"x_ptr": X.copy(), "h_ptr": X.astype(np.float16), "i_ptr": I.copy(), "o_ptr": np.zeros(16, np.float32)}
    return run(module, {**arrays, **arguments}, [1])["o_ptr"]


def c_remainder(a: np.ndarray, b: int) -> np.ndarray:
    return np.fmod(a, b)


EXPRESSIONS: dict[str, Callable[[], np.ndarray]] = {
    "out = x * 2 + 1": lambda: X * 2 + 1,
    "out = 1 / x": lambda: 1 / X,
    "out = i / 3": lambda: (I / np.float32(3)).astype(np.float32),
    "out = i // 3": lambda: np.trunc(I / 3),
    "out = i % 3": lambda: c_remainder(I, 3),
    "out = (i << 1) | 1": lambda: (I << 1) | 1,
    "out = (i >> 1) & 3": lambda: (I >> 1) & 3,
    "out = ~i ^ 5": lambda: ~I ^ 5,
    "out = -x": lambda: -X,
    "out = (x > 0) & (i != 3)": lambda: (X > 0) & (I != 3),
    "out = not (x > 0)": lambda: ~(X > 0),
    "out = tl.where(x > 0, x, 0.0)": lambda: np.where(X > 0, X, 0),
    "out = x + h": lambda: X + X.astype(np.float16).astype(np.float32),
    "out = (h * h).to(tl.float32)": lambda: X.astype(np.float16) ** 2,
    "out = x.to(tl.int32)": lambda: np.trunc(X),
    "out = (x * 100).to(tl.int8, bitcast=False).to(tl.int32)": lambda: (X * 100).astype(np.int32).astype(np.int8),
    "out = tl.exp(x) + tl.exp2(x)": lambda: np.exp(X) + np.exp2(X),
    "out = tl.log(tl.abs(x) + 1)": lambda: np.log(np.abs(X) + 1),
    "out = tl.sqrt(x * x) + tl.rsqrt(x * x + 1)": lambda: np.sqrt(X * X) + 1 / np.sqrt(X * X + 1),
    "out = tl.sigmoid(x)": lambda: 1 / (1 + np.exp(-X)),
    "out = tl.softmax(x, 0)": lambda: np.exp(X - 2) / np.exp(X - 2).sum(),
    "out = tl.maximum(x, 0) - tl.minimum(x, 0.5)": lambda: np.maximum(X, 0) - np.minimum(X, 0.5),
    "out = max(i, 2) + min(i, 3)": lambda: np.maximum(I, 2) + np.minimum(I, 3),
    "out = tl.clamp(x, -1.0, 1.0)": lambda: np.clip(X, -1, 1),
    "out = tl.fma(x, x, x)": lambda: X * X + X,
    "out = tl.floor(x) + tl.ceil(x)": lambda: np.floor(X) + np.ceil(X),
    "out = x + tl.sum(x, axis=0)": lambda: X + X.sum(),
    "out = x - tl.max(x, axis=0) * tl.min(i, axis=0)": lambda: X - X.max() * I.min(),
    "out = x.sum() + x * 0": lambda: np.full(16, X.sum()),
    "out = tl.sum(x[:, None] * x[None, :], axis=1)": lambda: X * X.sum(),
    "out = tl.sum(tl.sum(x[:, None, None] + x[None, :, None] + x[None, None, :], 2), 1)": lambda: 256 * X + 32 * X.sum(),
    "out = tl.reshape(tl.trans(tl.reshape(x, (4, 4))), (16,))": lambda: X.reshape(4, 4).T.reshape(16),
    "out = x.reshape(2, 8).T.reshape(16)": lambda: X.reshape(2, 8).T.reshape(16),
    "out = tl.broadcast_to(tl.sum(x[None, :], 1), (16,))": lambda: np.full(16, X.sum()),
    "out = tl.sum(tl.dot(x[:, None] + tl.zeros((16, 16), tl.float32), x[None, :] + tl.zeros((16, 16), tl.float32)), 1)": (
        lambda: 16 * X * X.sum()
    ),
    "out = tl.full((16,), n, tl.float32)": lambda: np.full(16, 7.0),
    "out = tl.zeros_like(x) + tl.cdiv(n, 2)": lambda: np.full(16, 4.0),
    "out = x if n > 3 else -x": lambda: X,
    "out = x * (n if f else 0)": lambda: X * 0,
    "if n > 3 and f:\n    out = x\nelse:\n    out = -x": lambda: -X,
    "out = x\nif n == 7:\n    out = out + 1": lambda: X + 1,
    "out = x\nif n < 3:\n    out = out + 1\nelif n < 10:\n    out = out + 2\nelse:\n    out = out + 3": lambda: X + 2,
    "out = x\nfor j in range(n):\n    out += j": lambda: X + 21,
    "out = x\nfor j in range(1, n, 2):\n    for m in tl.range(0, j):\n        out += m": lambda: X + 13,
    "out = x\nfor j in tl.static_range(3):\n    if j != 1:\n        out += j": lambda: X + 2,
    "out = x\nj = 0\nwhile j < n:\n    out += 1\n    j += 2": lambda: X + 4,
    "a, (b, out) = 1, (2, x)\nout += a + b": lambda: X + 3,
    "out = x\nout *= 2\nout -= 1\nout /= 4": lambda: (X * 2 - 1) / 4,
    "c: tl.constexpr = 2 ** 4\nout = x + tl.arange(0, c)": lambda: X + np.arange(16),
    "out = x + (1 if x.dtype == tl.float32 else 2) + (0 if h_ptr.dtype.element_ty == tl.float16 else 9)": lambda: X + 1,
    "out = x + len((1, 2, 3)) + (x.shape[0] - 16)": lambda: X + 3,
    "out = x + float('inf') * 0 if None is not None else x": lambda: X,
    "s: tl.constexpr = (8, 2)\nout = x.reshape(s).sum(axis=1, keep_dims=True).broadcast_to(8, 2).reshape(16)": (
        lambda: np.repeat(X.reshape(8, 2).sum(1), 2)
    ),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_computes_what_numpy_does(expression: str) -> None:
    expected = EXPRESSIONS[expression]()
    np.testing.assert_allclose(computed(expression, n=7, f=False), np.asarray(expected, np.float32), rtol=2e-6, atol=1e-6)


HELPERS = """
LIMIT = tl.constexpr(3)
SCALE: tl.constexpr = 2.0

@triton.jit
def twice(v):
    return v * SCALE

@triton.jit
def both(v, w, by: tl.constexpr = 4):
    "Two values."
    return twice(v) + w, v * by

@triton.jit
def sign(v):
    if v > LIMIT:
        return 1
    elif v < 0:
        return -1
    return 0

@triton.jit
def chosen(v, way: tl.constexpr):
    if way == "square":
        return v * v
    return v
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("out = twice(x)", X * 2),
        ("a, b = both(x, i)\nout = a + b", X * 2 + I + X * 4),
        ("a, b = both(w=i, v=x, by=1)\nout = a + b", X * 3 + I),
        ("out = x + sign(n) * 10 + sign(-n) + sign(2)", X + 9),
        ('out = chosen(x, "square") + chosen(x, "none")', X * X + X),
    ],
)
def test_helper_functions(expression: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(computed(expression, HELPERS, n=7), expected, rtol=1e-6)


def test_an_early_return_takes_the_rest_into_the_other_branch() -> None:
    module = imported("if n < 3:\n    return\ntl.store(x_ptr, 1.0)")
    (branch,) = [op for op in module.walk() if op.name == "scf.if"]
    assert [[op.name for op in r.blocks[0].ops] for r in branch.regions] == [
        ["scf.yield"],
        ["arith.constant", "tt.store", "scf.yield"],
    ]


def test_names_and_places_come_from_the_source() -> None:
    module = imported("offs = tl.program_id(0) * B + tl.arange(0, B)\nx = tl.load(x_ptr + offs, mask=offs < n)")
    (load,) = [op for op in module.walk() if op.name == "tt.load"]
    assert load.result.name == "x"
    assert [(loc.file, loc.line, loc.column) for loc in load.location] == [("kernel.py", 9, 9)]
    assert all(op.location for op in module.walk())


def test_the_text_of_a_masked_load() -> None:
    module = imported("r = tl.arange(0, B)\nx = tl.load(x_ptr + r, mask=r < n, other=0)")
    body = [line.strip() for line in to_text(module).splitlines()][2:-3]
    assert body == [
        "%r = tt.make_range {end = 16 : i32, start = 0 : i32} : tensor<16xi32>",
        "%x_ptr_1 = tt.splat %x_ptr : !tt.ptr<f32> -> tensor<16x!tt.ptr<f32>>",
        "%x_ptr_2 = tt.addptr %x_ptr_1, %r : tensor<16x!tt.ptr<f32>>, tensor<16xi32>",
        "%n_1 = tt.splat %n : i32 -> tensor<16xi32>",
        "%lt = arith.cmpi slt, %r, %n_1 : tensor<16xi32>",
        "%cst = arith.constant dense<0.0> : tensor<16xf32>",
        "%x = tt.load %x_ptr_2, %lt, %cst : tensor<16x!tt.ptr<f32>>",
    ]


def specialised(value: int, decorator: str = "@triton.jit") -> str:
    text = f"{HEADER}\n{decorator}\ndef k(x_ptr, n):\n    tl.store(x_ptr + n, 1.0)\n"
    return to_text(import_kernel(text, Launch("k", (1,), {"x_ptr": tensor(), "n": value})))


def test_integers_are_specialised_as_in_triton() -> None:
    assert "%n: i32 {tt.divisibility = 16 : i32}" in specialised(32)
    assert "%n: i32)" in specialised(31)
    assert "%n: i64)" in specialised(2**40 + 1)
    assert "%n" not in specialised(1).partition("{\n    ")[2]
    assert "tt.addptr %x_ptr, %n" in specialised(1, '@triton.jit(do_not_specialize=["n"])')


def test_booleans_are_bytes_in_memory() -> None:
    text = f"{HEADER}\n@triton.jit\ndef k(b_ptr, o_ptr):\n    tl.store(o_ptr, not tl.load(b_ptr))\n"
    module = import_kernel(text, Launch("k", (1,), {"b_ptr": tensor("bool"), "o_ptr": tensor("bool")}))
    arrays = {"b_ptr": np.array([True, True]), "o_ptr": np.array([True, True])}
    assert run(module, arrays, [1])["o_ptr"].tolist() == [False, True]


def test_a_file_without_imports_knows_tl() -> None:
    text = "@triton.jit\ndef k(x_ptr):\n    tl.store(x_ptr, 1.0)\n"
    verify(import_kernel(text, Launch("k", (1,), {"x_ptr": tensor()})), "tt")


def test_other_ways_to_import() -> None:
    header = "from triton import jit\nfrom triton.language import load, store, arange, float32, constexpr\n@jit\n"
    text = f"{header}def k(x_ptr, B: constexpr):\n    r = arange(0, B)\n    store(x_ptr + r, load(x_ptr + r).to(float32))\n"
    verify(import_kernel(text, Launch("k", (1,), {"x_ptr": tensor()}, {"B": 8})), "tt")
