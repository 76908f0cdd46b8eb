"""fp16, bf16 and fp8 beside fp32: widening, narrowing (to nearest, ties to even), and unary functions as tables.

numpy converts fp16 one number at a time. Here it is done on whole arrays. Widening: exponent and fraction, moved to their
place in an fp32 and scaled by 2^112, are the number. Narrowing: a number added to 2^13 times its own power of two (at least
2^-14, the least of a normal fp16) is rounded by the addition to a whole count of fp16's steps, which with the exponent makes up
its bits. Where there is an infinity, a nan or a number too large, numpy does it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.scratch import scratch

CHUNK = 1 << 16
"""Elements worked on at a time, so that intermediates stay in cache."""
FEW = 1 << 13
"""Elements below which numpy's own conversion is faster than a dozen calls."""

F16 = np.dtype(np.float16)

FEW_TO_NARROW = 1 << 10

_SCALE = np.float32(2.0**112)
_SIGN_AND_NUMBER = np.int32(0x8FFFE000 - 2**32)
_INFINITE, _MINUS_INFINITE = 0x7C00, 0xFC00
_BEYOND_HALF = 65520.0
"""The least number that fp16 rounds to infinity."""
_EXPONENT, _LEAST_EXPONENT, _THIRTEEN = np.int32(0x7F800000), np.int32((127 - 14) << 23), np.int32(13 << 23)
_SIGN, _EXCESS = np.int16(-0x8000), np.int16((127 - 14 + 13 << 10) - (1 << 17))
"""The excess is what the exponent of the added power contributes, in fp16's place and modulo 2^16."""
_NO_USE = -1000
"""Scratch numbers below this one belong to this file."""


def is_narrow(dtype: np.dtype[Any]) -> bool:
    """fp16, bf16 or fp8: computed in fp32 and rounded once."""
    return dtype.kind in "fV" and dtype.itemsize <= 2


def bits_of(array: Array) -> Array:
    """The same memory as unsigned integers: numpy moves these fast whatever the element type is."""
    return array if array.dtype.kind in "biu" or array.dtype.itemsize > 2 else array.view(f"u{array.dtype.itemsize}")


