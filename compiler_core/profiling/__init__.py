"""Profiling: from what the emulator measured to utilisation, roofline and verdicts with advice.

facts: the shares that verdicts judge · rules: the table of thresholds · event: the event of a run
"""

from compiler_core.profiling.event import profile_event
from compiler_core.profiling.facts import Facts, facts
from compiler_core.profiling.rules import RULES, Rule, verdicts

__all__ = ["RULES", "Facts", "Rule", "facts", "profile_event", "verdicts"]
