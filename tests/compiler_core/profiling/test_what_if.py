"""Gains are measured: the run without a cause is timed, and where the program can be written without it, it takes that long."""

from collections.abc import Sequence

import numpy as np
import pytest

from compiler_core.emulator import Result
from compiler_core.emulator.clock.launch import Launch
from compiler_core.ir.types import f32
from compiler_core.profiling import profile_event, what_if
from compiler_core.profiling.last_core import last_core
from tests.compiler_core.emulator.kernels import B3, Kernel, gm, run_add, run_matmul, run_softmax

N = 4096
CLEAR = (0, 4 * N + 256, 1 << 16)
"""Operands eight groups apart, the result in another bank."""


def launch_of(result: Result) -> Launch:
    assert result.launch is not None
    return result.launch


def sums(addresses: Sequence[int], flags: bool = True, times: int = 16) -> Result:
    """Adds two tiles again and again, which lie where it is told."""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    a, b, c = (kernel.buffer(address, [N], f32) for address in addresses)
    kernel.load(kernel.part("x", 0, [N], [1]), a)
    kernel.load(kernel.part("x", 0, [N], [1]), b)
    if flags:
        kernel.flag("MTE2", "V")
    for _ in range(times):
        kernel.vector("vadd", [a, b], c)
    if flags:
        kernel.flag("V", "MTE3")
    kernel.store(c, kernel.part("out", 0, [N], [1]))
    return kernel.run(np.ones(N, np.float32), np.zeros(N, np.float32), hazards=False)


def test_without_bank_conflicts_it_takes_as_long_as_a_layout_that_has_none() -> None:
    conflicting, clear = sums((0, 4 * N, 8 * N)), sums(CLEAR)
    assert conflicting.cycles > 1.2 * clear.cycles
    assert what_if.NO_BANK_CONFLICTS.cycles(launch_of(conflicting)) == pytest.approx(clear.cycles, rel=0.01)


def test_without_waiting_it_takes_as_long_as_the_code_without_flags() -> None:
    waiting, racing = sums((0, 4 * N, 8 * N)), sums((0, 4 * N, 8 * N), flags=False)
    assert what_if.NO_WAITING_IN_A_CORE.cycles(launch_of(waiting)) == pytest.approx(racing.cycles, rel=0.01)


def test_assumptions_only_ever_save() -> None:
    assumptions = {name: value for name, value in vars(what_if).items() if isinstance(value, what_if.Assumption)}
    for result in (run_add(98_432)[0], run_softmax(130, 781)[0], run_matmul(256, 256, 512)[0]):
        launch = launch_of(result)
        for name, assumption in assumptions.items():
            assert 0 < assumption.cycles(launch) <= max(launch.ends) * 1.001, name
        assert what_if.even(launch) <= max(launch.ends)
        assert what_if.everywhere(launch) <= what_if.even(launch)


def test_assuming_nothing_changes_nothing() -> None:
    launch = launch_of(run_matmul(256, 256, 512)[0])
    assert what_if.Assumption().cycles(launch) == max(launch.ends)


def test_a_verdict_carries_its_gain() -> None:
    result = sums((0, 4 * N, 8 * N))
    verdict = next(v for v in profile_event(result, B3).verdicts if v.rule == "bank-conflicts")
    assert verdict.gain and verdict.gain.cycles == pytest.approx(result.cycles - sums(CLEAR).cycles, rel=0.02)


def test_the_path_is_as_long_as_the_run_and_leads_to_its_lines() -> None:
    result, _, _ = run_softmax(130, 781)
    path = last_core(launch_of(result)).path
    assert sum(part.cycles for part in path) == pytest.approx(result.cycles, abs=len(path))
    assert any(part.line for part in path)


def test_buffers_fill_and_empty_again() -> None:
    result, _, _ = run_matmul(256, 256, 512)
    found = {series.name: series for series in last_core(launch_of(result)).occupancy}
    assert {"L1", "L0A", "L0B", "L0C"} <= set(found)
    for series in found.values():
        peak = max(value for _, value in series.points)
        assert 0 < peak <= series.capacity
        assert series.points[-1][1] == 0
