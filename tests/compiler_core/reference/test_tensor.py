"""The tensor stage on numpy: masked tiles, grids, rounding, and accesses out of bounds."""

import numpy as np
import pytest

from compiler_core.ir.types import f16, f32
from compiler_core.lowering.kernels.frame import Kernel
from compiler_core.reference.tensor import OutOfBounds, run_kernel


def doubling(size: int, tile: int, *, masked: bool) -> Kernel:
    """out = 2 · x in tiles, one a program; the last one masked or not."""
    kernel = Kernel("double", [("x", f16), ("out", f32)], (-(-size // tile),), (), ())
    part = kernel.tiled(kernel.program(0), size, tile, "column")
    valid = (part.inside,) if masked else ()
    x = kernel.to(kernel.load(kernel.buffers[0], part.start, (tile,), (1,), valid), f32)
    kernel.store(kernel.op("arith.addf", x, x), kernel.buffers[1], part.start, (1,), valid)
    return kernel


def test_every_program_of_the_grid_runs() -> None:
    x, out = np.arange(10, dtype=np.float16), np.full(10, -1, np.float32)
    run_kernel(doubling(10, 4, masked=True).finish(), [x, out], (3,))
    assert out.tolist() == [2.0 * i for i in range(10)]


def test_reading_behind_a_buffer_is_an_error() -> None:
    with pytest.raises(OutOfBounds, match="elements 8 to 11 of a buffer of 10"):
        run_kernel(doubling(10, 4, masked=False).finish(), [np.zeros(10, np.float16), np.zeros(10, np.float32)], (3,))


def test_a_narrowing_rounds_once() -> None:
    kernel = Kernel("round", [("x", f32), ("out", f16)], (1,), (), ())
    kernel.store(kernel.to(kernel.load(kernel.buffers[0], 0, (2,), (1,)), f16), kernel.buffers[1], 0, (1,))
    x, out = np.array([1 + 2**-11, 1e6], np.float32), np.zeros(2, np.float16)
    run_kernel(kernel.finish(), [x, out], (1,))
    assert out.tolist() == [1.0, float("inf")]


def test_loops_over_several_dimensions_run_row_major() -> None:
    kernel = Kernel("nest", [("out", f32)], (1,), (), ())

    def body(places: list, carried: list) -> list:
        kernel.store(kernel.full(1.0, (1,)), kernel.buffers[0], kernel.at((places[0], 10), (places[1], 1)), (1,))
        return []

    kernel.nest([("i", 2, 1), ("j", 6, 3)], [], body)
    out = np.zeros(20, np.float32)
    run_kernel(kernel.finish(), [out], (1,))
    assert np.flatnonzero(out).tolist() == [0, 3, 10, 13]
