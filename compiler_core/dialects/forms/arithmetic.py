"""Forms of arith and math."""

from compiler_core.dialects.arith import FLOAT_PREDICATES, PREDICATES
from compiler_core.ir.attributes import Attribute, BoolAttr, DenseAttr, FloatAttr, IntegerAttr, RawAttr
from compiler_core.ir.parser import parse_type
from compiler_core.ir.syntax.forms import Parts, form, read_attributes, reads
from compiler_core.ir.syntax.operations import OperationReader
from compiler_core.ir.types import ShapedType, Type, i1, i64, with_element

_OVERFLOW = {"overflowFlags": "#arith.overflow"}
_FAST = {"fastmath": "#arith.fastmath"}
_NO_OVERFLOW = {"overflowFlags": "#arith.overflow<none>"}
_NOT_FAST = {"fastmath": "#arith.fastmath<none>"}

for _name in ("addi", "subi", "muli", "shli"):
    form(
        f"arith.{_name}",
        "lhs rhs",
        "$lhs, $rhs (? overflow $overflowFlags ?) {} : @lhs",
        _OVERFLOW,
        defaults=_NO_OVERFLOW,
        results="lhs",
    )
for _name in (
    *("divsi", "divui", "ceildivsi", "ceildivui", "floordivsi", "remsi", "remui", "andi", "ori", "xori", "shrsi", "shrui"),
    *("maxsi", "maxui", "minsi", "minui"),
):
    form(f"arith.{_name}", "lhs rhs", "$lhs, $rhs {} : @lhs", results="lhs")
for _name in ("addf", "subf", "mulf", "divf", "remf", "maximumf", "minimumf", "maxnumf", "minnumf"):
    form(f"arith.{_name}", "lhs rhs", "$lhs, $rhs (? fastmath $fastmath ?) {} : @lhs", _FAST, defaults=_NOT_FAST, results="lhs")
form("arith.negf", "operand", "$operand (? fastmath $fastmath ?) {} : @operand", _FAST, defaults=_NOT_FAST, results="operand")
for _name in ("extsi", "extui", "trunci", "index_cast", "index_castui", "sitofp", "uitofp", "fptosi", "fptoui", "bitcast"):
    form(f"arith.{_name}", "in", "$in {} : @in to @result")
form("arith.extf", "in", "$in (? fastmath $fastmath ?) {} : @in to @result", _FAST)
form("arith.truncf", "in", "$in (? $roundingmode ?) {} : @in to @result", {"roundingmode": "any"})
form("arith.mulsi_extended", "lhs rhs", "$lhs, $rhs {} : @lhs", results="lhs lhs")
form("arith.mului_extended", "lhs rhs", "$lhs, $rhs {} : @lhs", results="lhs lhs")

for _name in (
    *("absf", "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "ceil", "cos", "cosh", "erf", "erfc", "exp", "exp2"),
    *("expm1", "floor", "log", "log10", "log1p", "log2", "round", "roundeven", "rsqrt", "sin", "sinh", "sqrt", "tan", "tanh"),
    "trunc",
):
    form(
        f"math.{_name}",
        "operand",
        "$operand (? fastmath $fastmath ?) {} : @operand",
        _FAST,
        defaults=_NOT_FAST,
        results="operand",
    )
for _name in ("atan2", "copysign", "powf"):
    form(f"math.{_name}", "lhs rhs", "$lhs, $rhs (? fastmath $fastmath ?) {} : @lhs", _FAST, defaults=_NOT_FAST, results="lhs")
form("math.fma", "a b c", "$a, $b, $c (? fastmath $fastmath ?) {} : @a", _FAST, defaults=_NOT_FAST, results="a")
form("math.fpowi", "lhs rhs", "$lhs, $rhs (? fastmath $fastmath ?) {} : @lhs, @rhs", _FAST, defaults=_NOT_FAST, results="lhs")
form("math.ipowi", "lhs rhs", "$lhs, $rhs {} : @lhs", results="lhs")
for _name in ("absi", "ctlz", "cttz", "ctpop"):
    form(f"math.{_name}", "operand", "$operand {} : @operand", results="operand")


@reads("arith.constant")
def _constant(reader: OperationReader, parts: Parts) -> None:
    read_attributes(reader, parts)
    value = reader.attribute()
    parts.attributes["value"] = value
    parts.results = [_constant_type(reader, value)]


def _constant_type(reader: OperationReader, value: Attribute) -> Type:
    if isinstance(value, BoolAttr):
        return i1
    if isinstance(value, IntegerAttr | FloatAttr | DenseAttr):
        return value.type
    if isinstance(value, RawAttr) and " : " in value.text:
        return parse_type(value.text.rpartition(" : ")[2])
    raise reader.fail("a constant needs a value with a type")


def _compare(reader: OperationReader, parts: Parts, predicates: tuple[str, ...]) -> None:
    start = reader.at
    word = reader.string() if reader.sees('"') else reader.kind("word")
    if word not in predicates:
        raise reader.fail(f"{parts.name} knows no predicate {word}", start)
    parts.attributes["predicate"] = IntegerAttr(predicates.index(word), i64)
    reader.expect(",")
    parts.operands["lhs"] = [reader.operand()]
    reader.expect(",")
    parts.operands["rhs"] = [reader.operand()]
    if reader.accept_word("fastmath"):
        start = reader.at
        parts.attributes["fastmath"] = RawAttr(f"#arith.fastmath{reader.text[start : reader.balanced()]}")
    read_attributes(reader, parts)
    reader.expect(":")
    operand = reader.type()
    parts.results = [with_element(operand, i1) if isinstance(operand, ShapedType) else i1]


@reads("arith.cmpi", groups="lhs rhs")
def _compare_integers(reader: OperationReader, parts: Parts) -> None:
    _compare(reader, parts, tuple(PREDICATES))


@reads("arith.cmpf", groups="lhs rhs", defaults=_NOT_FAST)
def _compare_floats(reader: OperationReader, parts: Parts) -> None:
    _compare(reader, parts, tuple(FLOAT_PREDICATES))


@reads("arith.select", groups="condition true false")
def _select(reader: OperationReader, parts: Parts) -> None:
    """`%c, %a, %b : type`, with the condition's type in front where it is shaped."""
    for i, name in enumerate(("condition", "true", "false")):
        if i:
            reader.expect(",")
        parts.operands[name] = [reader.operand()]
    read_attributes(reader, parts)
    reader.expect(":")
    written = reader.type()
    parts.results = [reader.type() if reader.accept(",") else written]
