"""The error table stands for the chips it has measurements of."""

import pytest

from compiler_core.profiling.fidelity import fidelity_of


def test_the_table_has_its_worst_case() -> None:
    table = fidelity_of("Ascend910B3")
    assert table and table.worst == max(abs(case.error) for case in table.cases) >= table.median


@pytest.mark.parametrize("chip", ["Ascend310P3", "Ascend310", "Ascend910A"])
def test_other_families_have_none(chip: str) -> None:
    assert fidelity_of(chip) is None
