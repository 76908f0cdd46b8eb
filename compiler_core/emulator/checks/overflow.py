"""Overflow: the first instruction that makes inf or nan from finite numbers, where a kernel's outputs end up with such.

A run looks at its outputs only, once, at the end. Where one holds inf or nan, everything runs again on the same inputs, and
each instruction's operands are compared with what it makes. What comes in as inf or nan, as an array's element or as a constant
that masks, is nobody's fault: an inf where an operand was inf or nan already is passed on, not made, and so is a nan from a
nan. A nan from an inf is made: inf − inf, inf / inf, 0 · inf.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler_core.diagnostics import Diagnostic, warning
from compiler_core.dialects.builtin import argument_attributes
from compiler_core.emulator.checks.conflicts import read_arguments, written_arguments
from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.memory import GlobalBuffer
from compiler_core.ir import Op
from compiler_core.ir.spans import spans_of

if TYPE_CHECKING:
    from compiler_core.emulator.execution.machine import Site

Run = Callable[..., Any]


class Made(Exception):
    """An instruction has made inf or nan."""

    def __init__(self, site: "Site", kind: str) -> None:
        super().__init__(kind)
        self.site = site
        self.kind = kind


class Outputs:
    """The arrays of floats that a kernel writes, with what was in those that it reads as well."""

    def __init__(self, functions: Sequence[Op], buffers: Sequence[object]) -> None:
        written = {i for f in functions for i in written_arguments(f)}
        read = {i for f in functions for i in read_arguments(f)}
        hidden = {i for i, a in enumerate(argument_attributes(functions[0])) if "hacc.arg_type" in dict(a.entries)}
        mine = [b for b in buffers if isinstance(b, GlobalBuffer) and b.index in written]
        self.floats = [b for b in mine if _is_float(b.array)]
        sources = [b.array for b in buffers if isinstance(b, GlobalBuffer) and b.index in read]
        kept = [b for b in mine if b.index not in hidden and any(np.may_share_memory(b.array, s) for s in sources)]
        self.before = {b.index: b.array.copy() for b in kept}
        self.written = mine
        self.cleared = [b for b in mine if b.index in hidden]
        """What the launch brings along: zero at first."""

    def wrong(self) -> GlobalBuffer | None:
        """An output with inf or nan in it."""
        return next((b for b in self.floats if not _finite(b.array)), None)

    @contextmanager
    def as_before(self) -> Generator[None]:
        """The arrays as they were when the kernel began; afterwards as it left them."""
        after = [b.array.copy() for b in self.written]
        for buffer in self.written:
            if buffer.index in self.before:
                buffer.array[...] = self.before[buffer.index]
        for buffer in self.cleared:
            buffer.array[...] = 0
        try:
            yield
        finally:
            for buffer, array in zip(self.written, after, strict=True):
                buffer.array[...] = array

    def told(self, made: Made, buffer: GlobalBuffer) -> Diagnostic:
        op = made.site.op
        return warning("emulator-overflow", *spans_of(op), op=made.site.name, kind=made.kind, memory=buffer.name)


def watched(site: "Site", given: Sequence[Array | None], outputs: Sequence[Array], axes: int, run: Run) -> Run:
    """The run, that raises Made where it makes inf or nan. `given` has None where `run` takes a number; `axes` of lanes."""
    floats = [out for out in outputs if _is_float(out)]
    if not floats:
        return run

    def checked(*scalars: Any) -> None:
        numbers = iter(scalars)
        sources = [np.asarray(next(numbers)) if g is None else g for g in given]
        sources = [s for s in sources if _is_float(s)]
        lost = [~np.isfinite(s) for s in sources]
        nans = [np.isnan(s) for s in sources]
        run(*scalars)
        for out in floats:
            wrong = ~np.isfinite(out)
            if wrong.any():
                nan = np.isnan(out)
                if (nan & ~_at(nans, nan.shape, axes)).any():
                    raise Made(site, "nan")
                if (wrong & ~nan & ~_at(lost, wrong.shape, axes)).any():
                    raise Made(site, "inf")

    return checked


def _at(flags: Sequence[Array], shape: tuple[int, ...], axes: int) -> Array:
    """Which elements of a result depend on a flagged element of an operand: the same element where shapes allow to say so, else
    all of the lane.
    """
    found = np.zeros(shape, np.bool_)
    for flag in flags:
        try:
            found |= np.broadcast_to(flag, shape)
        except ValueError:
            lanes = flag.any(axis=tuple(range(axes, flag.ndim)))
            found |= lanes.reshape(*lanes.shape, *(1,) * (len(shape) - axes))
    return found


def _is_float(array: Array) -> bool:
    return array.dtype.kind == "f" or array.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")


def _finite(array: Array) -> bool:
    """Whether all elements are finite; of 16-bit floats by their exponents' bits, which is quicker than arithmetic."""
    if array.dtype.itemsize == 2:
        full = 0x7C00 if array.dtype == np.float16 else 0x7F80
        return bool(np.max(array.view(np.uint16) & 0x7FFF, initial=0) < full)
    if array.dtype.itemsize >= 4:
        with np.errstate(all="ignore"):
            if np.isfinite(np.add.reduce(array)):
                return True
    return bool(np.isfinite(array).all())
