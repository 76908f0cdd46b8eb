"""structure-access: kernels run at the tensor stage as their Triton source says, on odd sizes, strides and masks."""

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_core.diagnostics import Refused
from compiler_core.ir import to_text
from tests.compiler_core.passes.kernels import CLEANED_TO_TILE, TO_TENSOR, TO_TILE, compiled, result, run

RANDOM = np.random.default_rng(7)
EVERY = pytest.mark.parametrize("passes", [TO_TENSOR, TO_TILE, CLEANED_TO_TILE], ids=["tensor", "tile", "cleaned"])


def example(name: str) -> str:
    return files("compiler_core.examples").joinpath(f"{name}.py").read_text(encoding="utf-8")


def normal(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(dtype)


@EVERY
def test_add(passes):
    x, y = normal(1000), normal(1000)
    arguments = {"x_ptr": x, "y_ptr": y, "out_ptr": np.full(1000, 9, np.float32), "n": 1000}
    got = result(example("add"), arguments, (4,), passes, BLOCK=256)
    np.testing.assert_array_equal(got["out_ptr"], x + y)


@EVERY
def test_softmax(passes):
    x = normal(5, 97)
    arguments = {"out_ptr": np.zeros_like(x), "in_ptr": x, "in_row_stride": 97, "out_row_stride": 97, "n_cols": 97}
    got = result(example("softmax"), arguments, (5,), passes, BLOCK=128)
    e = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(got["out_ptr"], e / e.sum(1, keepdims=True), rtol=1e-5)


@EVERY
def test_layer_norm(passes):
    x, w, b = normal(3, 77), normal(77), normal(77)
    arguments = {
        "x_ptr": x,
        "out_ptr": np.zeros_like(x),
        "weight_ptr": w,
        "bias_ptr": b,
        "mean_ptr": np.zeros(3, np.float32),
        "rstd_ptr": np.zeros(3, np.float32),
        "stride": 77,
        "n_cols": 77,
        "eps": 1e-5,
    }
    got = result(example("layer_norm"), arguments, (3,), passes, BLOCK=32)
    mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    np.testing.assert_allclose(got["out_ptr"], (x - mean) / np.sqrt(variance + 1e-5) * w + b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got["mean_ptr"], mean[:, 0], rtol=1e-4, atol=1e-6)


def matmul_arguments(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray | int]:
    m, k, n = *a.shape, b.shape[1]
    return {
        "a_ptr": a,
        "b_ptr": b,
        "c_ptr": np.zeros((m, n), np.float16),
        "M": m,
        "N": n,
        "K": k,
        "stride_am": k,
        "stride_ak": 1,
        "stride_bk": n,
        "stride_bn": 1,
        "stride_cm": n,
        "stride_cn": 1,
    }


@EVERY
def test_matmul(passes):
    a, b = normal(40, 50, dtype=np.float16), normal(50, 70, dtype=np.float16)
    got = result(example("matmul"), matmul_arguments(a, b), (2, 3), passes, BLOCK_M=32, BLOCK_N=32, BLOCK_K=16)
    np.testing.assert_allclose(got["c_ptr"], (a.astype(np.float32) @ b.astype(np.float32)), rtol=2e-3, atol=2e-2)


WRAPPED = '''
def wrapped(a_ptr, out_ptr, M, N, start, BM: tl.constexpr, BN: tl.constexpr):
    """Rows wrap around at M, and every one of them is stored."""
    rows = tl.arange(0, BM)
    cols = tl.arange(0, BN)
    a = tl.load(a_ptr + ((start + rows) % M)[:, None] * N + cols[None, :], mask=cols[None, :] < N, other=5.0)
    tl.store(out_ptr + rows[:, None] * BN + cols[None, :], a)
'''


@pytest.mark.parametrize(("m", "start"), [(16, 0), (16, 9), (5, 0), (5, 13), (1, 3), (40, 39)])
def test_rows_that_wrap_around(m, start):
    a = normal(m, 7)
    arguments = {"a_ptr": a, "out_ptr": np.zeros((16, 8), np.float32), "M": m, "N": 7, "start": start}
    got = result(WRAPPED, arguments, (1,), BM=16, BN=8)
    expected = np.full((16, 8), 5, np.float32)
    expected[:, :7] = a[(start + np.arange(16)) % m]
    np.testing.assert_array_equal(got["out_ptr"], expected)


RECTANGLE = """
def rectangle(x_ptr, out_ptr, row, col, rows, cols, stride, low, R: tl.constexpr, C: tl.constexpr):
    r = row + tl.arange(0, R)
    c = col + tl.arange(0, C)
    mask = (r[:, None] < rows) & (c[None, :] < cols) & (c[None, :] >= low)
    x = tl.load(x_ptr + r[:, None] * stride + c[None, :], mask=mask, other=-1.0)
    tl.store(out_ptr + tl.arange(0, R)[:, None] * C + tl.arange(0, C)[None, :], x)
"""


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 5))
def test_any_rectangle_and_mask(row, col, rows, cols, low, extra):
    stride = 24 + extra
    x = normal(20, stride)
    arguments = {"x_ptr": x, "out_ptr": np.zeros((8, 8), np.float32), "row": row, "col": col, "rows": rows, "cols": cols}
    arguments |= {"stride": stride, "low": low}
    got = result(RECTANGLE, arguments, (1,), CLEANED_TO_TILE, R=8, C=8)
    r, c = row + np.arange(8)[:, None], col + np.arange(8)[None, :]
    mask = (r < rows) & (c < cols) & (c >= low)
    np.testing.assert_array_equal(got["out_ptr"], np.where(mask, x[r, c], np.float32(-1)))


