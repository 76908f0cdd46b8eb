"""Machine door: the vendor's tool verifies the hivm that every pipeline ends in, on both chips."""

import pytest

from tests.cases import Case, gallery, small
from tests.models import MODELS
from tests.oracles.judges import verify_hivm
from tests.oracles.ours import hivm, model_hivm
from tests.representative import CHIPS

BOTH_WAYS = pytest.mark.parametrize("optimised", [True, False], ids=["optimised", "lowered"])


@BOTH_WAYS
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("case", (*gallery(), *small()), ids=lambda c: c.name)
def test_kernel(case: Case, chip: str, optimised: bool) -> None:
    assert "hivm.hir." in verify_hivm(hivm(case, chip, optimised=optimised))


@BOTH_WAYS
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
@pytest.mark.parametrize("name", MODELS)
def test_model(name: str, precision: str, chip: str, optimised: bool) -> None:
    kernels = list(model_hivm(MODELS[name](), chip, precision, optimised=optimised))
    assert kernels
    for kernel, text in kernels:
        assert "hivm.hir." in verify_hivm(text), kernel
