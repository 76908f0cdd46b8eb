"""plan-memory: buffers that are live together never share bytes; those that are not, do; results replace dying operands."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_core.chips import chips
from compiler_core.dialects import hivm, memref
from compiler_core.dialects.arith import constant
from compiler_core.dialects.builtin import function
from compiler_core.ir import Builder, Op
from compiler_core.ir.types import MemRefType, f32, i1
from compiler_core.passes.machine.lifetimes import lifetimes, size_of
from compiler_core.passes.machine.regions import region_of
from compiler_core.passes.plan_memory import place
from compiler_core.passes.reuse_buffers import merge_in_place
from tests.compiler_core.passes.machine import LOWERED, OPTIMISED, machine, ops
from tests.compiler_core.passes.test_machine_results import elementwise


def chain(sizes: list[int], uses: list[tuple[int, int]]) -> Op:
    """A function that fills a buffer of each size, then copies between pairs of them (as many elements as fit both)."""
    made = function("f", [])
    builder = Builder.at_end(made.body)
    zero = constant(builder, 0.0, f32)
    buffers = [memref.alloc(builder, MemRefType((size,), f32, None, "ub")) for size in sizes]
    for buffer in buffers:
        hivm.instruction(builder, "vbrc", [[zero], [buffer]])
    for a, b in uses:
        source, target = buffers[a % len(sizes)], buffers[b % len(sizes)]
        size = min(sizes[a % len(sizes)], sizes[b % len(sizes)])
        views = [memref.subview(builder, v, [0], [size]) for v in (source, target)]
        hivm.instruction(builder, "copy", [[views[0]], [views[1]]])
    builder.op("func.return")
    return made


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_no_two_live_buffers_share_bytes(sizes, uses):
    placements = place(chain(sizes, uses))
    assert len(placements) == len(sizes)
    for i, p in enumerate(placements):
        assert p.address % 32 == 0
        for q in placements[:i]:
            apart = p.end <= q.address or q.end <= p.address
            assert apart or not p.lifetime.meets(q.lifetime)


def test_buffers_of_different_times_share_bytes():
    """Ten buffers in a row, each copied to the next and then done with, fit the room of two."""
    made = function("f", [])
    builder = Builder.at_end(made.body)
    zero = constant(builder, 0.0, f32)
    type = MemRefType((1000,), f32, None, "ub")
    buffers = [memref.alloc(builder, type) for _ in range(10)]
    hivm.instruction(builder, "vbrc", [[zero], [buffers[0]]])
    for a, b in pairwise(buffers):
        hivm.instruction(builder, "copy", [[a], [b]])
    builder.op("func.return")
    assert max(p.end for p in place(made)) == 2 * size_of(type)


def test_bits_are_packed():
    assert size_of(MemRefType((1024,), i1, None, "ub")) == 128
    assert size_of(MemRefType((3,), i1, None, "ub")) == 32


def arguments(n: int = 256):
    x = np.zeros(n, np.float32)
    return {"x_ptr": x, "out_ptr": x.copy(), "n": n}


def test_a_chain_of_vector_ops_runs_in_place():
    source = elementwise("tl.exp(tl.exp(tl.exp(x) + 1.0) * 2.0)")
    lowered = machine(source, arguments(), (1,), LOWERED, BLOCK=256)
    optimised = machine(source, arguments(), (1,), OPTIMISED, BLOCK=256)
    assert len(ops(optimised, "pointer_cast")) == 1 < len(ops(lowered, "pointer_cast"))


def test_merging_keeps_a_value_that_is_still_needed():
    made = function("f", [])
    builder = Builder.at_end(made.body)
    type = MemRefType((64,), f32, None, "ub")
    a, b, c = (memref.alloc(builder, type) for _ in range(3))
    hivm.instruction(builder, "vbrc", [[constant(builder, 0.0, f32)], [a]])
    hivm.vector(builder, "vexp", [a], b)
    hivm.vector(builder, "vadd", [a, b], c)
    hivm.instruction(builder, "copy", [[c], [a]])
    builder.op("func.return")
    merge_in_place(made)
    # b dies at the sum and hands its buffer to c; a lives on
    assert len(lifetimes(made)) == 2


def test_planned_memory_fits_the_chip():
    for name in chips():
        module = machine(elementwise("tl.exp(x) * x + 1.0"), arguments(1 << 18), (1,), OPTIMISED, name, BLOCK=1 << 18)
        regions = [region_of(op.result) for op in ops(module, "pointer_cast")]
        assert max(end for region in regions for _, end in region.ranges) <= chips()[name].ub
