"""arith: scalar and element-by-element arithmetic, with its constant folding."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from compiler_core.ir import Attribute, Builder, Dialect, Op, Printer, Value, pretty
from compiler_core.ir.attributes import BoolAttr, DenseAttr, FloatAttr, IntegerAttr, scalar_attribute
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.registry import Fold
from compiler_core.ir.types import (
    FloatType,
    IndexType,
    IntegerType,
    ShapedType,
    TensorType,
    Type,
    element_of,
    is_float,
    with_element,
)

arith = Dialect("arith")

PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
"""arith.cmpi's predicates; the attribute holds the index (i64)."""
FLOAT_PREDICATES = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)
"""arith.cmpf's predicates; the attribute holds the index (i64)."""


def _verify_same(op: Op) -> str | None:
    first = op.results[0].type
    for value in op.operands:
        if value.type != first:
            return f"operand of type {value.type} where the result has {first}"
    return None


def splat(attribute: Attribute | None) -> int | float | bool | None:
    """The one number of a scalar or splat constant; None for anything else."""
    if isinstance(attribute, IntegerAttr | FloatAttr | BoolAttr):
        return attribute.value
    if isinstance(attribute, DenseAttr) and attribute.is_splat:
        return attribute.values[0]
    return None


def constant_attribute(value: int | float | bool, type: Type) -> Attribute:
    """A number as the attribute of a scalar or (splat) tensor type."""
    if isinstance(type, TensorType):
        return DenseAttr((value,), type)
    return scalar_attribute(value, type)


def wrap(value: int, type: Type) -> int:
    """`value` modulo 2^width, read as signed (i1: 0 or 1; index: 64 bits)."""
    element = element_of(type)
    width = element.width if isinstance(element, IntegerType) else 64
    if width == 1:
        return value & 1
    return (value + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))


def unsigned(value: int, type: Type) -> int:
    element = element_of(type)
    return value % (1 << (element.width if isinstance(element, IntegerType) else 64))


