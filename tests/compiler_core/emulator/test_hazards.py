"""Loops: the turns that the hazard check skips would have told nothing else."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_core.diagnostics import Refused
from compiler_core.dialects import hivm
from compiler_core.emulator.checks.hazards import HazardCheck, Program
from compiler_core.ir.types import f32
from tests.compiler_core.emulator.kernels import Kernel, gm
from tests.compiler_core.emulator.reordering import captured

PIPES = ("MTE2", "V", "MTE3")
buffers = st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("load"), buffers, buffers),
    st.tuples(st.just("vexp"), buffers, buffers),
    st.tuples(st.just("store"), buffers, buffers),
    st.tuples(st.just("flag"), st.permutations(PIPES), st.integers(0, 1)),
    st.tuples(st.just("set"), st.permutations(PIPES), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.permutations(PIPES), st.integers(0, 1)),
    st.tuples(st.just("barrier"), st.sampled_from((*PIPES, "ALL")), buffers),
)


def body(chosen: list[tuple[str, object, object]]) -> Program:
    """What a straight line of instructions is in the log. Buffers 2 and 3 overlap."""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    tiles = [kernel.buffer(a, [64], f32) for a in (0, 256, 512, 640)]
    for line, (name, a, b) in enumerate(chosen):
        kernel.at(line + 2)
        if name == "barrier":
            kernel.barrier(str(a))
        elif name in ("flag", "set", "wait"):
            assert isinstance(a, list) and isinstance(b, int)
            for kind in ("set", "wait") if name == "flag" else (name,):
                make = hivm.set_flag if kind == "set" else hivm.wait_flag
                make(kernel.builder, f"PIPE_{a[0]}", f"PIPE_{a[1]}", b)
        else:
            assert isinstance(a, int) and isinstance(b, int)
            if name == "load":
                kernel.load(kernel.part("x", 0, [64], [1]), tiles[a])
            elif name == "vexp":
                kernel.vector("vexp", [tiles[a]], tiles[b])
            else:
                kernel.store(tiles[a], kernel.part("out", 0, [64], [1]))
    arguments = (np.zeros(64, np.float32), np.zeros(64, np.float32))
    ((program,),) = captured(lambda: kernel.run(*arguments, functional=False, timing=False))
    return program


def findings(program: Program, codes: list[int]) -> list[tuple[str, dict[str, object]]]:
    check = HazardCheck()
    diagnostics = check.diagnostics
    try:
        check.block([replace(program, path=replace(program.path, codes=np.array(codes, np.int64)))])
    except Refused as refused:
        diagnostics = [*diagnostics, *refused.diagnostics]
    return [(d.message.code, dict(d.message.arguments)) for d in diagnostics]


@settings(deadline=None)
@given(st.lists(steps, min_size=1, max_size=8), st.lists(steps, max_size=4), st.sampled_from((1, 2, 9, 20)), st.integers(1, 3))
def test_turns_skipped_would_have_told_nothing_else(
    turn: list[tuple[str, object, object]], after: list[tuple[str, object, object]], turns: int, outer: int
) -> None:
    program = body([*turn, *after])
    codes = [c for c in program.path.codes.tolist() if c >= 0]
    cut = len([c for c in body(turn).path.codes.tolist() if c >= 0])
    marked = [-2, *[-1, *codes[:cut]] * turns, *codes[cut:]] * outer
    assert findings(program, marked) == findings(program, [c for c in marked if c >= 0])
