"""Stores that combine with what is in memory, lane after lane."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler_core.emulator.arrays.narrow import is_narrow
from compiler_core.emulator.execution.lanes import Array

Run = Callable[..., Any]

KINDS: dict[str, np.ufunc] = {
    "add": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "umax": np.maximum,
    "umin": np.minimum,
}


def combined(kind: str, target: Array, values: Array) -> None:
    """target = target (kind) values, rounded once."""
    if kind in ("umax", "umin"):
        bits = f"u{target.dtype.itemsize}"
        target, values = target.view(bits), values.view(bits)
    if is_narrow(target.dtype):
        target[...] = KINDS[kind](target.astype(np.float32), values.astype(np.float32))
    else:
        KINDS[kind](target, values, out=target)


def accumulated(kind: str, values: Array, target: Array, axes: int) -> Run:
    """Binds an atomic store. Lanes that write apart combine at once, others in their order: sums are the same every run."""
    if _apart(target, axes):
        return lambda: combined(kind, target, values)
    lanes = list(np.ndindex(*target.shape[:axes]))

    def run() -> None:
        for lane in lanes:
            combined(kind, target[lane], values[lane])

    return run


def _apart(target: Array, axes: int) -> bool:
    """Whether no two lanes write the same element."""
    reach = target.itemsize
    dims = sorted((abs(s), n) for s, n in zip(target.strides, target.shape, strict=True) if n > 1)
    for stride, size in dims:
        if stride < reach:
            return False
        reach = stride * (size - 1) + reach
    return True
