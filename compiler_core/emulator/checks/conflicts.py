"""Conflicts between blocks: bytes of global memory that one block writes and another writes or reads; blocks run in no order.

Only arrays that the kernel writes are looked at. Atomic stores do not conflict with each other, nor do accesses under a lock. A
kernel that orders its blocks itself, by compare-and-swap or a barrier of all cores, is not judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from compiler_core.diagnostics import Diagnostic, error, warning
from compiler_core.dialects.hivm import accesses, enum, short
from compiler_core.emulator.checks.regions import extent
from compiler_core.emulator.clock.recorder import Recorder, Starts
from compiler_core.emulator.execution.buffers import VIEWS
from compiler_core.emulator.execution.lanes import Array, is_vector
from compiler_core.emulator.execution.memory import GlobalBuffer, Tile
from compiler_core.ir import Op, Value
from compiler_core.ir.spans import spans_of
from compiler_core.ir.types import MemRefType

MAX_RUNS = 1 << 22
"""Contiguous pieces of all accesses to one array that are looked at one by one; beyond, its accesses are not judged."""
ORDERING = ("atomic_cas", "atomic_xchg", "sync_block")
"""Ops by which blocks can wait for each other."""

READ, WRITE, ATOMIC = range(3)


@dataclass(slots=True)
class Use:
    """A tile of an instruction in an array that the kernel writes, over all blocks that accessed it."""

    op: Op
    name: str
    tile: Tile
    kind: int
    starts: list[Array] = field(default_factory=list[Array])
    blocks: list[Array] = field(default_factory=list[Array])


class Runs(NamedTuple):
    """Byte ranges [low, high) of an array, each with its block and the number of its use."""

    low: Array
    high: Array
    block: Array
    use: Array

    def of(self, which: Array) -> "Runs":
        return Runs(*(column[which] for column in self))


class Conflicts:
    """Collects what the batches of a launch touch, and compares blocks at the end."""

    def __init__(self, functions: Sequence[Op]) -> None:
        names = {short(op) for function in functions for op in function.walk()}
        self.judged = not names.intersection(ORDERING)
        self.written = {i for f in functions for i in written_arguments(f)} if self.judged else set[int]()
        self.locked = {i for f in functions for i in locked_ops(f)} if "sync_block_lock" in names else set[int]()
        self.uses: list[Use] = []
        self._of: dict[tuple[int, int], list[tuple[int, Use | None]]] = {}
        """By recorder and ref, its global tiles: how many there are before it in the entry, and the use."""
        self._places: dict[tuple[int, tuple[int, ...]], list[tuple[Use, Array, Array]]] = {}
        """By recorder and log, as many batches have the same."""

    def batch(self, recorder: Recorder, first: int, cores: int = 1) -> None:
        """Notes what the recorder holds of the batch that starts at block `first`, of so many cores in each block."""
        if not self.judged or not recorder.starts:
            return
        log = tuple(recorder.log)
        places = self._places.get((id(recorder), log))
        if places is None:
            places = self._places[id(recorder), log] = self._found(recorder)
        marks = [(0, None), *recorder.lanes, (len(log), None)]
        for (low, lanes), (high, _) in pairwise(marks):
            blocks = first + (np.arange(recorder.count) if lanes is None else np.asarray(lanes)) // cores
            for use, at, starts in places:
                _collect(use, blocks, recorder.starts, starts if high - low == len(log) else starts[(at >= low) & (at < high)])

    def _found(self, recorder: Recorder) -> list[tuple[Use, Array, Array]]:
        """The uses in a log, each with where it stands there and which starts are its."""
        log = np.array(recorder.log, np.int64)
        places = np.nonzero(log >= 0)[0]
        refs = log[places]
        distinct, which = np.unique(refs, return_inverse=True)
        numbers: list[int] = distinct.tolist()
        outside = np.array([len(recorder.entries[ref].outside) for ref in numbers], np.int64)[which]
        begins = np.cumsum(outside) - outside
        return [
            (use, places[which == number], begins[which == number] + tile)
            for number, ref in enumerate(numbers)
            for tile, use in self._uses(recorder, ref)
            if use is not None
        ]

    def _uses(self, recorder: Recorder, ref: int) -> list[tuple[int, Use | None]]:
        found = self._of.get((id(recorder), ref))
        if found is None:
            entry = recorder.entries[ref]
            found = self._of[id(recorder), ref] = [
                (i, self._use(entry.site.op, entry.site.name, *entry.tiles[at])) for i, at in enumerate(entry.outside)
            ]
            self.uses += [use for _, use in found if use is not None]
        return found

    def _use(self, op: Op, name: str, tile: Tile, write: bool) -> Use | None:
        memory = tile.memory
        if not isinstance(memory, GlobalBuffer) or memory.index not in self.written or not tile.elements:
            return None
        kind = READ if not write else WRITE
        if op.id in self.locked or _atomic(op):
            kind = ATOMIC
        return Use(op, name, tile, kind)

    def findings(self) -> list[Diagnostic]:
        """One finding for each array and way of conflict."""
        arrays: dict[int, list[Use]] = {}
        for use in self.uses:
            assert isinstance(use.tile.memory, GlobalBuffer)
            arrays.setdefault(use.tile.memory.index, []).append(use)
        return [d for uses in arrays.values() if any(u.kind != READ for u in uses) for d in _compare(uses)]


def _collect(use: Use, blocks: Array, all_starts: Sequence[Starts], mine: Array) -> None:
    """Adds where a use began in each block that was active."""
    for start in _each(all_starts, mine.tolist()):
        use.starts.append(start if is_vector(start) else np.full(len(blocks), start, np.int64))
        use.blocks.append(blocks)


def _each(starts: Sequence[Starts], at: Sequence[int]) -> Iterator[Starts]:
    """The starts at some places, equal ones that follow each other once."""
    last: Starts | None = None
    for i in at:
        start = starts[i]
        if start is not last and (is_vector(start) or start != last):
            yield start
        last = start if not is_vector(start) else None


def _compare(uses: Sequence[Use]) -> Iterator[Diagnostic]:
    """What is wrong between the uses of one array."""
    wide = [_runs(use, number, whole=True) for number, use in enumerate(uses)]
    if not any(clash(a, b) for a, b in _pairs(uses, wide)):
        return
    if sum(len(r.low) * _rows(use.tile) for r, use in zip(wide, uses, strict=True)) > MAX_RUNS:
        return
    exact = [_runs(use, number, whole=False) for number, use in enumerate(uses)]
    for a, b in _pairs(uses, exact):
        found = clash(a, b)
        if found is not None:
            yield _told(uses, a, b, *found)


def _pairs(uses: Sequence[Use], runs: Sequence[Runs]) -> Iterator[tuple[Runs, Runs]]:
    """What must not touch the same bytes in different blocks: plain writes and all writes; reads and all writes."""
    written = _joined([r for r, u in zip(runs, uses, strict=True) if u.kind != READ])
    for kind in (WRITE, READ):
        mine = [r for r, u in zip(runs, uses, strict=True) if u.kind == kind]
        if mine:
            yield _joined(mine), written


def _joined(runs: Sequence[Runs]) -> Runs:
    return Runs(*(np.concatenate(column) for column in zip(*runs, strict=True)))


def _rows(tile: Tile) -> int:
    return tile.elements // max(1, tile.rows()[0])


def _runs(use: Use, number: int, *, whole: bool) -> Runs:
    """A use's byte ranges: from its first byte to its last, or each contiguous piece."""
    starts, blocks = np.concatenate(use.starts), np.concatenate(use.blocks)
    item = use.tile.dtype.itemsize
    if whole:
        below, above = extent(use.tile)
        low, high = starts * item + below, starts * item + above
    else:
        run, offsets = use.tile.rows()
        low = ((starts[:, None] + offsets) * item).reshape(-1)
        high, blocks = low + run * item, np.repeat(blocks, len(offsets))
    return Runs(low, high, blocks, np.full(len(low), number))


