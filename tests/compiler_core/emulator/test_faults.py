"""What is wrong with a program is told: each flag and barrier of real kernels taken away in turn, and other faults."""

import contextlib
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from compiler_core.chips import chips
from compiler_core.diagnostics import Refused
from compiler_core.dialects import hivm
from compiler_core.dialects import memref as mem
from compiler_core.dialects.hivm import short
from compiler_core.emulator import run
from compiler_core.importers.triton import import_kernel, resolve_launch
from compiler_core.inputs import make_inputs
from compiler_core.ir.parser import parse_module
from compiler_core.ir.types import f32
from compiler_core.passes.base import PassContext
from compiler_core.pipelines import pipeline
from tests.cases import small
from tests.compiler_core.emulator.kernels import B3, Kernel, gm, run_add
from tests.compiler_core.emulator.reordering import captured, matters, pairs, result, synchronisation, told, trace
from tests.compiler_core.emulator.vendor import kernels

CASES = [f"{case.name}@{chip}" for case in small() for chip in ("Ascend910B3", "Ascend310P3")]


def compiled(name: str) -> Callable[[], object]:
    """A run of a gallery kernel, on a small launch, as our pipeline compiles it for a chip."""
    example, _, chip = name.partition("@")
    case = next(c for c in small() if c.name == example)
    launch = resolve_launch(case.text, case.launch)
    code = import_kernel(case.text, launch)
    for step in pipeline("tt"):
        step.apply(code, PassContext(chips()[chip]))
    x, y, z = (*launch.grid, 1, 1)[:3]
    return lambda: run(code, None, list(make_inputs(launch).values()), (int(x), int(y), int(z)), chips()[chip])


def by_the_vendor(name: str) -> Callable[[], object]:
    """A run of a kernel that the vendor's compiler made, at the last of its small sizes."""
    kernel = kernels()[name]
    code, launch = parse_module(kernel.text), kernel.at(kernel.small[-1])
    return lambda: run(code, None, list(launch.arguments.values()), launch.grid, B3)


def seeded(kernel: Callable[[], object]) -> Counter[str]:
    """Takes away every flag, wait, barrier and counter, and every set with its wait, from the class of blocks that did most.

    Asserts that whatever can matter by reordering is told, and gives how many of each kind mattered.
    """
    programs = max(captured(kernel), key=lambda programs: sum(len(p.path.codes) for p in programs))
    assert told(programs, []) == []
    whole = trace(programs)
    expected = result(whole)
    assert expected is not None
    ops = synchronisation(programs)
    found: Counter[str] = Counter()
    for gone in [*((op,) for op in ops), *pairs(ops)]:
        if matters(whole, gone, expected):
            assert told(programs, gone), [(short(op), op.location) for op in gone]
            found["pair" if len(gone) > 1 else short(gone[0])] += 1
    return found


@pytest.mark.parametrize("name", CASES)
def test_faults_in_our_code_are_told(name: str) -> None:
    mattered = seeded(compiled(name))
    assert mattered["set_flag"] and mattered["wait_flag"]


@pytest.mark.parametrize("name", [name for name, kernel in kernels().items() if kernel.small])
def test_faults_in_the_vendors_code_are_told(name: str) -> None:
    mattered = seeded(by_the_vendor(name))
    assert mattered["set_flag"] and mattered["wait_flag"]


@pytest.mark.parametrize("kind", ["set_flag", "wait_flag", "pipe_barrier"])
def test_a_fault_in_the_code_itself(kind: str) -> None:
    """An op erased from the code before it runs, as a user would forget it."""
    code, launch = parse_module(kernels()["softmax"].text), kernels()["softmax"].at((5, 33))
    next(op for op in code.walk() if short(op) == kind).erase()
    held = list(launch.arguments.values())
    if kind == "set_flag":
        with pytest.raises(Refused) as refused:
            run(code, None, held, launch.grid, B3)
        assert [d.message.code for d in refused.value.diagnostics] == ["emulator-deadlock"]
    else:
        found = {d.message.code for d in run(code, None, held, launch.grid, B3).diagnostics}
        assert found & {"emulator-race", "emulator-race-within"}


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
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    tile = kernel.buffer(0, [4, 16], f32)
    left = mem.subview(kernel.builder, tile, [0, 0], [4, 8])
    right = mem.subview(kernel.builder, tile, [0, 8], [4, 8])
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


