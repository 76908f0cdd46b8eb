"""Promotion and broadcasting follow Triton: its own answers, recorded, and the laws they obey."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler_core.importers.triton.dtypes import DTYPES, DType
from compiler_core.importers.triton.semantics import broadcast_shapes, next_power_of_two, number_type, promote
from compiler_core.importers.triton.values import Mistake

RECORDED = json.loads((Path(__file__).parents[3] / "fixtures" / "promotions.json").read_text())
"""Made by tests/oracles/record_promotions.py with Triton 3.5.0."""
BY_SHORT_NAME = {d.short: d for d in DTYPES.values()}
dtypes = st.sampled_from([d for d in DTYPES.values() if d.bits > 8 or d.is_int])
shapes = st.lists(st.sampled_from([1, 2, 4, 8]), max_size=3).map(tuple)


def ours(a: str, b: str, division: bool) -> str | None:
    left, right = BY_SHORT_NAME[a], BY_SHORT_NAME[b.rstrip("#")]
    try:
        return promote(left, right, b_number=b.endswith("#"), division=division).short
    except Mistake:
        return None


@pytest.mark.parametrize("operators", ["plain", "division"])
def test_types_promote_as_triton_recorded(operators: str) -> None:
    table: dict[str, dict[str, str | None]] = RECORDED[operators]
    wrong = [
        (a, b, ours(a, b, operators == "division"), expected)
        for a, row in table.items()
        for b, expected in row.items()
        if ours(a, b, operators == "division") != expected
    ]
    assert not wrong


@given(dtypes, dtypes)
def test_promotion_of_values_commutes(a: DType, b: DType) -> None:
    assert promote(a, b) == promote(b, a)


@given(dtypes)
def test_a_type_promotes_with_itself_to_itself(a: DType) -> None:
    assert promote(a, a) == a


@given(st.integers(-(2**63), 2**64 - 1))
def test_an_integer_gets_the_first_type_that_holds_it(value: int) -> None:
    low, high = number_type(value).range
    assert low <= value <= high


@given(shapes, shapes)
def test_shapes_broadcast_as_in_numpy(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(Mistake):
            broadcast_shapes(a, b)
    else:
        assert broadcast_shapes(a, b) == expected


def test_next_power_of_two() -> None:
    assert [next_power_of_two(n) for n in (1, 2, 3, 100, 1024, 1025)] == [1, 2, 4, 128, 1024, 2048]


def test_the_recorded_table_is_complete() -> None:
    plain = RECORDED["plain"]
    assert len(list(product(plain, next(iter(plain.values()))))) == 13 * 20
