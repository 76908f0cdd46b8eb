"""What loops and branches hand on: numbers, and of a view the fields that its type does not fix."""

import re
from collections.abc import Iterator

from compiler_core.dialects.hivm import group
from compiler_core.emulator.execution import lanes as la
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.translation import arithmetic as ar
from compiler_core.emulator.translation.terms import CONSTANT, HIGH, LOW, NOTHING, UNIFORM, UNKNOWN, Term, number
from compiler_core.emulator.translation.translator import Known, Translator
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.ir import Op, Value
from compiler_core.ir.types import DYNAMIC, IndexType, IntegerType, MemRefType


def flatten(t: Translator, known: Known, value: Value) -> list[Term]:
    """The terms that a value consists of, as `rebuild` takes them."""
    if isinstance(known, Term):
        return [known]
    type = value.type
    assert isinstance(type, MemRefType)
    found = [known.base] if known.memory.local else []
    found += [known.whole_offset(t.writer)] if _moves(known, type) else []
    found += [s for s, d in zip(known.sizes, type.shape, strict=True) if d == DYNAMIC]
    return found + [s for s, d in zip(known.strides, type.strides, strict=True) if d == DYNAMIC]


def _moves(view: ViewTerm, type: MemRefType) -> bool:
    return not view.memory.local or type.offset == DYNAMIC or view.varying is not None or view.offset.kind != CONSTANT


def rebuild(template: Known, value: Value, terms: Iterator[Term]) -> Known:
    """A value of the template's memory and type from its terms."""
    if isinstance(template, Term):
        return next(terms)
    type = value.type
    assert isinstance(type, MemRefType)
    base = next(terms) if template.memory.local else template.base
    varying, shared = ar.parts(next(terms)) if _moves(template, type) else (template.varying, template.offset)
    sizes = tuple([next(terms) if d == DYNAMIC else number(d) for d in type.shape])
    strides = tuple([next(terms) if d == DYNAMIC else number(d) for d in type.strides])
    return ViewTerm(template.memory, template.dtype, template.packed, base, varying, shared, sizes, strides)


def check_alike(op: Op, a: Known, b: Known) -> None:
    """Refuses a view that may lie in one of two memories."""
    if isinstance(a, ViewTerm) and isinstance(b, ViewTerm) and (a.memory is not b.memory or a.dtype != b.dtype):
        refuse(op, "emulator-unsupported", op=op.name, what="a choice between two memories")


def slot(t: Translator, value: Value, kind: int) -> Term:
    """A name for a term that a value of this type consists of."""
    if kind == UNKNOWN:
        return NOTHING
    width = la.width_of(value.type) if isinstance(value.type, IntegerType | IndexType) else 0
    low, high = (0, 1) if width == 1 else (-(1 << (width - 1)), (1 << (width - 1)) - 1) if width else (LOW, HIGH)
    return t.writer.fresh(max(kind, UNIFORM), low, high)


def same_address(argument: Value, yielded: Value, template: Known) -> bool:
    """Whether a loop hands on, turn after turn, the buffer it began with."""
    if yielded is argument:
        return True
    if not isinstance(template, ViewTerm) or template.base.kind != CONSTANT:
        return False
    op = yielded.op
    while op is not None and op.name in ("memref.expand_shape", "memref.collapse_shape"):
        yielded = op.operands[0]
        op = yielded.op
    if yielded is argument:
        return True
    if op is None or op.name != "hivm.hir.pointer_cast":
        return False
    source = group(op, "addrs")[0].op
    value = source.attributes["value"] if source is not None and source.name == "arith.constant" else None
    return getattr(value, "value", None) == template.base.value


_ONE_MORE = re.compile(r"affine_map<\((?:d0)?\)(?:\[(?:s0)?\])? -> \([ds]0 \+ (\d{1,15})\)>")
_SUM = re.compile(r"affine_map<\((?:d0(?:, d1)?)?\)(?:\[(?:s0(?:, s1)?)?\])? -> \(([ds][01]) \+ ([ds][01])\)>")


def moved_by(argument: Value, yielded: Value) -> Value | int | None:
    """What each turn adds to a carried integer, where it does nothing else to it."""
    op = yielded.op
    if op is None or op.name not in ("arith.addi", "affine.apply") or argument not in op.operands:
        return None
    if op.name == "affine.apply":
        text = str(op.attributes["map"])
        if found := _ONE_MORE.fullmatch(text):
            return int(found.group(1))
        found = _SUM.fullmatch(text)
        if found is None or found.group(1) == found.group(2):
            return None
    if len(op.operands) != 2:
        return None
    a, b = op.operands
    return b if a is argument else a
