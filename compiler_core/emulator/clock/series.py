"""Quantities over time: which bytes of a buffer are live, and how fast a path moves them, as step curves of few points.

A byte is live from the write that fills it to the last read before it is written again. A write that nothing reads counts for
as long as it takes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

POINTS = 400
"""Points of a curve at most; more would not be seen."""
MAX_PIECES = 4096
"""Pieces a memory is cut into at most, before it is looked at in coarser ones."""


class Access(NamedTuple):
    """Bytes [low, high) used from cycle `start` to `end`; a write that keeps nothing of what was there `fills` them."""

    low: int
    high: int
    fills: bool
    start: float
    end: float


Points = tuple[tuple[int, float], ...]


def live_bytes(accesses: Sequence[Access]) -> list[tuple[float, int]]:
    """How the number of live bytes changes: (cycle, bytes more or fewer). Accesses stand in program order."""
    edges = sorted({edge for a in accesses for edge in (a.low, a.high)})
    step = -(-len(edges) // MAX_PIECES)
    edges = [*edges[:-1:step], edges[-1]] if step > 1 else edges
    place = {edge: i for i, edge in enumerate(edges)}
    changes: list[tuple[float, int]] = []
    opened: list[tuple[float, float] | None] = [None] * len(edges)
    """Of each piece, since when it is live and until when it was used."""

    def close(piece: int, before: float) -> None:
        life = opened[piece]
        if life and min(life[1], before) > life[0]:
            size = edges[piece + 1] - edges[piece]
            changes.extend([(life[0], size), (min(life[1], before), -size)])

    for access in accesses:
        first = place.get(access.low, bisect_right(edges, access.low) - 1)
        last = place.get(access.high, bisect_left(edges, access.high))
        for piece in range(first, last):
            life = opened[piece]
            whole = access.low <= edges[piece] and edges[piece + 1] <= access.high
            if life is None or (access.fills and whole):
                close(piece, access.start)
                opened[piece] = (access.start, access.end)
            else:
                opened[piece] = (life[0], max(life[1], access.end))
    for piece in range(len(edges) - 1):
        close(piece, inf)
    return changes


def rates(moves: Iterable[tuple[float, float, int]]) -> list[tuple[float, float]]:
    """How a rate changes over moves of (start, end, bytes): (cycle, bytes a cycle more or fewer)."""
    changes: list[tuple[float, float]] = []
    for start, end, size in moves:
        if end > start:
            changes.extend([(start, size / (end - start)), (end, -size / (end - start))])
    return changes


def curve(changes: Iterable[tuple[float, float]], length: float, most: int = POINTS) -> Points:
    """The running sum of changes as steps; where there are more than can be seen, the highest value of each stretch of time."""
    summed: list[tuple[float, float]] = []
    value = 0.0
    for time, change in sorted(changes):
        value += change
        if summed and summed[-1][0] == time:
            summed[-1] = (time, value)
        else:
            summed.append((time, value))
    if len(summed) > most:
        summed = _thinned(summed, length / most)
    points: list[tuple[int, float]] = []
    for time, value in summed:
        shown = round(value, 2) if value > 0.005 else 0.0
        if not points or points[-1][1] != shown:
            points.append((round(time), shown))
    return tuple(points)


def _thinned(points: Sequence[tuple[float, float]], stretch: float) -> list[tuple[float, float]]:
    """One point a stretch of time: its highest value, that with which it begins included."""
    found: list[tuple[float, float]] = []
    before = 0.0
    at, highest = 0, 0.0
    for time, value in points:
        number = int(time / stretch)
        if number != at:
            found.append((at * stretch, highest))
            if number > at + 1:
                found.append(((at + 1) * stretch, before))
            at, highest = number, before if time > number * stretch else 0.0
        highest = max(highest, value)
        before = value
    found.append((at * stretch, highest))
    found.append(((at + 1) * stretch, before))
    return found
