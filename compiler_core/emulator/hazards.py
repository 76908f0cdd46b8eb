"""Hazards: accesses that nothing orders, flags set twice or left over, and reads of what nobody wrote.

Happens-before by vector clocks over the pipes of a core: `known[p][q]` is how many items of pipe q are certainly complete
when the next item of pipe p starts. Issuing hands on what the scalar unit knows; a set flag hands on what its pipe has done
and knows to who waits for it; a barrier adds what its pipe has done. Items of one pipe start in order but overlap, so a read
or a write after a write of the same pipe also needs a barrier, except that the cube accumulates in order.
"""

from dataclasses import dataclass, field

import numpy as np

from compiler_core.diagnostics import Diagnostic, error, warning
from compiler_core.emulator.costs import ALL, BARRIER, GIVE, PIPES, RUN, SET, TAKE, WAIT, Item, M, S
from compiler_core.emulator.lanes import Array
from compiler_core.emulator.memory import GlobalBuffer, Memory, Tile
from compiler_core.emulator.order import Stream
from compiler_core.emulator.recorder import Issued, PathClass
from compiler_core.ir.spans import spans_of

Clock = list[int]


@dataclass(slots=True, eq=False)
class Access:
    """Bytes [low, high) that an item touches; `tile` and `start` say which of them where they are not all."""

    low: int
    high: int
    tile: Tile
    start: int
    pipe: int
    number: int
    """The item's place in its pipe."""
    write: bool
    entry: Issued
    name: str

    def overlaps(self, other: "Access") -> bool:
        if self.high <= other.low or other.high <= self.low:
            return False
        mine, theirs = self.runs(), other.runs()
        if len(mine) == 1 and len(theirs) == 1:
            return True
        few, many = (mine, theirs) if len(mine) < len(theirs) else (theirs, mine)
        after = np.searchsorted(many[:, 0], few[:, 1], side="left")
        return bool((np.maximum.accumulate(many[:, 1])[np.maximum(after - 1, 0)] > few[:, 0])[after > 0].any())

    def runs(self) -> Array:
        """Contiguous byte ranges [low, high), by low."""
        if self.tile.packed:
            return np.array([[self.low, self.high]])
        item = self.tile.dtype.itemsize
        run, offsets = self.tile.rows()
        base = self.start * (1 if self.tile.memory.local else item)
        lows = np.sort(base + offsets * item)
        return np.stack([lows, lows + run * item], axis=1)


@dataclass(slots=True)
class History:
    """What has touched one memory and may still matter."""

    writes: list[Access] = field(default_factory=list[Access])
    reads: list[Access] = field(default_factory=list[Access])
    written: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Byte ranges that hold data, merged."""


class HazardCheck:
    """Checks classes of blocks, each once; findings between the same two instructions are told once."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.seen: set[bytes] = set()
        self.told: set[tuple[object, ...]] = set()

    def path(self, path: PathClass, stream: Stream) -> None:
        if path.key in self.seen:
            return
        self.seen.add(path.key)
        _Block(self).run(stream)

    def tell(self, diagnostic: Diagnostic, *identity: object) -> None:
        if identity not in self.told:
            self.told.add(identity)
            self.diagnostics.append(diagnostic)


