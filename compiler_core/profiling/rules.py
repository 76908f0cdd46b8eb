"""The rules: a measure, the threshold beyond which it is a verdict, and the next step to try.

One table; messages in messages/emulator.toml.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compiler_core.diagnostics import Argument, message
from compiler_core.events import Verdict
from compiler_core.profiling.facts import Facts


@dataclass(frozen=True, slots=True)
class Rule:
    """Speaks where `measure` is above (or, with `below`, under) the threshold.

    Its messages are verdict-<name> and advice-<name>.
    """

    name: str
    measure: Callable[[Facts], float]
    threshold: float
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
    Rule("gm-bandwidth", lambda f: f.gm_share, 0.9, pipe=lambda f: "MTE2"),
    Rule("l2-bandwidth", lambda f: f.l2_share, 0.9, pipe=lambda f: "MTE2"),
    Rule("cube-low", lambda f: f.working.get("M", 0.0), 0.7, below=True, applies=_has_cube, pipe=lambda f: "M"),
    Rule("waiting", lambda f: 1 - f.working.get(f.busiest, 0.0), 0.3, applies=lambda f: bool(f.busiest)),
    Rule("scheduling", lambda f: f.issue_share, 0.15, pipe=lambda f: "S"),
    Rule("scalar-bound", lambda f: f.working.get("S", 0.0), 0.5, pipe=lambda f: "S"),
    # a transfer is efficient from 16 KiB (documented); an eighth of that is where most of its time is startup
    Rule("small-transfers", lambda f: f.bytes_per_transfer, 2048, below=True, applies=_moves_data, pipe=lambda f: "MTE2"),
    Rule("imbalance", lambda f: f.imbalance, 0.15, pipe=lambda f: ""),
    Rule("idle-cores", lambda f: f.active_share, 0.6, below=True, pipe=lambda f: ""),
    Rule("launch", lambda f: f.launch_share, 0.5, pipe=lambda f: ""),
)


def verdicts(facts: Facts) -> tuple[Verdict, ...]:
    """What the rules say of a run, in the table's order."""
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
        lines = facts.result.lines.get(rule.pipe(facts), ())
        found.append(Verdict(message(f"verdict-{rule.name}", **arguments), message(f"advice-{rule.name}", **arguments), lines))
    return tuple(found)
