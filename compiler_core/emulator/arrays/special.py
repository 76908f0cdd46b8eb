"""Functions that numpy does not have, on whole arrays."""

from typing import Any

import numpy as np

from compiler_core.emulator.execution.lanes import Array

_NEAR = (
    (3.16112374387056560e00, 1.13864154151050156e02, 3.77485237685302021e02, 3.20937758913846947e03, 1.85777706184603153e-1),
    (2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03, 2.84423683343917062e03),
)
_MIDDLE = (
    (
        *(
            5.64188496988670089e-1,
            8.88314979438837594e00,
            6.61191906371416295e01,
            2.98635138197400131e02,
            8.81952221241769090e02,
        ),
        *(1.71204761263407058e03, 2.05107837782607147e03, 1.23033935479799725e03, 2.15311535474403846e-8),
    ),
    (
        *(1.57449261107098347e01, 1.17693950891312499e02, 5.37181101862009858e02, 1.62138957456669019e03),
        *(3.29079923573345963e03, 4.36261909014324716e03, 3.43936767414372164e03, 1.23033935480374942e03),
    ),
)
_FROM_THERE_ON_ONE = 4.0
"""1 - erf(4) is 1.5e-8, below half a step of fp32."""


def erf(x: Array) -> Array:
    """The error function of fp32 numbers, computed in double precision and right to fp32's last place.

    Source: W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969).
    """
    wide = np.asarray(x, np.float64)
    size = np.minimum(np.abs(wide), _FROM_THERE_ON_ONE)
    near = size <= 0.46875
    found = np.where(near, _near(np.where(near, size, 0.0)), _middle(np.where(near, 1.0, size)))
    found[size >= _FROM_THERE_ON_ONE] = 1.0
    signed: Array = np.copysign(found, wide)
    signed[np.isnan(wide)] = np.nan
    return signed.astype(np.float32)


def _near(x: Array) -> Array:
    (a, b), square = _NEAR, x * x
    top: Any = a[4] * square
    bottom: Any = square
    for i in range(3):
        top, bottom = (top + a[i]) * square, (bottom + b[i]) * square
    return x * (top + a[3]) / (bottom + b[3])


def _middle(x: Array) -> Array:
    c, d = _MIDDLE
    top: Any = c[8] * x
    bottom: Any = x
    for i in range(7):
        top, bottom = (top + c[i]) * x, (bottom + d[i]) * x
    return 1 - np.exp(-x * x) * (top + c[7]) / (bottom + d[7])
