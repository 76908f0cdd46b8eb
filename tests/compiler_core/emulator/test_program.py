"""Generated programs: nothing of the user's text is in them, limits hold, and they say where they failed."""

import re
import sys
from typing import Any

import numpy as np
import pytest

from compiler_core.diagnostics import LimitHit, Refused
from compiler_core.dialects import arith, hivm, scf
from compiler_core.emulator import run
from compiler_core.emulator.execution.machine import Limits
from compiler_core.ir import Builder, Op, StringAttr
from compiler_core.ir.parser import parse_module
from compiler_core.ir.types import f32, i32, index
from tests.compiler_core.emulator.kernels import B3, Kernel, gm, run_matmul, run_softmax, vendor
from tests.compiler_core.emulator.vendor import kernels

HOSTILE = '__import__("os").system("touch /tmp/owned")\n#"""{x}\\'


def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the programs translated from now on."""
    module = sys.modules["compiler_core.emulator.translation.program"]
    found: list[str] = []
    original = module._compiled

    def noted(source: str) -> Any:
        found.append(source)
        return original(source)

    monkeypatch.setattr(module, "_compiled", noted)
    return found


def renamed(code: Op, name: str) -> Op:
    """Every name and string of a program replaced by another."""
    for op in code.walk():
        for region in op.regions:
            for block in region.blocks:
                for argument in block.arguments:
                    argument.name = name
        for result in op.results:
            result.name = name
        op.attributes["note"] = StringAttr(name)
        if "sym_name" in op.attributes:
            op.attributes["sym_name"] = StringAttr(name)
    return code


def test_a_program_holds_only_names_and_numbers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sources(monkeypatch)
    _, out, expected = run_softmax(5, 33, renamed(vendor("softmax"), HOSTILE))
    np.testing.assert_allclose(out, expected, rtol=1e-5)
    run_softmax(5, 33)
    assert found[0] == found[1]
    words = set(re.findall(r"[A-Za-z_]\w*", "".join(found)))
    known = {"def", "program", "log", "issued", "block", "sub_block", "column", "machine", "if", "else", "for", "in", "range"}
    known |= {"len", "pause", "tick", "spread", "None", "r", "c", "pass"}
    assert {w for w in words if not re.fullmatch(r"[Kvamn]\d+", w)} <= known


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -0.0, 1e-45])
def test_constants_never_become_text(number: float) -> None:
    kernel = Kernel([gm(f32)], ["out"])
    tile = kernel.buffer(0, [8], f32)
    hivm.instruction(kernel.builder, "vbrc", [[arith.constant(kernel.builder, number, f32)], [tile]])
    kernel.flag("V", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [8], [1]))
    kernel.barrier()
    out = np.zeros(8, np.float32)
    kernel.run(out)
    np.testing.assert_array_equal(out, np.full(8, number, np.float32))
    assert bool(np.signbit(out[0])) == bool(np.signbit(np.float32(number)))


def test_integers_beyond_any_width_wrap() -> None:
    """A square of squares in a loop does not grow without bounds."""
    kernel = Kernel([gm(i32)], ["out"])
    b = kernel.builder
    zero, one, many = (arith.constant(b, n, index) for n in (0, 1, 200))
    loop = scf.for_loop(b, zero, many, one, [arith.constant(b, 3, index)])
    inner = Builder.at_end(loop.body)
    inner.op("scf.yield", [inner.value("arith.muli", [loop.body.arguments[1]] * 2, index)])
    low = b.value("arith.index_cast", [loop.results[0]], i32)
    tile = kernel.buffer(0, [8], i32)
    hivm.instruction(b, "vbrc", [[low], [tile]])
    kernel.flag("V", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [8], [1]))
    kernel.barrier()
    out = np.zeros(8, np.int32)
    kernel.run(out, grid=(2, 1, 1))
    expected = pow(3, 2**200, 1 << 32)
    assert int(out[0]) & 0xFFFFFFFF == expected


def endless(instructions: bool) -> Kernel:
    kernel = Kernel([gm(f32)], ["out"])
    b = kernel.builder
    zero, one, many = (arith.constant(b, n, index) for n in (0, 1, 1 << 60))
    loop = scf.for_loop(b, zero, many, one)
    inner = Builder.at_end(loop.body)
    if instructions:
        hivm.pipe_barrier(inner, "PIPE_V")
    inner.op("scf.yield")
    return kernel


@pytest.mark.parametrize("instructions", [True, False])
@pytest.mark.parametrize("functional", [True, False])
def test_endless_loops_end(instructions: bool, functional: bool) -> None:
    for limits, code in (
        (Limits(instructions=10_000), "emulator-limit-instructions"),
        (Limits(instructions=1 << 40, seconds=0.2), "emulator-limit-seconds"),
    ):
        with pytest.raises(LimitHit) as hit:
            endless(instructions).run(np.zeros(1, np.float32), limits=limits, functional=functional)
        assert hit.value.diagnostics[0].message.code == code


def test_loops_nested_deeper_than_python_can_are_refused() -> None:
    kernel = Kernel([gm(f32)], ["out"])
    at = kernel.builder
    zero, one = (arith.constant(at, n, index) for n in (0, 1))
    for _ in range(30):
        at = Builder.at_end(scf.for_loop(at, zero, one, one).body)
    block: Any = at.block
    while block.parent_op is not None and block.parent_op.name == "scf.for":
        Builder.at_end(block).op("scf.yield")
        block = block.parent_op.parent
    with pytest.raises(Refused) as refused:
        kernel.run(np.zeros(1, np.float32))
    assert refused.value.diagnostics[0].message.code == "emulator-unsupported"


def test_a_steady_loop_moves_by_what_its_lanes_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's tiles, 64 x 128 of whole matrices, have constant sizes: no instruction is issued for groups of lanes."""
    found = sources(monkeypatch)
    result, out, expected = run_matmul(128, 256, 192)
    np.testing.assert_allclose(out, expected, rtol=2e-2, atol=0.1)
    assert result.diagnostics == ()
    assert "spread" not in found[0]


