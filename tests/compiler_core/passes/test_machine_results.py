"""The machine stage: kernels give numpy's results on both chips, with every set of optimisations, and no pipe races another."""

import math

import ml_dtypes
import numpy as np
import pytest

from compiler_core.chips import chips
from compiler_core.diagnostics import Refused
from compiler_core.passes.base import PassContext
from tests.compiler_core.passes.kernels import TO_TENSOR, compiled
from tests.compiler_core.passes.machine import WAYS, launch, machine

RANDOM = np.random.default_rng(11)
EVERY_WAY = pytest.mark.parametrize("way", WAYS)
BOTH_CHIPS = pytest.mark.parametrize("chip", ["Ascend910B3", "Ascend310P3"])


def normal(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(dtype)


def check(source, arguments, grid, way, chip="Ascend910B3", out="out_ptr", *, want, rtol=1e-5, atol=1e-6, **constexprs):
    module = machine(source, arguments, grid, WAYS[way], chip, **constexprs)
    got, wrong = launch(module, arguments, grid, chip)
    assert not wrong
    np.testing.assert_allclose(got[out].astype(np.float64), want, rtol=rtol, atol=atol)


def elementwise(body: str, arguments: int = 1) -> str:
    """A kernel that applies `body` to x (and y) element by element."""
    names = ["x", "y"][:arguments]
    pointers = ", ".join(f"{n}_ptr" for n in names)
    loads = "\n".join(f"    {n} = tl.load({n}_ptr + i, mask=i < n)" for n in names)
    return f"""def k({pointers}, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
{loads}
    tl.store(out_ptr + i, {body}, mask=i < n)
"""


ROW_LOOP = """def k(x_ptr, out_ptr, stride, n_cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    low = tl.full([BLOCK], float("-inf"), tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for start in range(0, n_cols, BLOCK):
        i = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * stride + i, mask=i < n_cols, other=float("-inf"))
        higher = tl.maximum(low, x)
        total = total * tl.exp(low - higher) + tl.exp(x - higher)
        low = higher
    top = tl.max(low, axis=0)
    whole = tl.sum(total * tl.exp(low - top), axis=0)
    for start in range(0, n_cols, BLOCK):
        i = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * stride + i, mask=i < n_cols, other=0.0)
        tl.store(out_ptr + row * stride + i, tl.exp(x - top) / whole, mask=i < n_cols)
"""
"""Softmax in one pass over a row of any length: three buffers carried by a loop, each computed from the others."""


@EVERY_WAY
@BOTH_CHIPS
def test_two_carried_buffers(way, chip):
    x = normal(5, 301)
    e = np.exp(x - x.max(1, keepdims=True))
    arguments = {"x_ptr": x, "out_ptr": np.zeros_like(x), "stride": 301, "n_cols": 301}
    check(ROW_LOOP, arguments, (5,), way, chip, want=e / e.sum(1, keepdims=True), BLOCK=64)


NESTED = """def k(x_ptr, out_ptr, rows, n_cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(rows):
        total = tl.zeros([BLOCK], tl.float32)
        for start in range(0, n_cols, BLOCK):
            total += tl.load(x_ptr + row * n_cols + start + i, mask=start + i < n_cols, other=0.0)
        tl.store(out_ptr + row * BLOCK + i, total)
"""
"""The outer loop stores what the inner one sums up: a buffer with two copies that the inner loop must not take turns with."""


@EVERY_WAY
@BOTH_CHIPS
def test_nested_loops(way, chip):
    x = normal(5, 150)
    want = np.pad(x, ((0, 0), (0, 42))).reshape(5, 3, 64).sum(1)
    arguments = {"x_ptr": x, "out_ptr": np.zeros((5, 64), np.float32), "rows": 5, "n_cols": 150}
    check(NESTED, arguments, (1,), way, chip, want=want, rtol=1e-5, BLOCK=64)


MATMUL = """def k(a_ptr, b_ptr, out_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    acc = tl.zeros([BM, BN], tl.float32)
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        a = tl.load(a_ptr + m[:, None] * K + k[None, :], mask=(m[:, None] < M) & (k[None, :] < K), other=0.0)
        b = tl.load(B_PLACE, mask=(k[:, None] < K) & (n[None, :] < N), other=0.0)
        acc = tl.dot(a, b, acc)
    tl.store(out_ptr + m[:, None] * N + n[None, :], END, mask=(m[:, None] < M) & (n[None, :] < N))
"""


def matmul(end: str = "acc.to(tl.float16)", place: str = "b_ptr + k[:, None] * N + n[None, :]") -> str:
    return MATMUL.replace("B_PLACE", place).replace("END", end)


def product(m: int, n: int, k: int, out: type = np.float16, dtype: type = np.float16):
    a, b = normal(m, k, dtype=dtype), normal(k, n, dtype=dtype)
    arguments = {"a_ptr": a, "b_ptr": b, "out_ptr": np.zeros((m, n), out), "M": m, "N": n, "K": k}
    return arguments, a.astype(np.float64) @ b.astype(np.float64)


@EVERY_WAY
@BOTH_CHIPS
def test_ragged_matmul(way, chip):
    arguments, want = product(70, 45, 83)
    check(matmul(), arguments, (3, 2), way, chip, want=want, rtol=2e-3, atol=0.02, BM=32, BN=32, BK=32)


@BOTH_CHIPS
def test_matmul_with_relu(chip):
    arguments, want = product(40, 48, 64)
    end = "tl.maximum(acc, 0.0).to(tl.float16)"
    check(
        matmul(end), arguments, (2, 2), "optimised", chip, want=np.maximum(want, 0), rtol=2e-3, atol=0.02, BM=32, BN=32, BK=32
    )


@EVERY_WAY
@BOTH_CHIPS
def test_byte_matmul_whose_border_is_a_converted_number(way, chip):
    a, b = RANDOM.integers(-5, 5, (20, 40)).astype(np.int8), RANDOM.integers(-5, 5, (40, 20)).astype(np.int8)
    source = matmul("acc").replace("other=0.0", "other=0").replace("tl.float32", "tl.int32")
    arguments = {"a_ptr": a, "b_ptr": b, "out_ptr": np.zeros((20, 20), np.int32), "M": 20, "N": 20, "K": 40}
    want = a.astype(np.int32) @ b.astype(np.int32)
    check(source, arguments, (1, 1), way, chip, want=want, rtol=0, atol=0, BM=32, BN=32, BK=32)


def test_float32_matmul_on_the_split_chip():
    arguments, want = product(33, 17, 40, np.float32, np.float32)
    check(matmul("acc"), arguments, (2, 1), "optimised", want=want, rtol=1e-4, atol=1e-4, BM=32, BN=32, BK=16)


def test_float32_matmul_on_the_coupled_chip_is_refused():
    arguments, _ = product(32, 32, 32, np.float32, np.float32)
    with pytest.raises(Refused, match="fp16"):
        machine(matmul("acc"), arguments, (1, 1), chip="Ascend310P3", BM=32, BN=32, BK=32)


@EVERY_WAY
def test_vector_work_behind_a_product_on_the_coupled_chip(way):
    arguments, want = product(40, 48, 64, np.float32)
    check(
        matmul("tl.exp(acc * 0.01)"),
        arguments,
        (2, 2),
        way,
        "Ascend310P3",
        want=np.exp(want * 0.01),
        rtol=1e-3,
        BM=32,
        BN=32,
        BK=32,
    )


FUNCTIONS = {
    "tl.exp2(x)": np.exp2,
    "tl.log(tl.abs(x) + 1.0)": lambda x: np.log(np.abs(x) + 1),
    "tl.log2(x * x + 1.0)": lambda x: np.log2(x * x + 1),
    "tl.sqrt(tl.abs(x))": lambda x: np.sqrt(np.abs(x)),
    "tl.rsqrt(x * x + 0.5)": lambda x: 1 / np.sqrt(x * x + 0.5),
    "tl.erf(x)": np.vectorize(math.erf),
    "tl.sin(x)": np.sin,
    "tl.cos(3.0 * x)": lambda x: np.cos(3 * x),
    "tl.floor(x * 3.0)": lambda x: np.floor(x * np.float32(3)),
    "tl.ceil(x * 3.0)": lambda x: np.ceil(x * np.float32(3)),
    "x / (1.0 + tl.exp(-x))": lambda x: x / (1 + np.exp(-x)),
    "1.0 - x": lambda x: 1 - x,
    "2.0 / (x * x + 1.0)": lambda x: 2 / (x * x + 1),
    "tl.where(x > 0.0, x, x * 0.1)": lambda x: np.where(x > 0, x, x * np.float32(0.1)),
    "tl.where((x > -1.0) & (x <= 1.0), 1.0, 0.0)": lambda x: ((x > -1) & (x <= 1)) * 1.0,
    "(x.to(tl.int32) % 3).to(tl.float32)": lambda x: np.fmod(np.trunc(x), 3),
    "(x * 8.0).to(tl.int32) >> 1": lambda x: np.trunc(x * 8).astype(np.int32) >> 1,
    "((x * 8.0).to(tl.int32) ^ 5).to(tl.float32)": lambda x: np.trunc(x * 8).astype(np.int32) ^ 5,
}


@BOTH_CHIPS
@pytest.mark.parametrize("body", FUNCTIONS)
def test_functions(body, chip):
    x = normal(200) * 3
    arguments = {"x_ptr": x, "out_ptr": np.zeros(200, np.float32), "n": 200}
    check(elementwise(body), arguments, (2,), "optimised", chip, want=FUNCTIONS[body](x), rtol=3e-6, atol=3e-7, BLOCK=128)


@BOTH_CHIPS
def test_conversion_to_a_byte_drops_what_is_after_the_point(chip):
    # 9.9999 rounds to 10 in fp16
    x = np.array([9.9999, -9.9999, 0.99999, 100.7, -100.7], np.float32)
    arguments = {"x_ptr": x, "out_ptr": np.zeros(5, np.int8), "n": 5}
    check(elementwise("x.to(tl.int8)"), arguments, (1,), "optimised", chip, want=np.trunc(x), BLOCK=32)


@EVERY_WAY
@BOTH_CHIPS
def test_masked_store_of_one_value(way, chip):
    out = np.zeros(150, np.float32)
    source = """def k(out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, 2.5, mask=i < n)
"""
    check(source, {"out_ptr": out, "n": 140}, (3,), way, chip, want=(np.arange(150) < 140) * 2.5, BLOCK=64)


def test_bfloat16_is_computed_in_float32():
    x = normal(100).astype(ml_dtypes.bfloat16)
    arguments = {"x_ptr": x, "out_ptr": np.zeros(100, ml_dtypes.bfloat16), "n": 100}
    want = (x.astype(np.float32) * x.astype(np.float32)).astype(ml_dtypes.bfloat16).astype(np.float64)
    check(elementwise("x * x"), arguments, (1,), "optimised", want=want, rtol=0, atol=0, BLOCK=128)


OUTER = """def k(x_ptr, y_ptr, out_ptr, M, N, BM: tl.constexpr, BN: tl.constexpr):
    i = tl.arange(0, BM)
    j = tl.arange(0, BN)
    x = tl.load(x_ptr + i, mask=i < M, other=0.0)
    y = tl.load(y_ptr + j, mask=j < N, other=0.0)
    z = x[:, None] * y[None, :] + x[:, None]
    z = z - tl.max(z, axis=1)[:, None]
    tl.store(out_ptr + i[:, None] * N + j[None, :], z, mask=(i[:, None] < M) & (j[None, :] < N))
"""


@EVERY_WAY
@BOTH_CHIPS
def test_broadcasts_and_reductions_of_rows(way, chip):
    x, y = normal(13), normal(29)
    z = x[:, None] * y[None, :] + x[:, None]
    # the block's padding takes part in the maximum: its columns are z = x
    top = np.maximum(z.max(1), x)[:, None]
    arguments = {"x_ptr": x, "y_ptr": y, "out_ptr": np.zeros((13, 29), np.float32), "M": 13, "N": 29}
    check(OUTER, arguments, (1,), way, chip, want=z - top, BM=16, BN=32)


TRANSPOSE = """def k(x_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i[:, None] * B + i[None, :])
    tl.store(out_ptr + i[:, None] * B + i[None, :], tl.trans(x) + 1.0)
"""


def test_transpose():
    x = normal(32, 32)
    check(TRANSPOSE, {"x_ptr": x, "out_ptr": np.zeros_like(x)}, (1,), "optimised", want=x.T + 1, B=32)


BRANCH = """def k(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    if tl.program_id(0) > 0:
        x = x * 2.0
    else:
        x = x + 100.0
    tl.store(out_ptr + i, x, mask=i < n)
"""


@EVERY_WAY
def test_branches_meet_in_one_buffer(way):
    x = normal(150)
    want = np.concatenate([x[:64] + 100, x[64:] * 2])
    check(BRANCH, {"x_ptr": x, "out_ptr": np.zeros_like(x), "n": 150}, (3,), way, want=want, BLOCK=64)


WHILE = """def k(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.zeros([BLOCK], tl.float32)
    b = tl.load(x_ptr + i)
    start = 0
    while start < n:
        x = tl.load(x_ptr + start + i, mask=start + i < n, other=0.0)
        c = a
        a = b + x
        b = c * 2.0
        start += BLOCK
    tl.store(out_ptr + i, a)
    tl.store(out_ptr + BLOCK + i, b)
"""


@EVERY_WAY
@BOTH_CHIPS
def test_while_loop_carries_tensors_that_change_places(way, chip):
    x = normal(150)
    padded = np.concatenate([x, np.zeros(42, np.float32)])
    a, b = np.zeros(64, np.float32), x[:64]
    for piece in padded.reshape(3, 64):
        a, b = b + piece, a * 2
    arguments = {"x_ptr": x, "out_ptr": np.zeros(128, np.float32), "n": 150}
    check(WHILE, arguments, (1,), way, chip, want=np.concatenate([a, b]), BLOCK=64)


def test_load_that_wraps_around_inside_a_block_is_refused():
    x = normal(60)
    with pytest.raises(Refused, match="wraps around"):
        machine(elementwise("x + tl.load(x_ptr + i % 7)"), {"x_ptr": x, "out_ptr": x, "n": 60}, (1,), BLOCK=64)


def test_too_many_bytes_are_refused_with_their_buffers():
    x = np.zeros(1 << 16, np.float32)
    arguments = {"x_ptr": x, "y_ptr": x, "out_ptr": x, "n": 1 << 16}
    # without tiling, which would have cut the block
    module = compiled(elementwise("x + y", 2), arguments, (1,), TO_TENSOR, BLOCK=1 << 16)
    with pytest.raises(Refused) as refused:
        for step in WAYS["lowered"]:
            step.apply(module, PassContext(chips()["Ascend910B3"]))
    (diagnostic,) = refused.value.diagnostics
    assert "UB holds 196608 bytes" in diagnostic.message.text
    assert "65536 f32, 262144 bytes, line 9" in diagnostic.message.text
    assert diagnostic.spans


def test_vector_work_behind_a_product_on_the_split_chip_is_refused():
    arguments, _ = product(32, 32, 32, np.float32)
    with pytest.raises(Refused) as refused:
        machine(matmul("tl.exp(acc)"), arguments, (1, 1), BM=32, BN=32, BK=32)
    assert "global memory" in refused.value.diagnostics[0].message.text