class _Block:
    """One block's walk."""

    def __init__(self, check: HazardCheck) -> None:
        self.check = check
        self.known: list[Clock] = [[0] * len(PIPES) for _ in PIPES]
        self.count: Clock = [0] * len(PIPES)
        self.flags: dict[tuple[int, int, int], list[tuple[Clock, Issued]]] = {}
        self.given: dict[int, list[Clock]] = {}
        self.taken: dict[int, int] = {}
        self.memories: dict[int, History] = {}

    def run(self, stream: Stream) -> None:
        for entry, item in stream:
            self.item(entry, item)
        for (pipe, other, event), left in self.flags.items():
            for _, entry in left:
                diagnostic = warning(
                    "emulator-flag-left", *spans_of(entry.entry.site.op), event=event, setter=PIPES[pipe], waiter=PIPES[other]
                )
                self.check.tell(diagnostic, "left", entry.entry.site.op.id, event)

    def item(self, entry: Issued, item: Item) -> None:
        pipe = item.pipe
        if pipe != ALL:
            self.learn(pipe, self.known[S])
        if item.kind == RUN:
            number = self.count[pipe]
            for use, mode in item.uses:
                if "r" in mode:
                    self.touch(entry, item, use, number, write=False)
            for use, mode in item.uses:
                if "w" in mode:
                    self.touch(entry, item, use, number, write=True)
            self.count[pipe] += 1
            if pipe == S:
                self.known[S][S] = self.count[S]
        elif item.kind == SET:
            self.set(entry, item)
        elif item.kind == WAIT:
            clock, _ = self.flags[item.other, pipe, item.event].pop(0)
            self.learn(pipe, clock)
        elif item.kind == BARRIER:
            if pipe == ALL:
                self.known = [list(self.count) for _ in PIPES]
            else:
                self.known[pipe][pipe] = self.count[pipe]
        elif item.kind == GIVE:
            self.given.setdefault(item.event, []).append(self.done(pipe))
        elif item.kind == TAKE:
            number = self.taken.get(item.event, 0)
            self.taken[item.event] = number + 1
            if number >= item.credits:
                self.learn(pipe, self.given[item.event][number - item.credits])

    def done(self, pipe: int) -> Clock:
        """What is complete when a pipe has done all it was given."""
        clock = list(self.known[pipe])
        clock[pipe] = self.count[pipe]
        return clock

    def learn(self, pipe: int, clock: Clock) -> None:
        mine = self.known[pipe]
        if mine is not clock:
            self.known[pipe] = [a if a > b else b for a, b in zip(mine, clock, strict=True)]

    def set(self, entry: Issued, item: Item) -> None:
        pending = self.flags.setdefault((item.pipe, item.other, item.event), [])
        if pending:
            diagnostic = error(
                "emulator-flag-set-twice",
                *spans_of(entry.entry.site.op),
                *spans_of(pending[-1][1].entry.site.op),
                event=item.event,
                setter=PIPES[item.pipe],
                waiter=PIPES[item.other],
            )
            self.check.tell(diagnostic, "twice", entry.entry.site.op.id, item.event)
        pending.append((self.done(item.pipe), entry))

    def touch(self, entry: Issued, item: Item, use: int, number: int, *, write: bool) -> None:
        tile = entry.entry.tiles[use][0]
        if not tile.elements:
            return
        access = self.access(entry, item, use, number, write)
        history = self.memories.setdefault(_identity(tile.memory), History())
        for earlier in history.writes:
            if not self.ordered(earlier, access) and earlier.overlaps(access):
                self.race(earlier, access)
        if write:
            for earlier in history.reads:
                if not self.ordered(earlier, access) and earlier.overlaps(access):
                    self.race(earlier, access)
        elif tile.memory.local and not _intersects(history.written, access):
            diagnostic = warning(
                "emulator-uninitialised",
                *spans_of(entry.entry.site.op),
                op=item.name,
                memory=tile.memory.name,
                low=access.low,
                high=access.high - 1,
            )
            self.check.tell(diagnostic, "uninitialised", entry.entry.site.op.id)
        self.remember(history, access)

    def access(self, entry: Issued, item: Item, use: int, number: int, write: bool) -> Access:
        tile = entry.entry.tiles[use][0]
        start = entry.start(use)
        size = 1 if tile.packed else tile.dtype.itemsize
        low, high = tile.extent()
        base = start if tile.memory.local else start * size
        if tile.packed:
            low, high = low // 8, -(-high // 8)
        return Access(base + low * size, base + high * size, tile, start, item.pipe, number, write, entry, item.name)

    def ordered(self, earlier: Access, later: Access) -> bool:
        """Whether the earlier access is certainly over, or order inside the pipe is enough."""
        if self.known[later.pipe][earlier.pipe] > earlier.number:
            return True
        if earlier.pipe != later.pipe:
            return False
        same_instruction = earlier.number == later.number
        in_order = later.pipe in (S, M) or not earlier.write or isinstance(later.tile.memory, GlobalBuffer)
        return same_instruction or in_order

    def remember(self, history: History, access: Access) -> None:
        """Adds the access; what it covers and comes after need not be kept, as whoever waits for it has waited for that too."""
        whole = access.high - access.low == access.tile.bytes
        if access.write:
            if whole:
                history.writes = [a for a in history.writes if not (_covers(access, a) and self.ordered(a, access))]
                history.reads = [a for a in history.reads if not (_covers(access, a) and self.ordered(a, access))]
            history.writes.append(access)
            _insert(history.written, access.low, access.high)
        else:
            history.reads = [a for a in history.reads if not (a.pipe == access.pipe and whole and _covers(access, a))]
            history.reads.append(access)

    def race(self, earlier: Access, later: Access) -> None:
        kind = {(True, False): "RAW", (False, True): "WAR", (True, True): "WAW"}[earlier.write, later.write]
        diagnostic = error(
            "emulator-race" if earlier.pipe != later.pipe else "emulator-race-within",
            *spans_of(later.entry.entry.site.op),
            *spans_of(earlier.entry.entry.site.op),
            kind=kind,
            memory=later.tile.memory.name,
            low=max(earlier.low, later.low),
            high=min(earlier.high, later.high) - 1,
            first=earlier.name,
            first_pipe=PIPES[earlier.pipe],
            second=later.name,
            second_pipe=PIPES[later.pipe],
        )
        self.check.tell(diagnostic, "race", earlier.entry.entry.site.op.id, later.entry.entry.site.op.id, kind)


def _identity(memory: Memory) -> int:
    return memory.index if isinstance(memory, GlobalBuffer) else -1 - ("UB", "L1", "L0C").index(memory.name)


def _covers(access: Access, other: Access) -> bool:
    return access.low <= other.low and other.high <= access.high


def _intersects(ranges: list[tuple[int, int]], access: Access) -> bool:
    return any(low < access.high and access.low < high for low, high in ranges)


def _insert(ranges: list[tuple[int, int]], low: int, high: int) -> None:
    """Adds a range, joining those it touches."""
    joined = [r for r in ranges if r[0] <= high and low <= r[1]]
    for r in joined:
        ranges.remove(r)
        low, high = min(low, r[0]), max(high, r[1])
    ranges.append((low, high))
