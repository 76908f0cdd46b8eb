"""What a batch's logs say: hazards within blocks, conflicts between them, and classes of blocks for the launch's time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from compiler_core.diagnostics import Diagnostic
from compiler_core.emulator.checks.conflicts import Conflicts
from compiler_core.emulator.checks.hazards import HazardCheck, Program
from compiler_core.emulator.clock.cores import Part
from compiler_core.emulator.clock.costs import Item
from compiler_core.emulator.clock.launch import Launch
from compiler_core.emulator.clock.recorder import PathClass
from compiler_core.emulator.execution.machine import Machine
from compiler_core.emulator.result import Result


class Judge:
    """Judges the batches of a launch, and gives its result."""

    def __init__(self, launch: Launch, parts: Sequence[Part], timing: bool, hazards: bool) -> None:
        self.launch = launch
        self.timing = timing
        self.hazards = hazards
        self.mixed = len(parts) > 1
        names = ["AIC", *(f"AIV{i}" for i in range(parts[-1].lanes))] if self.mixed else [""]
        self.check = HazardCheck(names)
        self.conflicts = Conflicts([part.function for part in parts] if hazards else [])

    def batch(self, machines: Sequence[Machine], first: int) -> None:
        """Looks at the batch that begins at block `first`. Raises Refused in a deadlock."""
        if not (self.timing or self.hazards):
            return
        if self.hazards:
            for machine in machines:
                self.conflicts.batch(machine.recorder, first, machine.sub_blocks)
        if self.timing and self.mixed:
            for machine in machines:
                machine.recorder.bring_stores()
        classes = [list(m.recorder.finish(first * m.sub_blocks)) for m in machines]
        if self.hazards:
            for paths in _together(classes, first) if self.mixed else [(path,) for path in classes[0]]:
                programs = [Program(p, partial(self._items, p), core) for core, p in enumerate(paths)]
                self.check.block(programs)
        if self.timing and self.mixed:
            self.launch.add_mixed(*classes)
        elif self.timing:
            for path in classes[0]:
                self.launch.add(path)

    def _items(self, path: PathClass, code: int) -> tuple[Item, ...]:
        return self.launch.items(code, path.recorder)

    def result(self, machines: Sequence[Machine], more: Sequence[Diagnostic]) -> Result:
        """The launch's measurements; all of its programs count. `more` is what else was found wrong."""
        diagnostics = (*self._diagnostics(), *more)
        first, *others = machines
        for other in others:
            first.operations += other.operations
            first.printed += other.printed
            first.local |= {space: memory for space, memory in other.local.items() if memory.peak}
        if self.timing:
            return self.launch.result(first, diagnostics)
        memory = {m.name: m.peak for m in first.local.values() if m.peak}
        return Result(memory=memory, operations=first.operations, diagnostics=diagnostics, printed=tuple(first.printed))

    def _diagnostics(self) -> tuple[Diagnostic, ...]:
        return (*self.check.diagnostics, *self.conflicts.findings())


def _together(classes: Sequence[Sequence[PathClass]], first: int) -> Iterator[tuple[PathClass, ...]]:
    """Each combination of classes that the cores of some block ran: the cube core's, then its vector cores'.

    Cores of a block touch different memory even where they ran the same, so each path stands for its own lane.
    """
    cube, vector = ({number: path for path in of for number in path.blocks.tolist()} for of in classes)
    lanes = len(vector) // len(cube)
    seen: set[tuple[int, ...]] = set()
    for block, path in cube.items():
        paths = (path, *(vector[block * lanes + i] for i in range(lanes)))
        key = tuple(id(p) for p in paths)
        if key not in seen:
            seen.add(key)
            at = block - first
            yield (replace(path, lane=at), *(replace(p, lane=at * lanes + i) for i, p in enumerate(paths[1:])))
