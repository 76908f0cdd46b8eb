"""Profiling: from what the emulator measured to utilisation, roofline and verdicts with advice, and the files that show them.

facts: the shares that verdicts judge · rules: the table of thresholds · event: the event of a run · tables: CSV ·
report: HTML
"""

from compiler_core.profiling.event import detail_of, profile_event
from compiler_core.profiling.facts import Facts, facts
from compiler_core.profiling.report import report
from compiler_core.profiling.rules import RULES, Rule, verdicts
from compiler_core.profiling.tables import kernel_tables, op_summary

__all__ = [
    "RULES",
    "Facts",
    "Rule",
    "detail_of",
    "facts",
    "kernel_tables",
    "op_summary",
    "profile_event",
    "report",
    "verdicts",
]
