"""Synchronisation between cores: flags of a block's cube and vector cores, meetings of all cores, locks taken in turn."""

from compiler_core.dialects.hivm import enum, group, short
from compiler_core.emulator.execution.between import Waiter
from compiler_core.emulator.execution.issue import Declared
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.translation.terms import VARYING, Term, number
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.ir import Op
from compiler_core.ir.attributes import IntegerAttr

NOTHING_COMPUTED = Declared((), 0, None, None)
WITHIN_A_BLOCK = ("", "INTRA_BLOCK_SYNCHRONIZATION")


def _flag(t: Translator, op: Op) -> Term:
    static = op.get("static_flag_id", IntegerAttr)
    if static is not None:
        return number(static.value)
    events = group(op, "event")
    if not events:
        refuse(op, "emulator-unsupported", op=op.name, what="a flag without a number")
    return t.term(events[0])


@translates("hivm.hir.sync_block_set", "hivm.hir.sync_block_wait")
def _block_flag(t: Translator, op: Op) -> None:
    """A wait gives the other cores the turn until their flag is there."""
    mode = enum(op.attributes.get("tsync_instr_mode"))
    if mode not in WITHIN_A_BLOCK:
        refuse(op, "emulator-unsupported", op=op.name, what=mode)
    flags, kind, w = t.machine.flags, t.machine.kind, t.writer
    if flags is None:
        refuse(op, "emulator-alone", op=op.name)
    flag = _flag(t, op)
    if flag.kind == VARYING:
        refuse(op, "emulator-unsupported", op=op.name, what="a flag that differs between blocks")
    if not t.need(op, flag):
        return
    site = t.site(op, pipe=enum(op.attributes["pipe" if short(op) == "sync_block_wait" else "tpipe"]))
    if short(op) == "sync_block_wait":
        waiter = t.constant(Waiter(flags, op, kind))
        w.do(f"if not {waiter}.wants({flag.code}, {t.active}).ready(): yield {waiter}", flag)
        w.do(f"{waiter}.take()")
        t.issue(site, [], [flag], NOTHING_COMPUTED)
    else:
        t.issue(site, [], [flag], NOTHING_COMPUTED)
        w.do(f"{t.constant(flags)}.post('{kind}', {flag.code}, {t.active})", flag)


@translates("hivm.hir.sync_block")
def _meeting(t: Translator, op: Op) -> None:
    """All cores of a kind meet: blocks of a batch always run in step, and a launch with a meeting is one batch."""
    mode = enum(op.attributes.get("sync_block_mode"))
    if mode not in ("ALL_CUBE", "ALL_VECTOR", "BARRIER_CUBE", "BARRIER_VECTOR") or t.active != "None":
        what = f"{mode}" if t.active == "None" else "a meeting that only some blocks come to"
        refuse(op, "emulator-unsupported", op=op.name, what=what)
    t.scalars += 1


@translates("hivm.hir.create_sync_block_lock")
def _lock(t: Translator, op: Op) -> None:
    given = group(op, "lock")
    if not given:
        refuse(op, "emulator-unsupported", op=op.name, what="a lock without memory")
    t.define(op.result, t.view(given[0]))


@translates("hivm.hir.sync_block_lock", "hivm.hir.sync_block_unlock", "hivm.hir.free_lock_var")
def _turn(t: Translator, op: Op) -> None:
    """Blocks take a lock in their order: a program with locks runs its blocks one after the other."""
    t.scalars += 1
