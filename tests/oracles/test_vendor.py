"""The vendor's tools make the recorded code today, and what it computes at full size is what Triton's interpreter does."""

import pytest

from tests.compiler_core.emulator.judging import differences, execute
from tests.compiler_core.emulator.vendor import Kernel, Sizes, kernels, shown
from tests.oracles.record_vendor import compiled, written

LARGE = [(kernel, sizes) for kernel in kernels().values() for sizes in kernel.large]


@pytest.mark.parametrize("kernel", kernels().values(), ids=lambda kernel: kernel.name)
def test_recorded_code_is_what_the_vendor_makes(kernel: Kernel) -> None:
    assert compiled(kernel) == kernel.text


@pytest.mark.parametrize(("kernel", "sizes"), LARGE, ids=[f"{kernel.name}-{shown(sizes)}" for kernel, sizes in LARGE])
def test_equal_to_the_interpreter(kernel: Kernel, sizes: Sizes) -> None:
    launch = kernel.at(sizes)
    result = execute(kernel, launch)
    assert differences(kernel, sizes, launch, written(kernel, sizes)) == {}
    assert result.diagnostics == ()
