"""Flags and barriers between pipes."""

from compiler_core.dialects.hivm import enum, flag, short
from compiler_core.emulator.lanes import UNKNOWN
from compiler_core.emulator.machine import Batch, refuse
from compiler_core.emulator.program import Step, Translator, translates
from compiler_core.ir import Op, Value


@translates("hivm.hir.set_flag", "hivm.hir.wait_flag")
def _flag(t: Translator, op: Op) -> Step:
    first, second, event = flag(op)
    site = t.site(op, pipe=first if short(op) == "set_flag" else second)
    slot = t.slot(event) if isinstance(event, Value) else None
    fixed = event if isinstance(event, int) else 0

    def step(batch: Batch) -> None:
        given = fixed if slot is None else batch.values[slot]
        if given is UNKNOWN:
            refuse(op, "emulator-needs-data", op=op.name)
        batch.perform(site, (), (), None, extras=(given,))

    return step


@translates("hivm.hir.pipe_barrier")
def _barrier(t: Translator, op: Op) -> Step:
    pipe = enum(op.attributes["pipe"])
    site = t.site(op, pipe="PIPE_S" if pipe == "PIPE_ALL" else pipe)

    def step(batch: Batch) -> None:
        batch.perform(site, (), (), None)

    return step
