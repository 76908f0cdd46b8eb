"""Two thousand mutated texts are refused or run: no crash, no hang, no memory beyond the limit. And what fuzzing has found."""

import numpy as np

from compiler_core.emulator.arrays.tiles import elementwise
from tests.fuzz_hivm import fuzz


def test_mutated_texts_never_crash() -> None:
    counts, findings, _ = fuzz(2000, seed=1, workers=2, piece=500)
    assert findings == []
    assert sum(counts.values()) == 2000
    assert counts["ran"] > 100


def test_a_function_of_wide_numbers_into_narrow_ones_needs_no_table() -> None:
    """A table of all fp32 numbers would take 16 GiB."""
    out = np.zeros(3, np.float16)
    with np.errstate(over="ignore"):
        elementwise("vexp", [np.array([0.0, 1.0, 20.0], np.float32)], out)()
    np.testing.assert_array_equal(out, np.array([1.0, np.e, np.inf], np.float16))
