"""vcast: every rounding mode between every pair of element types, saturating where integers are too small."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from compiler_core.emulator.arrays.narrow import bits_of, converted, is_narrow, looked_up, narrow, table, widen, widened
from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.scratch import scratch

Run = Callable[..., Any]


def _away(x: Array, out: Array | None = None) -> Array:
    """To nearest, ties away from zero: C's round. x - trunc(x) is exact."""
    whole = np.trunc(x)
    step = np.copysign(np.abs(x - whole) >= 0.5, x)
    return np.add(whole, step, out=out)


def _odd(x: Array, out: Array | None = None) -> Array:
    """Towards zero; inexact results take the odd one of their two neighbours."""
    whole = np.trunc(x)
    step = np.copysign((whole != x) & (np.fmod(whole, 2) == 0), x)
    return np.add(whole, step, out=out)


ROUNDINGS: dict[str, Callable[..., Array]] = {
    "rint": np.rint,
    "round": _away,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "odd": _odd,
    "truncwithoverflow": np.trunc,
}
"""To whole numbers, by the dialect's name of the mode."""

_WIDE, _ROUNDED = 120, 121
"""Scratch of this file."""


def cast(source: Array, out: Array, mode: str, kind: str = "cast_signed") -> Run:
    """Binds a conversion.

    Floats to integers round by `mode` and saturate (nan gives 0); integers to smaller ones saturate; `truncwithoverflow` keeps
    the low bits instead. To a smaller float, or from an integer too large for one, `mode` is the rounding. From a float type to
    itself it rounds to whole numbers. `cast_unsigned` takes signless integers as unsigned, `bitcast` keeps the bits.
    """
    if kind == "bitcast":
        return partial(np.copyto, out.view(f"u{out.dtype.itemsize}"), source.view(f"u{source.dtype.itemsize}"))
    if kind == "cast_unsigned":
        source, out = _unsigned(source), _unsigned(out)
    if is_narrow(source.dtype) and source.shape == out.shape and not _exact(source.dtype, out.dtype):
        values = table(partial(_convert, dtype=out.dtype, mode=mode, same=source.dtype == out.dtype), source.dtype, out.dtype)
        return looked_up(values, source, out)
    if out.dtype.kind == "b":
        return partial(np.not_equal, source, source.dtype.type(0), out=out)
    if _exact(source.dtype, out.dtype) and source.dtype != out.dtype:
        return partial(widen, source, out) if is_narrow(source.dtype) else partial(np.copyto, out, source, "unsafe")
    if source.dtype.kind == "f" and out.dtype.kind in "iu" and mode != "truncwithoverflow":
        return _to_integers(source, out, ROUNDINGS[mode])
    if mode == "rint" and source.dtype != out.dtype and out.dtype.kind not in "iu":
        return partial(narrow, source, out)
    if mode == "rint" and source.dtype == out.dtype and source.dtype.kind == "f" and not is_narrow(source.dtype):
        return partial(np.rint, source, out=out)

    def run() -> None:
        wide = widened(source, _WIDE)
        np.copyto(out, _convert(wide, out.dtype, mode, source.dtype == out.dtype), casting="unsafe")

    return run


def _unsigned(array: Array) -> Array:
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "i" else array


_FRACTION = {"float16": 11, "bfloat16": 8, "float8_e4m3fn": 4, "float8_e5m2": 3, "float32": 24, "float64": 53}
_LARGEST = {"float16": 15, "bfloat16": 127, "float8_e4m3fn": 8, "float8_e5m2": 15, "float32": 127, "float64": 1023}
"""Significant bits, and the largest exponent."""