def test_two_pipes_that_wait_for_each_other() -> None:
    kernel = Kernel([gm(f32)], ["x"])
    kernel.at(3)
    hivm.wait_flag(kernel.builder, "PIPE_MTE3", "PIPE_MTE2", 0)
    hivm.set_flag(kernel.builder, "PIPE_MTE2", "PIPE_MTE3", 0)
    kernel.at(5)
    hivm.wait_flag(kernel.builder, "PIPE_MTE2", "PIPE_MTE3", 0)
    hivm.set_flag(kernel.builder, "PIPE_MTE3", "PIPE_MTE2", 0)
    with pytest.raises(Refused) as refused:
        kernel.run(np.zeros(64, np.float32))
    (found,) = refused.value.diagnostics
    assert found.message.code == "emulator-deadlock-circle"
    assert found.message.arguments["chain"] == "MTE2 → MTE3 → MTE2"
    assert [span.line for span in found.spans] == [3, 5]


def test_a_flag_set_twice_and_one_left_over() -> None:
    kernel = Kernel([gm(f32)], ["x"])
    for line in (3, 4):
        kernel.at(line)
        hivm.set_flag(kernel.builder, "PIPE_MTE2", "PIPE_V", 2)
    hivm.wait_flag(kernel.builder, "PIPE_MTE2", "PIPE_V", 2)
    twice, left = kernel.run(np.zeros(64, np.float32)).diagnostics
    assert (twice.message.code, [s.line for s in twice.spans]) == ("emulator-flag-set-twice", [4, 3])
    assert (left.message.code, left.severity, [s.line for s in left.spans]) == ("emulator-flag-left", "warning", [4])


@pytest.mark.parametrize(("address", "overlap"), [(128, True), (256, False)])
def test_two_buffers_in_use_that_overlap(address: int, overlap: bool) -> None:
    """A second load lands on the second half of what the first has brought, which is stored afterwards."""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    mine, other = kernel.buffer(0, [64], f32), kernel.buffer(address, [64], f32)
    kernel.load(kernel.part("x", 0, [64], [1]), mine)
    kernel.barrier()
    kernel.at(5)
    kernel.load(kernel.part("x", 0, [64], [1]), other)
    kernel.flag("MTE2", "MTE3")
    kernel.at(7)
    kernel.store(mine, kernel.part("out", 0, [64], [1]))
    found = kernel.run(np.ones(64, np.float32), np.zeros(64, np.float32)).diagnostics
    assert [(d.message.code, [s.line for s in d.spans]) for d in found] == (
        [("emulator-overlapping-buffers", [7, 5])] if overlap else []
    )


def test_a_buffer_taken_over_by_a_smaller_one() -> None:
    """The second buffer reuses part of the first once nobody needs that: no finding."""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    large, small = kernel.buffer(0, [64], f32), kernel.buffer(0, [32], f32)
    kernel.load(kernel.part("x", 0, [64], [1]), large)
    kernel.flag("MTE2", "V")
    kernel.vector("vexp", [mem.subview(kernel.builder, large, [0], [32])], small)
    kernel.flag("V", "MTE3")
    kernel.store(small, kernel.part("out", 0, [32], [1]))
    assert kernel.run(np.ones(64, np.float32), np.zeros(64, np.float32)).diagnostics == ()


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


def test_an_instruction_that_begins_between_two_blocks_of_32_bytes() -> None:
    kernel = Kernel([gm(f32)], ["x"])
    tile = kernel.buffer(0, [64], f32)
    kernel.at(4)
    kernel.load(kernel.part("x", 0, [32], [1]), mem.subview(kernel.builder, tile, [3], [32]))
    (found,) = kernel.run(np.zeros(64, np.float32)).diagnostics
    assert (found.message.code, found.spans[0].line) == ("emulator-misaligned-access", 4)
    assert found.message.arguments == {"op": "load", "memory": "UB", "address": 12, "alignment": 32}


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
