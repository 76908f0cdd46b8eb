"""A launch: blocks dealt to cores, classes of equal blocks timed once, and the sums over all cores."""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np

from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic
from compiler_core.emulator.clock.costs import FIX, FROM_L1, MTE2, MTE3, PIPES, RUN, Contention, Costs, Item
from compiler_core.emulator.clock.order import Stream, ordered
from compiler_core.emulator.clock.recorder import PathClass, Recorder
from compiler_core.emulator.clock.spans import Span, Tracer
from compiler_core.emulator.clock.timeline import BANDWIDTH, REASONS, Step, Timeline, Unordered, Walk, steps_of, ticks, together
from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.machine import Machine
from compiler_core.emulator.result import CoreLoad, Result

ROUNDS = 8
"""Most times that a launch is timed to find out how many cores move data at a time."""
SETTLED = 0.02
"""Relative change of that number, or of what follows from it, that is not worth another round."""
CUBE_AND_VECTORS = ((1, 2), (0,), (0,))
"""For the cube core and the two vector cores of a block, whose messages they read."""
CUBE_AND_VECTOR = ((1,), (0,))
"""The same where both vector cores do the same, each for the other."""


@dataclass(slots=True)
class Program:
    """What blocks ran on one kind of core, with prices: by variant its items, their steps, and how often it ran."""

    recorder: Recorder
    items: dict[int, tuple[Item, ...]] = field(default_factory=dict[int, tuple[Item, ...]])
    steps: dict[int, tuple[Step, ...]] = field(default_factory=dict[int, tuple[Step, ...]])
    times: dict[int, int] = field(default_factory=dict[int, int])
    contended: list[tuple[int, list[int]]] = field(default_factory=list[tuple[int, list[int]]])
    """Variants whose price depends on who else is at work, with the places of the items that makes dearer."""


@dataclass(slots=True)
class Class:
    """Blocks whose cores did the same: what each core did, and its time."""

    number: int
    paths: tuple[PathClass, ...]
    programs: tuple[Program, ...]
    blocks: int = 0
    times: tuple[Timeline, ...] = ()

    @property
    def total(self) -> float:
        return max(t.total for t in self.times)


class Carried(NamedTuple):
    """Bytes of a launch, over all blocks: that L2 brought in, that were stored, and that were written to L1."""

    missed: int
    stored: int
    into_l1: int