def _exact(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Whether every number of one type is one of the other."""
    a, b = str(source), str(target)
    if a in _FRACTION and b in _FRACTION:
        return _FRACTION[a] <= _FRACTION[b] and _LARGEST[a] <= _LARGEST[b] and a != b
    if source.kind == "b":
        return True
    if source.kind in "iu" and b in _FRACTION:
        bits = 8 * source.itemsize - (source.kind == "i")
        return bits <= _FRACTION[b] and bits <= _LARGEST[b]
    if source.kind in "iu" and target.kind in "iu":
        return bool(np.can_cast(source, target, "safe"))
    return False


def _to_integers(source: Array, out: Array, rounding: Callable[..., Array]) -> Run:
    """fp32 to integers; the common case, everything inside the type's range, is two passes and the look for the range."""
    info = np.iinfo(out.dtype)
    low, high = np.float32(info.min), np.float32(info.max)

    def run() -> None:
        rounded = scratch(source.shape, np.float32, _ROUNDED)
        rounding(source, out=rounded)
        if rounded.size and rounded.min() >= low and rounded.max() < high:
            np.copyto(out, rounded, casting="unsafe")
        else:
            np.copyto(out, _saturated(rounded.astype(np.float64), out.dtype))

    return run


def _convert(wide: Array, dtype: np.dtype[Any], mode: str, same: bool) -> Array:
    """fp32 numbers or integers as another type, a new array."""
    if same and wide.dtype.kind == "f":
        return converted(ROUNDINGS[mode](wide), dtype)
    if dtype.kind == "b":
        return wide != 0
    if dtype.kind in "iu":
        if wide.dtype.kind != "f":
            info, own = np.iinfo(dtype), np.iinfo(wide.dtype)
            return wide if mode == "truncwithoverflow" else np.clip(wide, max(info.min, own.min), min(info.max, own.max))
        rounded: Array = ROUNDINGS[mode](wide.astype(np.float64))
        return _wrapped(rounded, dtype) if mode == "truncwithoverflow" else _saturated(rounded, dtype)
    return converted(wide, dtype) if mode == "rint" else _directed(wide, dtype, mode)


def _wrapped(whole: Array, dtype: np.dtype[Any]) -> Array:
    """The low bits of whole float64 numbers; nan and infinities give 0."""
    finite: Array = np.where(np.isfinite(whole), whole, 0.0)
    inside: Array = np.fmod(finite, 2.0**64)
    inside = inside - 2.0**64 * (inside >= 2.0**63) + 2.0**64 * (inside < -(2.0**63))
    return inside.astype(np.int64).astype(dtype)


def _saturated(whole: Array, dtype: np.dtype[Any]) -> Array:
    """Whole float64 numbers as integers; nan gives 0, what is too large the nearest number there is."""
    info = np.iinfo(dtype)
    inside: Array = np.nan_to_num(whole, nan=0.0, posinf=np.inf, neginf=-np.inf)
    top = inside >= float(info.max)
    low: Array = np.where(top, 0.0, np.maximum(inside, float(info.min)))
    return np.where(top, np.array(info.max, dtype), low.astype(dtype))


def _directed(wide: Array, dtype: np.dtype[Any], mode: str) -> Array:
    """Numbers rounded to a smaller float type by any mode.

    The result to nearest is corrected by one step where it lies on the wrong side. Overflow towards zero stays finite.
    """
    exact = wide.astype(np.float64)
    near = converted(wide, dtype)
    found = near.astype(np.float64)
    zero, infinite = np.zeros((), dtype), np.full((), np.inf, dtype)
    with np.errstate(all="ignore"):
        below = np.where(found > exact, np.nextafter(near, -infinite), near)
        above = np.where(found < exact, np.nextafter(near, infinite), near)
        inward = np.where(np.abs(found) > np.abs(exact), np.nextafter(near, zero), near)
        outward = np.where(exact < 0, below, above)
    if mode == "floor":
        return below
    if mode == "ceil":
        return above
    if mode in ("trunc", "truncwithoverflow"):
        return inward
    if mode == "odd":
        bits = bits_of(inward) if dtype.itemsize <= 2 else inward.view(f"u{dtype.itemsize}")
        return (bits | (inward.astype(np.float64) != exact).astype(bits.dtype)).view(dtype)
    inner, outer = inward.astype(np.float64), outward.astype(np.float64)
    return np.where(np.abs(exact - inner) >= np.abs(outer - exact), outward, inward)
