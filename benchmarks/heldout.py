"""Published kernels that nothing was fitted to, emulated: how far the clock is off where it has not been looked at.

Every case is a kernel whose publication gives its schedule, with times measured on an Ascend 910B1 (24 cube and 48 vector
cores, 1850 MHz) or a chip of the same cores. `measured` is the task's duration in µs, launch included; `pipes` are busy times
of a core, the mean over all of them. Sources: README files of asc-devkit's examples/01_simd_cpp_api/05_best_practices
(add_high_performance, data_copy, bank_conflict_nd2nz, bank_conflict_ub, matmul_high_performance,
matmul_basic_api_high_performance, matmul_gelu_high_performance), of pto-isa's kernels/manual/a2a3 (gemm_performance, gemm_ar),
and CANN's guide to operator performance (MDL template, ND to NZ on vector cores). Left out: schedules that are not told, and
base tiles of 64 cubed, whose measured time is mostly scalar.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from schedules import Program, Split, add, copy, copy_all, gemm, gemm_gelu, gemm_zigzag, nd_to_nz, vadds

from compiler_core.chips import Chip, chips
from compiler_core.emulator import Result
from compiler_core.ir.types import f32

CHIP = "Ascend910B1"
K32 = 0x8000
"""32 KiB: a buffer of the sums."""
APART = [(0, 0x7F00, 0x20000), (0x10000, 0x17F00, 0x27F00)]
"""UB addresses of two sets of x, y, z that never meet in a bank."""
BASE = (128, 256, 64)
WHOLE = Split(4, 6, 2048, 1536)
HALVES = Split(4, 6, 1024, 1536, rounds=2)


@dataclass(frozen=True)
class Case:
    name: str
    measured: float
    program: Callable[[], Program]
    pipes: Mapping[str, float] = field(default_factory=dict[str, float])
    core: bool = False
    """What was measured is the slowest core's time, without the launch."""

    def emulated(self, result: Result) -> float:
        return result.microseconds + (0.0 if self.core else result.launch_microseconds)


