"""The programs whose times are compared with published ones compute what they say, and wait where they must."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from schedules import Program, Split, add, gemm, gemm_gelu, gemm_zigzag, nd_to_nz  # pyright: ignore[reportMissingImports]

from compiler_core.chips import chips
from compiler_core.emulator import run
from compiler_core.ir.types import f32

RANDOM = np.random.default_rng(7)


def launch(program: Program, *arrays: np.ndarray) -> None:
    """Runs it on small arrays; a race or a flag left over fails."""
    result = run(program.module, None, arrays, (program.blocks, 1, 1), chips()["Ascend910B3"])
    assert result.diagnostics == ()


@pytest.mark.parametrize("buffers", [1, 2])
def test_a_sum_with_rows_that_do_not_divide(buffers: int) -> None:
    """11 rows over 4 cores, transfers that end inside a row."""
    x, y = RANDOM.standard_normal((2, 11, 100)).astype(np.float16)
    z = np.zeros_like(x)
    places = [(6144 * i, 6144 * i + 2048, 6144 * i + 4096) for i in range(buffers)]
    launch(add(11, 100, 4, 64, places), x, y, z)
    np.testing.assert_array_equal(z, x + y)


@pytest.mark.parametrize(
    ("split", "steps", "buffers", "options"),
    [
        (Split(2, 2, 64, 96), (1, 1), 1, {"unit_flag": False}),
        (Split(2, 2, 64, 96), (4, 2), 2, {"unit_flag": False, "ahead": True}),
        (Split(2, 2, 32, 96, rounds=2), (1, 2), 2, {"unit_flag": False, "order": "mn"}),
        (Split(2, 3, 64, 48), (2, 2), 2, {"unit_flag": False, "b_rows": True, "out": f32}),
    ],
    ids=["one step at a time", "packs, ahead", "rounds, rows first", "B in rows, fp32"],
)
def test_a_matrix_product(split: Split, steps: tuple[int, int], buffers: int, options: dict[str, object]) -> None:
    """120 rows and 136 columns, which no tile divides."""
    m, n, k = 120, 136, 128
    a, b = RANDOM.standard_normal((m, k)).astype(np.float16), RANDOM.standard_normal((k, n)).astype(np.float16)
    given = b if options.get("b_rows") else np.ascontiguousarray(b.T)
    c = np.zeros((m, n), np.float32 if options.get("out") == f32 else np.float16)
    launch(gemm(m, n, k, split, (32, 32, 32), steps, buffers, **options), a, given, c)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(c, a.astype(np.float32) @ b.astype(np.float32), rtol=2e-3, atol=2e-2)


def test_a_matrix_product_and_its_gelu_on_the_vector_cores() -> None:
    """Two tiles of rows for each block; a vector core takes half a tile. As published, it does not wait for its stores."""
    a, b = (RANDOM.standard_normal((128, 64)) / 8).astype(np.float16), RANDOM.standard_normal((64, 64)).astype(np.float16)
    c = np.zeros((128, 64), np.float32)
    program = gemm_gelu(128, 64, 64, Split(1, 2, 128, 32), (64, 32, 16), (2, 1))
    run(program.module, None, (a, np.ascontiguousarray(b.T), c), (2, 1, 1), chips()["Ascend910B3"])
    x = a.astype(np.float32) @ b.astype(np.float32)
    np.testing.assert_allclose(c, x / (1 + np.exp(-1.5957691 * (x + 0.044715 * x**3))), rtol=2e-3, atol=2e-3)


def test_a_matrix_product_dealt_zigzag() -> None:
    a, b = RANDOM.standard_normal((160, 64)).astype(np.float16), RANDOM.standard_normal((64, 96)).astype(np.float16)
    c = np.zeros((160, 96), np.float16)
    launch(gemm_zigzag(160, 96, 64, 4, (32, 32, 16), (2, 2)), a, np.ascontiguousarray(b.T), c)
    np.testing.assert_allclose(c, a.astype(np.float32) @ b.astype(np.float32), rtol=2e-3, atol=2e-2)


def test_a_matrix_into_fractals() -> None:
    """Rows that the tile does not divide; blocks of 16 columns one after the other."""
    x = RANDOM.standard_normal((64, 64)).astype(np.float16)
    z = np.zeros(64 * 64, np.float16)
    launch(nd_to_nz(64, (2, 2), (24, 32), 25), x, z)
    np.testing.assert_array_equal(z.reshape(4, 64, 16), x.reshape(64, 4, 16).transpose(1, 0, 2))
