"""Kernel door: what the importer emits is TTIR that the vendor's adapter parses, verifies and lowers."""

import pytest

from compiler_core.ir import to_text
from tests.cases import Case, gallery, small
from tests.oracles.judges import lower_ttir, verify_ttir
from tests.oracles.ours import imported, inlined

EVERY_CASE = pytest.mark.parametrize("case", (*gallery(), *small()), ids=lambda c: c.name)


@EVERY_CASE
def test_the_adapter_verifies_it(case: Case) -> None:
    assert "tt.func" in verify_ttir(to_text(imported(case), generic=True))


@EVERY_CASE
def test_the_adapter_lowers_it(case: Case) -> None:
    assert f"func.func @{case.launch.kernel}(" in lower_ttir(to_text(inlined(case), generic=True))


@pytest.mark.parametrize("case", gallery(), ids=lambda c: c.name)
def test_the_pretty_form_is_the_same_module(case: Case) -> None:
    module = imported(case)
    assert verify_ttir(to_text(module)) == verify_ttir(to_text(module, generic=True))
