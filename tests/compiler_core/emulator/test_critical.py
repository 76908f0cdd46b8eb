"""The critical path, and what a trace draws of it."""

import json

import pytest

from compiler_core.emulator.clock.critical import critical, lengths
from compiler_core.emulator.clock.spans import NOBODY, Cause, Span
from tests.compiler_core.emulator.kernels import run_softmax


def test_the_path_goes_back_by_what_each_waited_for() -> None:
    spans = [
        Span(0, 0, 4, 10.0, 110.0, Cause("issue", NOBODY)),  # a load
        Span(0, 1, 4, 100.0, 150.0, Cause("pipe", 0)),  # another, that nothing waits for
        Span(0, 3, 1, 111.0, 130.0, Cause("flag", 0)),  # a vector instruction
        Span(0, 5, 5, 131.0, 170.0, Cause("flag", 2)),  # the store
    ]
    path = critical(spans)
    assert path == [0, 2, 3]
    assert lengths(spans, path) == [101.0, 20.0, 39.0]


def test_no_instructions_no_path() -> None:
    assert critical([]) == [] and lengths([], []) == []


def test_a_trace_has_arrows_counters_and_a_marked_path() -> None:
    result, _, _ = run_softmax(3, 781)
    events = json.loads(result.trace)["traceEvents"]
    by_phase = {phase: [e for e in events if e["ph"] == phase] for phase in "XsfC"}
    assert {e["id"] for e in by_phase["s"]} == {e["id"] for e in by_phase["f"]} and by_phase["s"]
    assert any(e["name"] == "UB live bytes" and e["args"]["value"] > 0 for e in by_phase["C"])
    path = [e["args"] for e in by_phase["X"] if e["args"].get("critical") and e["pid"] == 0]
    assert max(a["cycle"] + a["cycles"] for a in path) == pytest.approx(result.cycles, abs=1.5)
    for source, target in zip(by_phase["s"], by_phase["f"], strict=True):
        assert source["ts"] <= target["ts"]
