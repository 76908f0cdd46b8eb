"""The clock: replaying loop turns changes nothing, spans agree with it, and cores of a block wait for each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_core.chips import chips
from compiler_core.emulator.clock.costs import (
    ALL,
    AWAIT,
    BARRIER,
    FIX,
    GIVE,
    MTE1,
    MTE2,
    MTE3,
    PIPES,
    POST,
    RUN,
    SET,
    TAKE,
    WAIT,
    Item,
    M,
    S,
    V,
)
from compiler_core.emulator.clock.spans import Span, Tracer
from compiler_core.emulator.clock.timeline import FEW_TURNS, REASONS, Timeline, Unordered, Walk, steps_of, together

TIMING = chips()["Ascend910B3"].timing
Program = list[list[Item]]
"""Turns of a loop, each with its items."""


def run(pipe: int, work: float, startup: float = 0.0, scalars: float = 0.0) -> Item:
    return Item(RUN, pipe, "work", work, startup, scalars=scalars)


def flag(kind: int, first: int, second: int, event: int = 0) -> Item:
    pipe, other = (first, second) if kind == SET else (second, first)
    return Item(kind, pipe, "flag", other=other, event=event)


def timed(turns: Program, marked: bool, queue: int = TIMING.queue) -> tuple[Timeline, int]:
    """The timeline and how many items were walked."""
    items: list[Item] = []
    codes: list[int] = []
    for turn in turns:
        codes += [-1] if marked else []
        for item in turn:
            if item not in items:
                items.append(item)
            codes.append(items.index(item))
    table = {code: steps_of([item], [item.work], TIMING) for code, item in enumerate(items)}
    walk = Walk(table, queue, few=0)
    return walk.time(np.array(codes, np.int64)), walk.walked


def traced(items: list[Item]) -> list[Span]:
    return Tracer([[s for item in items for s in steps_of([item], [item.work], TIMING)]], TIMING.queue).run()


def stream(turns: Program) -> list[Item]:
    return [item for turn in turns for item in turn]


pipes = st.sampled_from([S, V, M, MTE1, MTE2, MTE3, FIX])
cycles = st.integers(0, 4000).map(lambda n: n / 16)
works = st.builds(run, pipes, cycles, cycles, st.integers(0, 3).map(float))
barriers = st.builds(lambda pipe: Item(BARRIER, pipe, "barrier"), st.sampled_from([V, M, MTE2, ALL]))
pairs = st.builds(
    lambda first, second, event, between: [flag(SET, first, second, event), *between, flag(WAIT, first, second, event)],
    pipes,
    pipes,
    st.integers(0, 2),
    st.lists(works, max_size=2),
)
macros = st.just([Item(TAKE, MTE1, "free", inner=True), run(MTE1, 64), Item(GIVE, MTE1, "full", event=1, inner=True)]).map(
    lambda load: [*load, Item(TAKE, M, "full", event=1, inner=True), run(M, 100, 20), Item(GIVE, M, "free", inner=True)]
)
turn = st.lists(st.one_of(works.map(lambda w: [w]), barriers.map(lambda b: [b]), pairs, macros), max_size=5).map(
    lambda parts: [item for part in parts for item in part]
)
programs = st.lists(st.tuples(turn, st.integers(1, 40)), min_size=1, max_size=3).map(
    lambda loops: [list(body) for body, times in loops for _ in range(times)]
)


@settings(deadline=None, max_examples=150)
@given(programs, st.sampled_from([2, 32]))
def test_replayed_turns_are_walked_turns(turns: Program, queue: int) -> None:
    """To the tick: total, busy cycles and stalls, whatever the program does and wherever its loops settle."""
    walked, _ = timed(turns, marked=False, queue=queue)
    replayed, _ = timed(turns, marked=True, queue=queue)
    assert replayed == walked


@settings(deadline=None, max_examples=60)
@given(programs)
def test_spans_tell_the_same_times(turns: Program) -> None:
    walked, _ = timed(turns, marked=False)
    spans = traced(stream(turns))
    assert max((s.end for s in spans), default=0.0) <= walked.total
    assert walked.total - max((s.end for s in spans), default=0.0) <= len(stream(turns)) * (TIMING.scalar.issue + 3)
    for place, span in enumerate(spans):
        assert span.cause.span < place
        if span.cause.reason in ("flag", "pipe") and span.cause.span >= 0:
            assert spans[span.cause.span].start <= span.start


def test_a_settled_loop_costs_a_look_up_a_turn() -> None:
    """Ten thousand turns, with a pipe whose queue of 32 fills up: some dozens are walked."""
    body = [flag(SET, MTE2, V), run(MTE2, 300, 200), flag(WAIT, MTE2, V), run(V, 100, 24), run(MTE3, 120, 100)]
    timeline, walked = timed([body] * 10_000, marked=True)
    assert walked < 100 * len(body)
    assert timeline.total == pytest.approx(10_000 * 300, rel=0.01)


def test_few_turns_are_walked() -> None:
    body = [run(V, 10)]
    _, walked = timed([body] * (FEW_TURNS - 1), marked=True)
    assert walked == FEW_TURNS - 1


def test_short_programs_are_walked() -> None:
    table = {0: steps_of([run(V, 1)], [1.0], TIMING)}
    codes = np.array([-1, 0] * 100, np.int64)
    short, long = Walk(table, TIMING.queue), Walk(table, TIMING.queue, few=0)
    assert short.time(codes) == long.time(codes)
    assert short.walked == 100 > long.walked


def test_a_stall_is_of_the_pipe_that_stands_still() -> None:
    """V waits 300 + 200 cycles for what MTE2 brings; the two instructions it takes to issue that are not the flag's."""
    load = [run(MTE2, 300, 200), flag(SET, MTE2, V), flag(WAIT, MTE2, V), run(V, 100)]
    timeline, _ = timed([load], marked=False)
    stalls = dict(zip(REASONS, timeline.stalls[V], strict=True))
    assert stalls["issue"] == 4 * TIMING.scalar.issue
    assert stalls["flag"] == 501 - 3 * TIMING.scalar.issue + TIMING.scalar.flag - 1
    assert timeline.busy[V] == 100


