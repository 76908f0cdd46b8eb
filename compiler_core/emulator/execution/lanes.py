"""Scalars over lanes: one number where all blocks of a batch agree, a vector with one entry a block where they do not.

Integers are Python ints or int64 vectors, wrapped to their width; i1 is 0 or 1, or a bool vector; floats are numpy scalars or
vectors of their own dtype, so that each operation rounds once. UNKNOWN stands for what a run without data cannot know.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from compiler_core.ir.types import IntegerType, Type

Array: TypeAlias = NDArray[Any]


class Unknown:
    """A value read from memory in a run that has no data."""

    __array_ufunc__ = None

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()

Scalar: TypeAlias = Any
"""int, numpy float scalar, vector over lanes, or UNKNOWN. Typed loosely: arithmetic on the union has no useful static type."""


def is_vector(value: object) -> TypeGuard[Array]:
    """Whether a scalar differs between lanes."""
    return isinstance(value, np.ndarray)


def wrap(value: Scalar, width: int) -> Scalar:
    """`value` modulo 2^width as a signed number."""
    if width == 1:
        return value & 1
    if width >= 64 and is_vector(value):
        return value
    half = 1 << (width - 1)
    return ((value + half) & ((1 << width) - 1)) - half


def width_of(type: Type) -> int:
    return type.width if isinstance(type, IntegerType) else 64


def unsigned(value: Scalar, width: int) -> Scalar:
    """The same bits read as an unsigned number; 64-bit vectors become uint64."""
    if is_vector(value) and width >= 64:
        return value.astype(np.uint64)
    return value & ((1 << width) - 1)


def quotient(a: Scalar, b: Scalar) -> Scalar:
    """C's integer division. Lanes that divide by zero give 0; two plain numbers raise ZeroDivisionError."""
    if isinstance(a, int) and isinstance(b, int):
        q = abs(a) // abs(b)
        return q if (a < 0) == (b < 0) else -q
    safe = np.where(np.equal(b, 0), 1, b)
    q = np.floor_divide(a, safe)
    inexact = (q * safe != a) & ((np.asarray(a) < 0) != (np.asarray(b) < 0))
    return np.where(np.equal(b, 0), 0, q + inexact)


def remainder(a: Scalar, b: Scalar) -> Scalar:
    return a - quotient(a, b) * b


def minimum(a: Scalar, b: Scalar) -> Scalar:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else np.minimum(a, b)


def maximum(a: Scalar, b: Scalar) -> Scalar:
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else np.maximum(a, b)


def floored(a: Scalar, b: Scalar) -> Scalar:
    """Division rounding down. Lanes that divide by zero give what division by one would; plain numbers raise."""
    return a // b if isinstance(a, int) and isinstance(b, int) else np.floor_divide(a, np.where(np.equal(b, 0), 1, b))


INTEGER: dict[str, Callable[[Scalar, Scalar], Scalar]] = {
    "addi": lambda a, b: a + b,
    "subi": lambda a, b: a - b,
    "muli": lambda a, b: a * b,
    "divsi": quotient,
    "remsi": remainder,
    "floordivsi": floored,
    "ceildivsi": lambda a, b: -floored(-a, b),
    "andi": lambda a, b: a & b,
    "ori": lambda a, b: a | b,
    "xori": lambda a, b: a ^ b,
    "shli": lambda a, b: a << b,
    "shrsi": lambda a, b: a >> b,
    "minsi": minimum,
    "maxsi": maximum,
}
"""Before wrapping to the result's width."""

UNSIGNED: dict[str, Callable[[Scalar, Scalar], Scalar]] = {
    "divui": floored,
    "remui": lambda a, b: a - floored(a, b) * b,
    "shrui": lambda a, b: a >> b,
    "minui": minimum,
    "maxui": maximum,
}
"""On the operands' bits read as unsigned."""

FLOAT: dict[str, Callable[[Scalar, Scalar], Scalar]] = {
    "addf": lambda a, b: a + b,
    "subf": lambda a, b: a - b,
    "mulf": lambda a, b: a * b,
    "divf": lambda a, b: a / b,
    "remf": np.fmod,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
    "maxnumf": np.fmax,
    "minnumf": np.fmin,
}

COMPARE: dict[str, Callable[[Scalar, Scalar], Scalar]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def compare_integers(predicate: str, width: int) -> Callable[[Scalar, Scalar], Scalar]:
    """cmpi's predicate, giving 0 or 1, or a bool vector."""
    function = COMPARE[predicate[-2:]]
    as_unsigned = len(predicate) == 3 and predicate[0] == "u"

    def compare(a: Scalar, b: Scalar) -> Scalar:
        if as_unsigned:
            a, b = unsigned(a, width), unsigned(b, width)
        found = function(a, b)
        return int(found) if isinstance(found, bool) else found

    return compare


def compare_floats(predicate: str) -> Callable[[Scalar, Scalar], Scalar]:
    """cmpf's predicate: o… is false and u… true where either is nan."""

    def compare(a: Scalar, b: Scalar) -> Scalar:
        nan = np.isnan(a) | np.isnan(b)
        if predicate in ("false", "true"):
            found = np.zeros_like(nan) | (predicate == "true")
        elif predicate in ("ord", "uno"):
            found = ~nan if predicate == "ord" else nan
        else:
            found = COMPARE[predicate[1:]](a, b)
            found = (found | nan) if predicate[0] == "u" else (found & ~nan)
        return int(found) if np.ndim(found) == 0 else found

    return compare


def as_float(value: Scalar, dtype: np.dtype[Any]) -> Scalar:
    """A number or vector rounded once to a float dtype."""
    return value.astype(dtype) if is_vector(value) else dtype.type(value)


def to_integer(value: Scalar, width: int) -> Scalar:
    """Towards zero, saturating at the width; nan gives 0."""
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    wide = np.nan_to_num(np.asarray(value, np.float64), nan=0.0, posinf=float(high), neginf=float(low))
    found: Array = np.clip(np.trunc(wide), low, high)
    return found.astype(np.int64) if found.ndim else int(found.item())


def select(condition: Scalar, then: Scalar, other: Scalar) -> Scalar:
    if not is_vector(condition):
        return then if condition else other
    if then is UNKNOWN or other is UNKNOWN:
        return UNKNOWN
    chosen: Scalar = np.where(condition, np.asarray(then), np.asarray(other))
    return chosen


def merge(mask: Array | None, new: Scalar, old: Scalar) -> Scalar:
    """The new value where the mask holds, the old one elsewhere; None for a mask that holds everywhere."""
    if new is old or mask is None:
        return new
    return select(mask, new, old)
