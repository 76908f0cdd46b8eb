"""The rules: a measure, the threshold beyond which it is a verdict, the next step, and what removing the cause would save.

One table; messages in messages/profiling.toml.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compiler_core.diagnostics import Argument, message
from compiler_core.emulator.clock.launch import Launch
from compiler_core.events import Gain, Verdict
from compiler_core.profiling import what_if
from compiler_core.profiling.facts import Facts
from compiler_core.profiling.usage import instructions

MOST = 500_000
"""Instructions of a launch beyond which gains are not measured: each takes as long as timing the launch did."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Speaks where `measure` is above (or, with `below`, under) the threshold.

    Its messages are verdict-<name> and advice-<name>.
    """

    name: str
    measure: Callable[[Facts], float]
    threshold: float
    without: Callable[[Launch], float] | None = None
    """The launch's cycles without the cause."""
    below: bool = False
    applies: Callable[[Facts], bool] = lambda facts: True
    pipe: Callable[[Facts], str] = lambda facts: facts.busiest
    """The pipe whose source lines it points at."""


def _has_cube(facts: Facts) -> bool:
    return facts.result.pipes.get("M", 0) > 0


def _moves_data(facts: Facts) -> bool:
    return facts.result.transfers > 0


RULES: Sequence[Rule] = (
    # Thresholds without a source beside them are this project's choice.
    Rule("gm-bandwidth", lambda f: f.gm_share, 0.9, what_if.EVERYTHING_IN_L2.cycles, pipe=lambda f: "MTE2"),
    Rule("l2-bandwidth", lambda f: f.l2_share, 0.9, what_if.L2_UNSHARED.cycles, pipe=lambda f: "MTE2"),
    Rule(
        "cube-low",
        lambda f: f.working.get("M", 0.0),
        0.7,
        what_if.OPERANDS_THERE.cycles,
        below=True,
        applies=_has_cube,
        pipe=lambda f: "M",
    ),
    Rule(
        "waiting",
        lambda f: 1 - f.working.get(f.busiest, 0.0),
        0.3,
        what_if.NO_WAITING_IN_A_CORE.cycles,
        applies=lambda f: bool(f.busiest),
    ),
    Rule(
        "transfer-bound",
        lambda f: max(f.working.get("MTE2", 0.0), f.working.get("MTE3", 0.0)),
        0.8,
        what_if.INSTANT_TRANSFERS.cycles,
        applies=lambda f: max(f.gm_share, f.l2_share) <= 0.9,
    ),
    Rule("vector-bound", lambda f: f.working.get("V", 0.0), 0.8, what_if.INSTANT_VECTORS.cycles, pipe=lambda f: "V"),
    Rule("communication", lambda f: f.communication_share, 0.3, what_if.NO_WAITING_BETWEEN_CORES.cycles),
    Rule("scheduling", lambda f: f.issue_share, 0.15, what_if.FREE_ISSUE.cycles, pipe=lambda f: "S"),
    Rule("scalar-bound", lambda f: f.working.get("S", 0.0), 0.5, what_if.FREE_SCALARS.cycles, pipe=lambda f: "S"),
    # a transfer is efficient from 16 KiB (documented); an eighth of that is where most of its time is startup
    Rule(
        "small-transfers",
        lambda f: f.bytes_per_transfer,
        2048,
        what_if.NO_STARTUPS.cycles,
        below=True,
        applies=_moves_data,
        pipe=lambda f: "MTE2",
    ),
    Rule("bank-conflicts", lambda f: f.conflict_share, 0.1, what_if.NO_BANK_CONFLICTS.cycles, pipe=lambda f: "V"),
    Rule("partial-masks", lambda f: f.mask_share, 0.1, what_if.FULL_MASKS.cycles, pipe=lambda f: "V"),
    Rule("imbalance", lambda f: f.imbalance, 0.15, what_if.even, pipe=lambda f: ""),
    Rule("idle-cores", lambda f: f.active_share, 0.6, what_if.everywhere, below=True, pipe=lambda f: ""),
    Rule("launch", lambda f: f.launch_share, 0.5, pipe=lambda f: ""),
)


def verdicts(facts: Facts) -> tuple[Verdict, ...]:
    """What the rules say of a run: what can save most first, then what was not measured, in the table's order."""
    found: list[Verdict] = []
    for rule in RULES:
        value = rule.measure(facts)
        if not rule.applies(facts) or (value >= rule.threshold if rule.below else value <= rule.threshold):
            continue
        arguments: dict[str, Argument] = {
            "percent": round(100 * value),
            "value": round(value),
            "pipe": facts.busiest,
            "cores": facts.result.available_cores,
            "active": facts.result.active_cores,
        }
        found.append(
            Verdict(
                message(f"verdict-{rule.name}", **arguments),
                message(f"advice-{rule.name}", **arguments),
                facts.lines.get(rule.pipe(facts), ()),
                rule.name,
                round(value, 4),
                rule.threshold,
                gain(facts, rule),
            )
        )
    return tuple(sorted(found, key=lambda verdict: -verdict.gain.share if verdict.gain else 1.0))


def gain(facts: Facts, rule: Rule) -> Gain | None:
    """What is saved without the rule's cause, at most; None where that was not measured."""
    launch = facts.result.launch
    if launch is None or rule.without is None or instructions(launch) > MOST:
        return None
    saved = max(0.0, max(launch.ends) - rule.without(launch))
    return Gain(round(saved), round(saved / max(1, facts.result.cycles), 4))
