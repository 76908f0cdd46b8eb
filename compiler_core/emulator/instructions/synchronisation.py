"""Flags and barriers between pipes."""

from compiler_core.dialects.hivm import enum, flag, short
from compiler_core.emulator.execution.issue import Declared
from compiler_core.emulator.translation.terms import number
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.ir import Op, Value

NOTHING_COMPUTED = Declared((), 0, None, None)


@translates("hivm.hir.set_flag", "hivm.hir.wait_flag")
def _flag(t: Translator, op: Op) -> None:
    first, second, event = flag(op)
    site = t.site(op, pipe=first if short(op) == "set_flag" else second)
    t.issue(site, [], [t.term(event) if isinstance(event, Value) else number(event)], NOTHING_COMPUTED)


@translates("hivm.hir.pipe_barrier")
def _barrier(t: Translator, op: Op) -> None:
    pipe = enum(op.attributes["pipe"])
    t.issue(t.site(op, pipe="PIPE_S" if pipe == "PIPE_ALL" else pipe), [], [], NOTHING_COMPUTED)
