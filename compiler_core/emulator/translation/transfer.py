"""Scalars from memory and to it: memref.load and memref.store."""

from typing import TYPE_CHECKING, Any

import numpy as np

from compiler_core.emulator.execution.issue import Declared, Run
from compiler_core.emulator.execution.lanes import Array, Scalar, is_vector
from compiler_core.emulator.execution.memory import LocalMemory
from compiler_core.emulator.translation import arithmetic as ar
from compiler_core.emulator.translation.terms import NOTHING, UNIFORM, UNKNOWN, VARYING, Term, number
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.ir import Op, Value

if TYPE_CHECKING:
    from compiler_core.emulator.execution.machine import Machine


def _element(t: Translator, view: ViewTerm, indices: list[Term]) -> ViewTerm:
    """One element of a view, as a view of shape [1]."""
    by = number(0)
    for index, stride in zip(indices, view.strides, strict=True):
        by = ar.exact_add(t.writer, by, ar.exact_multiply(t.writer, index, stride))
    varying, shared = view.moved(t.writer, by)
    return ViewTerm(view.memory, view.dtype, view.packed, view.base, varying, shared, (number(1),), (number(1),))


def _indexed(t: Translator, op: Op, memref: Value, indices: tuple[Value, ...]) -> ViewTerm:
    terms = [t.term(v) for v in indices]
    t.need(op, *terms)
    return _element(t, t.view(memref), terms)


@translates("memref.load")
def _load(t: Translator, op: Op) -> None:
    view = _indexed(t, op, op.operands[0], op.operands[1:])
    site = t.site(op, "load_scalar", "PIPE_S")
    if not t.machine.functional:
        t.issue(site, [(view, False)], [], Declared((True,), 0, None, None))
        t.define(op.result, NOTHING)
        return
    w = t.writer
    result = w.fresh(VARYING if t.machine.varied else UNIFORM)
    t.define(op.result, result)
    address = view.address(w) if view.memory.local else view.whole_offset(w)
    if view.memory.local and t.active == "None" and address.kind in (0, UNIFORM) and not view.packed:
        t.issue(site, [(view, False)], [], Declared((True,), 0, _column, None), result=result.code)
        return
    t.issue(site, [(view, False)], [], Declared((True,), 0, None, None))
    bit = ar.modulo(w, view.whole_offset(w), number(8)) if view.packed else number(0)
    reader = t.constant(Reader(t.machine, view))
    if not {UNKNOWN} & {address.kind, bit.kind}:
        w.do(f"{result.code} = {reader}.read({t.active}, {address.code}, {bit.code})", address, bit)


def _column(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
    """Reads one element of each lane."""
    source = given[0]
    assert source is not None
    column = source[:, 0]
    if len(column) == 1:
        return (lambda: int(column[0])) if column.dtype.kind in "iub" else lambda: column[0]
    return (lambda: column.astype(np.int64)) if column.dtype.kind in "iub" else column.copy


class Reader:
    """Reads elements at addresses that differ between lanes; lanes that are not active give 0."""

    def __init__(self, machine: "Machine", view: ViewTerm) -> None:
        self.machine = machine
        self.memory = view.memory
        self.dtype = view.dtype
        self.packed = view.packed

    def read(self, active: Array | None, address: Scalar, bit: Scalar) -> Scalar:
        """`address` counts elements in global memory, bytes on the chip; `bit` is the place of a packed element in its byte."""
        count, memory = self.machine.count, self.memory
        if not isinstance(memory, LocalMemory) and not is_vector(address):
            return _plain(memory.array[address])
        found = np.zeros(count, self.dtype)
        members = np.arange(count) if active is None else active
        starts = np.broadcast_to(np.asarray(address), (count,))[members]
        if isinstance(memory, LocalMemory):
            bits = np.broadcast_to(np.asarray(bit), (count,))
            for start in np.unique(starts).tolist():
                self._read_local(memory, start, members[starts == start], bits, found)
        else:
            found[members] = memory.array[starts]
        return _plain(found[0]) if count == 1 else found.astype(np.int64) if found.dtype.kind in "iub" else found

    def _read_local(self, memory: LocalMemory, start: int, lanes: Array, bits: Array, found: Array) -> None:
        buffer, at = memory.locate(start)
        if self.packed:
            found[lanes] = (buffer[lanes, at] >> bits[lanes]) & 1
        else:
            found[lanes] = np.ascontiguousarray(buffer[lanes, at : at + self.dtype.itemsize]).view(self.dtype)[:, 0]


def _plain(value: Any) -> Scalar:
    return int(value) if value.dtype.kind in "iub" else value


@translates("memref.store")
def _store(t: Translator, op: Op) -> None:
    view = _indexed(t, op, op.operands[1], op.operands[2:])
    value = t.term(op.operands[0])
    declared = Declared((False,), 1, None if value.kind == UNKNOWN else _fill, None)
    t.issue(t.site(op, "store_scalar", "PIPE_S"), [(view, True)], [], declared, [value])


def _fill(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
    target = out[0]

    def run(value: Scalar) -> None:
        target[...] = value

    return run
