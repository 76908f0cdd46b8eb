"""A launch: blocks dealt to cores, classes of equal blocks timed once, and the sums over all cores."""

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic
from compiler_core.emulator.costs import PIPES, RUN, Costs, Item
from compiler_core.emulator.lanes import Array
from compiler_core.emulator.machine import Machine
from compiler_core.emulator.order import Stream, ordered
from compiler_core.emulator.recorder import PathClass, Variant
from compiler_core.emulator.result import Result
from compiler_core.emulator.timeline import Timeline, replay
from compiler_core.emulator.trace import BlockSpan, chrome_trace


@dataclass(slots=True)
class Timed:
    """A class of blocks with its time."""

    number: int
    stream: Stream
    timeline: Timeline
    blocks: int = 0


@dataclass(slots=True)
class Launch:
    """Collects the classes of a launch's batches."""

    chip: Chip
    core_type: str
    blocks: int
    classes: dict[bytes, Timed] = field(default_factory=dict[bytes, Timed])
    streams: dict[bytes, Stream] = field(default_factory=dict[bytes, Stream])
    priced: dict[int, tuple[Item, ...]] = field(default_factory=dict[int, tuple[Item, ...]])
    costs: Costs = field(init=False)
    class_of: Array = field(init=False)
    """For each block, the number of its class."""

    def __post_init__(self) -> None:
        self.costs = Costs(self.chip, self.active)
        self.class_of = np.zeros(self.blocks, np.int64)

    @property
    def cores(self) -> int:
        """Cores that can run this function."""
        return self.chip.vector_cores if self.core_type == "AIV" else self.chip.cube_cores

    @property
    def active(self) -> int:
        return min(self.blocks, self.cores)

    def stream(self, path: PathClass) -> Stream:
        """The class's items in the order in which a core carries them out. Raises Refused in a deadlock."""
        found = self.streams.get(path.key)
        if found is None:
            variants = path.recorder.variants
            steps = zip((c for c in path.codes.tolist() if c >= 0), path.issued(), strict=True)
            found = ordered([(issued, item) for code, issued in steps for item in self.items(code, variants)])
            self.streams[path.key] = found
        return found

    def items(self, code: int, variants: list[Variant]) -> tuple[Item, ...]:
        """What a variant asks of the pipes."""
        found = self.priced.get(code)
        if found is None:
            found = self.priced[code] = self.costs.items(variants[code])
        return found

    def add(self, path: PathClass) -> None:
        timed = self.classes.get(path.key)
        if timed is None:
            stream = self.stream(path)
            timed = Timed(len(self.classes), stream, replay([item for _, item in stream], self.chip.timing))
            self.classes[path.key] = timed
        timed.blocks += len(path.blocks)
        self.class_of[path.blocks] = timed.number

    def deal(self) -> tuple[list[float], list[tuple[int, float]]]:
        """End cycle of each core, and for each block its core and start.

        A block goes to the core that is free first, in block order.
        """
        durations = [t.timeline.total for t in self.classes.values()]
        free = [(0.0, core) for core in range(self.cores)]
        ends = [0.0] * self.cores
        placed: list[tuple[int, float]] = []
        for number in self.class_of.tolist():
            start, core = free[0]
            ends[core] = start + durations[number]
            heapq.heapreplace(free, (ends[core], core))
            placed.append((core, start))
        return ends, placed

    def result(self, machine: Machine, diagnostics: tuple[Diagnostic, ...]) -> Result:
        ends, placed = self.deal()
        total = math.ceil(max(ends))
        cores = [math.ceil(e) for e in ends]
        if self.chip.split:
            idle = [0] * (self.chip.cube_cores if self.core_type == "AIV" else self.chip.vector_cores)
            cores = idle + cores if self.core_type == "AIV" else cores + idle
        launch = self.chip.timing.launch
        share = (self.active - 1) / max(1, self.cores - 1)
        memory = {m.name: m.peak for m in machine.local.values() if m.peak}
        return Result(
            cycles=total,
            microseconds=total / self.chip.clock_mhz,
            launch_microseconds=launch.one_core_us + share * (launch.all_cores_us - launch.one_core_us),
            pipes={p: math.ceil(self._sum(i)) for i, p in enumerate(PIPES) if p in self.chip.pipes},
            cores=tuple(cores),
            memory={**memory, **self.costs.memory},
            traffic=self._traffic(),
            stalls={
                r: math.ceil(sum(t.timeline.stalls[r] * t.blocks for t in self.classes.values())) for r in Timeline().stalls
            },
            operations=machine.operations,
            missed_bytes=sum(item.missed * t.blocks for t in self.classes.values() for _, item in t.stream),
            transfers=sum(
                t.blocks
                for t in self.classes.values()
                for _, item in t.stream
                if item.path.startswith("GM") or item.path.endswith("GM")
            ),
            core_type=self.core_type if self.chip.split else "AI",
            available_cores=self.cores,
            active_cores=self.active,
            lines=self._lines(),
            diagnostics=diagnostics,
            make_trace=lambda: self._trace(placed),
        )

    def _sum(self, pipe: int) -> float:
        return sum(t.timeline.busy[pipe] * t.blocks for t in self.classes.values())

    def _traffic(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for timed in self.classes.values():
            for _, item in timed.stream:
                if item.path:
                    found[item.path] += item.bytes * timed.blocks
        return dict(found)

    def _lines(self) -> dict[str, tuple[int, ...]]:
        """By pipe, the five source lines with the most work."""
        work: dict[str, Counter[int]] = {}
        for timed in self.classes.values():
            for (entry, _), item in timed.stream:
                if item.kind == RUN and entry.site.op.location:
                    of_pipe = work.setdefault(PIPES[item.pipe], Counter())
                    of_pipe[entry.site.op.location[0].line] += int((item.work + item.scalars) * timed.blocks) + 1
        return {pipe: tuple(line for line, _ in counts.most_common(5)) for pipe, counts in work.items()}

    def _trace(self, placed: list[tuple[int, float]]) -> bytes:
        timed = list(self.classes.values())
        spans: dict[int, Timeline] = {}
        blocks: list[BlockSpan] = []
        for block, (core, start) in enumerate(placed):
            number = int(self.class_of[block])
            if number not in spans:
                spans[number] = replay([item for _, item in timed[number].stream], self.chip.timing, spans=True)
            blocks.append(BlockSpan(block, core, start, timed[number].stream, spans[number]))
        kind = self.core_type if self.chip.split else "AI"
        return chrome_trace(blocks, kind, self.chip.pipes, self.chip.clock_mhz)
