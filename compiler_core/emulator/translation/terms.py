"""Terms: what translation knows of a scalar: the expression that holds it, whether all lanes agree on it, and its range.

A varying integer may be known as `base + step`, with a step that all lanes share: then a loop that moves every lane by the same
amount changes the step alone.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

CONSTANT, UNIFORM, VARYING, UNKNOWN = range(4)
"""Known while translating; one plain number while running; a number or a vector over lanes; not known in a run without data."""

LOW, HIGH = -(1 << 63), (1 << 63) - 1


@dataclass(slots=True, eq=False)
class Term:
    """`code` is a name that translation made, or an integer literal. `low` and `high` bound integers."""

    code: str
    kind: int
    depth: int = 0
    """The innermost block whose values it needs."""
    value: Any = None
    """A constant's."""
    low: int = LOW
    high: int = HIGH
    base: "Term | None" = None
    step: "Term | None" = None

    @property
    def constant(self) -> bool:
        return self.kind == CONSTANT

    @property
    def varying(self) -> bool:
        return self.kind == VARYING

    def within(self, width: int) -> bool:
        """Whether a signed number of so many bits holds every value."""
        if width == 64:
            return self.low >= LOW and self.high <= HIGH
        if width == 1:
            return self.low >= 0 and self.high <= 1
        return self.low >= -(1 << (width - 1)) and self.high < 1 << (width - 1)


@lru_cache(maxsize=4096)
def number(value: int) -> Term:
    """An integer constant."""
    return Term(str(value) if value >= 0 else f"({value})", CONSTANT, 0, value, value, value)


NOTHING = Term("None", UNKNOWN)
"""What a run without data cannot know."""
