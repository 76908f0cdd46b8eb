"""Laws that hold for the profile of whatever the vendor's compiler makes."""

import numpy as np
import pytest

from compiler_core.blobs import MemoryBlobs
from compiler_core.emulator import run
from compiler_core.ir.parser import parse_module
from compiler_core.profiling import detail_of, kernel_tables, profile_event, report
from tests.compiler_core.emulator.kernels import B3
from tests.compiler_core.emulator.vendor import kernels

NAMES = [name for name, kernel in kernels().items() if kernel.small]


@pytest.mark.parametrize("name", NAMES)
def test_the_profile_of_a_vendor_kernel_adds_up(name: str) -> None:
    kernel, blobs = kernels()[name], MemoryBlobs()
    launch = kernel.launch(np.random.default_rng(0), *kernel.small[-1])
    result = run(parse_module(kernel.text), None, list(launch.arguments.values()), launch.grid, B3, hazards=False)
    profile = profile_event(result, B3, name, blobs)
    detail = detail_of(blobs.by_hash[profile.detail])
    assert sum(part.cycles for part in detail.path) == pytest.approx(result.cycles, abs=len(detail.path) + 1)
    for core in detail.cores:
        for use in core.pipes.values():
            assert use.busy + sum(c for reason, c in use.stalls.items() if reason != "bandwidth") <= core.end + 4
    for series in detail.occupancy:
        assert max(value for _, value in series.points) <= series.capacity
    for verdict in profile.verdicts:
        assert verdict.gain is None or 0 <= verdict.gain.cycles <= result.cycles
    assert len(kernel_tables(profile, detail, B3)) == 6
    assert report(profile, detail, B3, result.trace).endswith("</html>\n")
