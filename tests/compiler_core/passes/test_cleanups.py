"""The clean-ups of the tt stage change neither what a kernel computes nor whether it verifies, in any order."""

from importlib.resources import files

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_core.chips import chips
from compiler_core.importers.triton import import_kernel, resolve_launch
from compiler_core.inputs import make_inputs
from compiler_core.ir import to_text
from compiler_core.ir.verifier import verify
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.canonicalize import Canonicalize
from compiler_core.passes.cse import Cse
from compiler_core.passes.dce import Dce
from compiler_core.passes.inline import Inline
from compiler_core.passes.licm import Licm
from compiler_core.reference.triton import run
from compiler_core.request import Launch

NAMES = ("add", "softmax", "layer_norm", "matmul", "gelu", "rms_norm", "matmul_relu")
CLEANUPS: tuple[Pass, ...] = (Canonicalize(), Cse(), Licm(), Dce())
CONTEXT = PassContext(chips()["Ascend910B3"])


def loaded(name: str) -> tuple[str, Launch]:
    """A gallery kernel, under its launch with a grid of two programs."""
    folder = files("compiler_core.examples")
    text = folder.joinpath(f"{name}.py").read_text()
    launch = resolve_launch(text, msgspec.json.decode(folder.joinpath(f"{name}.launch.json").read_bytes(), type=Launch))
    return text, msgspec.structs.replace(launch, grid=(2,))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=4, deadline=None)
@given(st.permutations(CLEANUPS))
def test_numbers_stay_the_same(name: str, order: list[Pass]) -> None:
    text, launch = loaded(name)
    module = import_kernel(text, launch)
    inputs = make_inputs(launch)
    before = run(module, inputs, (2,))
    for step in (Inline(), *order):
        step.apply(module, CONTEXT)
        verify(module, "tt")
    after = run(module, inputs, (2,))
    for tensor in before:
        np.testing.assert_array_equal(after[tensor], before[tensor])


@pytest.mark.parametrize("name", NAMES)
def test_every_op_keeps_a_place(name: str) -> None:
    module = import_kernel(*loaded(name))
    for step in (Inline(), *CLEANUPS):
        step.apply(module, CONTEXT)
        assert [op.name for op in module.walk() if not op.location] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_second_time_changes_nothing(name: str) -> None:
    module = import_kernel(*loaded(name))
    for step in (Inline(), *CLEANUPS, *CLEANUPS):
        step.apply(module, CONTEXT)
    once = to_text(module)
    for step in CLEANUPS:
        step.apply(module, CONTEXT)
    assert to_text(module) == once