def cases() -> list[Case]:
    together, doubled = [(0, K32, 2 * K32)], [(0, K32, 2 * K32), (3 * K32, 4 * K32, 5 * K32)]
    wide = (12288, 12288)
    return [
        Case(
            "add fp16 8192², 48 cores, 8 KiB, single",
            306.58,
            lambda: add(8192, 8192, 48, 4096, together),
            {"MTE2": 215.485, "V": 15.885, "MTE3": 54.33},
        ),
        Case("add fp16 8192², 48 cores, 32.25 KiB, single", 267.76, lambda: add(8192, 8192, 48, 16512, [(0, 33024, 66048)])),
        Case(
            "add fp16 8192², 48 cores, 32 KiB, double",
            264.02,
            lambda: add(8192, 8192, 48, 16384, doubled),
            {"MTE2": 250.528, "V": 12.846, "MTE3": 84.988},
        ),
        Case(
            "add fp16 8192², 31.75 KiB, double, past L2, no conflict",
            184.52,
            lambda: add(8192, 8192, 48, 16256, APART, streamed=True),
            {"MTE2": 171.611, "V": 6.954, "MTE3": 121.442},
        ),
        *(
            Case(
                f"ND to NZ 8192² through UB, pitch {pitch}",
                measured,
                lambda pitch=pitch: nd_to_nz(8192, (6, 8), (144, 128), pitch),
                pipes,
            )
            for pitch, measured, pipes in (
                (144, 151.42, {"MTE2": 113.856, "V": 47.79, "MTE3": 76.76}),
                (145, 144.0, {"MTE2": 115.405, "V": 7.133, "MTE3": 76.532}),
            )
        ),
        *(
            Case(f"1000 sums of 64 repeats, {what}", counted / 50, lambda places=places: vadds(1000, 64, places), core=True)
            for what, counted, places in (
                ("no conflict", 2390, (0, 0x10100, 0x20000)),
                ("reads in one bank", 4167, (0, 0x4000, 0x10000)),
                ("reads in one group", 4167, (0, 0x10000, 0x14100)),
                ("write over a read's bank in phase", 2389, (0, 0x10100, 0x4000)),
                ("write over a read's bank", 3751, (0, 0x10100, 0x4020)),
                ("in place", 2390, (0, 0x10100, 0x10100)),
            )
        ),
        Case("GM to UB 12288², 64 × 64", 233.54, lambda: copy("UB", *wide, 48, (64, 64)), {"MTE2": 220.772}),
        Case("GM to UB 12288 × 12287, 64 × 1024", 275.3, lambda: copy("UB", 12288, 12287, 48, (64, 1024)), {"MTE2": 259.047}),
        Case("GM to UB 12288², whole matrix 4 times", 828.06, lambda: copy("UB", *wide, 48, (64, 1024), times=4)),
        Case(
            "GM to UB 6144 × 512, all cores in step, past L2",
            539.42,
            lambda: copy_all("UB", 6144, 512, 48, (128, 64), staggered=False),
            {"MTE2": 474.717},
        ),
        Case(
            "GM to UB 6144 × 512, staggered, past L2",
            328.88,
            lambda: copy_all("UB", 6144, 512, 48, (128, 64), staggered=True),
            {"MTE2": 307.38},
        ),
        Case("GM to L1 12288², 64 × 256", 230.24, lambda: copy("L1", *wide, 24, (64, 256)), {"MTE2": 214.519}),
        Case("GM to L1 12288 × 12287, 64 × 256", 438.76, lambda: copy("L1", 12288, 12287, 24, (64, 256)), {"MTE2": 422.515}),
        Case("GM to L1 12288², whole matrix 4 times", 899.34, lambda: copy("L1", *wide, 24, (64, 1024), times=4)),
        Case(
            "GM to L1 6144 × 512, all cores in step, past L2",
            278.56,
            lambda: copy_all("L1", 6144, 512, 24, (256, 64), staggered=False),
            {"MTE2": 240.198},
        ),
        Case(
            "GM to L1 6144 × 512, staggered, past L2",
            221.34,
            lambda: copy_all("L1", 6144, 512, 24, (256, 64), staggered=True),
            {"MTE2": 209.8},
        ),
        Case(
            "GEMM 8192³, 2 × 12, one step at a time",
            12541.22,
            lambda: gemm(8192, 8192, 8192, Split(2, 12, 4096, 683), BASE, (1, 1), 1, unit_flag=False),
            {"MTE2": 10177.798, "M": 3462.802, "MTE1": 2260.551},
        ),
        Case(
            "GEMM 8192³, 4 × 6, one step at a time",
            12283.84,
            lambda: gemm(8192, 8192, 8192, WHOLE, BASE, (1, 1), 1, unit_flag=False),
            {"MTE2": 8616.671, "M": 3394.884, "MTE1": 2166.824},
        ),
        Case(
            "GEMM 8192³, packs of 8 and 4, halves of m",
            4053.44,
            lambda: gemm(8192, 8192, 8192, HALVES, BASE, (8, 4), unit_flag=False),
            {"MTE2": 3513.806, "M": 3163.682, "MTE1": 2609.617},
        ),
        Case(
            "GEMM 8192³, packs of 8 and 4, ahead",
            4121.16,
            lambda: gemm(8192, 8192, 8192, WHOLE, BASE, (8, 4), ahead=True),
            {"MTE2": 3552.248, "M": 3081.664, "MTE1": 2538.348},
        ),
        Case(
            "GEMM 8192³, packs of 8 and 4, ahead, halves of m",
            4081.64,
            lambda: gemm(8192, 8192, 8192, HALVES, BASE, (8, 4), ahead=True),
            {"MTE2": 3487.068, "M": 3082.158, "MTE1": 2553.064},
        ),
        Case(
            "GEMM 8192³ to fp32, packs of 8 and 4, ahead",
            4227.605,
            lambda: gemm(8192, 8192, 8192, WHOLE, BASE, (8, 4), ahead=True, out=f32),
            {"MTE2": 3685.713, "M": 3083.197, "MTE1": 2516.081},
        ),
        Case(
            "GEMM 8192³ and GELU, cube and vector cores together",
            4236.944,
            lambda: gemm_gelu(8192, 8192, 8192, WHOLE, BASE, (8, 4)),
            {"MTE1": 2520.852, "M": 3083.235},
        ),
        *(
            Case(
                f"GEMM {size}³ to fp32, packs of 4",
                measured,
                lambda size=size: gemm(
                    size, size, size, Split(4, 6, size // 4, size // 6), BASE, (4, 4), order="mn", out=f32, unit_flag=False
                ),
                {pipe: share * measured for pipe, share in (("M", cube), ("MTE1", extract), ("MTE2", load))},
            )
            for size, measured, cube, extract, load in (
                (1536, 38.8, 0.545, 0.422, 0.722),
                (3072, 206.7, 0.790, 0.620, 0.909),
                (6144, 1506.0, 0.867, 0.681, 0.952),
                (7680, 3168.0, 0.806, 0.630, 0.984),
            )
        ),
        Case("GEMM 5504 × 1536 × 6144, packs of 4, zigzag", 368.1, lambda: gemm_zigzag(5504, 1536, 6144, 24, BASE, (4, 4))),
        Case(
            "GEMM 128 × 30720 × 1024, one step at a time",
            83.68,
            lambda: gemm(128, 30720, 1024, Split(1, 24, 128, 1280), BASE, (1, 1), 1, b_rows=True, unit_flag=False),
            {"MTE2": 75.64},
            core=True,
        ),
        Case(
            "GEMM 128 × 30720 × 1024, packs of 4",
            53.4,
            lambda: gemm(128, 30720, 1024, Split(1, 24, 128, 1280), BASE, (4, 4), b_rows=True, unit_flag=False),
            {"MTE2": 46.24},
            core=True,
        ),
        Case(
            "GEMM 1024 × 4095 × 1024, packs of 4, rows not aligned",
            149.82,
            lambda: gemm(1024, 4095, 1024, Split(8, 3, 128, 1408), BASE, (4, 4), b_rows=True, unit_flag=False),
            {"MTE2": 130.77},
        ),
    ]


def report(chip: Chip, chosen: str = "") -> None:
    """Prints a line for each case whose name contains `chosen`, and the median and the worst error."""
    errors: list[float] = []
    print(f"{'kernel, held out':58} {'measured':>9} {'emulated':>9} {'error':>8}  busy pipes: error")
    for case in cases():
        if chosen not in case.name:
            continue
        result = case.program().time(chip)
        emulated = case.emulated(result)
        errors.append((emulated / case.measured - 1) * 100)
        busy = {p: result.pipes[p] / result.active_cores / chip.clock_mhz for p in case.pipes}
        pipes = "  ".join(f"{p} {(busy[p] / t - 1) * 100:+.0f}%" for p, t in case.pipes.items())
        print(f"{case.name:58} {case.measured:9.1f} {emulated:9.1f} {errors[-1]:+7.1f}%  {pipes}", flush=True)
    if errors:
        sizes = [abs(error) for error in errors]
        print(f"held out: median {median(sizes):.1f} % worst {max(sizes):.1f} % over {len(sizes)} kernels")


def main() -> int:
    report(chips()[CHIP], " ".join(sys.argv[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
