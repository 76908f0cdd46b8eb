"""What single instructions take, against the published figures; and how pipes overlap."""

import json

import numpy as np
import pytest

from compiler_core.dialects import arith, hivm
from compiler_core.dialects.hivm import block_shape
from compiler_core.emulator import Result
from compiler_core.ir.types import Type, f16, f32, i1, index
from tests.compiler_core.emulator.kernels import Kernel, gm, run_softmax


def vector_cycles(name: str, element: Type, repeats: int, addresses: tuple[int, int, int], instructions: int = 1) -> int:
    """Busy cycles of the vector pipe for independent instructions of so many 256-byte repeats."""
    kernel = Kernel([], [])
    count = repeats * 256 // (2 if element == f16 else 4)
    a, b, out = (kernel.buffer(address, [count], element) for address in addresses)
    sources = [a] if name in ("vexp", "vln", "vabs", "vsqrt") else [a, b]
    for _ in range(instructions):
        kernel.vector(name, sources, out)
    return kernel.run(hazards=False).pipes["V"]


@pytest.mark.parametrize(
    ("addresses", "published"),
    [
        ((0, 0x10100, 0x20000), 88),
        ((0, 0x4000, 0x10000), 154),
        ((0, 0x10000, 0x14100), 154),
        ((0, 0x10100, 0x4020), 139),
        ((0, 0x10100, 0x4000), 88),
        ((0, 0x10100, 0x10100), 88),
    ],
    ids=["no conflict", "reads in a bank", "reads in a group", "read-write", "write a repeat behind", "in place"],
)
def test_vadd_of_64_repeats_and_its_bank_conflicts(addresses: tuple[int, int, int], published: int) -> None:
    """asc-devkit's documented runs (bank_conflict_ub), with their addresses: 64 repeats of fp32 vadd."""
    assert vector_cycles("vadd", f32, 64, addresses) == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize(
    ("name", "element", "published"),
    [("vexp", f32, 2.0), ("vexp", f16, 3.892), ("vln", f32, 2.0), ("vdiv", f32, 4.0), ("vabs", f32, 1.0), ("vsqrt", f16, 4.0)],
)
def test_cycles_of_a_further_repeat(name: str, element: Type, published: float) -> None:
    """msKPP's measured curves."""
    places = (0, 0x8000, 0x10000)
    further = (vector_cycles(name, element, 100, places) - vector_cycles(name, element, 50, places)) / 50
    assert further == pytest.approx(published, rel=0.03)


def test_startup_hides_behind_a_stream() -> None:
    one = vector_cycles("vabs", f32, 16, (0, 0x8000, 0x10000))
    ten = vector_cycles("vabs", f32, 16, (0, 0x8000, 0x10000), instructions=10)
    assert ten - one == pytest.approx(9 * 16, abs=1)


def test_store_of_16_kib() -> None:
    """msKPP's fit of UB to GM: 120.9 cycles and 79.5 bytes a cycle."""
    kernel = Kernel([gm(f32)], ["out"])
    kernel.store(kernel.buffer(0, [4096], f32), kernel.part("out", 0, [4096], [1]))
    result = kernel.run(np.zeros(4096, np.float32), hazards=False)
    assert result.pipes["MTE3"] == pytest.approx(120.9 + 16384 / 79.5, rel=0.03)


def test_load_of_what_l2_holds() -> None:
    """msKPP's fit of GM to UB (192 cycles, 126.3 bytes a cycle), for the second of two loads of the same bytes."""

    def busy(loads: int) -> int:
        kernel = Kernel([gm(f32)], ["x"])
        for i in range(loads):
            kernel.load(kernel.part("x", 0, [4096], [1]), kernel.buffer(16384 * i, [4096], f32))
            kernel.barrier()
        return kernel.run(np.zeros(4096, np.float32)).pipes["MTE2"]

    assert busy(2) - busy(1) == pytest.approx(192 + 16384 / 126.3, rel=0.03)
    assert busy(1) > busy(2) - busy(1)


def mmad(m: int, k: int, n: int, calls: int = 1) -> Result:
    kernel = Kernel([], [], core="AIC")
    a = kernel.buffer(0, block_shape(m, k, 2, "cbuf"), f16, "cbuf")
    b = kernel.buffer(m * k * 2, block_shape(k, n, 2, "cbuf"), f16, "cbuf")
    c = kernel.buffer(0, block_shape(m, n, 4, "cc"), f32, "cc")
    true = arith.constant(kernel.builder, True, i1)
    sizes = [[arith.constant(kernel.builder, size, index)] for size in (m, k, n)]
    for _ in range(calls):
        hivm.instruction(kernel.builder, "mmadL1", [[a], [b], [true], *sizes, [c]])
    return kernel.run(hazards=False)


def test_the_cube_multiplies_a_16_cubed_step_a_cycle() -> None:
    """Published: one cycle a step, 21 to 23 to start on an idle pipe."""
    assert mmad(128, 128, 128).pipes["M"] == pytest.approx(512 + 22, rel=0.03)


def test_l0_is_double_buffered_inside_the_macro() -> None:
    """Four products in a row: the loads of the next hide behind the multiplications of this one."""
    one, four = mmad(128, 128, 128), mmad(128, 128, 128, calls=4)
    assert four.cycles - one.cycles < 3 * (512 + 10)
    assert four.traffic["L1->L0A"] == 4 * 128 * 128 * 2


def test_flags_let_pipes_overlap_and_barriers_do_not() -> None:
    def cycles(whole: bool) -> int:
        kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
        for i in range(8):
            tile = kernel.buffer(8192 * i, [2048], f32)
            kernel.load(kernel.part("x", 2048 * i, [2048], [1]), tile)
            if whole:
                kernel.barrier()
            else:
                kernel.flag("MTE2", "MTE3", i % 8)
            kernel.store(tile, kernel.part("out", 2048 * i, [2048], [1]))
            if whole:
                kernel.barrier()
        kernel.barrier()
        result = kernel.run(np.zeros(16384, np.float32), np.zeros(16384, np.float32))
        assert result.diagnostics == ()
        return result.cycles

    assert cycles(whole=False) < 0.6 * cycles(whole=True)


def test_a_wait_may_stand_before_its_set() -> None:
    """A wait holds its own pipe only; the set that the scalar unit issues later releases it."""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    tile = kernel.buffer(0, [64], f32)
    hivm.wait_flag(kernel.builder, "PIPE_MTE2", "PIPE_MTE3", 0)
    kernel.store(tile, kernel.part("out", 0, [64], [1]))
    kernel.load(kernel.part("x", 0, [64], [1]), tile)
    hivm.set_flag(kernel.builder, "PIPE_MTE2", "PIPE_MTE3", 0)
    result = kernel.run(np.ones(64, np.float32), np.zeros(64, np.float32))
    assert result.cycles > 192 + 120


def test_the_trace_opens_in_perfetto() -> None:
    """Complete events on one thread a pipe, ending with the run; arguments lead to the source."""
    result, _, _ = run_softmax(3, 781)
    trace = json.loads(result.trace)
    spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert {e["cat"] for e in spans} == {"S", "V", "MTE2", "MTE3"}
    assert {e["pid"] for e in spans} == {0, 1, 2}
    load = next(e for e in spans if e["name"] == "load")
    assert load["args"]["bytes"] == 781 * 4
    assert load["args"]["lines"]
    assert max(e["args"]["cycle"] + e["args"]["cycles"] for e in spans) == pytest.approx(result.cycles, abs=1.5)
