"""Kernels for the tests of the tensor and tile stages: compiled so far, and run by the reference of the tensor stage."""

from collections.abc import Mapping, Sequence

import ml_dtypes
import numpy as np

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.chips import chips
from compiler_core.dialects.builtin import functions
from compiler_core.importers.triton import import_kernel, resolve_launch
from compiler_core.ir import Op
from compiler_core.ir.verifier import verify
from compiler_core.passes.accumulate_products import AccumulateProducts
from compiler_core.passes.assign_units import AssignUnits
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.canonicalize import Canonicalize
from compiler_core.passes.cse import Cse
from compiler_core.passes.inline import Inline
from compiler_core.passes.licm import Licm
from compiler_core.passes.structure_access import StructureAccess
from compiler_core.passes.tile import Tile
from compiler_core.reference.tensor import run_kernel
from compiler_core.request import Constexpr, Launch, TensorArgument

Argument = np.ndarray | int | float
HEADER = "import triton\nimport triton.language as tl\n\n\n@triton.jit\n"
CLEAN: tuple[Pass, ...] = (Canonicalize(), Cse(), Licm())
TO_TENSOR: tuple[Pass, ...] = (Inline(), StructureAccess())
TO_TILE: tuple[Pass, ...] = (*TO_TENSOR, AccumulateProducts(), Tile(), AssignUnits())
CLEANED_TO_TILE: tuple[Pass, ...] = (
    Inline(),
    *CLEAN,
    StructureAccess(),
    *CLEAN,
    AccumulateProducts(),
    Tile(),
    AssignUnits(),
    *CLEAN,
)


def dtype_name(array: np.ndarray) -> str:
    return "bfloat16" if array.dtype == ml_dtypes.bfloat16 else array.dtype.name


def compiled(
    source: str,
    arguments: Mapping[str, Argument],
    grid: Sequence[int],
    passes: Sequence[Pass] = TO_TENSOR,
    chip: str = "Ascend910B3",
    **constexprs: Constexpr,
) -> Op:
    """The module after the passes, verified after each. `source` is a kernel, its decorator may be left out."""
    text = source if "import triton" in source else HEADER + source
    described = {
        name: TensorArgument(dtype_name(a), a.shape) if isinstance(a, np.ndarray) else a for name, a in arguments.items()
    }
    launch = resolve_launch(text, Launch(grid=tuple(grid), arguments=described, constexprs=constexprs))
    module = import_kernel(text, launch)
    context = PassContext(chips()[chip])
    stage = "tt"
    for step in passes:
        step.apply(module, context)
        stage = step.stage_out if step.name in ("structure-access", "tile") else stage
        verify(module, stage)
    return module


def run(module: Op, arguments: Mapping[str, Argument], grid: Sequence[int]) -> dict[str, np.ndarray]:
    """Every array argument after the kernel ran; the given arrays stay as they are."""
    held = {name: np.array(a).reshape(-1) if isinstance(a, np.ndarray) else a for name, a in arguments.items()}
    run_kernel(functions(module)[0], list(held.values()), (*grid, 1, 1)[:3])
    return {name: a.reshape(np.shape(arguments[name])) for name, a in held.items() if isinstance(a, np.ndarray)}


def result(
    source: str,
    arguments: Mapping[str, Argument],
    grid: Sequence[int],
    passes: Sequence[Pass] = TO_TENSOR,
    chip: str = "Ascend910B3",
    **constexprs: Constexpr,
) -> dict[str, np.ndarray]:
    """Compiles and runs."""
    return run(compiled(source, arguments, grid, passes, chip, **constexprs), arguments, grid)
