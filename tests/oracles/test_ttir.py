"""Kernel door: what the importer emits is TTIR that the vendor's adapter parses, verifies and lowers."""

import pytest

from tests.cases import Case, gallery, small
from tests.oracles.judges import lower_ttir
from tests.oracles.ours import imported, ttir


@pytest.mark.parametrize("case", (*gallery(), *small()), ids=lambda c: c.name)
def test_the_adapter_lowers_it(case: Case) -> None:
    lowered = lower_ttir(ttir(case))
    assert f"func.func @{case.launch.kernel}(" in lowered


@pytest.mark.parametrize("case", gallery(), ids=lambda c: c.name)
def test_the_pretty_form_is_mlir_too(case: Case) -> None:
    from compiler_core.ir import to_text

    assert lower_ttir(to_text(imported(case))) == lower_ttir(ttir(case))
