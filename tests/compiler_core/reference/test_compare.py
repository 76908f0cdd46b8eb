"""The numeric check: what counts as the same, and what does not."""

import ml_dtypes
import numpy as np
import pytest

from compiler_core.reference.compare import compare, worst


def test_equal_arrays_have_no_error():
    x = np.arange(200_000, dtype=np.float32)
    found = compare(x, x.copy(), "itself")
    assert (found.ok, found.max_abs, found.max_rel) == (True, 0.0, 0.0)


def test_the_tolerance_follows_the_largest_magnitude():
    expected = np.array([1000.0, 0.0], np.float32)
    assert compare(np.array([1000.0, 0.005], np.float32), expected, "").ok
    assert not compare(np.array([1000.0, 0.02], np.float32), expected, "").ok


def test_one_wrong_element_among_many_is_found():
    expected = np.zeros((300, 300), np.float16)
    actual = expected.copy()
    actual[299, 299] = 1
    found = compare(actual, expected, "")
    assert (found.ok, found.max_abs) == (False, 1.0)


@pytest.mark.parametrize(("actual", "ok"), [([np.nan, np.inf], True), ([np.inf, np.nan], False), ([0.0, np.inf], False)])
def test_nan_and_inf_must_match_in_place(actual: list[float], ok: bool):
    found = compare(np.array(actual, np.float32), np.array([np.nan, np.inf], np.float32), "")
    assert (found.ok, found.max_abs) == (ok, 0.0 if ok else None)


def test_a_nan_where_a_number_is_expected_is_wrong():
    found = compare(np.array([np.nan], np.float32), np.array([1.0], np.float32), "")
    assert (found.ok, found.max_abs, found.max_rel) == (False, None, None)
    together = worst([found, compare(np.ones(1), np.zeros(1), "")])
    assert together is not None and together.max_abs is None


def test_integers_are_exact():
    assert not compare(np.array([1000001]), np.array([1000000]), "").ok


def test_bfloat16_allows_two_units_in_the_last_place():
    expected = np.ones(4, ml_dtypes.bfloat16)
    assert compare(np.full(4, 1.0078125, ml_dtypes.bfloat16), expected, "").ok
    assert not compare(np.full(4, 1.0625, ml_dtypes.bfloat16), expected, "").ok


def test_the_worst_of_several_outputs():
    good, bad = (compare(np.array([v], np.float32), np.array([1.0], np.float32), "r") for v in (1.0, 2.0))
    together = worst([good, bad])
    assert together is not None and not together.ok and together.max_abs == 1.0
    assert worst([]) is None
