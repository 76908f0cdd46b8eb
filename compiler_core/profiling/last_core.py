"""The core that ended last, from its first block on: its critical path by source line, its buffers and its transfers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from compiler_core.chips import Chip
from compiler_core.emulator.clock.costs import PIPES
from compiler_core.emulator.clock.critical import critical, lengths
from compiler_core.emulator.clock.launch import Launch
from compiler_core.emulator.clock.observed import Changes, live, moved
from compiler_core.emulator.clock.order import Stream
from compiler_core.emulator.clock.series import Points, curve
from compiler_core.emulator.clock.spans import Span
from compiler_core.events import PathLine, Series
from compiler_core.profiling.usage import instructions

MOST = 200_000
"""Instructions of all classes beyond which nothing is drawn: a picture of that many would take seconds."""
ISSUE = (0, "S", "issue")
"""What the path begins with: the scalar unit's way to the first instruction."""

Where = tuple[int, str, str]
"""Source line, pipe, instruction."""


class LastCore(NamedTuple):
    """In the order in which ProfileDetail has them."""

    occupancy: tuple[Series, ...] = ()
    bandwidth: tuple[Series, ...] = ()
    path: tuple[PathLine, ...] = ()


class _Block(NamedTuple):
    """What all blocks of a class share. Curves are by core of the block and name."""

    path: Mapping[Where, tuple[float, int]]
    """Cycles, and how many instructions."""
    live: Mapping[tuple[int, str], Points]
    moved: Mapping[tuple[int, str], Points]


def last_core(launch: Launch) -> LastCore:
    """Empty where the launch has more instructions than are worth drawing."""
    if instructions(launch) > MOST:
        return LastCore()
    last = max(range(len(launch.ends)), key=lambda core: launch.ends[core])
    mine = [(int(launch.class_of[b]), start) for b, (core, start) in enumerate(launch.placed) if core == last]
    classes = list(launch.classes.values())
    blocks = {number: _block(*launch.spans(classes[number]), classes[number].total) for number in {n for n, _ in mine}}
    total: dict[Where, tuple[float, int]] = {}
    for number, _ in mine:
        for where, (length, count) in blocks[number].path.items():
            cycles, times = total.get(where, (0.0, 0))
            total[where] = (cycles + length, times + count)
    path = [PathLine(*where, round(total[where][0]), total[where][1]) for where in sorted(total, key=lambda w: -total[w][0])]
    names, end = launch.names(last), launch.ends[last]
    occupancy = _series(launch.chip, names, end, [(start, blocks[n].live) for n, start in mine])
    bandwidth = _series(launch.chip, names, end, [(start, blocks[n].moved) for n, start in mine])
    return LastCore(occupancy, bandwidth, tuple(p for p in path if p.cycles))


def _block(streams: Sequence[Stream], spans: Sequence[Span], length: float) -> _Block:
    def curves(changes: Mapping[tuple[int, str], Changes]) -> dict[tuple[int, str], Points]:
        return {key: curve(of_one, length) for key, of_one in changes.items()}

    return _Block(_path(streams, spans), curves(live(streams, spans)), curves(moved(streams, spans)))


def _path(streams: Sequence[Stream], spans: Sequence[Span]) -> dict[Where, tuple[float, int]]:
    path = critical(spans)
    found: dict[Where, tuple[float, int]] = {}
    for place, length in zip(path, lengths(spans, path), strict=True):
        span = spans[place]
        entry, item = streams[span.core][span.at]
        line = next((p.line for p in entry.site.op.location if p.line), 0)
        where = (line, PIPES[span.pipe], item.name)
        before = found.get(where, (0.0, 0))
        found[where] = (before[0] + length, before[1] + 1)
    if path and spans[path[0]].start > 0:
        found[ISSUE] = (spans[path[0]].start, 1)
    return found


def _series(
    chip: Chip, names: Sequence[str], end: float, blocks: Sequence[tuple[float, Mapping[tuple[int, str], Points]]]
) -> tuple[Series, ...]:
    """The curves of blocks that ran one after the other, joined."""
    changes: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for start, curves in blocks:
        for key, points in curves.items():
            before = 0.0
            for cycle, value in points:
                changes.setdefault(key, []).append((start + cycle, value - before))
                before = value
            changes[key].append((end, 0.0))
    return tuple(
        Series(name, names[core], _capacity(chip, name), curve(changes[core, name], end)) for core, name in sorted(changes)
    )


def _capacity(chip: Chip, name: str) -> float:
    move = chip.timing.moves.get(name)
    return float(chip.buffers.get(name, 0)) or (move.rate if move else 0.0)