def clash(a: Runs, b: Runs) -> tuple[int, int] | None:
    """A run of `a` and one of `b` in different blocks that share a byte; None where there are none.

    `b`, put together by block and sorted, is cut into stretches that share no byte, each of one block or of several; a run of
    `a` can only clash where it meets a stretch that is not its own block's. Those are looked at one by one.
    """
    low, high, block = _stretches(b)
    first = np.searchsorted(high, a.low, side="right")
    last = np.searchsorted(low, a.high, side="left")
    foreign = np.concatenate([[0], np.cumsum(block[1:] != block[:-1])])
    met = np.minimum(first, len(low) - 1)
    suspects = (last > first) & ((block[met] != a.block) | (foreign[np.maximum(last - 1, 0)] != foreign[met]))
    for i in np.nonzero(suspects)[0].tolist():
        shared = (b.low < a.high[i]) & (b.high > a.low[i]) & (b.block != a.block[i])
        if shared.any():
            return i, int(np.argmax(shared))
    return None


def _stretches(runs: Runs) -> tuple[Array, Array, Array]:
    """Low, high and block of stretches in order that share no byte; the block is −1 where there are several."""
    low, high, block = runs.low, runs.high, runs.block
    for mixed in (False, True):
        order = np.argsort(low, kind="stable") if mixed else np.lexsort((low, block))
        low, high, block = low[order], high[order], block[order]
        reach = np.maximum.accumulate(high) if mixed else _reach(high, block)
        begins = np.concatenate([[True], low[1:] >= reach[:-1]])
        if not mixed:
            begins[1:] |= block[1:] != block[:-1]
        at = np.nonzero(begins)[0]
        lowest, highest = np.minimum.reduceat(block, at), np.maximum.reduceat(block, at)
        low, high, block = low[at], np.maximum.reduceat(high, at), np.where(lowest == highest, lowest, -1)
    return low, high, block


