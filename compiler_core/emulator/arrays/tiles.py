"""What element-by-element vector instructions compute, bound to arrays whose leading axes are lanes.

fp16, bf16 and fp8 are computed in fp32 and rounded once on writing; integers wrap. Dimensions of size 1 repeat.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from compiler_core.emulator.arrays.narrow import bits_of, computed, converted, is_narrow, looked_up, overlapping, table, widened
from compiler_core.emulator.arrays.special import erf
from compiler_core.emulator.execution.lanes import Array, Scalar, quotient, remainder
from compiler_core.emulator.execution.scratch import scratch

Ufunc = Callable[..., Any]
Run = Callable[..., Any]
Given = Sequence[Array | None]
"""Inputs: None where a scalar is given to each run."""


def _relu(x: Array, out: Array | None = None) -> Array:
    return np.maximum(x, 0, out=out)


def _rsqrt(x: Array, out: Array | None = None) -> Array:
    return np.divide(1, np.sqrt(x, out=out), out=out)


def _reciprocal(x: Array, out: Array | None = None) -> Array:
    return np.divide(1, x, out=out)


def _erf(x: Array, out: Array | None = None) -> Array:
    found = erf(x)
    if out is None:
        return found
    out[...] = found
    return out


UNARY: dict[str, Ufunc] = {
    "vexp": np.exp,
    "vexp2": np.exp2,
    "vln": np.log,
    "vlog2": np.log2,
    "vlog10": np.log10,
    "vlog1p": np.log1p,
    "vexpm1": np.expm1,
    "vabs": np.absolute,
    "vsqrt": np.sqrt,
    "vtanh": np.tanh,
    "vsin": np.sin,
    "vcos": np.cos,
    "vtan": np.tan,
    "vatan": np.arctan,
    "verf": _erf,
    "vrelu": _relu,
    "vrsqrt": _rsqrt,
    "vrec": _reciprocal,
    "visnan": np.isnan,
    "visinf": np.isinf,
}


def _power(a: Array, b: Array) -> Array:
    """Integers to a negative power are what rounding towards zero leaves: 1 for 1, ±1 for -1, else 0."""
    down = np.where(a == 1, 1, np.where(a == -1, np.where(np.bitwise_and(b, 1), -1, 1), 0))
    return np.where(np.less(b, 0), down, np.power(a, np.maximum(b, 0)))


BINARY: dict[str, Ufunc] = {
    "vadd": np.add,
    "vsub": np.subtract,
    "vmul": np.multiply,
    "vdiv": np.divide,
    "vmax": np.maximum,
    "vmin": np.minimum,
    "vmod": np.fmod,
    "vpow": np.power,
    "vshl": np.left_shift,
}
_ON_INTEGERS: dict[str, Ufunc] = {"vdiv": quotient, "vmod": remainder, "vpow": _power}
"""Division and remainder are C's, 0 where the divisor is 0."""

BITWISE: dict[str, np.ufunc] = {
    "vnot": np.invert,
    "vand": np.bitwise_and,
    "vor": np.bitwise_or,
    "vxor": np.bitwise_xor,
}

_COMPARED, _CONDITION, _SELECTED = 100, 110, 111
"""Scratch of this file."""


def elementwise(name: str, given: Given, out: Array) -> Run:
    """Binds a unary or binary arithmetic instruction."""
    if name in BITWISE:
        return bitwise(BITWISE[name], given, out)
    first = given[0]
    function = UNARY.get(name) or BINARY[name]
    if is_narrow(out.dtype) or (first is not None and is_narrow(first.dtype)):
        if len(given) == 1 and first is not None and is_narrow(first.dtype) and first.shape == out.shape:
            return looked_up(table(function, first.dtype, out.dtype), first, out)
        return computed(function, given, out)
    if out.dtype.kind not in "iu":
        return _direct(function, given, out)
    return _integers(_ON_INTEGERS.get(name, function), given, out)


def _direct(function: Ufunc, given: Given, out: Array) -> Run:
    """The function itself, with as little around it as there can be."""
    if all(a is not None for a in given):
        return partial(function, *given, out=out)
    if len(given) == 2 and given[0] is not None:
        return partial(_with_second, function, given[0], out)
    if len(given) == 2 and given[1] is not None:
        return partial(_with_first, function, given[1], out)
    return partial(function, out=out)


def _with_second(function: Ufunc, first: Array, out: Array, second: Scalar) -> None:
    function(first, second, out=out)


def _with_first(function: Ufunc, second: Array, out: Array, first: Scalar) -> None:
    function(first, second, out=out)


def _filled(given: Given, scalars: Sequence[Scalar]) -> list[Any]:
    rest = iter(scalars)
    return [a if a is not None else next(rest) for a in given]


def as_integer(scalar: Scalar, dtype: np.dtype[Any]) -> Array:
    """A whole number (or vector) wrapped to an integer dtype."""
    return np.asarray(scalar).astype(dtype)


def _integers(function: Ufunc, given: Given, out: Array) -> Run:
    """Integer arithmetic wraps in the output's own width; shifts by a scalar are that width too."""
    ready = isinstance(function, np.ufunc)
    if ready and all(a is not None for a in given):
        return partial(function, *given, out=out)

    def run(*scalars: Scalar) -> None:
        operands = _filled(given, [as_integer(s, out.dtype) for s in scalars])
        if ready:
            function(*operands, out=out)
        else:
            np.copyto(out, function(*operands), casting="unsafe")

    return run


