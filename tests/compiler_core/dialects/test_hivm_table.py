"""The table of hivm's ops is the vendor's list, and the emulator executes each op of it or says why not."""

from pathlib import Path

import pytest

from compiler_core.dialects.hivm import GROUPS, accesses, group, instruction, outs, pipe_of
from compiler_core.dialects.hivm_table import OPS
from compiler_core.emulator import run
from compiler_core.emulator.instructions.control_unit import REFUSED
from compiler_core.emulator.translation.macros import PRODUCTS
from compiler_core.emulator.translation.translator import TRANSLATORS
from compiler_core.ir import Builder, single_block
from compiler_core.ir.types import MemRefType, f32, i1

RECORDED = (Path(__file__).parent / "data" / "hivm_ops.txt").read_text(encoding="utf-8")
VENDOR = [line.removeprefix("hivm.hir.") for line in RECORDED.splitlines() if not line.startswith("#")]


def test_the_table_has_exactly_the_vendor_s_ops() -> None:
    assert sorted(OPS) == sorted(VENDOR)


@pytest.mark.parametrize("name", VENDOR)
def test_every_op_is_executed_or_refused_with_a_reason(name: str) -> None:
    assert callable(run)
    assert f"hivm.hir.{name}" in {*TRANSLATORS, *PRODUCTS}
    assert OPS[name].summary.endswith(".")
    if name in REFUSED:
        assert len(REFUSED[name]) > 20


def test_only_ops_of_the_dialect_are_refused() -> None:
    assert set(REFUSED) <= set(OPS)


def test_a_long_group_takes_what_the_others_leave() -> None:
    builder = Builder.at_end(single_block().blocks[0])
    a, b, c, d = (builder.value("test.buffer", [], MemRefType((8,), f32, None, "ub")) for _ in range(4))
    join = instruction(builder, "vconcat", [[a, b, c], [d]])
    assert group(join, "src") == (a, b, c) and group(join, "dst") == (d,)
    apart = instruction(builder, "vdeinterleave", [[a], [b, c]])
    assert group(apart, "src") == (a,) and outs(apart) == (b, c)
    assert [(x.value, x.write) for x in accesses(apart)] == [(a, False), (b, True), (c, True)]


def test_pipes_come_from_the_table() -> None:
    builder = Builder.at_end(single_block().blocks[0])
    fractals, matrix = (builder.value("test.buffer", [], MemRefType((16, 16), f32, None, s)) for s in ("cbuf", "gm"))
    assert pipe_of(instruction(builder, "nz2nd", [[fractals], [matrix]])) == "PIPE_MTE3"
    assert pipe_of(instruction(builder, "set_mask_norm", [])) is None
    flag = builder.value("test.flag", [], i1)
    image, weight, out = (builder.value("test.buffer", [], MemRefType((16, 16), f32, None, s)) for s in ("cbuf", "cbuf", "cc"))
    convolution = instruction(builder, "Conv2dL1", [[image], [weight], [], [out], [flag]])
    assert [(x.pipe, x.value, x.write) for x in accesses(convolution)] == [
        ("PIPE_MTE1", image, False),
        ("PIPE_MTE1", weight, False),
        ("PIPE_M", out, False),
        ("PIPE_M", out, True),
    ]
    assert GROUPS["hivm.hir.Conv2dL1"][3] == "init"
