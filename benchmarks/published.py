"""Published times of kernels whose schedule is described, each with the program that has that schedule.

Times are microseconds, with launching; times of pipes are averages over cores. heldout.py has kernels to which nothing
was fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from schedules import Program, Schedule, Split, add, copy, gemm

from compiler_core.dialects import arith, hivm
from compiler_core.dialects.hivm import block_shape
from compiler_core.ir import Attribute, RawAttr, UnitAttr
from compiler_core.ir.types import f16, f32

ADD = "asc-devkit, add_high_performance"
COPY = "asc-devkit, data_copy"
GEMM = "asc-devkit, matmul_high_performance"
B1 = "Ascend910B1"

ONE_SET = ((0, 0x8000, 0x10000),)
TWO_SETS = ((0, 0x8000, 0x10000), (0x18000, 0x20000, 0x28000))
"""UB addresses of x, y and z, all in the same banks."""


@dataclass(frozen=True)
class Case:
    """A published measurement. `schedule` says how the program goes; `pipes` holds published busy times by pipe."""

    name: str
    schedule: str
    published: float
    program: Callable[[], Program]
    source: str
    chip: str = B1
    pipes: dict[str, float] = field(default_factory=dict[str, float])
    """M, MTE1, MTE2 and so on; "core" is the average time of a core without launching."""


def _add(cores: int, elements: int, places: tuple[tuple[int, int, int], ...], streamed: bool = False) -> Callable[[], Program]:
    return partial(add, 8192, 8192, cores, elements, places, streamed=streamed)


def _gemm_keeping_a(size: int, down: int, columns: int, base: tuple[int, int, int]) -> Program:
    """C = A Bᵀ of square fp16 matrices: a core takes a row of tiles, `columns` wide. Its part of A stays in L1 once it has
    come, in packs of `base[2]`; packs of B take turns in two buffers.
    """
    s = Schedule("AIC", {"a": f16, "b": f16, "c": f16})
    height, width, depth = base
    across = -(-size // columns)
    packs = size // depth
    a_bytes, b_bytes = height * depth * 2, width * depth * 2
    top = s.times(s.remainder(s.block, down), height)
    left = s.times(s.quotient(s.block, down), columns)
    mine = s.rest(size, left, columns)
    result = s.buffer(0, block_shape(height, width, 4, "cc"), f32, "cc")
    out: dict[str, Attribute] = {
        "dma_mode": RawAttr("#hivm.dma_mode<nz2nd>"),
        "pre_quant": RawAttr("#hivm.fixpipe_pre_quant_mode<F322F16>"),
    }
    for event in (4, 5):
        s.set("MTE1>MTE2", event)
    for turn in range(columns // width * packs):
        tile, pack = divmod(turn, packs)
        wide = s.rest(mine, tile * width, width)
        a = s.buffer(pack * a_bytes, block_shape(height, depth, 2, "cbuf"), f16, "cbuf")
        if not tile:
            s.move("nd2nz", s.part("a", s.plus(s.times(top, size), pack * depth), [height, depth], [size, 1]), a)
        event = 4 + turn % 2
        b = s.buffer(packs * a_bytes + turn % 2 * b_bytes, block_shape(width, depth, 2, "cbuf"), f16, "cbuf")
        s.wait("MTE1>MTE2", event)
        first = s.plus(s.times(s.plus(left, tile * width), size), pack * depth)
        s.move("nd2nz", s.part("b", first, [wide, depth], [size, 1]), b)
        s.then("MTE2>MTE1", event)
        clear = arith.compare(s.builder, "eq", s.value(pack), s.value(0))
        sizes = [[s.value(x)] for x in (height, depth, wide)]
        hivm.instruction(s.builder, "mmadL1", [[a], [b], [clear], *sizes, [result]], {"b_transpose": UnitAttr()})
        s.set("MTE1>MTE2", event)
        if pack == packs - 1:
            s.then("M>FIX")
            at = s.plus(s.times(top, size), left, tile * width)
            s.move("fixpipe", result, s.part("c", at, [height, wide], [size, 1]), out)
    for event in (4, 5):
        s.wait("MTE1>MTE2", event)
    return s.program([(size * size, f16)] * 3, down * across)


SQUARE = (8192, 8192, 8192)
BASE = (128, 256, 64)
FOUR_BY_SIX = Split(4, 6, 2048, 1536)

CALIBRATION = (
    Case(
        "add fp16 8192 x 8192, 1 core",
        "8 KiB transfers, one buffer each for x, y and z, in the same UB banks",
        6909.6,
        _add(1, 4096, ONE_SET),
        ADD,
        pipes={"core": 6909.14, "V": 761.65, "MTE2": 6208.762, "MTE3": 2613.205},
    ),
    Case(
        "add fp16 8192 x 8192, 48 cores",
        "32 KiB transfers, one buffer each for x, y and z, in the same UB banks; rows dealt to cores",
        268.5,
        _add(48, 16384, ONE_SET),
        ADD,
        pipes={"core": 261.5, "V": 12.845, "MTE2": 184.369, "MTE3": 57.354},
    ),
    Case(
        "add fp16 8192 x 8192, 48 cores, inputs past L2",
        "32 KiB transfers, two buffers each; x and y are not kept in L2, which therefore holds z",
        187.68,
        _add(48, 16384, TWO_SETS, streamed=True),
        ADD,
        pipes={"core": 185.15, "V": 12.846, "MTE2": 175.997, "MTE3": 160.291},
    ),
    Case(
        "copy GM to UB 12288 x 12288 fp16, tiles 1 x 64",
        "48 cores, 256 rows each, a row at a time, 128 B transfers without waiting",
        564.84,
        partial(copy, "UB", 12288, 12288, 48, (1, 64)),
        COPY,
        pipes={"core": 554.3, "MTE2": 548.161},
    ),
    Case(
        "copy GM to UB 12288 x 12288 fp16, tiles 64 x 1024",
        "48 cores, 256 rows each, row of tiles after row of tiles, without waiting",
        215.82,
        partial(copy, "UB", 12288, 12288, 48, (64, 1024)),
        COPY,
        pipes={"core": 209.0, "MTE2": 202.657},
    ),
    Case(
        "copy GM to UB 12288 x 12288 fp16, 4 times",
        "48 cores, tiles 64 x 1024; columns cut into 4, each quarter read 4 times in a row",
        365.74,
        partial(copy, "UB", 12288, 12288, 48, (64, 1024), 4, 4),
        COPY,
        pipes={"core": 354.56},
    ),
    Case(
        "copy GM to L1 12288 x 12288 fp16, tiles 64 x 64",
        "24 cores, 512 rows each, ND to NZ, without waiting",
        300.7,
        partial(copy, "L1", 12288, 12288, 24, (64, 64)),
        COPY,
        pipes={"core": 289.9, "MTE2": 283.508},
    ),
    Case(
        "copy GM to L1 12288 x 12288 fp16, 4 times",
        "24 cores, tiles 64 x 1024, ND to NZ; columns cut into 4, each quarter read 4 times in a row",
        414.96,
        partial(copy, "L1", 12288, 12288, 24, (64, 1024), 4, 4),
        COPY,
        pipes={"core": 397.8},
    ),
    Case(
        "gemm fp16 8192 cubed, 1 core",
        "base tile 128 x 256 x 64, one k-step at a time in L1 without double buffer, L0 double-buffered, order over m",
        249467.08,
        partial(gemm, *SQUARE, Split(1, 1, 8192, 8192), BASE, (1, 1), 1),
        GEMM,
        pipes={"core": 249466.54, "M": 81477.188, "MTE1": 52003.703, "MTE2": 195613.432, "FIX": 11313.746},
    ),
    Case(
        "gemm fp16 8192 cubed, 24 cores, A 2 and B 4 k-steps",
        "4 x 6 cores, 2048 x 1536 each (the last column of cores 2048 x 512), double-buffered in L1, order over m",
        5039.86,
        partial(gemm, *SQUARE, FOUR_BY_SIX, BASE, (2, 4)),
        GEMM,
        pipes={"core": 4487.89, "M": 3116.472, "MTE1": 2332.914, "MTE2": 4051.458},
    ),
    Case(
        "gemm fp16 8192 cubed, 24 cores, A 8 and B 4 k-steps",
        "4 x 6 cores, 2048 x 1536 each (the last column of cores 2048 x 512), double-buffered in L1, order over m",
        4156.76,
        partial(gemm, *SQUARE, FOUR_BY_SIX, BASE, (8, 4)),
        GEMM,
        pipes={"core": 3925.61, "M": 3352.087, "MTE1": 2750.454, "MTE2": 3778.555},
    ),
    Case(
        "gemm fp16 1024 cubed, 24 cores",
        "a library's kernel without a published schedule; taken as 8 x 3 cores, 128 x 352 each as two tiles, A kept in L1",
        15.65,
        partial(_gemm_keeping_a, 1024, 8, 352, (128, 176, 256)),
        "published measurement of a 910B2",
        chip="Ascend910B2",
    ),
)
