"""The state of a run: chip, memories, the batch of blocks being executed, and how an instruction is carried out over
its lanes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from compiler_core.chips import Chip
from compiler_core.diagnostics import Argument, Diagnostic, LimitHit, Refused, error, message
from compiler_core.emulator.lanes import UNKNOWN, Array, Scalar
from compiler_core.emulator.memory import (
    Group,
    LocalMemory,
    OutOfBounds,
    Unsupported,
    View,
    read_bits,
    split,
    write_bits,
)
from compiler_core.emulator.recorder import Recorder
from compiler_core.ir import Op
from compiler_core.ir.spans import spans_of


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use; hitting one raises LimitHit."""

    instructions: int = 5_000_000
    """Instructions issued, counted once for each batch of blocks that runs them together."""
    seconds: float = 60.0
    bytes: int = 1 << 30
    """On-chip memory held at once for a batch of blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """An instruction in the program.

    `pipe` is S, V, M, MTE1, MTE2, MTE3 or FIX; `scalars` counts the scalar ops just before it.
    """

    index: int
    op: Op
    name: str
    pipe: str
    scalars: int


def refuse(at: Op, code: str, /, **arguments: Argument) -> NoReturn:
    """Raises Refused with a message that points at an op."""
    raise Refused(Diagnostic("error", message(code, **arguments), spans_of(at)))


@dataclass(slots=True)
class Machine:
    """What all batches of a run share."""

    chip: Chip
    local: dict[str, LocalMemory]
    """By address space: ub, cbuf, cc."""
    recorder: Recorder
    functional: bool
    limits: Limits
    deadline: float
    blocks: int = 1
    """Blocks of the whole launch."""
    issued: int = 0
    operations: int = 0
    """Arithmetic operations over all blocks: an element of a vector instruction is one, a multiply-add two."""

    def count(self, op: Op) -> None:
        """Notes one more instruction or loop turn. Raises LimitHit."""
        self.issued += 1
        if self.issued > self.limits.instructions:
            raise LimitHit(error("emulator-limit-instructions", *spans_of(op), limit=self.limits.instructions))
        if not self.issued & 255 and time.monotonic() > self.deadline:
            raise LimitHit(error("emulator-limit-seconds", *spans_of(op), limit=self.limits.seconds))


Apply = Callable[[list[Array], list[Scalar], list[Scalar], int], None]
"""Carries out an instruction on arrays [lanes…, *sizes]: arrays, scalar operands, extras, number of lane axes."""


@dataclass(slots=True)
class Batch:
    """Consecutive blocks executed together. `values` holds every SSA value by its slot."""

    machine: Machine
    first: int
    count: int
    values: list[Any]
    active: Array | None = None
    """Lanes that execute what is being executed; None for all."""

    def perform(
        self,
        site: Site,
        views: Sequence[View],
        writes: Sequence[bool],
        apply: Apply | None,
        scalars: Sequence[Scalar] = (),
        extras: Sequence[Scalar] = (),
        weight: Callable[[Group], int] | None = None,
    ) -> None:
        """Runs an instruction once for each group of lanes that agree on its shapes.

        `apply` is None where nothing is computed; `weight` counts the arithmetic operations of one lane.
        """
        machine = self.machine
        machine.count(site.op)
        for scalar in extras:
            if scalar is UNKNOWN:
                refuse(site.op, "emulator-needs-data", op=site.op.name)
        try:
            for group in split(self.active, self.count, views, extras):
                for tile in group.tiles:
                    tile.check()
                if apply is not None and machine.functional:
                    self._apply(group, writes, apply, scalars)
                if weight is not None:
                    machine.operations += weight(group) * group.count
                machine.recorder.add(site, group, writes)
        except OutOfBounds as found:
            self._out_of_bounds(site, found)
        except Unsupported as found:
            refuse(site.op, "emulator-unsupported", op=site.op.name, what=str(found))
        except (ValueError, TypeError, LookupError, AttributeError, MemoryError) as problem:
            refuse(site.op, "emulator-malformed-op", op=site.op.name, what=f"{type(problem).__name__}: {problem}")

    def _apply(self, group: Group, writes: Sequence[bool], apply: Apply, scalars: Sequence[Scalar]) -> None:
        rank = max((len(t.sizes) for t in group.tiles), default=0)
        for piece, arrays in group.pieces():
            axes = len(piece.shape)
            given = [group.scalar(s, piece, rank) for s in scalars]
            if not any(t.packed for t in group.tiles):
                apply(arrays, given, group.extras, axes)
                continue
            held = list(arrays)
            for i, tile in enumerate(group.tiles):
                if tile.packed and writes[i]:
                    held[i] = np.empty((*piece.shape, *tile.sizes), np.bool_)
                elif tile.packed:
                    held[i] = read_bits(arrays[i], tile.sizes, axes)
            apply(held, given, group.extras, axes)
            for i, tile in enumerate(group.tiles):
                if tile.packed and writes[i]:
                    write_bits(arrays[i], held[i], axes)

    def _out_of_bounds(self, site: Site, found: OutOfBounds) -> NoReturn:
        lanes = self.active
        block = self.first + (found.lane if lanes is None else int(lanes[min(found.lane, len(lanes) - 1)]))
        refuse(
            site.op,
            "emulator-out-of-bounds-chip" if found.memory.local else "emulator-out-of-bounds",
            op=site.name,
            memory=found.memory.name,
            low=found.low,
            high=found.high - 1,
            size=found.limit,
            block=block,
        )