@dataclass(slots=True)
class Launch:
    """Collects the classes of a launch's batches. `core_type`: AIV, AIC, or MIX: blocks of a cube and two vector cores."""

    chip: Chip
    core_type: str
    blocks: int
    classes: dict[tuple[bytes, ...], Class] = field(default_factory=dict[tuple[bytes, ...], Class])
    programs: dict[int, Program] = field(default_factory=dict[int, Program])
    costs: Costs = field(init=False)
    contention: Contention = field(init=False)
    class_of: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    """For each block, the number of its class."""
    ends: list[float] = field(default_factory=list[float])
    """Once timed: when each core that blocks are dealt to ends."""
    runs: list[tuple[Item, int]] = field(default_factory=list[tuple[Item, int]])
    """Once timed: every item that works, with how often it ran in all blocks."""

    def __post_init__(self) -> None:
        self.costs = Costs(self.chip)
        if not len(self.class_of):
            self.class_of = np.zeros(self.blocks, np.int64)
        mixed = 2 if self.mixed else 0
        self.contention = Contention(self.active * (1 + mixed), self.active * (1 + mixed))

    @property
    def mixed(self) -> bool:
        return self.chip.split and self.core_type == "MIX"

    @property
    def cores(self) -> int:
        """Cores that can run a block of this function."""
        return self.chip.vector_cores if self.core_type == "AIV" else self.chip.cube_cores

    @property
    def active(self) -> int:
        return min(self.blocks, self.cores)

    def items(self, code: int, recorder: Recorder) -> tuple[Item, ...]:
        """What a variant asks of the pipes."""
        program = self._program(recorder)
        found = program.items.get(code)
        if found is None:
            found = program.items[code] = self.costs.items(recorder.variants[code])
        return found

    def add(self, path: PathClass) -> None:
        """A class of blocks on one core each."""
        self._add((path,), path.blocks)

    def add_mixed(self, cube: Sequence[PathClass], vectors: Sequence[PathClass]) -> None:
        """The classes of a batch of blocks on a cube core and two vector cores; the `blocks` of a vector path are vector cores,
        two for each block.
        """
        of_cube = {block: path for path in cube for block in path.blocks.tolist()}
        of_vector = {number: path for path in vectors for number in path.blocks.tolist()}
        groups: dict[tuple[int, int, int], tuple[tuple[PathClass, ...], list[int]]] = {}
        for block, path in of_cube.items():
            paths = (path, of_vector[2 * block], of_vector[2 * block + 1])
            groups.setdefault((id(paths[0]), id(paths[1]), id(paths[2])), (paths, []))[1].append(block)
        for paths, blocks in groups.values():
            self._add(paths, np.array(blocks))

    def result(self, machine: Machine, diagnostics: tuple[Diagnostic, ...]) -> Result:
        """Raises Refused in a deadlock."""
        self.time()
        memory = {m.name: m.peak for m in machine.local.values() if m.peak}
        launch = self.chip.timing.launch
        share = (self.active - 1) / max(1, self.cores - 1)
        cycles = math.ceil(max(self.ends))
        busy, stalls = [0.0] * len(PIPES), [0.0] * len(REASONS)
        for block in self.classes.values():
            for time in block.times:
                busy = [a + block.blocks * b for a, b in zip(busy, time.busy, strict=True)]
                for of_pipe in time.stalls:
                    stalls = [a + block.blocks * b for a, b in zip(stalls, of_pipe, strict=True)]
        stalls[BANDWIDTH] += sum(self._starved(item) * n for item, n in self.runs)
        traffic: dict[str, int] = {}
        for item, n in self.runs:
            if item.path:
                traffic[item.path] = traffic.get(item.path, 0) + item.bytes * n
        return Result(
            cycles=cycles,
            microseconds=cycles / self.chip.clock_mhz,
            launch_microseconds=launch.one_core_us + share * (launch.all_cores_us - launch.one_core_us),
            pipes={p: math.ceil(busy[i]) for i, p in enumerate(PIPES) if p in self.chip.pipes},
            cores=self._cores(self.ends),
            memory={**memory, **self.costs.memory},
            traffic=traffic,
            stalls={r: math.ceil(c) for r, c in zip(REASONS, stalls, strict=True)},
            operations=machine.operations,
            printed=tuple(machine.printed),
            missed_bytes=sum(item.missed * n for item, n in self.runs),
            transfers=sum(n for item, n in self.runs if item.path.startswith("GM") or item.path.endswith("GM")),
            core_type=self.core_type if self.chip.split else "AI",
            available_cores=self.cores,
            active_cores=self.active,
            diagnostics=diagnostics,
            launch=self,
        )

    def time(self) -> None:
        """Times every class and deals the blocks to cores. Raises Refused in a deadlock."""
        self._count()
        self._settle()

    @property
    def placed(self) -> list[tuple[int, float]]:
        """Once timed: for each block its core and its start."""
        return self._deal()[1]

    def again(self, chip: Chip, change: Callable[[Item], Item | None]) -> "Launch":
        """The same blocks that did the same instructions, on another chip, with items changed or, for None, left out; timed."""
        other = Launch(chip, self.core_type, self.blocks, class_of=self.class_of)
        for key, block in self.classes.items():
            programs = tuple(other._program(path.recorder) for path in block.paths)
            other.classes[key] = Class(block.number, block.paths, programs, block.blocks)
        for program in other.programs.values():
            for code in self.programs[id(program.recorder)].times:
                items = other.costs.items(program.recorder.variants[code])
                program.items[code] = tuple(changed for item in items if (changed := change(item)) is not None)
        other.time()
        return other

    # Classes

    def _program(self, recorder: Recorder) -> Program:
        found = self.programs.get(id(recorder))
        if found is None:
            found = self.programs[id(recorder)] = Program(recorder)
        return found

    def _add(self, paths: tuple[PathClass, ...], blocks: Array) -> None:
        key = tuple(p.key for p in paths)
        found = self.classes.get(key)
        if found is None:
            programs = tuple(self._program(p.recorder) for p in paths)
            found = self.classes[key] = Class(len(self.classes), paths, programs)
        found.blocks += len(blocks)
        self.class_of[blocks] = found.number

    # Time

    def _settle(self) -> None:
        """Times every class; again with the number of cores that then turn out to move data at a time, until it settles."""
        carried, dealt = self._carried(), self._dealt()
        for _ in range(ROUNDS):
            if not self._price():
                break
            walks = {id(p): Walk(p.steps, self.chip.timing.queue) for p in self.programs.values()}
            for block in self.classes.values():
                block.times = self._times(block, walks)
            self.ends = self._ends(dealt)
            before, self.contention = self.contention, self._contention(carried)
            if all(abs(a - b) <= SETTLED * max(a, b) for a, b in zip(before, self.contention, strict=True)):
                break

    def _count(self) -> None:
        """How often each variant ran."""
        for block in self.classes.values():
            for path, program in zip(block.paths, block.programs, strict=True):
                for code, number in _occurrences(path.codes):
                    program.times[code] = program.times.get(code, 0) + number * block.blocks
        for program in self.programs.values():
            for code, times in program.times.items():
                items = self.items(code, program.recorder)
                self.runs += [(item, times) for item in items if item.kind == RUN]
                places = [i for i, item in enumerate(items) if item.shared or item.path in FROM_L1]
                if places:
                    program.contended.append((code, places))

    def _price(self) -> bool:
        """Prices every variant; False where nothing changed by more than is worth another round."""
        changed = False
        for program in self.programs.values():
            if not program.steps:
                changed = True
                program.steps = {code: self._steps(program.items[code]) for code in program.times}
                continue
            for code, places in program.contended:
                items, steps = program.items[code], list(program.steps[code])
                for i in places:
                    old, work = steps[i], ticks(self.costs.work(items[i], self.contention))
                    changed = changed or abs(work - old.work) > SETTLED * old.work
                    steps[i] = Step(old.kind, old.pipe, old.ahead, work, old.tail, old.token)
                program.steps[code] = tuple(steps)
        return changed

    def _times(self, block: Class, walks: dict[int, Walk]) -> tuple[Timeline, ...]:
        try:
            if len(block.paths) == 1:
                return (walks[id(block.programs[0])].time(block.paths[0].codes),)
            same = block.paths[1].key == block.paths[2].key
            paths, programs = (block.paths[:2], block.programs[:2]) if same else (block.paths, block.programs)
            codes = [p.codes[p.codes >= 0].tolist() for p in paths]
            boxes = CUBE_AND_VECTOR if same else CUBE_AND_VECTORS
            times = together(codes, [p.steps for p in programs], self.chip.timing.queue, boxes)
            return (*times, times[1]) if same else tuple(times)
        except Unordered:
            streams = self._streams(block)
            tables = [{i: self._steps([item]) for i, (_, item) in enumerate(stream)} for stream in streams]
            boxes = CUBE_AND_VECTORS if len(streams) > 1 else ((),)
            return tuple(together([range(len(s)) for s in streams], tables, self.chip.timing.queue, boxes))

    def _steps(self, items: Sequence[Item]) -> tuple[Step, ...]:
        return steps_of(items, [self.costs.work(item, self.contention) for item in items], self.chip.timing)

    def _streams(self, block: Class) -> list[Stream]:
        """Each core's items in an order in which it can carry them out. Raises Refused in a deadlock."""
        found: list[Stream] = []
        for path in block.paths:
            variants = path.recorder.variants
            codes: list[int] = path.codes[path.codes >= 0].tolist()
            found.append(ordered([(variants[c].entry, item) for c in codes for item in self.items(c, path.recorder)]))
        return found

    def _carried(self) -> Carried:
        missed = stored = into_l1 = 0
        for item, n in self.runs:
            if item.shared:
                missed += item.missed * n
                if item.path.endswith("GM"):
                    stored += item.shared * n
                elif item.path == "GM->L1":
                    into_l1 += item.bytes * n
        if all(p.recorder.l2.held <= p.recorder.l2.capacity for p in self.programs.values()):
            stored = 0
        return Carried(missed, stored, into_l1)

    def _contention(self, moved: Carried) -> Contention:
        """What the times say about how many cores move data at a time, and what L2 has to write back."""
        total = max(max(self.ends), 1.0)

        def moving(*pipes: int) -> float:
            busy = sum(t.busy[p] * block.blocks for block in self.classes.values() for t in block.times for p in pipes)
            return max(1.0, busy / total)

        carried = min(moved.missed, moved.stored)
        return Contention(
            readers=moving(MTE2),
            writers=moving(MTE3, FIX),
            written_back=carried / moved.missed if carried else 0.0,
            spilled=(moved.stored - carried) / moved.stored if moved.stored else 0.0,
            l1_writing=min(0.5, moved.into_l1 / (self.chip.timing.memory.l1_write_rate * max(1.0, sum(self.ends)))),
        )

    def _dealt(self) -> list[tuple[int, int]]:
        """Blocks in order, as numbers of classes and how many of each follow each other."""
        if len(self.classes) == 1:
            return [(0, self.blocks)]
        return [(number, len(list(same))) for number, same in groupby(self.class_of.tolist())]

    def _ends(self, dealt: Sequence[tuple[int, int]]) -> list[float]:
        """End cycle of each core.

        Where cores are free within less than a block's time of each other, as many equal blocks as cores go to one core each.
        """
        durations = [block.total for block in self.classes.values()]
        free: list[tuple[float, int]] = [(0.0, core) for core in range(self.cores)]
        for number, left in dealt:
            duration = durations[number]
            while left:
                if left >= self.cores and max(free)[0] - free[0][0] < duration:
                    rounds, left = divmod(left, self.cores)
                    free = [(time + rounds * duration, core) for time, core in free]
                for _ in range(min(left, self.cores)):
                    time, core = free[0]
                    heapq.heapreplace(free, (time + duration, core))
                left -= min(left, self.cores)
        return [end for end, _ in sorted(free, key=lambda pair: pair[1])]

    def _deal(self) -> tuple[list[float], list[tuple[int, float]]]:
        """End cycle of each core, and for each block its core and start.

        A block goes to the core that is free first, in block order.
        """
        durations = [block.total for block in self.classes.values()]
        free = [(0.0, core) for core in range(self.cores)]
        ends = [0.0] * self.cores
        placed: list[tuple[int, float]] = []
        for number in self.class_of.tolist():
            start, core = free[0]
            ends[core] = start + durations[number]
            heapq.heapreplace(free, (ends[core], core))
            placed.append((core, start))
        return ends, placed

    # Sums

    def names(self, core: int) -> tuple[str, ...]:
        """The cores that run what is dealt to a core."""
        if self.mixed:
            return f"AIC {core}", f"AIV {2 * core}", f"AIV {2 * core + 1}"
        return (f"{self.core_type if self.chip.split else 'AI'} {core}",)

    def _cores(self, ends: list[float]) -> tuple[int, ...]:
        mine = [math.ceil(e) for e in ends]
        if not self.chip.split:
            return tuple(mine)
        if self.mixed:
            return (*mine, *(e for e in mine for _ in range(2)))
        idle = [0] * (self.chip.cube_cores if self.core_type == "AIV" else self.chip.vector_cores)
        return tuple(idle + mine if self.core_type == "AIV" else mine + idle)

    def loads(self) -> tuple[CoreLoad, ...]:
        """What each core that ran did."""
        classes, (ends, placed) = list(self.classes.values()), self._deal()
        ran = np.zeros((self.cores, len(classes)))
        np.add.at(ran, (np.array([core for core, _ in placed]), self.class_of), 1)
        found: list[CoreLoad] = []
        for place in range(len(classes[0].times)):
            busy = ran @ np.array([c.times[place].busy for c in classes])
            stalls = np.tensordot(ran, np.array([self._stalls(c, place) for c in classes]), 1)
            for core in range(self.cores):
                if ends[core]:
                    by_pipe: dict[str, dict[str, float]] = {
                        p: {r: float(x) for r, x in zip(REASONS, stalls[core, i], strict=True)}
                        for i, p in enumerate(PIPES)
                        if stalls[core, i].any()
                    }
                    of_pipe = {p: float(busy[core, PIPES.index(p)]) for p in self.chip.pipes}
                    found.append(CoreLoad(self.names(core)[place], ends[core], of_pipe, by_pipe))
        return tuple(found)

    def _stalls(self, block: Class, place: int) -> Array:
        """Stalls of one of a class's cores by pipe and reason, with what sharing adds to its transfers."""
        stalls = np.array(block.times[place].stalls)
        path, program = block.paths[place], block.programs[place]
        for code, number in _occurrences(path.codes):
            for item in program.items[code]:
                if item.kind == RUN:
                    stalls[item.pipe, BANDWIDTH] += self._starved(item) * number
        return stalls

    def _starved(self, item: Item) -> float:
        """Cycles of an item's work that it spends because others move data too."""
        return self.costs.work(item, self.contention) - item.work if item.path else 0.0

    def lines(self) -> dict[str, tuple[int, ...]]:
        """By pipe, the five source lines with the most work."""
        work: dict[str, dict[int, float]] = {}
        for program in self.programs.values():
            for code, times in program.times.items():
                places = program.recorder.variants[code].entry.site.op.location
                for item in program.items[code]:
                    if item.kind == RUN and places:
                        of_pipe = work.setdefault(PIPES[item.pipe], {})
                        cycles = (self.costs.work(item, self.contention) + item.scalars + 1) * times
                        of_pipe[places[0].line] = of_pipe.get(places[0].line, 0.0) + cycles
        return {
            pipe: tuple(line for line, _ in sorted(lines.items(), key=lambda pair: -pair[1])[:5])
            for pipe, lines in work.items()
        }

    # Spans

    def spans(self, block: Class, most: int = 0) -> tuple[list[Stream], list[Span]]:
        """What the cores of a class did, item by item, and when; with `most`, the first so many spans."""
        streams = self._streams(block)
        boxes = CUBE_AND_VECTORS if len(streams) > 1 else ((),)
        steps = [[self._steps([item])[0] for _, item in stream] for stream in streams]
        return streams, Tracer(steps, self.chip.timing.queue, boxes).run(most)


def _occurrences(codes: Array) -> list[tuple[int, int]]:
    """Each variant with how often it comes."""
    times = np.bincount(codes[codes >= 0])
    return [(code, number) for code, number in enumerate(times.tolist()) if number]
