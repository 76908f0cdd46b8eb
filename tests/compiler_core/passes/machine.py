"""Kernels of the machine stage for its tests: compiled with chosen optimisations, run by the emulator, and watched."""

from collections.abc import Mapping, Sequence

import numpy as np

from compiler_core.chips import chips
from compiler_core.emulator import run
from compiler_core.ir import Op
from compiler_core.ir.verifier import verify
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.bufferize import Bufferize
from compiler_core.passes.double_buffer import DoubleBuffer
from compiler_core.passes.insert_flags import InsertFlags
from compiler_core.passes.keep_in_vector import KeepInVector
from compiler_core.passes.persistent_blocks import PersistentBlocks
from compiler_core.passes.plan_memory import PlanMemory
from compiler_core.passes.reuse_buffers import ReuseBuffers
from tests.compiler_core.passes.kernels import CLEAN, CLEANED_TO_TILE, Argument, compiled

LOWERED: tuple[Pass, ...] = (Bufferize(), PlanMemory(), InsertFlags())
OPTIMISED: tuple[Pass, ...] = (
    Bufferize(),
    KeepInVector(),
    ReuseBuffers(),
    DoubleBuffer(),
    PlanMemory(),
    InsertFlags(),
)
BUFFERS: tuple[Pass, ...] = (Bufferize(), ReuseBuffers(), DoubleBuffer(), PlanMemory(), InsertFlags())
PERSISTENT: tuple[Pass, ...] = (PersistentBlocks(), *CLEAN, *OPTIMISED)
WAYS = {"lowered": LOWERED, "optimised": OPTIMISED, "buffers": BUFFERS, "persistent": PERSISTENT}
"""Lowerings alone; and with optimisations, which must not change results."""


def machine(
    source: str,
    arguments: Mapping[str, Argument],
    grid: Sequence[int],
    passes: Sequence[Pass] = OPTIMISED,
    chip: str = "Ascend910B3",
    **constexprs: int,
) -> Op:
    """The kernel at the machine stage, verified after each pass."""
    module = compiled(source, arguments, grid, CLEANED_TO_TILE, chip, **constexprs)
    context = PassContext(chips()[chip])
    stage = "tile"
    for step in passes:
        step.apply(module, context)
        stage = "machine" if step.stage_out == "machine" else stage
        verify(module, stage)
    return module


def launch(
    module: Op, arguments: Mapping[str, Argument], grid: Sequence[int], chip: str = "Ascend910B3"
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Every array after the kernel ran, and what the emulator found wrong (races, flags left over)."""
    held = {name: a.copy() if isinstance(a, np.ndarray) else a for name, a in arguments.items()}
    x, y, z = (*grid, 1, 1)[:3]
    result = run(module, None, list(held.values()), (x, y, z), chips()[chip])
    arrays = {name: a for name, a in held.items() if isinstance(a, np.ndarray)}
    return arrays, [diagnostic.message.text for diagnostic in result.diagnostics]


def ops(module: Op, *names: str) -> list[Op]:
    return [op for op in module.walk() if op.name.removeprefix("hivm.hir.") in names]
