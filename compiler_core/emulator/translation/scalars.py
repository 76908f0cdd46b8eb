"""Scalar ops: arith, math, affine, and the numbers of blocks and cores."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler_core.dialects.arith import predicate_of
from compiler_core.emulator.execution import lanes as la
from compiler_core.emulator.execution.lanes import Array, Scalar, is_vector
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.translation import arithmetic as ar
from compiler_core.emulator.translation.affine import affine_map
from compiler_core.emulator.translation.terms import CONSTANT, HIGH, LOW, NOTHING, UNIFORM, VARYING, Term, number
from compiler_core.emulator.translation.translator import TRANSLATORS, Translator, translates, unknown_result
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.emulator.translation.writer import Writer, is_varying
from compiler_core.ir import Op
from compiler_core.ir.attributes import BoolAttr, FloatAttr, IntegerAttr, RawAttr
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import IntegerType, is_float


@translates("arith.constant")
def _constant(t: Translator, op: Op) -> None:
    value = op.attributes["value"]
    if isinstance(value, FloatAttr):
        t.define(op.result, t.literal(dtype_of(value.type).type(value.value)))
    elif isinstance(value, BoolAttr):
        t.define(op.result, number(int(value.value)))
    elif isinstance(value, IntegerAttr):
        t.define(op.result, number(value.value & 1 if value.type == IntegerType(1) else value.value))
    else:
        refuse(op, "emulator-unknown-op", op=f"arith.constant {value}")


def _called(t: Translator, op: Op, function: Callable[..., Scalar], *, low: int = LOW, high: int = HIGH) -> None:
    """Defines the result as a function of the operands, which works for numbers and vectors."""
    if unknown_result(t, op):
        return
    terms = [t.term(v) for v in op.operands]
    if all(x.kind == CONSTANT for x in terms):
        with np.errstate(all="ignore"):
            t.define(op.result, t.literal(function(*(x.value for x in terms))))
        return
    name = t.constant(function)
    t.define(op.result, t.writer.let(f"{name}({', '.join(x.code for x in terms)})", *terms, low=low, high=high))


def _unary(t: Translator, op: Op, function: Callable[[Scalar], Scalar], *, low: int = LOW, high: int = HIGH) -> None:
    _called(t, op, function, low=low, high=high)


def _binary(t: Translator, op: Op, function: Callable[[Scalar, Scalar], Scalar], *, low: int = LOW, high: int = HIGH) -> None:
    _called(t, op, function, low=low, high=high)


# Integers

Combine = Callable[[Writer, Term, Term, int], Term]


def _bitwise(sign: str) -> Combine:
    def combine(w: Writer, a: Term, b: Term, width: int) -> Term:
        if a.kind == CONSTANT and b.kind == CONSTANT:
            return ar.wrapped(w, number(la.INTEGER[{"&": "andi", "|": "ori", "^": "xori"}[sign]](a.value, b.value)), width)
        low, high = LOW, HIGH
        if a.low >= 0 and b.low >= 0:
            low, high = 0, (1 << max(a.high, b.high).bit_length()) - 1
        if sign == "&" and max(a.low, b.low) >= 0:
            low, high = 0, min(x.high for x in (a, b) if x.low >= 0)
        return ar.wrapped(w, w.let(f"{a.code} {sign} {b.code}", a, b, low=low, high=high), width)

    return combine


INTEGER: dict[str, Combine] = {
    "addi": ar.add,
    "subi": ar.subtract,
    "muli": ar.multiply,
    "divsi": ar.divide,
    "remsi": ar.remainder,
    "floordivsi": lambda w, a, b, width: ar.wrapped(w, ar.floor_divide(w, a, b), width),
    "ceildivsi": lambda w, a, b, width: ar.wrapped(w, ar.negative(w, ar.floor_divide(w, ar.negative(w, a), b)), width),
    "andi": _bitwise("&"),
    "ori": _bitwise("|"),
    "xori": _bitwise("^"),
    "minsi": lambda w, a, b, width: ar.minimum(w, a, b),
    "maxsi": lambda w, a, b, width: ar.maximum(w, a, b),
}
UNSIGNED_ALIKE = {"divui": "divsi", "remui": "remsi", "minui": "minsi", "maxui": "maxsi"}
"""What an unsigned op is where both operands are known not to be negative."""


def _integer(t: Translator, op: Op) -> None:
    t.scalars += 1
    if unknown_result(t, op):
        return
    a, b = (t.term(v) for v in op.operands)
    name, width = op.name.removeprefix("arith."), la.width_of(op.result.type)
    if name in UNSIGNED_ALIKE and a.low >= 0 and b.low >= 0:
        name = UNSIGNED_ALIKE[name]
    try:
        if name in INTEGER:
            t.define(op.result, INTEGER[name](t.writer, a, b, width))
        else:
            _by_bits(t, op, name, width)
    except ZeroDivisionError:
        t.writer.do(f"{t.constant(_divide_by_zero)}()")
        t.define(op.result, number(0))


def _divide_by_zero() -> None:
    raise ZeroDivisionError


def _by_bits(t: Translator, op: Op, name: str, width: int) -> None:
    """Shifts, and unsigned ops on what may be negative."""
    if name in la.INTEGER:
        shift = la.INTEGER[name]
        _binary(t, op, lambda a, b: la.wrap(shift(a, b), width), low=-(1 << (width - 1)), high=(1 << (width - 1)) - 1)
        return
    function = la.UNSIGNED[name]

    def compute(a: Scalar, b: Scalar) -> Scalar:
        found = function(la.unsigned(a, width), la.unsigned(b, width))
        return la.wrap(found.astype(np.int64) if is_vector(found) else found, width)

    terms = [t.term(v) for v in op.operands]
    if all(x.kind == CONSTANT for x in terms):
        t.define(op.result, number(int(compute(*(x.value for x in terms)))))
        return
    text = f"{t.constant(compute)}({terms[0].code}, {terms[1].code})"
    t.define(op.result, t.writer.let(text, *terms, may_fail=name in ("divui", "remui")))


for _name in (*la.INTEGER, *la.UNSIGNED):
    TRANSLATORS[f"arith.{_name}"] = _integer


@translates("arith.cmpi")
def _compare_integers(t: Translator, op: Op) -> None:
    t.scalars += 1
    if unknown_result(t, op):
        return
    a, b = (t.term(v) for v in op.operands)
    predicate = predicate_of(op)
    if len(predicate) == 3 and predicate[0] == "u" and (a.low < 0 or b.low < 0):
        _called(t, op, la.compare_integers(predicate, la.width_of(op.operands[0].type)), low=0, high=1)
    else:
        t.define(op.result, ar.compare(t.writer, predicate[-2:], a, b))


@translates("arith.index_cast", "arith.extsi")
def _same_number(t: Translator, op: Op) -> None:
    if unknown_result(t, op):
        return
    term, width = t.term(op.operands[0]), la.width_of(op.result.type)
    if op.operands[0].type == IntegerType(1):
        _called(t, op, _minus_bit, low=-1, high=0)
    else:
        t.define(op.result, ar.wrapped(t.writer, term, width))


def _minus_bit(bit: Scalar) -> Scalar:
    """A signed one-bit number: 0 or -1."""
    return -(bit.astype(np.int64) if is_vector(bit) else int(bit))


@translates("arith.trunci")
def _truncate(t: Translator, op: Op) -> None:
    if not unknown_result(t, op):
        t.define(op.result, ar.wrapped(t.writer, t.term(op.operands[0]), la.width_of(op.result.type)))


@translates("arith.extui", "arith.index_castui")
def _widen_unsigned(t: Translator, op: Op) -> None:
    if unknown_result(t, op):
        return
    term, source = t.term(op.operands[0]), op.operands[0].type
    width = la.width_of(source)
    if term.low >= 0 and width > 1:
        t.define(op.result, term)
    else:
        _unary(
            t, op, lambda a: la.unsigned(a.astype(np.int64) if is_vector(a) else int(a), width), low=0, high=(1 << width) - 1
        )


# Floats


SAME_DTYPE = {"addf": "+", "subf": "-", "mulf": "*", "divf": "/"}


def _float(t: Translator, op: Op) -> None:
    t.scalars += 1
    name, dtype = op.name.removeprefix("arith."), dtype_of(op.result.type)
    function = la.FLOAT[name]
    terms = [t.term(v) for v in op.operands]
    if name in SAME_DTYPE and not unknown_result(t, op) and any(x.kind != CONSTANT for x in terms):
        t.define(op.result, t.writer.let(f"{terms[0].code} {SAME_DTYPE[name]} {terms[1].code}", *terms))
        return
    _binary(t, op, lambda a, b: la.as_float(function(a, b), dtype))


for _name in la.FLOAT:
    TRANSLATORS[f"arith.{_name}"] = _float


@translates("arith.cmpf")
def _compare_floats(t: Translator, op: Op) -> None:
    t.scalars += 1
    _called(t, op, la.compare_floats(predicate_of(op)), low=0, high=1)


@translates("arith.sitofp", "arith.uitofp", "arith.extf", "arith.truncf")
def _to_float(t: Translator, op: Op) -> None:
    t.scalars += 1
    dtype, source = dtype_of(op.result.type), op.operands[0].type
    if op.name == "arith.uitofp":
        _unary(t, op, lambda a: la.as_float(la.unsigned(a, la.width_of(source)), dtype))
    else:
        _unary(t, op, lambda a: la.as_float(a, dtype))


@translates("arith.fptosi", "arith.fptoui")
def _to_integer(t: Translator, op: Op) -> None:
    t.scalars += 1
    width = la.width_of(op.result.type)
    _unary(t, op, lambda a: la.to_integer(a, width), low=-(1 << (width - 1)), high=(1 << (width - 1)) - 1)


@translates("arith.negf")
def _negate(t: Translator, op: Op) -> None:
    t.scalars += 1
    _unary(t, op, lambda a: -a)


@translates("arith.bitcast")
def _bitcast(t: Translator, op: Op) -> None:
    t.scalars += 1
    source, target = dtype_of(op.operands[0].type), dtype_of(op.result.type)

    def compute(a: Scalar) -> Scalar:
        bits = np.asarray(a).astype(source).view(target)
        if target.kind == "i":
            return bits.astype(np.int64) if bits.ndim else int(bits)
        return bits if bits.ndim else bits[()]

    _called(t, op, compute)


@translates("arith.select")
def _select(t: Translator, op: Op) -> None:
    t.scalars += 1
    condition = t.term(op.operands[0])
    then, other = (t.values[v] for v in op.operands[1:])
    if isinstance(then, ViewTerm) and isinstance(other, ViewTerm):
        if t.need(op, condition):
            t.define(op.result, choose_view(t, op, condition, then, other))
        else:
            t.define(op.result, then)
        return
    assert isinstance(then, Term) and isinstance(other, Term)
    t.define(op.result, choose(t.writer, condition, then, other, is_float(op.result.type)))


def choose(w: Writer, condition: Term, then: Term, other: Term, floating: bool = False) -> Term:
    """One of two terms by a condition, which may be a vector."""
    if condition.kind == CONSTANT:
        return then if condition.value else other
    if then.code == other.code:
        return then
    if NOTHING in (condition, then, other):
        return NOTHING
    low, high = min(then.low, other.low), max(then.high, other.high)
    if is_varying(condition):
        return w.let(f"select({condition.code}, {then.code}, {other.code})", condition, then, other, low=low, high=high)
    return w.let(f"{then.code} if {condition.code} else {other.code}", condition, then, other, low=low, high=high)


def choose_view(t: Translator, op: Op, condition: Term, then: ViewTerm, other: ViewTerm) -> ViewTerm:
    """One of two views, field by field. Both must lie in one memory."""
    if condition.kind == CONSTANT:
        return then if condition.value else other
    if then.memory is not other.memory or then.dtype != other.dtype:
        refuse(op, "emulator-unsupported", op=op.name, what="a choice between two memories")
    w = t.writer
    offset = choose(w, condition, then.whole_offset(w), other.whole_offset(w))
    varying, shared = ar.parts(offset)
    return ViewTerm(
        then.memory,
        then.dtype,
        then.packed,
        choose(w, condition, then.base, other.base),
        varying,
        shared,
        tuple([choose(w, condition, a, b) for a, b in zip(then.sizes, other.sizes, strict=True)]),
        tuple([choose(w, condition, a, b) for a, b in zip(then.strides, other.strides, strict=True)]),
    )


# math and affine


def _rsqrt(x: Array) -> Array:
    return 1 / np.sqrt(x)


MATH: dict[str, Callable[..., Any]] = {
    "absf": np.absolute,
    "absi": np.absolute,
    "ceil": np.ceil,
    "cos": np.cos,
    "exp": np.exp,
    "exp2": np.exp2,
    "floor": np.floor,
    "log": np.log,
    "log2": np.log2,
    "rsqrt": _rsqrt,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "powf": np.power,
}


def _math(t: Translator, op: Op) -> None:
    t.scalars += 1
    function = MATH[op.name.removeprefix("math.")]
    if op.name == "math.absi":
        _called(t, op, abs, low=0)
        return
    dtype = dtype_of(op.result.type)
    _called(t, op, lambda *given: la.as_float(function(*(np.asarray(x, np.float64) for x in given)), dtype))


for _name in MATH:
    TRANSLATORS[f"math.{_name}"] = _math


@translates("affine.apply", "affine.min", "affine.max")
def _affine(t: Translator, op: Op) -> None:
    t.scalars += 1
    if unknown_result(t, op):
        return
    text = op.attributes["map"]
    try:
        results = affine_map(text.text if isinstance(text, RawAttr) else str(text))
    except ValueError as problem:
        refuse(op, "emulator-unsupported", op=op.name, what=str(problem))
    if op.name == "affine.apply" and len(results) != 1:
        refuse(op, "emulator-unsupported", op=op.name, what=f"{len(results)} results")
    given = [ar.Symbol(t.writer, t.term(v)) for v in op.operands]
    found = [f.term if isinstance(f, ar.Symbol) else number(int(f)) for f in (result(given) for result in results)]
    chosen = found[0]
    for other in found[1:]:
        chosen = (ar.minimum if op.name == "affine.min" else ar.maximum)(t.writer, chosen, other)
    t.define(op.result, chosen)


# Where a program runs


@translates("hivm.hir.get_block_idx")
def _block_index(t: Translator, op: Op) -> None:
    t.define(op.result, lane_number(t, "block", t.machine.blocks))


@translates("hivm.hir.get_sub_block_idx")
def _sub_block_index(t: Translator, op: Op) -> None:
    t.define(op.result, lane_number(t, "sub_block", t.machine.sub_blocks))


def lane_number(t: Translator, name: str, count: int) -> Term:
    """The number of each lane's block, or of its vector core in the block."""
    if count == 1:
        return number(0)
    return Term(name, VARYING if t.machine.varied else UNIFORM, 0, None, 0, count - 1)


@translates("hivm.hir.get_block_num")
def _block_count(t: Translator, op: Op) -> None:
    t.define(op.result, number(t.machine.blocks))


@translates("hivm.hir.get_sub_block_num")
def _sub_block_count(t: Translator, op: Op) -> None:
    t.define(op.result, number(t.machine.sub_blocks))


@translates("hivm.hir.set_mask_norm", "hivm.hir.set_ffts_base_addr")
def _nothing(t: Translator, op: Op) -> None:
    """What the emulator's instructions need no setting up for."""
