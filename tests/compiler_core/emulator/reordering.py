"""A block's instructions in other orders that flags and barriers allow, to see whether global memory ends up otherwise.

This knows nothing of clocks or of what hazards.py looks for. Pipes take from their queues what they may; one instruction is
late: it starts, or ends, only when nothing else can move. Memory holds for each byte which instruction wrote it from what, so
that two orders differ exactly where an instruction has read or left other data. What a flag or a barrier is good for shows when
it is taken away: the instructions before it are made late one after the other.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import numpy as np

from compiler_core.diagnostics import Refused
from compiler_core.dialects.hivm import flag, short
from compiler_core.emulator.checks.hazards import HazardCheck, Program
from compiler_core.emulator.checks.regions import extent
from compiler_core.emulator.clock import costs
from compiler_core.emulator.clock.costs import ALL, PIPES, Item, M, S
from compiler_core.emulator.clock.recorder import Issued, PathClass
from compiler_core.emulator.execution.memory import GlobalBuffer
from compiler_core.ir import Op

SYNC = ("set_flag", "wait_flag", "pipe_barrier", "sync_block_set", "sync_block_wait")
COUNT = len(PIPES)
LATE_OF_A_PIPE = 2
"""So many instructions of each pipe before a place where something was taken away are made late."""
PLACES = 5
"""So many places where an op ran are looked at."""
Cells = np.ndarray[tuple[int], np.dtype[np.int64]]
Token = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Act:
    """One item as one block ran it. A pipe's number counts through the cores."""

    op: Op
    name: str
    kind: int
    pipe: int
    all_pipes: bool
    reads: tuple[Cells, ...]
    writes: tuple[Cells, ...]
    outside: bool
    """Whether it writes global memory."""
    tokens: tuple[Token, ...]
    number: int


def captured(run: Callable[[], object]) -> list[list[Program]]:
    """What each class of blocks ran while something was run with hazards checked: its cores' programs."""
    found: list[list[Program]] = []
    with patch.object(HazardCheck, "block", lambda check, programs: found.append(list(programs))):
        run()
    return found


def without(program: Program, ops: Iterable[Op]) -> Program:
    """The program as if some ops were not in the code."""
    path, gone = program.path, set(ops)
    entries = [v.entry for v in path.recorder.variants]
    keep = np.array([c < 0 or entries[c].site.op not in gone for c in path.codes.tolist()], np.bool_)
    positions = np.arange(len(path.recorder.log)) if path.positions is None else path.positions
    return replace(program, path=PathClass(path.codes[keep], path.blocks, b"", path.recorder, path.lane, positions[keep]))


def synchronisation(programs: Sequence[Program]) -> list[Op]:
    """The flags, barriers and counters that ran, in order."""
    ran = (p.path.recorder.variants[c].entry.site.op for p in programs for c in dict.fromkeys(p.path.codes.tolist()) if c >= 0)
    return list(dict.fromkeys(op for op in ran if short(op) in SYNC))


def pairs(ops: Sequence[Op]) -> list[tuple[Op, Op]]:
    """Each set with the wait of the same event that stands with it in one block of code, and between cores each set with the
    wait for that flag in the other core's program.
    """
    sides: dict[tuple[object, ...], tuple[list[Op], list[Op]]] = {}
    for op in ops:
        name = short(op)
        if name in ("set_flag", "wait_flag"):
            sides.setdefault((op.parent, *flag(op)), ([], []))[name == "wait_flag"].append(op)
        elif name in ("sync_block_set", "sync_block_wait"):
            on_cube = "CUBE" in str(op.attributes.get("tcore_type"))
            key = (str(op.attributes.get("static_flag_id")), on_cube == (name == "sync_block_set"))
            sides.setdefault(key, ([], []))[name == "sync_block_wait"].append(op)
    return [pair for sets, waits in sides.values() for pair in zip(sets, waits, strict=False)]


