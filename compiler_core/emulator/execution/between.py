"""Flags between the cube core of a block and its vector cores: counters that one side raises and the other takes.

A cube core's flag goes to both vector cores of its block, each of which takes it; a flag for the cube core is there when both
vector cores have raised it. Source: the documented CrossCoreSetFlag and CrossCoreWaitFlag in mode 2, which
`sync_block_set` and `sync_block_wait` are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compiler_core.diagnostics import Refused
from compiler_core.emulator.checks.deadlock import Held, deadlock
from compiler_core.emulator.execution.lanes import Array, Scalar, is_vector
from compiler_core.ir import Op

NAMES = {"AIC": "the cube core", "AIV": "the vector cores"}


Count = Any
"""How often something happened to each core of a kind: a number where all did the same, else a vector."""


@dataclass(slots=True)
class Flags:
    """Counters of one batch, by kind of core and flag."""

    vectors: int
    """Vector cores of a block."""
    blocks: int = 0
    raised: dict[tuple[str, int], Count] = field(default_factory=dict[tuple[str, int], Count])
    taken: dict[tuple[str, int], Count] = field(default_factory=dict[tuple[str, int], Count])

    def begin(self, blocks: int) -> None:
        self.blocks = blocks
        self.raised.clear()
        self.taken.clear()

    def count(self, table: dict[tuple[str, int], Count], kind: str, flag: int, active: Array | None) -> None:
        """One more for the active cores of a kind."""
        before = table.get((kind, flag), 0)
        if active is None:
            table[kind, flag] = before + 1
            return
        counts = np.broadcast_to(before, (self.blocks * (self.vectors if kind == "AIV" else 1),)).copy()
        counts[active] += 1
        table[kind, flag] = counts

    def post(self, kind: str, flag: int, active: Array | None) -> None:
        """Cores of a kind raise a flag."""
        self.count(self.raised, kind, flag, active)

    def available(self, kind: str, flag: int) -> Count:
        """How many more times each core of a kind could take a flag."""
        given = self.raised.get(("AIV" if kind == "AIC" else "AIC", flag), 0)
        if is_vector(given):
            given = given.reshape(-1, self.vectors).min(axis=1) if kind == "AIC" else np.repeat(given, self.vectors)
        return given - self.taken.get((kind, flag), 0)


@dataclass(slots=True)
class Waiter:
    """A place where cores of a kind wait for the other kind. A program yields it, and goes on when it is ready."""

    flags: Flags
    op: Op
    kind: str
    flag: int = 0
    active: Array | None = None

    def wants(self, flag: Scalar, active: Array | None) -> "Waiter":
        self.flag, self.active = int(flag), active
        return self

    def ready(self) -> bool:
        free = self.flags.available(self.kind, self.flag)
        if is_vector(free):
            return bool((free if self.active is None else free[self.active]).min(initial=1) > 0)
        return free > 0

    def take(self) -> None:
        self.flags.count(self.flags.taken, self.kind, self.flag, self.active)


def run_together(programs: Sequence[tuple[str, Iterator[Waiter]]]) -> None:
    """Runs programs in turn, each until it has to wait. Raises Refused with who waits for whom where none can go on."""
    running = dict(programs)
    waiting: dict[str, Waiter] = {}
    while running:
        moved = False
        for kind, program in list(running.items()):
            if kind in waiting and not waiting[kind].ready():
                continue
            waiting.pop(kind, None)
            moved = True
            found = next(program, None)
            if found is None:
                del running[kind]
            else:
                waiting[kind] = found
        if not moved:
            raise Refused(deadlock(_held(waiting)))


def _held(waiting: dict[str, Waiter]) -> list[Held]:
    names = {kind: NAMES.get(kind, kind) for kind in ("AIC", "AIV")}
    found: list[Held] = []
    for kind, waiter in waiting.items():
        other = "AIV" if kind == "AIC" else "AIC"
        found.append(Held(waiter.op, names[kind], names[other], waiter.flag, names[other] if other in waiting else ""))
    return found