def test_a_failure_inside_a_loop_is_told_with_its_line() -> None:
    kernel = Kernel([gm(f32)], ["x"])
    b = kernel.builder
    zero, one, four = (arith.constant(b, n, index) for n in (0, 1, 4))
    tile = kernel.buffer(0, [8], f32)
    loop = scf.for_loop(b, zero, four, one)
    kernel.builder = Builder.at_end(loop.body)
    kernel.at(7)
    eight = arith.constant(kernel.builder, 8, index)
    kernel.load(kernel.part("x", kernel.builder.value("arith.muli", [loop.body.arguments[0], eight], index), [8], [1]), tile)
    kernel.builder.op("scf.yield")
    kernel.builder = b
    with pytest.raises(Refused) as refused:
        kernel.run(np.zeros(20, np.float32))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.message.code == "emulator-out-of-bounds"
    assert [s.line for s in diagnostic.spans] == [7]


def test_a_kernel_is_found_by_either_half_or_their_common_name() -> None:
    kernel = kernels()["attention"]
    code, launch = parse_module(kernel.text), kernel.at(kernel.small[-1])
    cycles = {
        run(code, name, list(launch.arguments.values()), launch.grid, B3).cycles
        for name in ("attention", "attention_mix_aic", "attention_mix_aiv", None)
    }
    assert len(cycles) == 1


def test_cores_that_wait_for_each_other_are_told() -> None:
    kernel = kernels()["attention"]
    code, launch = parse_module(kernel.text), kernel.at(kernel.small[-1])
    next(op for op in code.walk() if op.name == "hivm.hir.sync_block_set" and "FIX" in str(op.attributes["tpipe"])).erase()
    with pytest.raises(Refused) as refused:
        run(code, None, list(launch.arguments.values()), launch.grid, B3)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.message.code in ("emulator-deadlock", "emulator-deadlock-circle")
    assert "cube core" in diagnostic.message.text and "vector cores" in diagnostic.message.text
    assert len(diagnostic.spans) == 2
