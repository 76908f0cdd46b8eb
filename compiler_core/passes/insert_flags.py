"""Flags between pipes: each instruction waits just for those it depends on, across loop iterations too."""

from dataclasses import dataclass, field
from typing import ClassVar

from compiler_core.dialects import hivm
from compiler_core.dialects.arith import constant
from compiler_core.dialects.builtin import device_functions
from compiler_core.ir import Builder, Op, Value
from compiler_core.ir.core import Block
from compiler_core.ir.types import i64
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.machine.barriers import synchronise_loop
from compiler_core.passes.machine.flags import Flag, Line, Plan, items_of


@dataclass(frozen=True)
class InsertFlags(Pass):
    name: ClassVar[str] = "insert-flags"
    summary: ClassVar[dict[str, str]] = {
        "en": "Pipes run ahead of each other: instructions wait, by flags, just for those they depend on",
        "zh": "各流水并行推进：指令仅通过标志等待其依赖的指令",
    }
    stage_in: ClassVar = "machine"
    stage_out: ClassVar = "machine"
    mandatory: ClassVar[bool] = True

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            flags: list[Flag] = []
            synchronise(function.body, None, flags)
            emit_flags(function, flags)


def synchronise(block: Block, loop: Op | None, flags: list[Flag]) -> None:
    """Plans one line, inserts its barriers and pairs, and goes into the loops inside. Flags are collected, for their events."""
    plan = Line(list(items_of(block, block)), loop).run()
    insert_barriers(plan)
    flags += plan.flags
    for inner in _loops(block):
        if inner.name == "scf.for":
            synchronise(inner.body, inner, flags)
        else:
            synchronise_loop(inner, [])


def _loops(block: Block) -> list[Op]:
    """The loops of a line, also those in branches, outermost only."""
    found: list[Op] = []
    for op in block.ops:
        if op.name in ("scf.for", "scf.while"):
            found.append(op)
        elif op.name == "scf.if":
            found += [loop for region in op.regions for inner in region.blocks for loop in _loops(inner)]
    return found


def insert_barriers(plan: Plan) -> None:
    for op, pipe in dict.fromkeys(plan.barriers):
        hivm.pipe_barrier(Builder.before(op), pipe)
    for op, first, second in dict.fromkeys(plan.pairs):
        builder = Builder.before(op)
        hivm.set_flag(builder, first, second, PAIR_EVENT)
        hivm.wait_flag(builder, first, second, PAIR_EVENT)


PAIR_EVENT = hivm.EVENT_IDS - 1
"""The event of flags that are taken at once: set and waited for at the same place of the program."""


@dataclass
class Events:
    """Event ids of one ordered pair of pipes: when each was last in use, by position in the program."""

    until: list[int] = field(default_factory=lambda: [-1] * PAIR_EVENT)

    def take(self, start: int, end: int) -> int | None:
        """The id that has been free longest; None where all are in use."""
        free = [i for i, last in enumerate(self.until) if last < start]
        if not free:
            return None
        event = min(free, key=lambda i: self.until[i])
        self.until[event] = end
        return event


def emit_flags(function: Op, flags: list[Flag]) -> None:
    """Gives every flag its event, and inserts the ops. Where events run out, a barrier of all pipes stands in."""
    position = {op.id: i for i, op in enumerate(function.walk())}
    ends = {op.id: max(position[inner.id] for inner in op.walk()) for op in function.walk() if op.regions}
    pool: dict[tuple[str, str], Events] = {}

    def span(flag: Flag) -> tuple[int, int]:
        around = flag.loop or (flag.set_after.parent_op if flag.selector is not None else None)
        if around is not None:
            return position[around.id], ends[around.id]
        return position[flag.set_after.id], position[flag.wait_before.id]

    for flag in sorted(flags, key=span):
        events = pool.setdefault((flag.first, flag.second), Events())
        needed = 2 if flag.selector is not None else 1
        taken = [events.take(*span(flag)) for _ in range(needed)]
        ids = [event for event in taken if event is not None]
        if len(ids) == needed:
            _emit(function, flag, ids)
        else:
            hivm.pipe_barrier(Builder.before(flag.wait_before), "PIPE_ALL")


def _emit(function: Op, flag: Flag, ids: list[int]) -> None:
    event = _event(function, flag, ids)
    hivm.set_flag(Builder.after(flag.set_after), flag.first, flag.second, event)
    hivm.wait_flag(Builder.before(flag.wait_before), flag.first, flag.second, event)
    if flag.distance:
        assert flag.loop is not None
        for identity in ids:
            hivm.set_flag(Builder.before(flag.loop), flag.first, flag.second, identity)
            hivm.wait_flag(Builder.after(flag.loop), flag.first, flag.second, identity)


def _event(function: Op, flag: Flag, ids: list[int]) -> int | Value:
    if flag.selector is None:
        return ids[0]
    top = Builder(function.body, 0, function.location)
    even, odd = (constant(top, identity, i64) for identity in ids)
    selector = flag.selector.op
    assert selector is not None
    return Builder.after(selector).value("arith.select", [flag.selector, odd, even], i64, hint="event")
