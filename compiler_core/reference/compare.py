"""Compares outputs with a reference: how far off, and whether that is within what the dtype's rounding explains."""

import numpy as np

from compiler_core.events import Verification

_RTOL = {"float64": 1e-9, "float32": 1e-5, "float16": 2e-3, "bfloat16": 1.6e-2}
"""Two units in the last place for the 16-bit types; for wider ones, room for another order of summation. Integers: exact."""


def compare(actual: np.ndarray, expected: np.ndarray, against: str, rtol: float | None = None) -> Verification:
    """`ok` where |actual - expected| ≤ rtol·(|expected| + max|expected|) everywhere; nan and inf must match in place.

    Both arrays have the same shape; `rtol` follows from `actual`'s dtype unless given.
    """
    tolerance = _RTOL.get(actual.dtype.name, 0.0) if rtol is None else rtol
    a, e = actual.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(e)
    scale = float(np.abs(e[finite]).max(initial=0.0))
    with np.errstate(invalid="ignore"):
        error = np.abs(a - e)
    same_non_finite = bool(np.array_equal(a[~finite], e[~finite], equal_nan=True))
    close = finite & (error <= tolerance * (np.abs(e) + scale))
    ok = same_non_finite and bool(np.all(close[finite]))
    worst = error[finite]
    nonzero = finite & (e != 0)
    relative = error[nonzero] / np.abs(e[nonzero])
    return Verification(
        max_abs=_largest(worst), max_rel=_largest(relative), against=against, ok=ok, atol=tolerance * scale, rtol=tolerance
    )


def _largest(values: np.ndarray) -> float:
    if values.size == 0:
        return 0.0
    return float(np.inf) if not np.all(np.isfinite(values)) else float(values.max())


def worst(verifications: list[Verification]) -> Verification | None:
    """One verdict for several outputs: the largest errors, ok only where all are."""
    if not verifications:
        return None
    return Verification(
        max_abs=max(v.max_abs for v in verifications),
        max_rel=max(v.max_rel for v in verifications),
        against=verifications[0].against,
        ok=all(v.ok for v in verifications),
        atol=max(v.atol for v in verifications),
        rtol=max(v.rtol for v in verifications),
    )