def test_a_span_names_what_it_waited_for() -> None:
    spans = traced([run(MTE2, 300, 200), flag(SET, MTE2, V), flag(WAIT, MTE2, V), run(V, 100), run(V, 50)])
    load, first, second = spans
    assert (load.cause.reason, load.cause.span) == ("issue", -1)
    assert (first.cause.reason, spans[first.cause.span]) == ("flag", load)
    assert (second.cause.reason, spans[second.cause.span]) == ("pipe", first)


def test_a_wait_before_its_set_is_for_somebody_else_to_order() -> None:
    with pytest.raises(Unordered):
        timed([[flag(WAIT, MTE2, V), run(V, 1), flag(SET, MTE2, V)]], marked=False)


def test_cube_and_vector_cores_wait_for_each_other() -> None:
    """The cube's product goes to both vector cores; it takes the next one only when the slower of them has read the last."""
    cube = [run(M, 500), Item(POST, M, "set", event=0), Item(AWAIT, S, "wait", event=1), run(M, 500)]
    vectors = [[Item(AWAIT, S, "wait", event=0), run(V, work), Item(POST, V, "set", event=1)] for work in (100, 900)]
    tables = [{i: steps_of([item], [item.work], TIMING) for i, item in enumerate(p)} for p in (cube, *vectors)]
    ends = together([range(len(p)) for p in (cube, *vectors)], tables, TIMING.queue, ((1, 2), (0,), (0,)))
    notify, issue = TIMING.scalar.notify, TIMING.scalar.issue
    assert ends[0].total == pytest.approx(500 + notify + 900 + notify + 500, abs=6 * issue)
    assert ends[1].total < ends[2].total < ends[0].total
    assert dict(zip(REASONS, ends[0].stalls[S], strict=True))["communication"] > 900


def test_cores_that_wait_for_nobody_are_stuck() -> None:
    item = Item(AWAIT, S, "wait", event=0)
    with pytest.raises(Unordered):
        together([[0], [], []], [{0: steps_of([item], [0.0], TIMING)}, {}, {}], TIMING.queue, ((1, 2), (0,), (0,)))


def test_every_pipe_has_a_name() -> None:
    assert len(PIPES) == ALL
