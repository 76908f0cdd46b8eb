"""The state of a run that programs see: chip, memories, limits, and which lanes of the batch are active."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NoReturn

import numpy as np

from compiler_core.chips import Chip
from compiler_core.diagnostics import Argument, Diagnostic, LimitHit, Refused, error, message
from compiler_core.emulator.clock.recorder import Recorder
from compiler_core.emulator.execution.between import Flags
from compiler_core.emulator.execution.lanes import Array, Scalar, is_vector
from compiler_core.emulator.execution.memory import LocalMemory, Piece, progressions
from compiler_core.ir import Op
from compiler_core.ir.spans import spans_of

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RuntimeError, MemoryError)
"""What code that no verifier has seen can lead to deep inside; told as a refusal."""

PAUSE = 256
"""Instructions between two looks at the clock."""
MOST_CUTS = 256
"""Cuts that are kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use; hitting one raises LimitHit."""

    instructions: int = 5_000_000
    """Instructions issued, counted once for each batch of blocks that runs them together."""
    seconds: float = 60.0
    bytes: int = 1 << 30
    """On-chip memory held at once for a batch of blocks."""


@dataclass(slots=True, eq=False)
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


def _discard(code: int) -> None:
    """Logs nothing."""


@dataclass(slots=True)
class Machine:
    """What all batches of one program share, and the batch that is running: `count` lanes from block `first` on."""

    chip: Chip
    local: dict[str, LocalMemory]
    """By address space: ub, cbuf, cc."""
    recorder: Recorder
    functional: bool
    limits: Limits
    deadline: float
    blocks: int = 1
    """Blocks of the whole launch."""
    sub_blocks: int = 1
    """Lanes of a block: the vector cores that share it in a mixed kernel."""
    varied: bool = True
    """Whether there is more than one lane in any batch."""
    issued: int = 0
    """Instructions and loop turns of the batches before."""
    operations: int = 0
    """Arithmetic operations over all blocks: an element of a vector instruction is one, a multiply-add two."""
    weights: dict[int, int] = field(default_factory=dict[int, int])
    """Arithmetic operations of one lane, by code in the log."""
    kind: str = "AIV"
    """The cores that run the program: AIC, AIV, or AI on a coupled chip."""
    flags: Flags | None = None
    """Flags between the cores of a block, where several run it."""
    watched: bool = False
    """Whether instructions that make inf or nan raise Made."""
    first: int = 0
    count: int = 1
    pause: int = PAUSE
    """The length of the log at which limits are looked at next."""
    log: Callable[[int], None] = _discard
    starts: Callable[[Scalar], None] = _discard
    current: Array | None = None
    """Lanes that the log's last entries belong to."""
    printed: list[str] = field(default_factory=list[str])
    """What debug ops would print, and assertions that did not hold, as text with the block's number."""
    known_lanes: dict[bytes, Array] = field(default_factory=dict[bytes, Array])
    cuts: dict[tuple[int, ...], "Cut"] = field(default_factory=dict[tuple[int, ...], "Cut"])
    agreements: dict[tuple[object, ...], "Agreement"] = field(default_factory=dict[tuple[object, ...], "Agreement"])

    def allocate(self, blocks: int) -> None:
        """Memory of a batch, and flags that nobody has raised."""
        if self.functional:
            for memory in self.local.values():
                memory.allocate(blocks * self.sub_blocks)
        if self.flags is not None:
            self.flags.begin(blocks)

    def begin(self, first: int, count: int) -> None:
        """A new batch of so many lanes, from block `first` on."""
        self.first, self.count = first, count
        self.recorder.begin(count)
        self.log, self.starts = self.recorder.log.append, self.recorder.starts.append
        self.current = None
        self.pause = PAUSE
        self.agreements.clear()
        self.cuts.clear()

    def end(self) -> None:
        """Counts what the batch did."""
        log, weight = self.recorder.log, self.weights.get
        self.issued += len(log)
        marks = [(0, None), *self.recorder.lanes, (len(log), None)]
        for (low, lanes), (high, _) in pairwise(marks):
            operations = sum(filter(None, map(weight, log[low:high])))
            self.operations += operations * (self.count if lanes is None else len(lanes))

    def tick(self, issued: int) -> None:
        """Raises LimitHit where the batch has done or taken too much."""
        limits = self.limits
        if self.issued + issued > limits.instructions:
            raise LimitHit(error("emulator-limit-instructions", limit=limits.instructions))
        if time.monotonic() > self.deadline:
            raise LimitHit(error("emulator-limit-seconds", limit=limits.seconds))
        self.pause = issued + PAUSE

    # Lanes

    def lanes(self, members: Array) -> Array | None:
        """Lane numbers as the one array that stands for them; None for all lanes."""
        if len(members) == self.count:
            return None
        key = members.tobytes()
        return self.known_lanes.setdefault(key, members)

    def only(self, lanes: Array | None) -> None:
        """From here on the log tells of these lanes."""
        if lanes is not self.current:
            self.current = lanes
            self.recorder.lanes.append((len(self.recorder.log), lanes))

    def members(self, active: Array | None) -> Array:
        return np.arange(self.count) if active is None else active

    def divide(self, condition: Scalar, active: Array | None) -> tuple[Array | bool | None, Array | bool | None, Array | None]:
        """The active lanes for which a condition holds, those for which it does not (False for nobody), and where it holds."""
        if not is_vector(condition):
            return (active, False, None) if condition else (False, active, None)
        mask = condition.astype(np.bool_)
        members = self.members(active)
        mine = mask[members]
        if mine.all():
            return active, False, mask
        if not mine.any():
            return False, active, mask
        return self.lanes(members[mine]), self.lanes(members[~mine]), mask

    def narrow(self, condition: Scalar, active: Array | None) -> tuple[Array | bool | None, Array]:
        """The active lanes that go on, False for nobody, and where they are."""
        mask = np.broadcast_to(np.asarray(condition).astype(np.bool_), (self.count,))
        members = self.members(active)
        left = members[mask[members]]
        alive = np.zeros(self.count, np.bool_)
        alive[left] = True
        return (self.lanes(left) if len(left) else False), alive

    def trips(self, low: Scalar, high: Scalar, by: Scalar, active: Array | None) -> tuple[int, Array]:
        """The most turns any active lane takes, and each lane's."""
        turns = np.broadcast_to(-((np.asarray(low) - high) // by), (self.count,))
        return int(turns[self.members(active)].max(initial=0)), turns

    def alive(self, trips: Array, turn: int, active: Array | None) -> tuple[Array | None, Array]:
        """The active lanes that take one more turn, and where they are."""
        mask = trips > turn
        if mask.all():
            return active, mask
        members = self.members(active)
        return self.lanes(members[mask[members]]), mask

    def agreeing(self, active: Array | None, fields: tuple[Scalar, ...]) -> list[tuple[Array | None, tuple[int, ...]]]:
        """Groups of active lanes for which every field is one number, with the numbers."""
        vectors = [f for f in fields if is_vector(f)]
        if not vectors:
            return [(active, fields)]
        key = (id(active), *(id(f) if is_vector(f) else f for f in fields))
        found = self.agreements.get(key)
        if found is None:
            found = self.agreements[key] = Agreement(active, fields, self._agree(active, fields, vectors))
        return found.groups

    def cut(self, lanes: Array | None, bases: tuple[Scalar, ...], count: int) -> "Cut":
        """Lanes in pieces over which every base is a progression."""
        key = (id(lanes), *[id(base) for base in bases])
        found = self.cuts.get(key)
        if found is None:
            mine = [b[lanes] if lanes is not None and is_vector(b) else b for b in bases]
            ranges = [(0, 0) if b is None else (int(b.min()), int(b.max())) if is_vector(b) else (int(b), int(b)) for b in mine]
            pieces = list(progressions(lanes, [b for b in mine if is_vector(b)], count))
            if len(self.cuts) > MOST_CUTS:
                self.cuts.clear()
            found = self.cuts[key] = Cut(lanes, bases, ranges, pieces)
        return found

    def _agree(
        self, active: Array | None, fields: tuple[Scalar, ...], vectors: list[Array]
    ) -> list[tuple[Array | None, tuple[int, ...]]]:
        members = self.members(active)
        distinct = list({id(v): v if active is None else v[members] for v in vectors}.values())
        if all(bool((v == v[0]).all()) for v in distinct):
            groups = [members]
        else:
            alike: dict[tuple[int, ...], list[int]] = {}
            for place, numbers in enumerate(zip(*[v.tolist() for v in distinct], strict=True)):
                alike.setdefault(numbers, []).append(place)
            groups = [members[places] for _, places in sorted(alike.items())]
        return [
            (active if len(g) == len(members) else self.lanes(g), tuple([int(f[g[0]]) if is_vector(f) else f for f in fields]))
            for g in groups
        ]


@dataclass(frozen=True, slots=True)
class Cut:
    """Lanes in pieces, with the least and greatest entry of each base; the bases are held, so that they stay what they are."""

    lanes: Array | None
    bases: tuple[Scalar, ...]
    ranges: list[tuple[int, int]]
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Groups of lanes, with the vectors they were found from: held, so that these stay what they are."""

    active: Array | None
    fields: tuple[Scalar, ...]
    groups: list[tuple[Array | None, tuple[int, ...]]]
