"""How close the emulator and Triton's interpreter must be on the vendor's kernels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compiler_core.emulator import Result, run
from tests.cases import TOLERANCES, Tolerance
from tests.compiler_core.emulator.kernels import B3, vendor
from tests.compiler_core.emulator.vendor import BF16, Kernel, Launch, Sizes

WIDER = {
    "layer_norm": Tolerance(4e-3, 4e-3),
    "layer_norm_blocks": Tolerance(4e-3, 4e-3),
    "layer_norm_small": Tolerance(4e-3, 4e-3),
    "matmul_epilogue": Tolerance(4e-3, 4e-3),
    "attention": Tolerance(4e-3, 2e-3),
    "attention_causal": Tolerance(4e-3, 2e-3),
    "mathematics": Tolerance(1e-4, 1e-5),
}
"""Where a kernel's own roundings to fp16, or functions the machine approximates, let the two part further than usual."""

LAST_PLACE = Tolerance(2**-7, 0.0)
"""bfloat16: the interpreter cuts the lower bits off where the hardware rounds."""

EXACT = Tolerance(0.0, 1e-300)


def execute(kernel: Kernel, launch: Launch, **switches: Any) -> Result:
    return run(vendor(kernel.name), None, list(launch.arguments.values()), launch.grid, B3, **switches)


def widened(words: np.ndarray) -> np.ndarray:
    """bfloat16 words as fp32 numbers."""
    return (words.astype(np.uint32) << 16).view(np.float32)


def differences(kernel: Kernel, sizes: Sizes, launch: Launch, changed: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The largest difference of each tensor as a share of what is allowed, where it is more than that.

    `changed` holds what the interpreter changed; every other tensor must be as it was before.
    """
    before = kernel.at(sizes).arguments
    found: dict[str, float] = {}
    for (name, ours), type in zip(launch.arguments.items(), kernel.types, strict=True):
        if isinstance(ours, np.ndarray):
            theirs = changed[name] if name in changed else np.asarray(before[name])
            found[name] = _share(kernel, type, ours, theirs)
    return {name: share for name, share in found.items() if share > 1}


def _share(kernel: Kernel, type: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    if type == BF16:
        return LAST_PLACE.worst(widened(ours), widened(theirs))
    usual = EXACT if ours.dtype.kind == "i" else TOLERANCES[ours.dtype.name]
    return WIDER.get(kernel.name, usual).worst(ours, theirs)