FORMS = {
    "transposed load": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i[:, None] + i[None, :] * n, mask=(i[:, None] < 5) & (i[None, :] < 3), other=0.0)
    tl.store(out_ptr + i[:, None] * n + i[None, :], x)
""",
        lambda x: np.where((np.arange(8) < 5)[:, None] & (np.arange(8) < 3), x.T, 0),
    ),
    "reversed mask": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    at = i[:, None] * n + i[None, :]
    tl.store(out_ptr + at, tl.load(x_ptr + at, mask=(2 < i)[:, None] & (i * 2 >= 7)[None, :], other=4.0))
""",
        lambda x: np.where((np.arange(8) > 2)[:, None] & (np.arange(8) * 2 >= 7), x, 4),
    ),
    "one row for all": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i[None, :] + tl.zeros((B, 1), tl.int32), mask=(i[:, None] < 6) & (i[None, :] < 7), other=2.0)
    tl.store(out_ptr + i[:, None] * n + i[None, :], x)
""",
        lambda x: np.where((np.arange(8) < 6)[:, None] & (np.arange(8) < 7), x[:1], 2),
    ),
    "a triangle chosen by where": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    at = i[:, None] * n + i[None, :]
    x = tl.load(x_ptr + at)
    tl.store(out_ptr + at, tl.where(i[:, None] >= i[None, :], x, 0.0))
""",
        lambda x: np.tril(x),
    ),
    "scalar condition in the mask": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    at = i[:, None] * n + i[None, :]
    x = tl.load(x_ptr + at, mask=(i[:, None] < 4) & (n > 100), other=1.0)
    tl.store(out_ptr + at, x, mask=(i[:, None] < 3) & (n > 2))
""",
        lambda x: np.where((np.arange(8) < 3)[:, None], 1, 0) * np.ones_like(x),
    ),
    "pointers and offsets that advance in nested loops": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    cols = tl.arange(0, B)
    x_at = x_ptr + cols
    out = out_ptr
    offs = cols
    for i in range(0, 4):
        for j in range(0, 2):
            tl.store(out + cols, tl.load(x_at) + tl.load(x_ptr + offs))
            x_at += n
            out += n
            offs += n
""",
        lambda x: x + x,
    ),
    "a pointer chosen by a branch": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    at = i[:, None] * n + i[None, :]
    if n > 3:
        p = x_ptr + at
    else:
        p = x_ptr + at + 1
    tl.store(out_ptr + at, tl.load(p))
""",
        lambda x: x,
    ),
    "scalars": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    for i in range(0, n * n):
        v = tl.load(x_ptr + i, mask=i > 7, other=3.0)
        tl.store(out_ptr + i, v + 1, mask=i < 60)
""",
        lambda x: np.where(np.arange(64) < 60, np.where(np.arange(64) > 7, x.reshape(-1), 3) + 1, 0).reshape(8, 8),
    ),
    "reductions along both axes": (
        """
def kernel(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i[:, None] * n + i[None, :])
    total = tl.sum(x, axis=0)[None, :] + tl.max(x, axis=1)[:, None]
    tl.store(out_ptr + i[:, None] * n + i[None, :], total)
""",
        lambda x: x.sum(0)[None, :] + x.max(1)[:, None],
    ),
}


@pytest.mark.parametrize("form", FORMS)
@EVERY
def test_forms_of_access(form, passes):
    source, expected = FORMS[form]
    x = normal(8, 8)
    got = result(source, {"x_ptr": x, "out_ptr": np.zeros((8, 8), np.float32), "n": 8}, (1,), passes, B=8)
    np.testing.assert_allclose(got["out_ptr"], expected(x), rtol=1e-6, err_msg=form)


