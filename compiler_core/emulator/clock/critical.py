"""The critical path: the instructions that a run's length is made of, walked back from the last by what each waited for."""

from collections.abc import Sequence

from compiler_core.emulator.clock.spans import NOBODY, Span


def critical(spans: Sequence[Span]) -> list[int]:
    """Places of the spans on the critical path, the first in time first; empty where there are none."""
    if not spans:
        return []
    at = max(range(len(spans)), key=lambda i: spans[i].end)
    found = [at]
    while (before := spans[at].cause.span) != NOBODY:
        found.append(before)
        at = before
    return found[::-1]


def lengths(spans: Sequence[Span], path: Sequence[int]) -> list[float]:
    """The cycles each span of a path contributes: until the next one starts, the last until it ends."""
    starts = [spans[i].start for i in path]
    return [after - start for start, after in zip(starts, [*starts[1:], spans[path[-1]].end], strict=True)] if path else []
