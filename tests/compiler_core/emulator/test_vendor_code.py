"""Code that the vendor's compiler made computes what Triton's interpreter does, on odd shapes, and raises no false alarm."""

import numpy as np
import pytest

from tests.compiler_core.emulator.judging import differences, execute, widened
from tests.compiler_core.emulator.kernels import run_add, run_matmul, run_softmax
from tests.compiler_core.emulator.vendor import Kernel, Sizes, kernels, shown

CASES = [(kernel, sizes) for kernel in kernels().values() for sizes in kernel.small]


@pytest.mark.parametrize(("kernel", "sizes"), CASES, ids=[f"{kernel.name}-{shown(sizes)}" for kernel, sizes in CASES])
def test_equal_to_the_interpreter(kernel: Kernel, sizes: Sizes) -> None:
    """Every tensor, those included that the kernel leaves alone."""
    launch = kernel.at(sizes)
    result = execute(kernel, launch)
    with np.load(kernel.outputs) as recorded:
        prefix = f"{shown(sizes)}/"
        changed = {name.removeprefix(prefix): recorded[name] for name in recorded.files if name.startswith(prefix)}
    assert differences(kernel, sizes, launch, changed) == {}
    assert result.diagnostics == ()
    assert result.cycles > 0


def test_bfloat16_products_add_in_fp32() -> None:
    kernel = kernels()["matmul_bf16"]
    launch = kernel.at((65, 70, 90))
    a, b, c = (np.asarray(launch.arguments[name]) for name in ("a_ptr", "b_ptr", "c_ptr"))
    assert execute(kernel, launch).diagnostics == ()
    np.testing.assert_allclose(c, widened(a) @ widened(b), rtol=1e-5, atol=1e-5)


def test_what_a_block_reads_it_reads_and_no_more() -> None:
    """Bytes by path, where every element is needed once."""
    result, out, expected = run_add(98_432)
    np.testing.assert_array_equal(out, expected)
    assert result.diagnostics == ()
    assert result.traffic == {"GM->UB": 8 * 98_432, "UB->GM": 4 * 98_432}


def test_a_multiply_add_counts_twice() -> None:
    result, out, expected = run_matmul(130, 257, 65)
    np.testing.assert_allclose(out, expected.astype(np.float16), atol=2e-2, rtol=2e-3)
    assert result.operations == 2 * 130 * 257 * 65


def test_time_does_not_need_data() -> None:
    """Where no path depends on data, a run without it takes the same cycles."""
    with_data, _, _ = run_matmul(130, 257, 65)
    without, out, _ = run_matmul(130, 257, 65, functional=False)
    assert not out.any()
    assert (without.cycles, without.pipes, without.traffic) == (with_data.cycles, with_data.pipes, with_data.traffic)


def test_blocks_of_later_batches_compute_too() -> None:
    """More rows than the host's cache holds at once, in three batches of equal size."""
    _, out, expected = run_softmax(1350, 781)
    np.testing.assert_allclose(out, expected, atol=1e-6)


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