REFUSED = {
    "access-irregular-address-data": "p = tl.load(x_ptr + tl.load(i_ptr + i))",
    "access-irregular-address-division": "p = tl.load(x_ptr + i // 3)",
    "access-irregular-address-product": "p = tl.load(x_ptr + i * i)",
    "access-irregular-mask-comparison": "p = tl.load(x_ptr + i[:, None] * 8 + i[None, :], mask=i[:, None] < i[None, :])",
    "access-irregular-mask-data": "p = tl.load(x_ptr + i, mask=tl.load(i_ptr + i) > 0)",
    "access-store-repeats": "tl.store(x_ptr + i % 3, 1.0)",
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_no_rectangle_is_refused_where_it_is(code):
    source = f"def kernel(x_ptr, i_ptr, B: tl.constexpr):\n    i = tl.arange(0, B)\n    {REFUSED[code]}\n"
    arguments = {"x_ptr": np.zeros(64, np.float32), "i_ptr": np.zeros(64, np.int32)}
    with pytest.raises(Refused) as refused:
        compiled(source, arguments, (1,), B=8)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.message.code == code
    assert diagnostic.spans[0].line == 8
    assert diagnostic.message.text


def test_every_op_keeps_a_place_in_the_source():
    a, b = normal(40, 50, dtype=np.float16), normal(50, 70, dtype=np.float16)
    module = compiled(example("matmul"), matmul_arguments(a, b), (2, 3), TO_TILE, BLOCK_M=32, BLOCK_N=32, BLOCK_K=16)
    assert [op for op in module.walk() if op.name != "builtin.module" and not op.location] == []
    assert "tt." not in to_text(module)


TUTORIAL = """
def tutorial(
    a_ptr, b_ptr, c_ptr, M, N, K, am, ak, bk, bn, cm, cn,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr,
):
    pid = tl.program_id(axis=0)
    num_pid_m = tl.cdiv(M, BM)
    num_pid_n = tl.cdiv(N, BN)
    num_pid_in_group = GROUP * num_pid_n
    group_id = pid // num_pid_in_group
    first_pid_m = group_id * GROUP
    group_size_m = min(num_pid_m - first_pid_m, GROUP)
    pid_m = first_pid_m + ((pid % num_pid_in_group) % group_size_m)
    pid_n = (pid % num_pid_in_group) // group_size_m
    offs_am = (pid_m * BM + tl.arange(0, BM)) % M
    offs_bn = (pid_n * BN + tl.arange(0, BN)) % N
    offs_k = tl.arange(0, BK)
    a_ptrs = a_ptr + (offs_am[:, None] * am + offs_k[None, :] * ak)
    b_ptrs = b_ptr + (offs_k[:, None] * bk + offs_bn[None, :] * bn)
    accumulator = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, tl.cdiv(K, BK)):
        a = tl.load(a_ptrs, mask=offs_k[None, :] < K - k * BK, other=0.0)
        b = tl.load(b_ptrs, mask=offs_k[:, None] < K - k * BK, other=0.0)
        accumulator = tl.dot(a, b, accumulator)
        a_ptrs += BK * ak
        b_ptrs += BK * bk
    c = accumulator.to(tl.float16)
    offs_cm = pid_m * BM + tl.arange(0, BM)
    offs_cn = pid_n * BN + tl.arange(0, BN)
    c_ptrs = c_ptr + cm * offs_cm[:, None] + cn * offs_cn[None, :]
    c_mask = (offs_cm[:, None] < M) & (offs_cn[None, :] < N)
    tl.store(c_ptrs, c, mask=c_mask)
"""


def tutorial_arguments(m: int, n: int, k: int) -> dict[str, np.ndarray | int]:
    a, b = normal(m, k, dtype=np.float16), normal(k, n, dtype=np.float16)
    sizes = {"M": m, "N": n, "K": k, "am": k, "ak": 1, "bk": n, "bn": 1, "cm": n, "cn": 1}
    return {"a_ptr": a, "b_ptr": b, "c_ptr": np.zeros((m, n), np.float16)} | sizes


@EVERY
def test_rows_that_wrap_but_are_never_stored_are_masked_instead(passes):
    arguments = tutorial_arguments(40, 70, 50)
    module = compiled(TUTORIAL, arguments, (6,), passes, BM=32, BN=32, BK=16, GROUP=2)
    assert "insert_slice" not in to_text(module)
    assert 'tilescope.core = "vector"' not in to_text(module)
    got = run(module, arguments, (6,))
    expected = np.asarray(arguments["a_ptr"], np.float32) @ np.asarray(arguments["b_ptr"], np.float32)
    np.testing.assert_allclose(got["c_ptr"], expected, rtol=2e-3, atol=2e-2)


def test_rows_that_wrap_and_are_stored_stay_wrapped():
    """Without the mask at the store, the wrapped rows are part of the result."""
    text = TUTORIAL.replace(", mask=c_mask", "").replace("c_ptr + cm * offs_cm", "c_ptr + cm * (offs_cm + 0 * M)")
    arguments = tutorial_arguments(32, 32, 16)
    module = compiled(text, arguments, (1,), BM=32, BN=32, BK=16, GROUP=1)
    assert "insert_slice" in to_text(module)
