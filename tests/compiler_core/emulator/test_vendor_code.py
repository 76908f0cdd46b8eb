"""Code that the vendor's compiler made computes what numpy does, on odd shapes, and raises no false alarm."""

import numpy as np
import pytest

from tests.compiler_core.emulator.kernels import run_add, run_matmul, run_softmax


@pytest.mark.parametrize("n", [1, 31, 1023, 1024, 1025, 98_432])
def test_add(n: int) -> None:
    result, out, expected = run_add(n)
    np.testing.assert_array_equal(out, expected)
    assert result.diagnostics == ()
    assert result.traffic == {"GM->UB": 8 * n, "UB->GM": 4 * n}


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (7, 1024), (200, 781), (41, 33)])
def test_softmax(rows: int, columns: int) -> None:
    result, out, expected = run_softmax(rows, columns)
    np.testing.assert_allclose(out, expected, atol=1e-6)
    assert result.diagnostics == ()


@pytest.mark.parametrize(("m", "n", "k"), [(64, 128, 64), (1, 1, 1), (100, 200, 72), (130, 257, 65), (512, 512, 512)])
def test_matmul(m: int, n: int, k: int) -> None:
    result, out, expected = run_matmul(m, n, k)
    np.testing.assert_allclose(out, expected.astype(np.float16), atol=2e-2, rtol=2e-3)
    assert result.diagnostics == ()
    assert result.operations == 2 * m * n * k


def test_time_does_not_need_data() -> None:
    """Where no path depends on data, a run without it takes the same cycles."""
    with_data, _, _ = run_matmul(130, 257, 65)
    without, out, _ = run_matmul(130, 257, 65, functional=False)
    assert not out.any()
    assert (without.cycles, without.pipes, without.traffic) == (with_data.cycles, with_data.pipes, with_data.traffic)


def test_a_run_gives_the_same_bits_and_cycles_again() -> None:
    first, out, _ = run_softmax(200, 781)
    second, again, _ = run_softmax(200, 781)
    assert out.tobytes() == again.tobytes()
    assert first.cycles == second.cycles


def test_more_blocks_than_cores_take_waves() -> None:
    """Forty vector cores: the forty-first block waits for one of them."""
    full, _, _ = run_add(40 * 1024)
    more, _, _ = run_add(41 * 1024)
    assert full.active_cores == more.active_cores == 40
    assert more.cycles > 1.5 * full.cycles
    assert sum(1 for end in more.cores if end == more.cycles) == 1
