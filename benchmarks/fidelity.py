"""Emulated times beside published ones: single instructions, and the kernels of published.py. Writes the page's table.

The kernels of heldout.py are shown but not counted. A kernel of published.py is launched twice where what it touches fits into
L2, and the second launch counts, as in a benchmark's loop (the 1024³ product alone; the vendor's profiler clears L2). An
instruction's row says whether the chip's tables hold that very figure (the row then shows that the emulator applies it) or the
emulator composes it from others.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from heldout import CHIP
from heldout import report as report_held_out
from published import CALIBRATION, Case

from compiler_core.chips import chips
from compiler_core.emulator import Result, run
from compiler_core.emulator.clock.cache import L2
from compiler_core.ir.types import Type, f16, f32
from tests.compiler_core.emulator.kernels import Kernel, gm
from tests.compiler_core.emulator.test_time import mmad, vector_cycles

TABLE = Path(__file__).resolve().parent.parent / "compiler_core" / "emulator" / "fidelity.json"
"""What the page and the documentation show."""

FITTED = {
    "memory.gm_rate": "a copy to UB, once and four times over",
    "memory.l2_rate": "the same",
    "moves.GM->L1 nd2nz.rate": "a copy to L1 four times over",
    "memory.line_cycles": "a copy to L1 in tiles of 64 x 64, and one core's matrix product",
    "memory.issue_cycles": "a copy to UB in tiles of 1 x 64",
    "memory.same_lines": "matrix products on 24 cores",
}
"""The numbers of the 910B1 that are fitted, each with what to. All others are instruction facts."""


@dataclass(frozen=True)
class Instruction:
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


def instructions() -> Iterator[Instruction]:
    documented = (
        ("no conflict", (0, 0x10100, 0x20000), 88),
        ("reads in a bank", (0, 0x4000, 0x10000), 154),
        ("read-write", (0, 0x10100, 0x4020), 139),
        ("in place", (0, 0x10100, 0x10100), 88),
    )
    for name, places, published in documented:
        yield Instruction(
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
        yield Instruction(
            f"{name} {element}, a further repeat", "msKPP", True, published, lambda n=name, e=element: further_repeat(n, e)
        )
    yield Instruction("UB to GM, 16 KiB", "msKPP", True, 120.9 + 16384 / 79.5, store_16_kib)
    yield Instruction(
        "mmadL1 fp16 128 x 128 x 128, cube busy", "msKPP, asc-devkit", False, 512 + 22, lambda: mmad(128, 128, 128).pipes["M"]
    )


class Row(msgspec.Struct):
    """A line of the table. Times are microseconds for kernels, cycles for instructions; errors are per cent."""

    name: str
    published: float
    emulated: float
    error: float
    source: str
    schedule: str = ""
    chip: str = ""
    pipes: dict[str, float] = {}
    """By pipe, and for "core", the error of its busy time."""


class Fitted(msgspec.Struct):
    parameter: str
    value: float
    to: str


class Table(msgspec.Struct):
    median: float
    worst: float
    cases: list[Row]
    instructions: list[Row]
    fitted: list[Fitted]


def launched(case: Case) -> Result:
    """A kernel's launch with L2 as one before it left it."""
    program, chip = case.program(), chips()[case.chip]
    l2 = L2(chip.timing.memory.l2_bytes)
    grid = (program.blocks, 1, 1)
    result = run(program.module, None, program.arguments, grid, chip, functional=False, hazards=False, l2=l2)
    if l2.held > l2.capacity:
        return result
    return run(program.module, None, program.arguments, grid, chip, functional=False, hazards=False, l2=l2)


def kernel_row(case: Case) -> Row:
    result = launched(case)
    clock = chips()[case.chip].clock_mhz * result.active_cores
    busy = {**result.pipes, "core": sum(result.cores)}
    emulated = result.microseconds + result.launch_microseconds
    errors = {pipe: round((busy[pipe] / clock / published - 1) * 100, 1) for pipe, published in case.pipes.items()}
    return Row(
        case.name,
        case.published,
        round(emulated, 2),
        round((emulated / case.published - 1) * 100, 1),
        case.source,
        case.schedule,
        case.chip,
        errors,
    )


def instruction_row(case: Instruction) -> Row:
    emulated = case.emulated()
    origin = case.source + (", in the tables" if case.tabled else ", composed")
    return Row(case.name, case.published, round(emulated, 2), round((emulated / case.published - 1) * 100, 1), origin)


def fitted() -> Iterator[Fitted]:
    timing = chips()["Ascend910B1"].timing
    for parameter, to in FITTED.items():
        group, *names = parameter.split(".")
        value: object = getattr(timing, group)
        for name in names:
            value = value[name] if isinstance(value, dict) else getattr(value, name)
        yield Fitted(parameter, float(str(value)), to)


def show(rows: list[Row], title: str, unit: str) -> None:
    print(f"{title:54} {'published':>10} {'emulated':>10} {'error':>8}  ({unit})")
    for row in rows:
        pipes = "  ".join(f"{pipe} {error:+.0f}%" for pipe, error in row.pipes.items())
        print(f"{row.name:54} {row.published:10.1f} {row.emulated:10.1f} {row.error:+7.1f}%  {pipes or row.source}")


def main() -> int:
    rows = [kernel_row(case) for case in CALIBRATION]
    single = [instruction_row(case) for case in instructions()]
    show(single, "instruction", "cycles")
    show(rows, "kernel", "microseconds, with launching")
    for number in fitted():
        print(f"fitted: {number.parameter} = {number.value:g}, to {number.to}")
    report_held_out(chips()[CHIP])
    errors = [abs(row.error) for row in rows]
    table = Table(round(median(errors), 1), max(errors), rows, single, list(fitted()))
    TABLE.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    print(f"fidelity: median {table.median:.1f} % worst {table.worst:.1f} % over {len(rows)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