def _reach(high: Array, block: Array) -> Array:
    """The highest end so far, anew for each block; the blocks are in order."""
    step = int(high.max()) + 1
    return np.maximum.accumulate(high + block * step) - block * step


def _told(uses: Sequence[Use], a: Runs, b: Runs, i: int, j: int) -> Diagnostic:
    mine, theirs = uses[int(a.use[i])], uses[int(b.use[j])]
    item = mine.tile.dtype.itemsize
    told = warning if mine.kind == WRITE else error
    return told(
        "emulator-race-between-blocks" if mine.kind == READ else "emulator-written-by-two-blocks",
        *spans_of(mine.op),
        *spans_of(theirs.op),
        memory=mine.tile.memory.name,
        low=int(max(a.low[i], b.low[j])) // item,
        high=(int(min(a.high[i], b.high[j])) - 1) // item,
        first=theirs.name,
        first_block=int(b.block[j]),
        second=mine.name,
        second_block=int(a.block[i]),
    )


def _atomic(op: Op) -> bool:
    return short(op).startswith("atomic") or enum(op.attributes.get("atomic_kind")).lower() not in ("", "none")


def written_arguments(function: Op) -> set[int]:
    """The numbers of the arguments that some op writes through views; all of them where one cannot be traced."""
    return _used(function, write=True)


def read_arguments(function: Op) -> set[int]:
    """As written_arguments, of what some op reads; atomic stores read as well."""
    return _used(function, write=False)


def _used(function: Op, *, write: bool) -> set[int]:
    found: set[int] = set()
    for op in function.walk():
        for value in _outside(op, write):
            origins = _origins(value, function)
            if origins is None:
                return set(range(len(function.body.arguments)))
            found |= origins
    return found


def _outside(op: Op, write: bool) -> list[Value]:
    """The buffers in global memory that an op writes, or reads."""
    if op.name in VIEWS or not (op.name.startswith("hivm.hir.") or op.name in ("memref.load", "memref.store")):
        return []
    try:
        uses = accesses(op)
    except (LookupError, ValueError):
        uses = []
    values = [a.value for a in uses if a.write == write or _atomic(op)] if uses else list(op.operands)
    return [v for v in values if isinstance(v.type, MemRefType) and v.type.space not in ("ub", "cbuf", "cc", "ca", "cb")]


def _origins(value: Value, function: Op) -> set[int] | None:
    op = value.op
    if op is None:
        at = [i for i, argument in enumerate(function.body.arguments) if argument is value]
        return set(at) if at else None
    if op.name in VIEWS or op.name == "memref.view":
        return _origins(op.operands[0], function)
    if op.name == "arith.select":
        a, b = _origins(op.operands[1], function), _origins(op.operands[2], function)
        return None if a is None or b is None else a | b
    return None


def locked_ops(function: Op) -> set[int]:
    """Ids of the ops that run while a lock is held."""
    found: set[int] = set()
    for op in function.walk():
        for region in op.regions:
            for block in region.blocks:
                held = op.id in found
                for inner in block.ops:
                    held = held or short(inner) == "sync_block_lock"
                    if short(inner) == "sync_block_unlock":
                        held = False
                    if held:
                        found.add(inner.id)
    return found
