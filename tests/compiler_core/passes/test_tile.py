"""tile and assign-units: blocks too large for a core are cut, equal results; what cannot be cut is refused with its costs."""

import numpy as np
import pytest

from compiler_core.analysis.footprint import peaks
from compiler_core.chips import chips
from compiler_core.diagnostics import Refused
from compiler_core.dialects.builtin import functions
from compiler_core.ir import Op, StringAttr, to_text
from tests.compiler_core.passes.kernels import CLEANED_TO_TILE, TO_TILE, compiled, run

RANDOM = np.random.default_rng(11)
BOTH = pytest.mark.parametrize("passes", [TO_TILE, CLEANED_TO_TILE], ids=["plain", "cleaned"])


def normal(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(dtype)


def loops(module: Op) -> list[Op]:
    return [op for op in module.walk() if op.name == "scf.for" and op.body.arguments[0].name == "tile"]


def fits(module: Op, chip: str = "Ascend910B3") -> bool:
    memories = chips()[chip].buffers
    return all(peak.bytes <= memories[memory] for memory, peak in peaks(functions(module)[0]).items())


ADD = """
def add(x_ptr, y_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    x = tl.load(x_ptr + i, mask=i < n)
    y = tl.load(y_ptr + i, mask=i < n)
    tl.store(out_ptr + i, x + y, mask=i < n)
"""


@BOTH
def test_a_long_block_is_cut(passes):
    n = 70_001
    x, y = normal(n), normal(n)
    arguments = {"x_ptr": x, "y_ptr": y, "out_ptr": np.zeros(n, np.float32), "n": n}
    module = compiled(ADD, arguments, (2,), passes, B=65536)
    assert len(loops(module)) == 1 and fits(module)
    np.testing.assert_array_equal(run(module, arguments, (2,))["out_ptr"], x + y)


def test_a_block_that_fits_is_left_alone():
    arguments = {name: np.zeros(100, np.float32) for name in ("x_ptr", "y_ptr", "out_ptr")} | {"n": 100}
    assert loops(compiled(ADD, arguments, (1,), TO_TILE, B=128)) == []


ROWS = """
def rows(x_ptr, out_ptr, rows, cols, R: tl.constexpr, C: tl.constexpr):
    r = tl.program_id(0) * R + tl.arange(0, R)
    c = tl.arange(0, C)
    mask = (r[:, None] < rows) & (c[None, :] < cols)
    at = r[:, None] * cols + c[None, :]
    x = tl.load(x_ptr + at, mask=mask, other=-float("inf"))
    e = tl.exp(x - tl.max(x, axis=1)[:, None])
    tl.store(out_ptr + at, e / tl.sum(e, axis=1)[:, None], mask=mask)
"""


@BOTH
def test_row_wise_reductions_are_cut_between_rows(passes):
    x = normal(150, 250)
    arguments = {"x_ptr": x, "out_ptr": np.zeros_like(x), "rows": 150, "cols": 250}
    module = compiled(ROWS, arguments, (2,), passes, R=128, C=256)
    (loop,) = loops(module)
    assert "128x256" not in to_text(loop) and "x256xf32" in to_text(loop)
    assert fits(module)
    e = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(run(module, arguments, (2,))["out_ptr"], e / e.sum(1, keepdims=True), rtol=1e-5)


MATMUL = """
def matmul(a_ptr, b_ptr, c_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        a = tl.load(a_ptr + m[:, None] * K + k[None, :], mask=(m[:, None] < M) & (k[None, :] < K), other=0.0)
        b = tl.load(b_ptr + k[:, None] * N + n[None, :], mask=(k[:, None] < K) & (n[None, :] < N), other=0.0)
        acc = tl.dot(a, b, acc)
    mask = (m[:, None] < M) & (n[None, :] < N)
    tl.store(c_ptr + m[:, None] * N + n[None, :], tl.maximum(acc, 0.0).to(tl.float16), mask=mask)
"""


def product(m: int, n: int, k: int) -> dict[str, np.ndarray | int]:
    a, b = normal(m, k, dtype=np.float16), normal(k, n, dtype=np.float16)
    return {"a_ptr": a, "b_ptr": b, "c_ptr": np.zeros((m, n), np.float16), "M": m, "N": n, "K": k}


@BOTH
def test_a_product_too_large_for_l0c_is_cut(passes):
    arguments = product(250, 300, 40)
    module = compiled(MATMUL, arguments, (1, 2), passes, BM=256, BN=256, BK=32)
    assert len(loops(module)) == 1 and fits(module)
    expected = np.maximum(np.asarray(arguments["a_ptr"], np.float32) @ np.asarray(arguments["b_ptr"], np.float32), 0)
    np.testing.assert_allclose(run(module, arguments, (1, 2))["c_ptr"], expected, rtol=2e-3, atol=2e-2)


def unit_of(module: Op, name: str) -> set[str]:
    units = (op.get("unit", StringAttr) for op in module.walk() if op.name == name)
    return {unit.value for unit in units if unit is not None}


def core(module: Op) -> str:
    attribute = functions(module)[0].get("tilescope.core", StringAttr)
    assert attribute is not None
    return attribute.value


def test_relu_and_narrowing_ride_on_the_way_out_of_l0c_of_split_chips():
    arguments = product(32, 32, 32)
    split = compiled(MATMUL, arguments, (1, 1), TO_TILE, BM=32, BN=32, BK=32)
    assert core(split) == "cube"
    assert unit_of(split, "arith.truncf") == {"cube"}
    coupled = compiled(MATMUL, arguments, (1, 1), TO_TILE, "Ascend310P3", BM=32, BN=32, BK=32)
    assert core(coupled) == "mix"
    assert unit_of(coupled, "linalg.matmul") == {"cube"}
    assert unit_of(coupled, "arith.truncf") == {"vector"}


BIASED = (
    MATMUL.replace("acc = tl.dot(a, b, acc)", "acc += tl.dot(a, b)")
    .replace("    mask = (m", "    acc = acc + tl.load(bias_ptr + n, mask=n < N, other=0.0)[None, :]\n    mask = (m")
    .replace("c_ptr, M", "c_ptr, bias_ptr, M")
)


@BOTH
def test_what_is_added_to_a_product_is_where_its_accumulation_starts(passes):
    arguments = product(40, 50, 60)
    bias = normal(50)
    arguments = {name: arguments[name] for name in ("a_ptr", "b_ptr", "c_ptr")} | {"bias_ptr": bias, "M": 40, "N": 50, "K": 60}
    module = compiled(BIASED, arguments, (2, 2), passes, BM=32, BN=32, BK=16)
    assert "arith.addf" not in to_text(module)
    assert core(module) == "cube"
    expected = np.maximum(np.asarray(arguments["a_ptr"], np.float32) @ np.asarray(arguments["b_ptr"], np.float32) + bias, 0)
    np.testing.assert_allclose(run(module, arguments, (2, 2))["c_ptr"], expected, rtol=2e-3, atol=2e-2)


SHARED = """
def shared(a_ptr, out_ptr, sum_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    at = i[:, None] * B + i[None, :]
    a = tl.load(a_ptr + at)
    tl.store(out_ptr + at, tl.dot(a, a))
    tl.store(sum_ptr + i, tl.sum(a, axis=1))
"""


def test_a_load_that_the_vector_unit_needs_too_is_read_once_more_for_the_cube():
    a = normal(16, 16, dtype=np.float16)
    arguments = {"a_ptr": a, "out_ptr": np.zeros((16, 16), np.float32), "sum_ptr": np.zeros(16, np.float16)}
    module = compiled(SHARED, arguments, (1,), TO_TILE, B=16)
    assert unit_of(module, "bufferization.to_tensor") == {"cube", "vector"}
    got = run(module, arguments, (1,))
    np.testing.assert_allclose(got["out_ptr"], a.astype(np.float32) @ a.astype(np.float32), rtol=1e-3, atol=1e-3)


LONG_ROW = """
def long_row(x_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, x - tl.sum(x, axis=0))
"""


def test_a_row_that_cannot_be_cut_is_refused_with_what_costs_what():
    arguments = {"x_ptr": np.zeros(131072, np.float32), "out_ptr": np.zeros(131072, np.float32)}
    with pytest.raises(Refused) as refused:
        compiled(LONG_ROW, arguments, (1,), TO_TILE, B=131072)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.message.code == "tile-too-large-vector-blocked"
    assert diagnostic.message.arguments["needed"] == 513  # the row, and the sum
    assert diagnostic.message.arguments["capacity"] == 192
    assert diagnostic.message.arguments["line"] == 10
    assert "tensor<131072xf32>, 512 KiB (line 9)" in diagnostic.message.text


def test_a_store_that_a_later_tile_would_read_keeps_the_block_whole():
    """Tiles run one after the other: here the second would read what the first has stored."""
    shift = ADD.replace("out_ptr + i", "x_ptr + i + 1")
    arguments = {name: np.zeros(70_001, np.float32) for name in ("x_ptr", "y_ptr", "out_ptr")} | {"n": 70_000}
    with pytest.raises(Refused) as refused:
        compiled(shift, arguments, (1,), TO_TILE, B=131072)
    assert refused.value.diagnostics[0].message.code == "tile-too-large-vector"