@dataclass
class Cut:
    """Every memory cut where some instruction's bytes begin or end."""

    bounds: dict[object, set[int]] = field(default_factory=dict[object, set[int]])
    first: dict[object, int] = field(default_factory=dict[object, int])
    sorted: dict[object, list[int]] = field(default_factory=dict[object, list[int]])

    def finish(self) -> int:
        """Numbers the cells; gives how many there are."""
        total = 0
        for space, bounds in self.bounds.items():
            self.first[space], self.sorted[space] = total, sorted(bounds)
            total += len(bounds)
        return total

    def cells(self, space: object, runs: Sequence[tuple[int, int]]) -> Cells:
        bounds, first = self.sorted[space], self.first[space]
        found = [np.arange(np.searchsorted(bounds, low), np.searchsorted(bounds, high)) + first for low, high in runs]
        return np.concatenate(found)


@dataclass
class Trace:
    """A block's acts by core, and the cells of global memory."""

    cores: list[list[Act]]
    size: int
    outside: Cells


def trace(programs: Sequence[Program]) -> Trace:
    steps = [_issued(p) for p in programs]
    cut = Cut({(p.core, "L0"): {0, 1, 2, 3, 4} for p in programs})
    for program, mine in zip(programs, steps, strict=True):
        for issued, item in mine:
            for use, _ in item.uses:
                for space, runs in _runs(program.core, issued, use):
                    cut.bounds.setdefault(space, set()).update(x for run in runs for x in run)
    size = cut.finish()
    cores = [
        _through_l0([_act(p.core, issued, item, cut, len(programs), at) for at, (issued, item) in enumerate(mine)], cut)
        for p, mine in zip(programs, steps, strict=True)
    ]
    outside = [np.arange(len(cut.sorted[s])) + cut.first[s] for s in cut.bounds if isinstance(s, GlobalBuffer)]
    return Trace(cores, size, np.concatenate(outside) if outside else np.zeros(0, np.int64))


def _issued(program: Program) -> list[tuple[Issued, Item]]:
    codes = [c for c in program.path.codes.tolist() if c >= 0]
    return [(issued, item) for code, issued in zip(codes, program.path.issued(), strict=True) for item in program.items(code)]


def _runs(core: int, issued: Issued, use: int) -> list[tuple[object, list[tuple[int, int]]]]:
    """The memory and byte ranges of a tile; none where it is empty."""
    tile = issued.entry.tiles[use][0]
    if not tile.elements:
        return []
    space: object = tile.memory if isinstance(tile.memory, GlobalBuffer) else (core, tile.memory.name)
    item = tile.dtype.itemsize
    start = issued.start(use) * (item if isinstance(tile.memory, GlobalBuffer) else 1)
    if tile.packed:
        low, high = extent(tile)
        return [(space, [(start + low, start + high)])]
    run, offsets = tile.rows()
    return [(space, [(start + o * item, start + (o + run) * item) for o in offsets.tolist()])]


def _act(core: int, issued: Issued, item: Item, cut: Cut, cores: int, number: int) -> Act:
    def cells(wanted: str) -> tuple[Cells, ...]:
        uses = [u for u, mode in item.uses if wanted in mode]
        return tuple(cut.cells(space, runs) for u in uses for space, runs in _runs(core, issued, u))

    outside = any(use in issued.entry.outside and "w" in mode for use, mode in item.uses)
    pipe = core * COUNT + (S if item.pipe == ALL else item.pipe)
    op = issued.entry.site.op
    tokens = _tokens(core, item, cores)
    return Act(op, item.name, item.kind, pipe, item.pipe == ALL, cells("r"), cells("w"), outside, tokens, number)


