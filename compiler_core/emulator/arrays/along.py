"""Vector instructions along dimensions: reduce, cumulate, sort, bound to arrays whose leading axes are lanes.

Sums add in numpy's fixed order (pairwise along the innermost dimension, one after another along others), so that a run gives
the same bits every time; fp16, bf16 and fp8 add in fp32 and round once.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from compiler_core.emulator.arrays.narrow import CHUNK, is_narrow, narrow, widened
from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.scratch import scratch

Run = Callable[..., Any]

KINDS: dict[str, np.ufunc] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "any": np.logical_or,
    "all": np.logical_and,
    "xori": np.bitwise_xor,
    "ori": np.bitwise_or,
    "andi": np.bitwise_and,
}
_ON_BITS: dict[str, np.ufunc] = {"sum": np.logical_xor, "prod": np.logical_and}
WITH_INDEX = {f"{which}_with_index{side}": which for which in ("max", "min") for side in ("", "_left", "_right")}

_WIDE, _RESULT, _FOLDED = 130, 131, (132, 133)
"""Scratch of this file."""

FOLDED_ROW, FOLDED_ROWS = 64, 256
"""Extremes of rows up to this long are found by halving, if there are so many of them: numpy takes longer to begin a row than
for its numbers.
"""


def reduce(kind: str, source: Array, outs: Sequence[Array], dims: Sequence[int], axes: int) -> Run:
    """Binds vreduce over `dims` (lanes not counted), which keep size 1."""
    axis = tuple(axes + d for d in dims)
    out = outs[0]
    function: Any = KINDS[kind]
    if is_narrow(source.dtype):
        return _in_fp32(function, source, out, axis)
    if kind in ("any", "all"):
        return lambda: np.copyto(out, function.reduce(source, axis, keepdims=True), casting="unsafe")
    if kind in ("xori", "ori", "andi") and source.dtype.kind == "f":
        bits = f"u{source.dtype.itemsize}"
        source, out = source.view(bits), out.view(bits)
    if source.dtype.kind == "b" and kind in _ON_BITS:
        function = _ON_BITS[kind]
    if function in (np.maximum, np.minimum) and source.dtype == out.dtype == np.float32 and axis == (source.ndim - 1,):
        halves = _halves(function, source, out)
        if halves:
            return partial(_each, halves)
    return partial(function.reduce, source, axis, out.dtype, out, keepdims=True)


def _halves(function: np.ufunc, source: Array, out: Array) -> list[Run]:
    """The extremes of short rows: of neighbours, then of neighbouring results, over all rows at once. Empty where that is
    slower, or where the rows of a lane do not follow each other.
    """
    length = source.shape[-1]
    if not 1 < length <= FOLDED_ROW or length & (length - 1) or source.size < FOLDED_ROWS * length:
        return []
    try:
        rest = source.reshape(source.shape[0], -1, copy=False)
        last = out.reshape(out.shape[0], -1, copy=False)
    except ValueError:
        return []
    runs: list[Run] = []
    while length > 1:
        length //= 2
        half = (rest.shape[0], rest.shape[1] // 2)
        target = last if length == 1 else scratch(half, np.float32, _FOLDED[len(runs) % 2])
        runs.append(partial(function, rest[:, ::2], rest[:, 1::2], target))
        rest = target
    return runs


def _each(runs: Sequence[Run]) -> None:
    for run in runs:
        run()


def _in_fp32(function: np.ufunc, source: Array, out: Array, axis: tuple[int, ...]) -> Run:
    """Reduces narrow floats: widened some rows at a time along the first axis, where that is not reduced."""
    rows = source.shape[0]
    step = rows if 0 in axis else max(1, CHUNK * rows // max(1, source.size))
    parts = [(source[low : low + step], out[low : low + step]) for low in range(0, rows, max(1, step))]

    def run() -> None:
        for part, target in parts:
            total = scratch(target.shape, np.float32, _RESULT)
            function.reduce(widened(part, _WIDE), axis, np.float32, total, keepdims=True)
            narrow(total, target)

    return run


def reduce_with_index(
    kind: str, source: Array, indices: Array | None, outs: Sequence[Array], dim: int, axes: int, leftmost: bool
) -> Run:
    """Binds vreduce …_with_index: the extreme value, and where it is.

    Of equal values the leftmost counts, or the rightmost. With `indices` the second output takes what stands there instead of
    the position. nan counts as the extreme, the first one of them.
    """
    axis = axes + dim
    which = WITH_INDEX[kind]
    left = kind.endswith("left") or (leftmost and not kind.endswith("right"))
    length = source.shape[axis]

    def run() -> None:
        wide = widened(source, _WIDE)
        searched: Any = wide if left else np.flip(wide, axis)
        found: Array = (np.argmax if which == "max" else np.argmin)(searched, axis=axis, keepdims=True)
        if not left:
            found = length - 1 - found
        values = np.take_along_axis(source, found, axis)
        places = found if indices is None else np.take_along_axis(indices, found, axis)
        if len(outs) > 1:
            np.copyto(outs[1], places, casting="unsafe")
        np.copyto(outs[0], values)

    return run


def cumulative(name: str, source: Array, out: Array, axis: int, reverse: bool) -> Run:
    """Binds vcumsum and its kin along one axis (lanes counted): one element after another."""
    function: np.ufunc = CUMULATIVE[name]
    if reverse:
        source, target = np.flip(source, axis), np.flip(out, axis)
    else:
        target = out
    if not is_narrow(source.dtype):
        return partial(function.accumulate, source, axis, out.dtype, target)

    def run() -> None:
        total = scratch(source.shape, np.float32, _RESULT)
        function.accumulate(widened(source, _WIDE), axis, np.float32, total)
        narrow(total, target)

    return run


CUMULATIVE: dict[str, np.ufunc] = {
    "vcumsum": np.add,
    "vcumprod": np.multiply,
    "vcummax": np.maximum,
    "vcummin": np.minimum,
}


def sort(source: Array, outs: Sequence[Array], axis: int, descending: bool) -> Run:
    """Binds vsort: stable in both directions; the second output, where there is one, takes the positions."""

    def run() -> None:
        keys: Any = np.flip(source, axis) if descending else source
        order: Array = np.argsort(widened(keys, _WIDE), axis=axis, kind="stable")
        if descending:
            order = source.shape[axis] - 1 - np.flip(order, axis)
        values = np.take_along_axis(source, order, axis)
        if len(outs) > 1:
            np.copyto(outs[1], order, casting="unsafe")
        np.copyto(outs[0], values)

    return run
