"""Custom forms: the vendor's tool reads what we write, and its two forms of a text are one program to us."""

from pathlib import Path

import pytest

from compiler_core.ir import to_text
from compiler_core.ir.parser import parse_module
from tests.cases import Case, gallery
from tests.compiler_core.ir.structure import structure
from tests.oracles.judges import print_hivm
from tests.oracles.ours import hivm
from tests.representative import CHIPS

EVERY_OP = Path(__file__).parents[1] / "compiler_core" / "ir" / "data" / "hivm_ops.mlir"


def test_every_op_of_hivm_means_the_same_in_both_forms() -> None:
    text = EVERY_OP.read_text(encoding="utf-8")
    generic = parse_module(print_hivm(text, generic=True))
    assert structure(parse_module(text)) == structure(generic)
    assert structure(parse_module(print_hivm(text, generic=False))) == structure(generic)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("case", gallery(), ids=lambda c: c.name)
def test_the_tool_reads_our_custom_text(case: Case, chip: str) -> None:
    custom = to_text(parse_module(hivm(case, chip, optimised=True)))
    generic = parse_module(print_hivm(custom, generic=True))
    assert structure(parse_module(print_hivm(custom, generic=False))) == structure(generic)
