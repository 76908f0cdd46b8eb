"""Emulated cycles of single instructions beside published measurements of the 910B family.

Whole kernels are not in it: the emulator has not been held against end-to-end measurements yet. A row says where its figure was
published, and whether the chip's tables hold that very figure (the row then shows that the emulator applies it) or the emulator
composes it from others.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from compiler_core.ir.types import Type, f16, f32
from tests.compiler_core.emulator.kernels import Kernel, gm
from tests.compiler_core.emulator.test_time import mmad, vector_cycles

APART = (0, 0x8100, 0x10000)
"""Addresses of two sources and a result in different bank groups of UB."""


@dataclass(frozen=True)
class Case:
    name: str
    source: str
    tabled: bool
    published: float
    emulated: Callable[[], float]


def further_repeat(name: str, element: Type) -> float:
    places = (0, 0x8000, 0x10000)
    return (vector_cycles(name, element, 100, places) - vector_cycles(name, element, 50, places)) / 50


def store_16_kib() -> float:
    kernel = Kernel([gm(f32)], ["out"])
    kernel.store(kernel.buffer(0, [4096], f32), kernel.part("out", 0, [4096], [1]))
    return kernel.run(np.zeros(4096, np.float32), hazards=False).pipes["MTE3"]


def cases() -> Iterator[Case]:
    documented = (
        ("no conflict", APART, 88),
        ("read-read", (0, 0x8000, 0x10000), 154),
        ("read-write", (0, 0x4100, 0x8000), 139),
    )
    for name, places, published in documented:
        yield Case(
            f"vadd fp32, 64 repeats, {name}", "asc-devkit", False, published, lambda p=places: vector_cycles("vadd", f32, 64, p)
        )
    curves = (
        ("vexp", f32, 2.0),
        ("vexp", f16, 3.892),
        ("vln", f32, 2.0),
        ("vdiv", f32, 4.0),
        ("vabs", f32, 1.0),
        ("vsqrt", f16, 4.0),
    )
    for name, element, published in curves:
        yield Case(
            f"{name} {element}, a further repeat", "msKPP", True, published, lambda n=name, e=element: further_repeat(n, e)
        )
    yield Case("UB to GM, 16 KiB", "msKPP", True, 120.9 + 16384 / 79.5, store_16_kib)
    yield Case(
        "mmadL1 fp16 128 x 128 x 128, cube busy", "msKPP, asc-devkit", False, 512 + 22, lambda: mmad(128, 128, 128).pipes["M"]
    )


def main() -> int:
    errors: list[float] = []
    print(f"{'instruction':42} {'published':>10} {'emulated':>10} {'error':>8}  source")
    for case in cases():
        emulated = case.emulated()
        errors.append((emulated / case.published - 1) * 100)
        origin = case.source + (", in the tables" if case.tabled else ", composed")
        print(f"{case.name:42} {case.published:10.1f} {emulated:10.1f} {errors[-1]:+7.1f}%  {origin}")
    middle, worst = median(map(abs, errors)), max(map(abs, errors))
    print(f"fidelity of single instructions: median {middle:.1f} % worst {worst:.1f} % over {len(errors)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
