"""Arithmetic on compile-time constants, bounded: Python's own rules on numbers, strings and types."""

from __future__ import annotations

from collections.abc import Callable

from compiler_core.importers.triton.semantics import short_number
from compiler_core.importers.triton.values import Const, Literal, Mistake, describe

MAX_BITS = 4096
"""Largest integer that constant arithmetic may make."""

Number = bool | int | float

_NUMERIC: dict[str, Callable[[Number, Number], object]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}
_INTEGER: dict[str, Callable[[int, int], int]] = {
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
}
_ORDER: dict[str, Callable[[Number, Number], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def binary(symbol: str, a: Literal, b: Literal) -> Const:
    """`a symbol b`. Raises Mistake where Python would fail or the result would be huge."""
    if symbol == "+" and isinstance(a, str) and isinstance(b, str):
        return Const(a + b)
    if symbol in ("**", "<<", "*") and _bits(symbol, a, b) > MAX_BITS:
        raise Mistake("constant-too-large", operator=symbol, limit=MAX_BITS)
    try:
        if symbol in _NUMERIC and isinstance(a, Number) and isinstance(b, Number):
            result = _NUMERIC[symbol](a, b)
        elif symbol in _INTEGER and isinstance(a, int) and isinstance(b, int):
            result = _INTEGER[symbol](a, b)
        else:
            raise Mistake("constant-operands", operator=symbol, left=describe(Const(a)), right=describe(Const(b)))
    except ZeroDivisionError:
        raise Mistake("constant-division-by-zero") from None
    except (ValueError, OverflowError) as e:
        raise Mistake("constant-arithmetic", why=str(e)) from None
    if not isinstance(result, bool | int | float):
        raise Mistake("constant-arithmetic", why="the result is no real number")
    return Const(result)


def _bits(symbol: str, a: object, b: object) -> int:
    """An upper bound on the bits of an integer result; 0 for floats."""
    if not isinstance(a, int) or not isinstance(b, int):
        return 0
    if symbol == "*":
        return a.bit_length() + b.bit_length()
    if symbol == "<<":
        return a.bit_length() + max(0, b)
    return a.bit_length() * max(1, b)


def compare(symbol: str, a: Literal, b: Literal) -> Const:
    if symbol == "==":
        return Const(a == b)
    if symbol == "!=":
        return Const(a != b)
    if not isinstance(a, Number) or not isinstance(b, Number):
        raise Mistake("constant-operands", operator=symbol, left=describe(Const(a)), right=describe(Const(b)))
    return Const(_ORDER[symbol](a, b))


def unary(symbol: str, a: Literal) -> Const:
    if symbol == "not":
        return Const(not a)
    if symbol == "~" and isinstance(a, int):
        return Const(~int(a))
    if symbol in "+-" and isinstance(a, bool | int | float):
        return Const(-a if symbol == "-" else +a)
    raise Mistake("constant-operand", operator=symbol, operand=describe(Const(a)))


def python_builtin(name: str, values: list[Literal]) -> Const:
    """float, int, bool, len, abs, min, max and round of constants. Raises Mistake where Python would fail."""
    try:
        if name == "float" and len(values) == 1 and isinstance(values[0], str | int | float):
            return Const(float(values[0]))
        if name == "int" and len(values) == 1 and isinstance(values[0], int | float):
            return Const(int(values[0]))
        if name == "bool" and len(values) == 1:
            return Const(bool(values[0]))
        numbers = [v for v in values if isinstance(v, bool | int | float)]
        if len(numbers) == len(values) and numbers:
            if name == "abs" and len(numbers) == 1:
                return Const(abs(numbers[0]))
            if name in ("min", "max"):
                return Const((min if name == "min" else max)(numbers))
            if name == "round" and len(numbers) == 1:
                return Const(round(numbers[0]))
    except (ValueError, OverflowError) as e:
        raise Mistake("constant-arithmetic", why=str(e)) from None
    shown = ", ".join(short_number(v) if isinstance(v, int | float) else repr(v) for v in values)
    raise Mistake("python-builtin-arguments", name=name, arguments=shown)