def _through_l0(acts: list[Act], cut: Cut) -> list[Act]:
    """The acts of a core, with L0A and L0B between a macro's moves and its products: two halves that take turns."""
    found: list[Act] = []
    turn = 0
    for act in acts:
        halves = cut.cells((act.pipe // COUNT, "L0"), [(2 * turn, 2 * turn + 2)])
        if act.kind == costs.RUN and act.name in ("L1->L0A", "L1->L0B"):
            act = replace(act, writes=(halves[:1] if act.name == "L1->L0A" else halves[1:],))
        elif act.kind == costs.RUN and act.pipe % COUNT == M:
            act, turn = replace(act, reads=(*act.reads, halves)), 1 - turn
        found.append(act)
    return found


def _tokens(core: int, item: Item, cores: int) -> tuple[Token, ...]:
    """What a set gives and a wait takes."""
    if item.kind == costs.SET:
        return ((core, item.pipe, item.other, item.event),)
    if item.kind == costs.WAIT:
        return ((core, item.other, item.pipe, item.event),)
    if item.kind in (costs.GIVE, costs.TAKE):
        return (("macro", core, item.event),)
    if item.kind in (costs.POST, costs.AWAIT):
        others = range(1, cores) if core == 0 else (0,)
        ends = [(core, o) if item.kind == costs.POST else (o, core) for o in others]
        return tuple(("cores", *end, item.event) for end in ends)
    return ()


GIVING, TAKING = (costs.SET, costs.GIVE, costs.POST), (costs.WAIT, costs.TAKE, costs.AWAIT)


class Order:
    """One order: what may move does, except for one late act."""

    def __init__(self, trace: Trace, late: Act | None = None, ends_late: bool = False) -> None:
        pipes = len(trace.cores) * COUNT
        self.trace = trace
        self.late = late
        self.ends_late = ends_late
        self.next = [0] * len(trace.cores)
        self.queues: list[deque[Act]] = [deque() for _ in range(pipes)]
        self.running: tuple[Act, int] | None = None
        """The late act once it has started, and what it has read."""
        self.waiting: list[Act] = []
        """Sets that come when the late act has ended."""
        self.tokens: dict[Token, int] = {}
        self.content = np.arange(trace.size, dtype=np.int64)
        self.scalars = [0] * len(trace.cores)
        """What each scalar unit has read from memory: whatever it issues may depend on it."""
        self.given: dict[int, int] = {}

    def run(self) -> bool:
        """Whether all acts were carried out."""
        while True:
            moved = any(self.issue(core) for core in range(len(self.next)))
            moved = any(self.pipe(p) for p in range(len(self.queues))) or moved
            if not moved and not self.let_go():
                return all(n == len(c) for n, c in zip(self.next, self.trace.cores, strict=True)) and not any(self.queues)

    def left(self) -> bool:
        """Whether a flag is still set."""
        return any(count for token, count in self.tokens.items() if token[0] != "macro")

    def let_go(self) -> bool:
        """Ends the late act, or lets it start; whether there was one."""
        if self.running is not None:
            (act, read), self.running = self.running, None
            self.write(act, read)
            waiting, self.waiting = self.waiting, []
            for set_ in waiting:
                self.give(set_)
            return True
        found, self.late = self.late is not None and not self.ends_late, None
        return found

    def issue(self, core: int) -> bool:
        acts, began = self.trace.cores[core], self.next[core]
        while self.next[core] < len(acts):
            act = acts[self.next[core]]
            if act.pipe % COUNT == S:
                if act.all_pipes and not self.idle(core):
                    break
                if not self.carry_out(act):
                    break
            else:
                self.queues[act.pipe].append(act)
                self.given[id(act)] = self.scalars[core]
            self.next[core] += 1
        return self.next[core] > began

    def idle(self, core: int) -> bool:
        busy = self.running is not None and self.running[0].pipe // COUNT == core
        return not busy and not any(self.queues[core * COUNT : core * COUNT + COUNT])

    def pipe(self, pipe: int) -> bool:
        queue, moved = self.queues[pipe], False
        while queue and self.carry_out(queue[0]):
            queue.popleft()
            moved = True
        return moved

    def carry_out(self, act: Act) -> bool:
        """Whether the act can go now, and went."""
        behind = self.running is not None and self.running[0].pipe == act.pipe
        if act.kind == costs.RUN:
            return self.work(act, behind)
        if act.kind in GIVING:
            if behind:
                self.waiting.append(act)
            else:
                self.give(act)
        elif act.kind in TAKING:
            credit = 2 if act.tokens[0][0] == "macro" and act.tokens[0][-1] == 0 else 0
            if not all(self.tokens.get(t, credit) > 0 for t in act.tokens):
                return False
            for t in act.tokens:
                self.tokens[t] = self.tokens.get(t, credit) - 1
        elif behind:
            return False
        return True

    def work(self, act: Act, behind: bool) -> bool:
        if act is self.late and not self.ends_late:
            return False
        if self.running is not None and behind:
            before = self.running[0]
            if act.pipe % COUNT in (S, M) or (before.outside and act.outside):
                return False
        read = self.read(act)
        if act is self.late:
            self.running, self.late = (act, read), None
        else:
            self.write(act, read)
        return True

    def give(self, act: Act) -> None:
        for t in act.tokens:
            credit = 2 if t[0] == "macro" and t[-1] == 0 else 0
            self.tokens[t] = self.tokens.get(t, credit) + 1

    def read(self, act: Act) -> int:
        core, scalar = divmod(act.pipe, COUNT)
        given = self.scalars[core] if scalar == S else self.given[id(act)]
        found = hash((act.pipe, act.number, given, *(self.content[cells].tobytes() for cells in act.reads)))
        if scalar == S and act.reads:
            self.scalars[core] = found
        return found

    def write(self, act: Act, read: int) -> None:
        for cells in act.writes:
            self.content[cells] = _spread(read, len(cells))


def _spread(seed: int, count: int) -> Cells:
    """Numbers for the cells that one act writes, different from each other and from other acts'."""
    with np.errstate(over="ignore"):
        return np.int64(seed) + np.arange(count, dtype=np.int64) * np.int64(0x1E3779B97F4A7C15)


def result(found: Trace) -> bytes | None:
    """What global memory holds after the order in which nothing is late; None where that gets stuck."""
    order = Order(found)
    return order.content[found.outside].tobytes() if order.run() else None


def matters(whole: Trace, gone: Sequence[Op], expected: bytes) -> bool:
    """Whether code without some ops can get stuck, leave a flag set, or leave other data than the whole code does."""
    places = [(core, i) for core, acts in enumerate(whole.cores) for i, act in enumerate(acts) if act.op in gone]
    cores = [[a for a in acts if a.op not in gone] for acts in whole.cores]
    less = Trace(cores, whole.size, whole.outside)
    first = Order(less)
    if not first.run() or first.left() or first.content[less.outside].tobytes() != expected:
        return True
    suspects: dict[int, Act] = {}
    for core, place in places[:PLACES]:
        seen: dict[int, int] = {}
        for act in reversed(whole.cores[core][:place]):
            if act.kind == costs.RUN and act.pipe % COUNT != S and (act.reads or act.writes):
                seen[act.pipe] = seen.get(act.pipe, 0) + 1
                if seen[act.pipe] <= LATE_OF_A_PIPE:
                    suspects[id(act)] = act
    for act in suspects.values():
        for ends_late in (False, True):
            order = Order(less, act, ends_late)
            if not order.run() or order.content[less.outside].tobytes() != expected:
                return True
    return False


def told(programs: Sequence[Program], gone: Sequence[Op]) -> list[str]:
    """What the hazard check says of code without some ops."""
    check = HazardCheck([f"core {p.core}" for p in programs])
    try:
        check.block([without(p, gone) for p in programs])
    except Refused as refused:
        return [d.message.code for d in refused.diagnostics]
    return [d.message.code for d in check.diagnostics]
