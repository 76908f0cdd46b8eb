"""Verdicts follow from measurements by the table of rules, and carry advice and source lines."""

from dataclasses import replace
from typing import Any

import pytest

from compiler_core.chips import chips
from compiler_core.diagnostics import templates
from compiler_core.emulator import Result
from compiler_core.profiling import RULES, facts, profile_event, verdicts

CHIP = chips()["Ascend910B3"]
FULL_GM = int(0.95 * 1000 * CHIP.timing.memory.gm_rate)
FULL_L2 = int(0.95 * 1000 * CHIP.timing.memory.l2_rate)


def measured(**changes: Any) -> Result:
    """A well-behaved run: 40 vector cores for 1000 cycles, MTE2 busy three quarters of it with transfers of 16 KiB."""
    usual: dict[str, Any] = {
        "cycles": 1000,
        "microseconds": 20.0,
        "launch_microseconds": 8.0,
        "pipes": {"S": 400, "V": 20_000, "MTE2": 30_000, "MTE3": 10_000},
        "cores": (1000,) * 40,
        "traffic": {"GM->UB": 16_384 * 20},
        "transfers": 20,
        "missed_bytes": 16_384 * 20,
        "operations": 16_384 * 5,
        "available_cores": 40,
        "active_cores": 40,
    }
    return Result(**{**usual, **changes})


def codes(**changes: Any) -> list[str]:
    return [v.message.code for v in verdicts(facts(measured(**changes), CHIP))]


def test_nothing_is_said_of_a_good_run() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("verdict-gm-bandwidth", {"missed_bytes": FULL_GM}),
        ("verdict-l2-bandwidth", {"traffic": {"GM->UB": FULL_L2}, "transfers": 100}),
        ("verdict-cube-low", {"pipes": {"M": 20_000, "MTE2": 30_000}}),
        ("verdict-waiting", {"pipes": {"V": 20_000, "MTE2": 20_000}}),
        ("verdict-transfer-bound", {"pipes": {"V": 20_000, "MTE2": 34_000}}),
        ("verdict-vector-bound", {"pipes": {"V": 34_000, "MTE2": 30_000}}),
        ("verdict-scheduling", {"stalls": {"issue": 8_000}, "pipes": {"S": 10_000, "MTE2": 30_000}}),
        ("verdict-scalar-bound", {"pipes": {"S": 30_000, "MTE2": 30_000}}),
        ("verdict-small-transfers", {"transfers": 400}),
        ("verdict-imbalance", {"cores": (1000, *(500,) * 39), "pipes": {"MTE2": 15_500}}),
        ("verdict-idle-cores", {"active_cores": 8}),
        ("verdict-launch", {"microseconds": 2.0}),
    ],
)
def test_each_rule_speaks_for_its_own_measure(code: str, changes: dict[str, Any]) -> None:
    assert codes(**changes) == [code]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("verdict-communication", {"communication_share": 0.4}),
        ("verdict-bank-conflicts", {"conflict_share": 0.2}),
        ("verdict-partial-masks", {"mask_share": 0.2}),
    ],
)
def test_rules_for_what_only_a_timed_launch_tells(code: str, changes: dict[str, float]) -> None:
    found = replace(facts(measured(), CHIP), **changes)
    assert [v.message.code for v in verdicts(found)] == [code]


def test_a_verdict_says_what_was_measured_against_what() -> None:
    (verdict,) = verdicts(facts(measured(active_cores=8), CHIP))
    assert (verdict.rule, verdict.value, verdict.threshold, verdict.gain) == ("idle-cores", 0.2, 0.6, None)


def test_every_rule_has_its_messages_in_both_languages() -> None:
    for rule in RULES:
        for kind in ("verdict", "advice"):
            assert set(templates()[f"{kind}-{rule.name}"]) == {"en", "zh"}


def test_a_verdict_points_at_the_busiest_lines_of_its_pipe() -> None:
    found = replace(facts(measured(missed_bytes=FULL_GM), CHIP), lines={"MTE2": (7, 9), "V": (8,)})
    (verdict,) = verdicts(found)
    assert verdict.lines == (7, 9)
    assert "95 %" in verdict.message.text


def test_the_event_has_shares_and_the_roofline_point() -> None:
    event = profile_event(measured(), CHIP, "kernel")
    assert event.utilisation["MTE2"] == 0.75
    assert event.roofline == (16_384 * 5 / (16_384 * 20), 81.92)
