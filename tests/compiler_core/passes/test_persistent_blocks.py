"""persistent-blocks: fewer blocks run all programs of any grid, with equal results and in fewer cycles."""

from math import prod

import numpy as np
import pytest

from compiler_core.chips import chips
from compiler_core.emulator import run
from compiler_core.passes.base import PassContext
from compiler_core.passes.persistent_blocks import PersistentBlocks
from tests.compiler_core.passes.kernels import CLEAN, CLEANED_TO_TILE, Argument, compiled
from tests.compiler_core.passes.machine import OPTIMISED

CHIPS = pytest.mark.parametrize("chip", ["Ascend910B3", "Ascend310P3"])

NUMBERED = """
def numbered(x_ptr, out_ptr, B: tl.constexpr):
    x, y, z = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    i = tl.arange(0, B)
    number = (x * tl.num_programs(1) + y) * tl.num_programs(2) + z
    tl.store(out_ptr + number * B + i, tl.exp(tl.load(x_ptr + number * B + i)) + x * 100 + y * 10 + z)
"""


def emulated(
    arguments: dict[str, Argument], grid: tuple[int, int, int], chip: str, *, persistent: bool
) -> tuple[np.ndarray, int, list[str]]:
    """The output, the cycles, and what the emulator found wrong."""
    module = compiled(NUMBERED, arguments, grid, CLEANED_TO_TILE, chip, B=128)
    context = PassContext(chips()[chip], programs=prod(grid))
    for step in (*((PersistentBlocks(), *CLEAN) if persistent else ()), *OPTIMISED):
        step.apply(module, context)
    held = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments.values()]
    result = run(module, None, held, grid, chips()[chip])
    assert isinstance(held[1], np.ndarray)
    return held[1], result.cycles, [d.message.text for d in result.diagnostics]


@CHIPS
@pytest.mark.parametrize("grid", [(90, 1, 1), (7, 5, 3), (2, 3, 17), (1, 1, 1500)])
def test_every_program_runs_once_with_its_own_ids(chip, grid):
    x = np.random.default_rng(3).standard_normal((prod(grid), 128)).astype(np.float32)
    arguments: dict[str, Argument] = {"x_ptr": x, "out_ptr": np.zeros_like(x)}
    together, cycles, wrong = emulated(arguments, grid, chip, persistent=True)
    alone, cycles_alone, _ = emulated(arguments, grid, chip, persistent=False)
    a, b, c = np.indices(grid).reshape(3, -1, 1)
    np.testing.assert_allclose(together, np.exp(x) + a * 100 + b * 10 + c, rtol=1e-5)
    np.testing.assert_array_equal(together, alone)
    assert wrong == []
    assert cycles < cycles_alone


def test_a_grid_that_fits_the_cores_stays_one_block_a_program():
    arguments: dict[str, Argument] = {"x_ptr": np.zeros((4, 128), np.float32), "out_ptr": np.zeros((4, 128), np.float32)}
    module = compiled(NUMBERED, arguments, (4,), CLEANED_TO_TILE, B=128)
    before = [op.id for op in module.walk()]
    PersistentBlocks().apply(module, PassContext(chips()["Ascend910B3"], programs=4))
    assert [op.id for op in module.walk()] == before
