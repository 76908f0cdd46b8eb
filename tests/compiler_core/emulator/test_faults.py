"""Each flag and each barrier of the vendor's kernels is removed in turn: every removal that can matter is told."""

import contextlib

import numpy as np
import pytest

from compiler_core.diagnostics import Refused
from compiler_core.dialects.hivm import enum, short
from compiler_core.ir import Op
from compiler_core.ir.parser import parse_module
from compiler_core.ir.types import f32
from tests.compiler_core.emulator.kernels import Kernel, gm, run_add, run_matmul, run_softmax, vendor
from tests.compiler_core.emulator.vendor import kernels

SYNC = ("set_flag", "wait_flag", "pipe_barrier")
RUNS = {
    "add": lambda code: run_add(3000, code),
    "softmax": lambda code: run_softmax(41, 781, code),
    "matmul": lambda code: run_matmul(100, 150, 200, code),
}


def synchronisation(code: Op) -> list[Op]:
    return [op for op in code.walk() if short(op) in SYNC]


def findings(name: str, code: Op) -> list[str]:
    try:
        result, _, _ = RUNS[name](code)
    except Refused as refused:
        return [d.message.code for d in refused.diagnostics]
    return [d.message.code for d in result.diagnostics]


CASES = [(name, i) for name in RUNS for i in range(len(synchronisation(vendor(name))))]


@pytest.mark.parametrize(("name", "i"), CASES)
def test_a_missing_flag_or_barrier_is_found(name: str, i: int) -> None:
    code = vendor(name)
    removed = synchronisation(code)[i]
    kind, harmless = short(removed), enum(removed.attributes.get("pipe")) == "PIPE_ALL"
    removed.erase()
    found = findings(name, code)
    if harmless:  # the last barrier: a kernel's end waits for every pipe anyway
        assert found == []
    elif kind == "set_flag":
        assert found == ["emulator-deadlock"]
    else:
        assert found
        assert set(found) <= {
            *("emulator-race", "emulator-race-within", "emulator-flag-left"),
            *("emulator-flag-set-twice", "emulator-uninitialised"),
        }


def test_a_race_names_both_instructions_and_both_lines() -> None:
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    kernel.at(3)
    tile = kernel.buffer(0, [64], f32)
    kernel.load(kernel.part("x", 0, [64], [1]), tile)
    kernel.at(4)
    kernel.store(tile, kernel.part("out", 0, [64], [1]))
    result = kernel.run(np.ones(64, np.float32), np.zeros(64, np.float32))
    (race,) = result.diagnostics
    assert [span.line for span in race.spans] == [4, 3]
    assert race.message.arguments == {
        "kind": "RAW",
        "memory": "UB",
        "low": 0,
        "high": 255,
        "first": "load",
        "first_pipe": "MTE2",
        "second": "store",
        "second_pipe": "MTE3",
    }


def test_interleaved_columns_do_not_race() -> None:
    """Two halves of a tile's columns overlap as ranges, but share no byte."""
    from compiler_core.dialects import memref

    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    tile = kernel.buffer(0, [4, 16], f32)
    left = memref.subview(kernel.builder, tile, [0, 0], [4, 8])
    right = memref.subview(kernel.builder, tile, [0, 8], [4, 8])
    kernel.load(kernel.part("x", 0, [4, 8], [8, 1]), left)
    kernel.flag("MTE2", "MTE3")
    kernel.load(kernel.part("x", 0, [4, 8], [8, 1]), right)
    kernel.store(left, kernel.part("out", 0, [4, 8], [8, 1]))
    result = kernel.run(np.ones(32, np.float32), np.zeros(32, np.float32))
    assert result.diagnostics == ()


def test_reading_what_nobody_wrote() -> None:
    kernel = Kernel([gm(f32)], ["out"])
    kernel.at(7)
    kernel.store(kernel.buffer(64, [8], f32), kernel.part("out", 0, [8], [1]))
    (found,) = kernel.run(np.zeros(8, np.float32)).diagnostics
    assert (found.message.code, found.spans[0].line) == ("emulator-uninitialised", 7)


def test_out_of_bounds_names_the_array_and_the_block() -> None:
    kernel = Kernel([gm(f32)], ["out"])
    tile = kernel.buffer(0, [8], f32)
    kernel.store(tile, kernel.part("out", kernel.block, [8], [1]))
    with pytest.raises(Refused) as refused:
        kernel.run(np.zeros(10, np.float32), grid=(5, 1, 1))
    arguments = refused.value.diagnostics[0].message.arguments
    assert (arguments["memory"], arguments["low"], arguments["high"], arguments["block"]) == ("out", 0, 11, 4)


def test_a_buffer_beyond_its_memory() -> None:
    kernel = Kernel([gm(f32)], ["x"])
    kernel.load(kernel.part("x", 0, [64], [1]), kernel.buffer(196_608 - 128, [64], f32))
    with pytest.raises(Refused) as refused:
        kernel.run(np.zeros(64, np.float32))
    assert refused.value.diagnostics[0].message.code == "emulator-out-of-bounds-chip"


def test_a_misaligned_buffer() -> None:
    kernel = Kernel([gm(f32)], ["x"])
    kernel.load(kernel.part("x", 0, [64], [1]), kernel.buffer(40, [64], f32))
    with pytest.raises(Refused) as refused:
        kernel.run(np.zeros(64, np.float32))
    assert refused.value.diagnostics[0].message.code == "emulator-misaligned"


def test_an_unknown_op_is_named_with_its_line() -> None:
    kernel = Kernel([gm(f32)], ["x"])
    kernel.at(9)
    kernel.builder.op("hivm.hir.unheard_of")
    with pytest.raises(Refused) as refused:
        kernel.run(np.zeros(64, np.float32))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.message.arguments["op"] == "hivm.hir.unheard_of"
    assert diagnostic.spans[0].line == 9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#hivm.pipe<PIPE_MTE2>", "#hivm.pipe<PIPE_NINE>"),
        ("array<i32: 2, 1, 0>", "array<i32: 3, 0, 0>"),
        ("memref<1024xf32, #hivm.address_space<ub>>", "memref<4294967296xf32, #hivm.address_space<ub>>"),
        ("memref<1024xf32, #hivm.address_space<ub>>", "memref<1024xf16, #hivm.address_space<ub>>"),
    ],
    ids=["no such pipe", "operands in the wrong groups", "a huge buffer", "another type"],
)
def test_malformed_code_is_refused_or_runs_but_never_crashes(old: str, new: str) -> None:
    text = kernels()["add"].text
    assert old in text
    with contextlib.suppress(Refused):
        run_add(3000, parse_module(text.replace(old, new)))
