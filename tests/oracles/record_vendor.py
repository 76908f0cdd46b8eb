"""Records what the vendor's tools make of the kernels in `emulator/data/kernels.py`, and what Triton's interpreter computes.

NAME.mlir.gz    the machine code of each kernel of `vendor.KERNELS`
NAME.npz        the tensors that each small launch changes, as "SIZES/ARGUMENT"

    python -m tests.oracles.record_vendor [NAME …]
"""

import gzip
import sys

import numpy as np

from tests.compiler_core.emulator.vendor import BF16, SOURCE, Kernel, Sizes, kernels, shown
from tests.oracles.judges import compile_linalg, interpret, lower_ttir, make_ttir

HEADER = "// A Triton kernel as AscendNPU-IR 1.2.0's bishengir-compile leaves it for its back end, in MLIR's generic form.\n"


def compiled(kernel: Kernel) -> str:
    if kernel.ttir.exists():
        ttir = kernel.ttir.read_text()
    else:
        call = {"kernel": kernel.function, "types": kernel.types, "constexprs": dict(kernel.constexprs)}
        ttir = make_ttir(SOURCE, {kernel.name: call})[kernel.name]
    return HEADER + compile_linalg(lower_ttir(ttir))


def written(kernel: Kernel, sizes: Sizes) -> dict[str, np.ndarray]:
    """The tensors that a launch changes, as Triton's interpreter leaves them."""
    launch = kernel.at(sizes)
    bfloats = {name for name, type in zip(launch.arguments, kernel.types, strict=True) if type == BF16}
    marked = {f"{name}:bf16" if name in bfloats else name: value for name, value in launch.arguments.items()}
    told = interpret(SOURCE, kernel.function, launch.grid, {**marked, **kernel.constexprs})
    return {name.partition(":")[0]: array for name, array in told.items() if not np.array_equal(array, marked[name])}


def main(names: list[str]) -> None:
    for kernel in (kernels()[name] for name in names or kernels()):
        kernel.code.write_bytes(gzip.compress(compiled(kernel).encode(), 9, mtime=0))
        told = {f"{shown(sizes)}/{name}": a for sizes in kernel.small for name, a in written(kernel, sizes).items()}
        if told:
            np.savez_compressed(kernel.outputs, allow_pickle=False, **told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
