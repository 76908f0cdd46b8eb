"""Compares outputs with a reference: how far off, and whether that is within what the dtype's rounding explains."""

from collections.abc import Iterator

import numpy as np

from compiler_core.events import Verification

_RTOL = {"float64": 1e-9, "float32": 1e-5, "float16": 2e-3, "bfloat16": 1.6e-2}
"""Two units in the last place for the 16-bit types; for wider ones, room for another order of summation. Integers: exact."""

_CHUNK = 1 << 16
"""Elements compared at once: what stays in a core's second-level cache in float64."""


def compare(
    actual: np.ndarray, expected: np.ndarray, against: str, rtol: float | None = None, scale: float | None = None
) -> Verification:
    """`ok` where |actual - expected| ≤ rtol·(|expected| + max|expected|) everywhere; nan and inf must match in place.

    Both arrays have the same shape; `rtol` follows from `actual`'s dtype unless given. Who compares with the same array often
    gives its `scale`, which is `largest(expected)`.
    """
    tolerance = _RTOL.get(actual.dtype.name, 0.0) if rtol is None else rtol
    scale = largest(expected) if scale is None else scale
    ok, worst_abs, worst_rel = True, 0.0, 0.0
    for a, e in _chunks(actual, expected):
        if np.array_equal(a, e):
            continue
        finite = np.isfinite(e)
        if not finite.all():
            if not np.array_equal(a[~finite], e[~finite], equal_nan=True):
                worst_abs = worst_rel = np.inf
            a, e = a[finite], e[finite]
        error, magnitude = np.abs(a - e), np.abs(e)
        ok &= bool(np.all(error <= tolerance * (magnitude + scale)))
        worst_abs = max(worst_abs, _largest(error))
        nonzero = magnitude > 0
        worst_rel = max(worst_rel, _largest(error[nonzero] / magnitude[nonzero]))
    told = bool(np.isfinite(worst_abs) and np.isfinite(worst_rel))
    return Verification(
        max_abs=worst_abs if told else None,
        max_rel=worst_rel if told else None,
        against=against,
        ok=ok and told,
        atol=tolerance * scale,
        rtol=tolerance,
    )


def _chunks(actual: np.ndarray, expected: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Both arrays, flat, in float64, piece by piece, without the pieces that are equal bit for bit."""
    flat_actual, flat_expected = np.ascontiguousarray(actual).reshape(-1), np.ascontiguousarray(expected).reshape(-1)
    for start in range(0, flat_actual.size, _CHUNK):
        a, e = flat_actual[start : start + _CHUNK], flat_expected[start : start + _CHUNK]
        if a.dtype == e.dtype and np.array_equal(a.view(np.uint8), e.view(np.uint8)):
            continue
        yield a.astype(np.float64), e.astype(np.float64)


def largest(expected: np.ndarray) -> float:
    """The largest finite magnitude."""
    if expected.size == 0:
        return 0.0
    low, high = float(expected.min()), float(expected.max())
    if np.isfinite(low) and np.isfinite(high):
        return max(abs(low), abs(high))
    wide = expected.astype(np.float64)
    return float(np.abs(wide[np.isfinite(wide)]).max(initial=0.0))


def _largest(values: np.ndarray) -> float:
    """The largest of non-negative values; infinite where one is nan."""
    if values.size == 0:
        return 0.0
    largest = float(values.max())
    return float(np.inf) if np.isnan(largest) else largest


def worst(verifications: list[Verification]) -> Verification | None:
    """One verdict for several outputs: the largest errors, ok only where all are."""
    if not verifications:
        return None
    return Verification(
        max_abs=_worst_of([v.max_abs for v in verifications]),
        max_rel=_worst_of([v.max_rel for v in verifications]),
        against=verifications[0].against,
        ok=all(v.ok for v in verifications),
        atol=max(v.atol for v in verifications),
        rtol=max(v.rtol for v in verifications),
    )


def _worst_of(errors: list[float | None]) -> float | None:
    known = [e for e in errors if e is not None]
    return max(known) if len(known) == len(errors) else None
