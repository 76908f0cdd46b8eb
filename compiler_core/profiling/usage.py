"""What each core did: its pipes' time, bytes by path, instructions, and what conflicts and misses cost it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from compiler_core.chips import Chip
from compiler_core.emulator import Result
from compiler_core.emulator.clock.cache import LINE
from compiler_core.emulator.clock.costs import PIPES, RUN, Item, M, V
from compiler_core.emulator.clock.launch import Class, Launch
from compiler_core.emulator.clock.recorder import Variant
from compiler_core.events import CoreKind, CoreUse, PipeUse

Counts = Counter[tuple[str, str]]


@dataclass(slots=True)
class _Work:
    """What one core of a block does, by ("path" | "instructions" | "type" | "total", name)."""

    counts: Counts = field(default_factory=Counter[tuple[str, str]])

    def add(self, variant: Variant, item: Item, times: int) -> None:
        counts = self.counts
        counts["instructions", PIPES[item.pipe]] += times
        counts["total", "conflicts"] += round(item.conflicts * times)
        counts["total", "masked"] += round(item.masked * times)
        if item.path:
            counts["path", item.path] += item.bytes * times
        if item.path.startswith("GM") and (lines := variant.lines[0]):
            counts["total", "read"] += lines.lines * LINE * times
            counts["total", "missed"] += item.missed * times
        if item.pipe in (V, M) and variant.entry.tiles:
            counts["type", f"{PIPES[item.pipe]} {variant.entry.tiles[0][0].dtype}"] += round(item.work * times)


def core_uses(result: Result) -> tuple[CoreUse, ...]:
    """Every core that ran, cube cores first. Without a timed launch, cores are known by their ends alone."""
    launch = result.launch
    if launch is None:
        return tuple(CoreUse(result.core_type, i, 1, end, {}, {}) for i, end in enumerate(result.cores) if end)
    classes = list(launch.classes.values())
    works = [[_work(block, place).counts for place in range(len(block.paths))] for block in classes]
    ran = np.zeros((launch.cores, len(classes)), np.int64)
    np.add.at(ran, (np.array([core for core, _ in launch.placed]), launch.class_of), 1)
    dealt = {name: (core, place) for core in range(launch.cores) for place, name in enumerate(launch.names(core))}
    found: list[CoreUse] = []
    for load in result.loads:
        core, place = dealt[load.core]
        counts: Counts = Counter()
        for number in np.nonzero(ran[core])[0].tolist():
            for key, value in works[number][place].items():
                counts[key] += value * int(ran[core, number])
        kind, index = load.core.split()
        blocks = int(ran[core].sum())
        found.append(_use(kind, int(index), blocks, load.end, load.busy, load.stalls, counts))
    return tuple(sorted(found, key=lambda use: (use.kind, use.index)))


def _work(block: Class, place: int) -> _Work:
    found = _Work()
    for variant, item, times in runs(block, place):
        found.add(variant, item, times)
    return found


def runs(block: Class, place: int) -> Iterator[tuple[Variant, Item, int]]:
    """What works on one core of a class: the instruction, an item of it, and how often."""
    path, program = block.paths[place], block.programs[place]
    codes, times = np.unique(path.codes[path.codes >= 0], return_counts=True)
    for code, number in zip(codes.tolist(), times.tolist(), strict=True):
        for item in program.items[code]:
            if item.kind == RUN:
                yield path.recorder.variants[code], item, number


def _use(
    kind: str,
    index: int,
    blocks: int,
    end: float,
    busy: Mapping[str, float],
    stalls: Mapping[str, Mapping[str, float]],
    counts: Counts,
) -> CoreUse:
    def named(group: str) -> dict[str, int]:
        return {name: value for (of, name), value in counts.items() if of == group and value}

    pipes = {
        pipe: PipeUse(
            round(busy.get(pipe, 0.0)),
            {reason: round(cycles) for reason, cycles in stalls.get(pipe, {}).items() if cycles >= 0.5},
            counts["instructions", pipe],
        )
        for pipe in PIPES
        if busy.get(pipe, 0.0) >= 0.5 or any(stalls.get(pipe, {}).values())
    }
    return CoreUse(
        kind,
        index,
        blocks,
        round(end),
        pipes,
        named("path"),
        counts["total", "read"],
        counts["total", "missed"],
        counts["total", "conflicts"],
        counts["total", "masked"],
        named("type"),
    )


def core_kinds(uses: Sequence[CoreUse], chip: Chip) -> tuple[CoreKind, ...]:
    """The cores of each kind added up."""
    found: list[CoreKind] = []
    for kind in dict.fromkeys(use.kind for use in uses):
        mine = [use for use in uses if use.kind == kind]
        pipes: dict[str, PipeUse] = {}
        for pipe in (p for p in PIPES if any(p in use.pipes for use in mine)):
            parts = [use.pipes[pipe] for use in mine if pipe in use.pipes]
            stalls: Counter[str] = Counter()
            for part in parts:
                stalls.update(part.stalls)
            pipes[pipe] = PipeUse(sum(p.busy for p in parts), dict(stalls), sum(p.instructions for p in parts))
        available = chip.vector_cores if kind == "AIV" else chip.cube_cores
        found.append(CoreKind(kind, available, len(mine), sum(use.end for use in mine), pipes))
    return tuple(found)


def instructions(launch: Launch) -> int:
    """Instructions that timing the launch has to look at: those of one block of each class."""
    return sum(len(path.codes) for block in launch.classes.values() for path in block.paths)
