"""Where an op stands in the source text, as diagnostics say it."""

from compiler_core.diagnostics import Span
from compiler_core.ir.core import Op


def spans_of(op: Op) -> tuple[Span, ...]:
    """The places an op comes from, those without a line left out."""
    return tuple(Span(place.line, place.column) for place in op.location if place.line)