def round_to(value: float, type: Type) -> float:
    """`value` rounded once to a float type, to nearest even."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.asarray(value, np.float64).astype(dtype_of(type)))


def _folded(value: int | float | None, type: Type) -> Attribute | None:
    if value is None:
        return None
    if is_float(type):
        return constant_attribute(round_to(float(value), type), type)
    return constant_attribute(wrap(int(value), type), type)


def _integers(compute: Callable[[int, int], int | None]) -> Fold:
    def fold(op: Op, operands: Sequence[Attribute | None]) -> Attribute | None:
        a, b = splat(operands[0]), splat(operands[1])
        return None if a is None or b is None else _folded(compute(int(a), int(b)), op.results[0].type)

    return fold


def _floats(compute: Callable[[float, float], float | None]) -> Fold:
    def fold(op: Op, operands: Sequence[Attribute | None]) -> Attribute | None:
        a, b = splat(operands[0]), splat(operands[1])
        return None if a is None or b is None else _folded(compute(float(a), float(b)), op.results[0].type)

    return fold


def _one(compute: Callable[[float], float | None]) -> Fold:
    def fold(op: Op, operands: Sequence[Attribute | None]) -> Attribute | None:
        a = splat(operands[0])
        return None if a is None else _folded(compute(a), op.results[0].type)

    return fold


def _with_identity(fold: Fold, right: int | float | None = None, left: int | float | None = None, zero: bool = False) -> Fold:
    """Adds x∘right = x, left∘x = x, and with `zero` (integers) x∘0 = 0."""

    def folded(op: Op, operands: Sequence[Attribute | None]) -> Attribute | int | None:
        result = fold(op, operands)
        if result is not None:
            return result
        a, b = splat(operands[0]), splat(operands[1])
        if right is not None and b is not None and b == right:
            return 0
        if left is not None and a is not None and a == left:
            return 1
        if zero and (a == 0 or b == 0):
            return constant_attribute(0, op.results[0].type)
        return None

    return folded


def _divide(a: int, b: int) -> int | None:
    """C's division, towards zero; None by zero."""
    return None if b == 0 else int(math.copysign(1, a) * math.copysign(1, b)) * (abs(a) // abs(b))


def _remainder(a: int, b: int) -> int | None:
    return None if b == 0 else int(math.copysign(1, a)) * (abs(a) % abs(b))


_BINARY = "{0}, {1}{#} : {:r0}"
_UNARY = "{0}{#} : {:r0}"


def _binary(name: str, summary: str, fold: Fold | None = None, *, commutative: bool = False) -> None:
    traits = ("pure", "elementwise", "commutative") if commutative else ("pure", "elementwise")
    arith.op(name, summary, _BINARY, *traits, operands=2, results=1, verify=_verify_same, fold=fold)


_binary("addi", "Integer sum, wrapping.", _with_identity(_integers(lambda a, b: a + b), 0, 0), commutative=True)
_binary("subi", "Integer difference, wrapping.", _with_identity(_integers(lambda a, b: a - b), 0))
_binary("muli", "Integer product, wrapping.", _with_identity(_integers(lambda a, b: a * b), 1, 1, zero=True), commutative=True)
_binary("divsi", "Signed quotient, towards zero.", _with_identity(_integers(_divide), 1))
_binary("divui", "Unsigned quotient.", _with_identity(lambda op, operands: None, 1))
_binary("ceildivsi", "Signed quotient, towards infinity.", _integers(lambda a, b: None if b == 0 else -(-a // b)))
_binary("floordivsi", "Signed quotient, towards minus infinity.", _integers(lambda a, b: None if b == 0 else a // b))
_binary("remsi", "Signed remainder with the dividend's sign.", _integers(_remainder))
_binary("remui", "Unsigned remainder.")
_binary("andi", "Bitwise and.", _integers(lambda a, b: a & b), commutative=True)
_binary("ori", "Bitwise or.", _with_identity(_integers(lambda a, b: a | b), 0, 0), commutative=True)
_binary("xori", "Bitwise exclusive or.", _with_identity(_integers(lambda a, b: a ^ b), 0, 0), commutative=True)
_binary("shli", "Shift left.", _with_identity(_integers(lambda a, b: a << b if 0 <= b < 64 else None), 0))
_binary("shrsi", "Arithmetic shift right.", _with_identity(_integers(lambda a, b: a >> b if 0 <= b < 64 else None), 0))
_binary("shrui", "Logical shift right.")
_binary("maxsi", "Signed maximum.", _integers(max), commutative=True)
_binary("minsi", "Signed minimum.", _integers(min), commutative=True)
_binary("maxui", "Unsigned maximum.", commutative=True)
_binary("minui", "Unsigned minimum.", commutative=True)
_binary("addf", "Float sum.", _floats(lambda a, b: a + b), commutative=True)
_binary("subf", "Float difference.", _with_identity(_floats(lambda a, b: a - b), 0.0))
_binary("mulf", "Float product.", _with_identity(_floats(lambda a, b: a * b), 1.0, 1.0), commutative=True)
_binary("divf", "Float quotient.", _with_identity(_floats(lambda a, b: a / b if b else None), 1.0))
_binary("remf", "Float remainder.")
_binary("maximumf", "Maximum; nan if either is.", commutative=True)
_binary("minimumf", "Minimum; nan if either is.", commutative=True)
_binary("maxnumf", "Maximum; the other if one is nan.", _floats(max), commutative=True)
_binary("minnumf", "Minimum; the other if one is nan.", _floats(min), commutative=True)
arith.op("negf", "Negation.", _UNARY, "pure", "elementwise", operands=1, results=1, fold=_one(lambda a: -a))


def _verify_constant(op: Op) -> str | None:
    value = op.attributes.get("value")
    if value is None:
        return "needs a value"
    type = getattr(value, "type", None)
    return None if type is None or type == op.results[0].type else f"value of type {type} in a constant of {op.results[0].type}"


arith.op("constant", "A constant.", None, "pure", operands=0, results=1, verify=_verify_constant)


@pretty("arith.constant")
def _print_constant(printer: Printer, op: Op) -> None:
    printer.attributes(op, "value")
    printer.write(f" {op.attributes['value']}")


def _compare_integers(op: Op, operands: Sequence[Attribute | None]) -> Attribute | None:
    a, b = splat(operands[0]), splat(operands[1])
    predicate = op.get("predicate", IntegerAttr)
    if a is None or b is None or predicate is None:
        return None
    name = PREDICATES[predicate.value]
    if name[0] == "u":
        a, b = unsigned(int(a), op.operands[0].type), unsigned(int(b), op.operands[0].type)
    truth = {"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[
        name.lstrip("su") if len(name) == 3 else name
    ]
    return constant_attribute(int(truth), op.results[0].type)


arith.op("cmpi", "Integer comparison.", None, "pure", "elementwise", operands=2, results=1, fold=_compare_integers)
arith.op("cmpf", "Float comparison.", None, "pure", "elementwise", operands=2, results=1)


@pretty("arith.cmpi", "arith.cmpf")
def _print_compare(printer: Printer, op: Op) -> None:
    names = PREDICATES if op.name == "arith.cmpi" else FLOAT_PREDICATES
    predicate = op.attributes["predicate"]
    assert isinstance(predicate, IntegerAttr)
    a, b = op.operands
    printer.write(f" {names[predicate.value]}, {printer.name(a)}, {printer.name(b)}")
    printer.attributes(op, "predicate")
    printer.write(f" : {a.type}")


def predicate_of(op: Op) -> str:
    """The predicate's name of a cmpi or cmpf."""
    predicate = op.attributes["predicate"]
    assert isinstance(predicate, IntegerAttr)
    return (PREDICATES if op.name == "arith.cmpi" else FLOAT_PREDICATES)[predicate.value]


def _fold_select(op: Op, operands: Sequence[Attribute | None]) -> int | None:
    condition = splat(operands[0])
    if condition is not None:
        return 1 if condition else 2
    return 1 if op.operands[1] is op.operands[2] else None


arith.op("select", "One of two values by a condition.", None, "pure", "elementwise", operands=3, results=1, fold=_fold_select)


@pretty("arith.select")
def _print_select(printer: Printer, op: Op) -> None:
    condition = f"{op.operands[0].type}, " if isinstance(op.operands[0].type, ShapedType) else ""
    printer.write(f" {printer.names_of(op.operands)}")
    printer.attributes(op)
    printer.write(f" : {condition}{op.results[0].type}")


def _cast(name: str, summary: str, compute: Callable[[float], float | None] | None = None) -> None:
    fold = _one(compute) if compute else None
    arith.op(name, summary, "{0}{#} : {:0} to {:r0}", "pure", "elementwise", operands=1, results=1, fold=fold)


_cast("extf", "Widens a float, exactly.", lambda a: a)
_cast("truncf", "Narrows a float, rounding to nearest even.", lambda a: a)
_cast("extsi", "Widens a signed integer.", lambda a: a)
_cast("extui", "Widens an unsigned integer.")
_cast("trunci", "Keeps the low bits of an integer.", lambda a: int(a))
_cast("sitofp", "Signed integer to float.", lambda a: float(a))
_cast("uitofp", "Unsigned integer to float.")
_cast("fptosi", "Float to signed integer, towards zero.", lambda a: None if math.isinf(a) or math.isnan(a) else int(a))
_cast("fptoui", "Float to unsigned integer, towards zero.")
_cast("index_cast", "Between index and a signed integer.", lambda a: int(a))
_cast("index_castui", "Between index and an unsigned integer.")
_cast("bitcast", "The same bits as another type.")


def constant(builder: Builder, value: int | float | bool, type: Type, hint: str = "") -> Value:
    """An arith.constant: a scalar, or a splat of a tensor type."""
    name = hint or _constant_hint(value, type)
    return builder.value("arith.constant", [], type, {"value": constant_attribute(value, type)}, name)


def _constant_hint(value: int | float | bool, type: Type) -> str:
    """MLIR's own habit: c16, c16_i32, true, cst."""
    if isinstance(type, IndexType):
        return f"c{value}" if value >= 0 else f"c_{-value}"
    if isinstance(type, IntegerType) and type.width == 1:
        return "true" if value else "false"
    if isinstance(type, IntegerType):
        return f"c{value}_{type}" if value >= 0 else f"c_{-value}_{type}"
    return "cst"


def constant_value(value: Value) -> int | float | bool | None:
    """The number of a scalar or splat constant; None where the value is none."""
    op = value.op
    return splat(op.attributes.get("value")) if op is not None and op.name == "arith.constant" else None


def compare(builder: Builder, predicate: str, a: Value, b: Value, hint: str = "") -> Value:
    """cmpi or cmpf, by the operands' type."""
    integer = not isinstance(element_of(a.type), FloatType)
    index = (PREDICATES if integer else FLOAT_PREDICATES).index(predicate)
    name = "arith.cmpi" if integer else "arith.cmpf"
    return builder.value(name, [a, b], with_element(a.type, IntegerType(1)), {"predicate": index}, hint)