def bitwise(function: np.ufunc, given: Given, out: Array) -> Run:
    """Binds a bitwise instruction; floats are worked on as their bits, bools as one bit."""
    views = [a if a is None or a.dtype.kind in "biu" else a.view(f"u{a.dtype.itemsize}") for a in given]
    target = out if out.dtype.kind in "biu" else out.view(f"u{out.dtype.itemsize}")
    return _integers(function, views, target)


def shift_right(given: Given, out: Array, unsigned: bool) -> Run:
    """Binds vshr: arithmetic, or logical for unsigned numbers."""
    number = np.dtype(f"u{out.dtype.itemsize}") if unsigned else out.dtype
    views = [a if a is None else a.view(number) for a in given]
    return _integers(np.right_shift, views, out.view(number))


def multiply_extended(given: Given, low: Array, high: Array, unsigned: bool) -> Run:
    """Binds vmulext and its kin: the low and the high half of the product."""
    width = 8 * low.dtype.itemsize
    number = np.dtype(f"{'u' if unsigned else ''}int{width}")
    wide = np.dtype(f"{'u' if unsigned else ''}int{2 * width}")

    def run(*scalars: Scalar) -> None:
        a, b = (np.asarray(x).astype(number).astype(wide) for x in _filled(given, scalars))
        product: Array = a * b
        np.copyto(low, product.astype(low.dtype))
        np.copyto(high, (product >> width).astype(high.dtype))

    return run


COMPARE: dict[str, np.ufunc] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def compare(mode: str, given: Given, out: Array, unsigned: bool = False) -> Run:
    """Binds vcmp. The output holds bools, or 0 and 1."""
    function = COMPARE[mode]
    views = [a.view(f"u{a.dtype.itemsize}") if unsigned and a is not None else a for a in given]
    if any(a is not None and is_narrow(a.dtype) for a in views):

        def run(*scalars: Scalar) -> None:
            ready = iter(converted(s, np.dtype(np.float32)) for s in scalars)
            operands = [next(ready) if a is None else widened(a, _COMPARED + i) for i, a in enumerate(views)]
            function(*operands, out)

        return run
    kinds = {a.dtype.kind for a in views if a is not None}
    return _direct(function, views, out) if "u" not in kinds or None not in views else _unsigned_compare(function, views, out)


def _unsigned_compare(function: np.ufunc, given: Given, out: Array) -> Run:
    dtype = next(a.dtype for a in given if a is not None)
    return lambda *s: function(*_filled(given, [as_integer(x, dtype) for x in s]), out)


def select(given: Given, out: Array) -> Run:
    """Binds vsel: condition, then, else. Elements move as their bits; the output may be one of the operands."""
    condition, *sides = given
    target = bits_of(out)
    views = [a if a is None else bits_of(a) for a in sides]
    if condition is None:

        def uniform(holds: Scalar, *scalars: Scalar) -> None:
            then, other = _filled(views, [_bits(s, out.dtype) for s in scalars])
            target[...] = np.where(np.asarray(holds).astype(np.bool_), then, other)

        return uniform
    fixed = condition
    in_place = any(overlapping(a, target) for a in (fixed, *views) if a is not None)

    def run(*scalars: Scalar) -> None:
        then, other = _filled(views, [_bits(s, out.dtype) for s in scalars])
        chosen = fixed if fixed.dtype.kind == "b" else np.not_equal(fixed, 0, out=scratch(fixed.shape, np.bool_, _CONDITION))
        if in_place:
            room = scratch(target.shape, target.dtype, _SELECTED)
            np.copyto(room, other)
            np.copyto(room, then, where=chosen)
            np.copyto(target, room)
        else:
            np.copyto(target, other)
            np.copyto(target, then, where=chosen)

    return run


def _bits(scalar: Scalar, dtype: np.dtype[Any]) -> Array:
    """A scalar as the output holds it."""
    return bits_of(converted(scalar, dtype))


def _fill(target: Array, dtype: np.dtype[Any], scalar: Scalar) -> None:
    np.copyto(target, _bits(scalar, dtype))


def copied(source: Array | None, out: Array) -> Run:
    """Binds a move of equal (or repeating) shapes: bits, or a conversion where the types differ. A scalar fills."""
    target = bits_of(out)
    if source is None:
        return partial(_fill, target, out.dtype)
    if source.dtype == out.dtype:
        return partial(np.copyto, target, bits_of(source))
    return partial(np.copyto, out, source, "unsafe")


def arange(out: Array, strides: int, has_offset: bool, axes: int) -> Run:
    """Binds varange: offset plus the sum of index times stride. Runs take the offset, if there is one, and the strides."""
    rank = out.ndim - axes
    positions: list[Array] = []
    for d in range(strides):
        shape = [1] * axes + [-1 if i == d else 1 for i in range(rank)]
        positions.append(np.arange(int(out.shape[axes + d]), dtype=np.int64).reshape(shape))

    def run(*scalars: Scalar) -> None:
        offset, steps = (scalars[0], scalars[1:]) if has_offset else (0, scalars)
        total: Any = offset
        for index, step in zip(positions, steps, strict=True):
            total = total + index * step
        np.copyto(out, total, casting="unsafe")

    return run