def pieces(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Arrays that broadcast against the last of them, cut together into pieces of about CHUNK elements of it."""
    out = arrays[-1]
    if out.size <= CHUNK or not out.ndim:
        yield arrays
        return
    axis = next((i for i, size in enumerate(out.shape) if size > 1), 0)
    inner = out.size // out.shape[axis]
    if inner > CHUNK:
        for i in range(out.shape[axis]):
            yield from pieces(*(_cut(a, axis, i, i + 1, out.ndim) for a in arrays))
        return
    step = max(1, CHUNK // inner)
    for low in range(0, out.shape[axis], step):
        yield tuple(_cut(a, axis, low, low + step, out.ndim) for a in arrays)


def _cut(array: Array, axis: int, low: int, high: int, rank: int) -> Array:
    axis -= rank - array.ndim
    if axis < 0 or array.shape[axis] == 1:
        return array
    return array[(slice(None),) * axis + (slice(low, high),)]


def widen(source: Array, out: Array) -> None:
    """Writes fp16, bf16 or fp8 as fp32, exactly. Shapes are equal."""
    if source.dtype != F16 or out.size < FEW or overlapping(source, out):
        np.copyto(out, source)
        return
    for narrow, wide in pieces(source, out):
        _widen_half(narrow, wide)


def _widen_half(source: Array, out: Array) -> None:
    if not out.size:
        return
    bits = source.view(np.int16)
    if bits.max() >= _INFINITE or source.view(np.uint16).max() >= _MINUS_INFINITE:
        np.copyto(out, source)
        return
    number = out.view(np.int32) if out.flags.c_contiguous else scratch(out.shape, np.int32, _NO_USE - 1)
    np.copyto(number, bits)
    np.left_shift(number, 13, out=number)
    np.bitwise_and(number, _SIGN_AND_NUMBER, out=number)
    np.multiply(number.view(np.float32), _SCALE, out=out)


def narrow(source: Array, out: Array) -> None:
    """Rounds fp32 to fp16, bf16 or fp8: to nearest, ties to even. Shapes are equal."""
    if source.dtype != np.float32 or out.dtype != F16 or out.size < FEW_TO_NARROW or not _ahead(source, out):
        np.copyto(out, source, casting="unsafe")
        return
    for wide, half in pieces(source, out):
        _narrow_to_half(wide, half)


def _ahead(source: Array, out: Array) -> bool:
    """Whether no piece of the output lies where a later piece of the source does: they are apart, or the output comes first."""
    if not overlapping(source, out):
        return True
    compact = all(a[:1].flags.c_contiguous for a in (source, out))
    return compact and out.__array_interface__["data"][0] <= source.__array_interface__["data"][0]


def _narrow_to_half(source: Array, out: Array) -> None:
    size = scratch(source.shape, np.float32, _NO_USE - 2)
    np.absolute(source, out=size)
    if not size.max(initial=0.0) < _BEYOND_HALF:
        np.copyto(out, source, casting="unsafe")
        return
    power = scratch(source.shape, np.float32, _NO_USE - 3)
    count, exponent = size.view(np.int32), power.view(np.int32)
    np.bitwise_and(count, _EXPONENT, out=exponent)
    np.maximum(exponent, _LEAST_EXPONENT, out=exponent)
    np.add(exponent, _THIRTEEN, out=exponent)
    np.add(size, power, out=size)
    np.subtract(count, exponent, out=count)
    np.right_shift(exponent, 13, out=exponent)
    np.add(count, exponent, out=count)
    np.right_shift(source.view(np.int32), 16, out=exponent)
    sign = scratch(source.shape, np.int16, _NO_USE - 4)
    np.copyto(sign, exponent, casting="unsafe")
    np.bitwise_and(sign, _SIGN, out=sign)
    np.subtract(sign, _EXCESS, out=sign)
    bits = out.view(np.int16)
    np.copyto(bits, count, casting="unsafe")
    np.add(bits, sign, out=bits)


def widened(source: Array, use: int) -> Array:
    """The array as fp32: itself, or a copy in scratch memory."""
    if not is_narrow(source.dtype):
        return source
    wide = scratch(source.shape, np.float32, use)
    widen(source, wide)
    return wide


def converted(values: Any, dtype: np.dtype[Any]) -> Array:
    """A new array of another dtype; floats round once."""
    found = np.empty(np.shape(values), dtype)
    np.copyto(found, values, casting="unsafe")
    return found


def computed(function: Callable[..., Any], inputs: Sequence[Array | None], out: Array) -> Callable[..., None]:
    """A run of a ufunc over narrow floats: widened, computed in fp32, rounded once, a piece at a time.

    Inputs that are None are given to the run, in order.
    """
    arrays = [a for a in inputs if a is not None]
    missing = [i for i, a in enumerate(inputs) if a is None]
    known = [i for i, a in enumerate(inputs) if a is not None]
    parts = list(pieces(*arrays, out))

    def run(*scalars: Any) -> None:
        operands: list[Any] = [None] * len(inputs)
        vectors = [_wide(s) for s in scalars]
        cut = any(np.ndim(s) for s in vectors)
        each = pieces(*arrays, *(np.asarray(s) for s in vectors), out) if cut else parts
        for part in each:
            target = part[-1]
            for i, array in zip(known, part, strict=False):
                operands[i] = widened(array, _NO_USE - 10 - i)
            for i, scalar in zip(missing, part[len(known) : -1] if cut else vectors, strict=True):
                operands[i] = scalar
            wide = scratch(target.shape, np.float32, _NO_USE - 20)
            function(*operands, out=wide)
            narrow(wide, target)

    return run


def _wide(scalar: Any) -> Any:
    dtype = getattr(scalar, "dtype", None)
    return scalar if dtype is None or not is_narrow(dtype) else scalar.astype(np.float32)


@lru_cache(maxsize=256)
def table(function: Callable[..., Any], source: np.dtype[Any], target: np.dtype[Any]) -> Array:
    """What a unary function of fp32 gives for each of the numbers of a narrow type, rounded once, as bits of `target`."""
    count = 1 << (8 * source.itemsize)
    numbers = np.arange(count, dtype=f"u{source.itemsize}").view(source)
    wide = numbers.astype(np.float32)
    with np.errstate(all="ignore"):
        found = np.asarray(function(wide))
    return bits_of(converted(found, target))


def looked_up(values: Array, source: Array, out: Array) -> Callable[[], None]:
    """A run that replaces each narrow float by its entry in a `table`. The output may be the input."""
    parts = list(pieces(bits_of(source), bits_of(out)))

    def run() -> None:
        for bits, target in parts:
            if target.flags.c_contiguous:
                np.take(values, bits, None, target, "clip")
            else:
                target[...] = values.take(bits, mode="clip")

    return run


def overlapping(a: Array, b: Array) -> bool:
    """Whether two tiles of the same lanes may share bytes: seen in the first lane, as the others are like it."""
    return np.may_share_memory(a[:1], b[:1])
