"""hivm: the vendor's text, operand groups, and which pipe uses what."""

import pytest

from compiler_core.dialects import hivm
from compiler_core.dialects.arith import constant
from compiler_core.dialects.builtin import function
from compiler_core.ir import Builder, Op, Value, to_text
from compiler_core.ir.types import MemRefType, f16, f32, i1, i64, index


def value(builder: Builder, type) -> Value:
    return builder.value("builtin.unrealized_conversion_cast", [], type)


@pytest.fixture
def builder() -> Builder:
    return Builder.at_end(function("f", []).body)


def buffer(builder: Builder, *shape: int, element=f32, space: str = "ub") -> Value:
    return value(builder, MemRefType(shape, element, None, space))


def line(op: Op) -> str:
    return to_text(op).strip()


def test_a_vector_instruction_prints_as_the_vendor_writes_it(builder):
    a, row = buffer(builder, 4, 8), buffer(builder, 1, 8)
    op = hivm.vector(builder, "vadd", [a, row], a, broadcast=[0])
    assert line(op) == (
        "hivm.hir.vadd ins(%0, %1 : memref<4x8xf32, #hivm.address_space<ub>>, memref<1x8xf32, #hivm.address_space<ub>>)"
        " outs(%0 : memref<4x8xf32, #hivm.address_space<ub>>) broadcast = [0]"
    )
    assert to_text(op, generic=True).startswith('"hivm.hir.vadd"(%0, %1, %0) {broadcast = array<i64: 0>')


def test_groups(builder):
    a, temp = buffer(builder, 4), buffer(builder, 8)
    scalar = constant(builder, 2.0, f32)
    op = hivm.vector(builder, "vdiv", [a, scalar], a, temp)
    assert hivm.group(op, "src") == (a, scalar)
    assert hivm.optional(op, "temp_buffer") is temp
    assert hivm.ins(op) == (a, scalar) and hivm.outs(op) == (a,)
    with pytest.raises(ValueError):
        hivm.group(op, "indices")


def test_an_op_without_segments_gives_what_it_has(builder):
    a = buffer(builder, 4)
    op = hivm.instruction(builder, "vbrc", [[constant(builder, 0.0, f32)], [a]])
    assert hivm.outs(op) == (a,)
    assert hivm.optional(op, "temp_buffer") is None


def test_the_macro_reads_l1_on_mte1_and_writes_l0c_on_m(builder):
    a, b = (buffer(builder, 2, 2, 16, 16, element=f16, space="cbuf") for _ in range(2))
    c = buffer(builder, 2, 2, 16, 16, space="cc")
    true, size = constant(builder, True, i1), constant(builder, 32, index)
    op = hivm.instruction(builder, "mmadL1", [[a], [b], [true], [size], [size], [size], [c]])
    assert [(x.pipe, x.value, x.write) for x in hivm.accesses(op)] == [
        ("PIPE_MTE1", a, False),
        ("PIPE_MTE1", b, False),
        ("PIPE_M", c, False),
        ("PIPE_M", c, True),
    ]


@pytest.mark.parametrize(
    ("name", "source", "target", "pipe"),
    [
        ("load", "gm", "ub", "PIPE_MTE2"),
        ("nd2nz", "gm", "cbuf", "PIPE_MTE2"),
        ("nd2nz", "ub", "cbuf", "PIPE_MTE3"),
        ("store", "ub", "gm", "PIPE_MTE3"),
        ("copy", "ub", "ub", "PIPE_V"),
        ("fixpipe", "cc", "gm", "PIPE_FIX"),
        ("fixpipe", "cc", "ub", "PIPE_V"),
    ],
)
def test_pipes_of_moves(builder, name, source, target, pipe):
    a, b = buffer(builder, 16, 16, space=source), buffer(builder, 16, 16, space=target)
    assert hivm.pipe_of(hivm.instruction(builder, name, [[a], [b]])) == pipe


def test_flags(builder):
    event = value(builder, i64)
    fixed, moving = hivm.set_flag(builder, "PIPE_V", "PIPE_S", 3), hivm.wait_flag(builder, "PIPE_V", "PIPE_S", event)
    assert line(fixed) == "hivm.hir.set_flag[<PIPE_V>, <PIPE_S>, <EVENT_ID3>]"
    assert hivm.flag(fixed) == ("PIPE_V", "PIPE_S", 3)
    assert hivm.flag(moving) == ("PIPE_V", "PIPE_S", event)


def test_fractals():
    assert hivm.block_shape(64, 128, 2, "cbuf") == (8, 4, 16, 16)
    assert hivm.block_shape(17, 9, 4, "cbuf") == (2, 2, 16, 8)
    assert hivm.block_shape(17, 9, 4, "cc") == (1, 2, 16, 16)
