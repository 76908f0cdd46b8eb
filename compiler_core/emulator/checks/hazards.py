"""Hazards: accesses that nothing orders, flags set twice or left over, deadlocks, reads of bytes not written or written over.

Happens-before by vector clocks over the pipes of all cores of a block: `known[p][q]` is how many items of pipe q are certainly
complete when the next item of pipe p starts. Issuing hands on what the scalar unit knows; a set flag hands on what its pipe has
done and knows to who waits for it; a barrier adds what its pipe has done. Items of one pipe start in order but overlap, so a
read or a write after a write of the same pipe also needs a barrier, except that the cube accumulates in order.

An access that a later one of the same pipe contains is forgotten, and so is one that it is ordered after: whoever knows that
the later one is over knows it of the earlier one too, and what conflicts with the earlier one conflicts with the later one.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from compiler_core.diagnostics import Diagnostic, Refused, error, warning
from compiler_core.emulator.checks.deadlock import Held, deadlock
from compiler_core.emulator.checks.regions import Region, Regions, Space
from compiler_core.emulator.clock import costs
from compiler_core.emulator.clock.costs import ALL, PIPES, Item, M, S
from compiler_core.emulator.clock.recorder import Entry, PathClass
from compiler_core.emulator.execution.buffers import buffer_of
from compiler_core.emulator.execution.lanes import Array, is_vector
from compiler_core.emulator.execution.memory import ALIGNMENT, Tile
from compiler_core.ir.spans import spans_of

Clock = list[int]
Symbols = np.ndarray[tuple[int], np.dtype[np.int64]]
Items = Callable[[int], tuple[Item, ...]]
"""What a variant, by its number, asks of the pipes."""

COUNT = len(PIPES)
RUN, SET, WAIT, BARRIER, DRAIN, LEARN = range(6)
"""RUN touches memory. SET gives a token with the pipe's clock to channels; WAIT takes one. BARRIER empties a pipe, DRAIN a
core. LEARN hands what the scalar unit knew when it issued to a pipe that stood still.
"""

CREDITS = 2
"""Times a macro may fill L0 before it is first emptied: its two halves."""
GRAIN = 64
"""Bytes: a multiple of the size of every type."""
FEW_TURNS = 8
"""Fewer turns that repeat are walked: to compare states would take longer."""
PERIOD = 4
"""Most turns of a loop after which its instructions are expected to repeat, as with buffers that take turns."""


class Channel(NamedTuple):
    """What tokens pass through: an event flag between two pipes, or a counter inside a macro or between two cores, which have
    their scalar pipes as ends.
    """

    setter: int
    waiter: int
    event: int
    flag: bool = True
    credits: int = 0
    """Tokens that are there from the beginning."""


class Step(NamedTuple):
    """What a pipe is asked to do, as far as order matters. A pipe's number counts through the cores."""

    kind: int
    pipe: int
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    """Regions."""
    channels: tuple[int, ...] = ()
    entry: Entry | None = None
    name: str = ""
    clock: tuple[int, ...] = ()
    whole: bool = False
    """Whether it speaks for all pipes of its core."""


Touch = tuple[int, Step]
"""An item's number in its pipe, and the item."""


@dataclass(slots=True)
class Program:
    """What one core of a block ran: symbols in issue order, and loop turn marks below zero."""

    path: PathClass
    items: Items
    core: int = 0


class HazardCheck:
    """Checks classes of blocks, each once; findings between the same two instructions are told once."""

    def __init__(self, cores: Sequence[str] = ("",)) -> None:
        self.cores = cores
        """Names of a block's cores, in front of their pipes' names."""
        self.diagnostics: list[Diagnostic] = []
        self.regions = Regions()
        self.channels: list[Channel] = []
        self.table: list[tuple[Step, ...]] = []
        """The steps of a symbol."""
        self._channels: dict[Channel, int] = {}
        self._symbols: dict[tuple[object, ...], int] = {}
        self._outside: dict[tuple[int, int], list[tuple[int, Space, int, bool]]] = {}
        self._origins: dict[int, int] = {}
        """By id of a global space, the byte that the block at hand counts from, so that blocks with a part each are alike."""
        self._begins: dict[int, tuple[list[int], list[int]]] = {}
        """By id of a recorder, a batch's log and where each of its instructions has its starts."""
        self._seen: set[tuple[bytes, ...]] = set()
        self._alike: set[tuple[bytes, ...]] = set()
        """Paths checked whatever their global addresses are: nobody can race there."""
        self._told: set[tuple[object, ...]] = set()

    def block(self, programs: Sequence[Program]) -> None:
        """Checks a class of blocks: what each of its cores ran. Raises Refused in a deadlock."""
        paths = tuple(p.path.key for p in programs)
        if paths in self._alike:
            return
        shared = self._shared(programs)
        if not shared:
            self._alike.add(paths)
        placed = [self._placed(p, shared) for p in programs]
        self._origins = self._lowest(programs, placed)
        symbols = [self._translated(p, mine) for p, mine in zip(programs, placed, strict=True)]
        key = tuple(s.tobytes() for s in symbols)
        if key not in self._seen:
            self._seen.add(key)
            _Walk(self, [s.tolist() for s in symbols]).run()

    def path(self, path: PathClass, items: Items) -> None:
        """As block, of one core."""
        self.block([Program(path, items)])

    def tell(self, diagnostic: Diagnostic, *identity: object) -> None:
        if identity not in self._told:
            self._told.add(identity)
            self.diagnostics.append(diagnostic)

    def pipe_name(self, pipe: int) -> str:
        core = self.cores[pipe // COUNT]
        return f"{core}.{PIPES[pipe % COUNT]}" if core else PIPES[pipe % COUNT]

    def ends(self, channel: Channel) -> tuple[str, str]:
        """Names of a channel's setter and waiter."""
        if channel.flag:
            return self.pipe_name(channel.setter), self.pipe_name(channel.waiter)
        return self.cores[channel.setter // COUNT], self.cores[channel.waiter // COUNT]

    def origin(self, space: Space) -> int:
        """The byte of a global space that the regions of the block at hand count from."""
        return self._origins.get(id(space), 0)

    # Symbols

    def _shared(self, programs: Sequence[Program]) -> set[int]:
        """The global spaces, by id, that one pipe writes while another uses them: only there can order matter."""
        users: dict[int, set[tuple[int, bool]]] = {}
        for program in programs:
            for code in _distinct(program.path):
                for pipe, space, _, write in self._global(program, code):
                    users.setdefault(id(space), set()).add((pipe, write))
        return {space for space, uses in users.items() if len({p for p, _ in uses}) > 1 and any(w for _, w in uses)}

    def _global(self, program: Program, code: int) -> list[tuple[int, Space, int, bool]]:
        """A variant's uses of global memory: pipe, space, which tile, whether it writes."""
        entry = program.path.recorder.variants[code].entry
        key = (id(entry), program.core)
        found = self._outside.get(key)
        if found is None:
            found = self._outside[key] = [
                (program.core * COUNT + item.pipe, self.regions.space(entry.tiles[use][0].memory, 0)[0], use, mode != "r")
                for item in (program.items(code) if entry.outside else ())
                for use, mode in item.uses
                if use in entry.outside
            ]
        return found

    def _placed(self, program: Program, shared: set[int]) -> list[tuple[int, int, tuple[int, ...]]]:
        """The uses of shared global memory: place in the path, variant, where its global tiles start."""
        path = program.path
        wanted = [c for c in _distinct(path) if any(id(space) in shared for _, space, _, _ in self._global(program, c))]
        if not wanted:
            return []
        recorder = path.recorder
        held = self._begins.get(id(recorder))
        if held is None or held[0] is not recorder.log:
            counts = [len(recorder.entries[ref].outside) if ref >= 0 else 0 for ref in recorder.log]
            held = self._begins[id(recorder)] = (recorder.log, list(accumulate(counts, initial=0)))
        found: list[tuple[int, int, tuple[int, ...]]] = []
        for place in np.nonzero(np.isin(path.codes, wanted))[0].tolist():
            position = place if path.positions is None else int(path.positions[place])
            low, high = held[1][position : position + 2]
            lane = _place(recorder.lanes, position, path.lane)
            starts = tuple([int(s[lane]) if is_vector(s) else int(s) for s in recorder.starts[low:high]])
            found.append((place, int(path.codes[place]), starts))
        return found

    def _lowest(
        self, programs: Sequence[Program], placed: Sequence[Sequence[tuple[int, int, tuple[int, ...]]]]
    ) -> dict[int, int]:
        """For each shared space the lowest byte at which a tile starts, rounded down so that every type can count from it."""
        found: dict[int, int] = {}
        for program, uses in zip(programs, placed, strict=True):
            for _, code, starts in uses:
                entry = program.path.recorder.variants[code].entry
                for tile, start in zip(entry.outside, starts, strict=True):
                    held = entry.tiles[tile][0]
                    space = id(self.regions.space(held.memory, 0)[0])
                    low = start * held.dtype.itemsize // GRAIN * GRAIN
                    found[space] = min(low, found.get(space, low))
        return found

    def _translated(self, program: Program, placed: Sequence[tuple[int, int, tuple[int, ...]]]) -> Symbols:
        """The program with symbols in place of variants. Uses of global memory that nobody can race with are left out."""
        codes = program.path.codes
        special = {code for _, code, _ in placed}
        distinct = _distinct(program.path)
        table = np.zeros(max(distinct, default=0) + 1, np.int64)
        for code in distinct:
            if code not in special:
                table[code] = self._symbol(program, code, None)
        symbols = np.where(codes < 0, codes, table[np.maximum(codes, 0)])
        for place, code, starts in placed:
            symbols[place] = self._symbol(program, code, self._relative(program, code, starts))
        return symbols

    def _relative(self, program: Program, code: int, starts: tuple[int, ...]) -> tuple[int, ...]:
        """Starts as counted from the block's origins."""
        entry = program.path.recorder.variants[code].entry
        found: list[int] = []
        for tile, start in zip(entry.outside, starts, strict=True):
            held = entry.tiles[tile][0]
            space, _ = self.regions.space(held.memory, 0)
            found.append(start - self._origins[id(space)] // held.dtype.itemsize)
        return tuple(found)

    def _symbol(self, program: Program, code: int, starts: tuple[int, ...] | None) -> int:
        entry = program.path.recorder.variants[code].entry
        key = (id(entry), program.core, starts)
        found = self._symbols.get(key)
        if found is None:
            steps = [s for item in program.items(code) if (s := self._step(program.core, entry, item, starts)) is not None]
            found = self._symbols[key] = len(self.table)
            self.table.append(tuple(steps))
        return found

    def _step(self, core: int, entry: Entry, item: Item, starts: tuple[int, ...] | None) -> Step | None:
        first = core * COUNT
        if item.kind == costs.RUN:
            reads, writes = [self._regions(core, entry, item, starts, mode) for mode in "rw"]
            return Step(RUN, first + item.pipe, reads, writes, (), entry, item.name) if reads or writes else None
        if item.kind == costs.BARRIER:
            if item.pipe == ALL:
                return Step(DRAIN, first + S, entry=entry, name=item.name)
            return Step(BARRIER, first + item.pipe, entry=entry, name=item.name)
        if item.kind in (costs.POST, costs.AWAIT):
            kind, whole = (SET if item.kind == costs.POST else WAIT), item.pipe == ALL
            channels = tuple([self._channel(c) for c in self._between(core, kind, item.event)])
            return Step(kind, first + (S if whole else item.pipe), (), (), channels, entry, item.name, whole=whole)
        pipe, other = first + item.pipe, first + item.other
        if item.kind in (costs.GIVE, costs.TAKE):
            channel = Channel(first, first, item.event, False, CREDITS if item.event == 0 else 0)
        elif item.kind == costs.SET:
            channel = Channel(pipe, other, item.event)
        else:
            channel = Channel(other, pipe, item.event)
        kind = SET if item.kind in (costs.GIVE, costs.SET) else WAIT
        return Step(kind, pipe, (), (), (self._channel(channel),), entry, item.name)

    def _between(self, core: int, kind: int, event: int) -> list[Channel]:
        """The counters that a core's set or wait means: the first core, a cube, and each of the others have one each way."""
        others = range(1, len(self.cores)) if core == 0 else (0,)
        ends = [(core, other) if kind == SET else (other, core) for other in others]
        return [Channel(a * COUNT, b * COUNT, event, False) for a, b in ends]

    def _regions(self, core: int, entry: Entry, item: Item, starts: tuple[int, ...] | None, wanted: str) -> tuple[int, ...]:
        found: list[int] = []
        for use, mode in item.uses:
            tile = entry.tiles[use][0]
            if wanted not in mode or not tile.elements:
                continue
            if tile.memory.local:
                if int(tile.start) % ALIGNMENT and item.pipe != S and tile.memory.name in ("UB", "L1"):
                    self._misaligned(entry, item, tile)
                found.append(self.regions.number(tile, int(tile.start), core, buffer_of(entry.site.op, tile)))
            elif starts is not None:
                found.append(self.regions.number(tile, starts[entry.outside.index(use)], core))
        return tuple(found)

    def _misaligned(self, entry: Entry, item: Item, tile: Tile) -> None:
        op = entry.site.op
        memory, address = tile.memory.name, int(tile.start)
        diagnostic = error(
            "emulator-misaligned-access", *spans_of(op), op=item.name, memory=memory, address=address, alignment=ALIGNMENT
        )
        self.tell(diagnostic, "misaligned", op.id)

    def _channel(self, channel: Channel) -> int:
        found = self._channels.setdefault(channel, len(self.channels))
        if found == len(self.channels):
            self.channels.append(channel)
        return found


def _place(lanes: Sequence[tuple[int, Array | None]], position: int, lane: int) -> int:
    """Where a lane stands among those that were active at a place of the log."""
    at = bisect_right(lanes, position, key=lambda mark: mark[0]) - 1
    active = lanes[at][1] if at >= 0 else None
    return lane if active is None else int(np.searchsorted(active, lane))


def _distinct(path: PathClass) -> list[int]:
    return [c for c in np.unique(path.codes).tolist() if c >= 0]


class _Walk:
    """One block's walk: its cores' programs side by side, a core going on until it has to wait for another.

    Loops: where a turn begins with the state that an earlier turn began with, and the symbols between the two are what follows
    again, what follows leads to the same findings and to the same state. It is skipped as often as it repeats. The state is
    what all later checks can depend on: accesses not forgotten, by region and pipe; tokens; what pipes know. A clock's numbers
    are compared with accesses only, so each is taken as how many of its pipe's remembered accesses it covers.
    """

    def __init__(self, check: HazardCheck, programs: list[list[int]]) -> None:
        pipes = len(programs) * COUNT
        regions = len(check.regions.all)
        self.check = check
        self.programs = programs
        ran = {step.pipe for program in programs for symbol in set(program) if symbol >= 0 for step in check.table[symbol]}
        self.used = [sorted(p for p in ran if p // COUNT == core) for core in range(len(programs))]
        """The pipes of each core that do anything."""
        self.overlapping = [r.overlapping for r in check.regions.all]
        self.known: list[Clock] = [[0] * pipes for _ in range(pipes)]
        self.count: Clock = [0] * pipes
        self.tokens: list[deque[tuple[Clock, Step | None]]] = [deque([([0] * pipes, None)] * c.credits) for c in check.channels]
        self.writes: list[dict[int, Touch]] = [{} for _ in range(regions)]
        self.reads: list[dict[int, Touch]] = [{} for _ in range(regions)]
        self.written = bytearray(regions)
        """Whether any byte of a region holds data."""
        self.lost: list[Step | None] = [None] * regions
        """Who wrote over a region's data through another buffer."""
        self.blocked: dict[int, deque[Step]] = {}
        self.woken: list[int] = []
        self.at = [0] * len(programs)
        self.inner = [0] * len(programs)
        """The step of a symbol that is next, where a core stands still inside it."""
        self.held: list[Step | None] = [None] * len(programs)
        self.marks: dict[int, list[int]] = {}
        self.states: dict[tuple[object, ...], list[int]] = {}

    def run(self) -> None:
        while not all(self._ended(core) for core in range(len(self.programs))):
            moved = [self.advance(core, False) for core in range(len(self.programs))]
            if not any(moved) and not any(self.advance(core, True) for core in range(len(self.programs))):
                self.stuck()
        if self.blocked:
            self.stuck()
        for channel, tokens in zip(self.check.channels, self.tokens, strict=True):
            for _, step in tokens:
                if step is not None and self._reported(channel):
                    self.left(channel, step)

    @staticmethod
    def _reported(channel: Channel) -> bool:
        """Whether a token left over is worth telling: not inside a macro."""
        return channel.flag or channel.setter != channel.waiter

    def _ended(self, core: int) -> bool:
        return self.at[core] >= len(self.programs[core])

    def advance(self, core: int, alone: bool) -> bool:
        """Goes on with a core until it has to wait; whether it got anywhere. `alone`: no other core can go on."""
        program, table, tokens, blocked = self.programs[core], self.check.table, self.tokens, self.blocked
        channels = self.check.channels
        execute = self.execute
        self.held[core] = None
        at, inner, began = self.at[core], self.inner[core], (self.at[core], self.inner[core])
        end = len(program)
        while at < end:
            symbol = program[at]
            if symbol < 0:
                self.at[core] = at
                at = self.turn(symbol) if core == 0 and not blocked else at + 1
                continue
            for step in table[symbol][inner:] if inner else table[symbol]:
                kind, pipe = step[0], step[1]
                if blocked and pipe in blocked:
                    blocked[pipe].append(step)
                    inner += 1
                    continue
                if kind == WAIT and not all(tokens[c] for c in step[4]):
                    across = channels[step[4][0]].setter // COUNT != core
                    if pipe % COUNT == S or (across and not alone):
                        break
                    blocked[pipe] = deque([step])
                    inner, alone = inner + 1, False
                    continue
                if (kind == DRAIN or step[8]) and blocked and any(p // COUNT == core for p in blocked):
                    break
                inner += 1
                execute(step)
                if self.woken:
                    self.wake()
            else:
                at, inner = at + 1, 0
                continue
            self.held[core] = step
            break
        self.at[core], self.inner[core] = at, inner
        return (at, inner) != began

    def wake(self) -> None:
        """Lets pipes whose wait was answered go on."""
        while self.woken:
            pipe = self.woken.pop()
            queue = self.blocked.get(pipe)
            while queue:
                step = queue[0]
                if step.kind == WAIT and not all(self.tokens[c] for c in step.channels):
                    break
                queue.popleft()
                self.execute(step)
            if queue is not None and not queue:
                self.blocked.pop(pipe, None)

    def execute(self, step: Step) -> None:
        kind, pipe, reads, writes, channels = step[:5]
        if kind == RUN:
            number = self.count[pipe]
            if reads:
                self.read(step, pipe, number, reads)
            if writes:
                self.write(step, pipe, number, writes)
            self.count[pipe] = number + 1
            if pipe % COUNT == S:
                self.known[pipe][pipe] = number + 1
                for other in self.used[pipe // COUNT]:
                    if other in self.blocked:
                        self.blocked[other].append(Step(LEARN, other, clock=tuple(self.known[pipe])))
                    else:
                        self.known[other][pipe] = number + 1
        elif kind == SET:
            clock = self.all_done(pipe) if step.whole else self.done(pipe)
            for channel in channels:
                tokens = self.tokens[channel]
                if tokens and self.check.channels[channel].flag:
                    self.twice(channel, step)
                tokens.append((clock, step))
                waiter = self.check.channels[channel].waiter
                if self.blocked:
                    self.woken += [waiter] if waiter in self.blocked else list(self.blocked)
        elif kind == WAIT:
            for channel in channels:
                clock, _ = self.tokens[channel].popleft()
                self.learn(pipe, clock)
            if pipe % COUNT == S:
                self.issue(pipe)
        elif kind == BARRIER:
            self.known[pipe][pipe] = self.count[pipe]
        elif kind == DRAIN:
            self.learn(pipe, self.all_done(pipe))
            self.issue(pipe)
        else:
            self.learn(pipe, list(step.clock))

    def done(self, pipe: int) -> Clock:
        """What is complete when a pipe has done all it was given."""
        clock = self.known[pipe].copy()
        clock[pipe] = self.count[pipe]
        return clock

    def all_done(self, pipe: int) -> Clock:
        """What is complete when all pipes of a core have done what they were given."""
        return [max(column) for column in zip(*[self.done(p) for p in self.used[pipe // COUNT]], strict=True)]

    def learn(self, pipe: int, clock: Clock) -> None:
        self.known[pipe] = [a if a > b else b for a, b in zip(self.known[pipe], clock)]  # noqa: B905 - half of all time

    def issue(self, scalar: int) -> None:
        """What the scalar unit has learned holds for all that its core issues from now on."""
        clock = self.known[scalar]
        for pipe in self.used[scalar // COUNT]:
            if pipe in self.blocked:
                self.blocked[pipe].append(Step(LEARN, pipe, clock=tuple(clock)))
            elif pipe != scalar:
                self.learn(pipe, clock)

    # Memory

    def read(self, step: Step, pipe: int, number: int, regions: tuple[int, ...]) -> None:
        known = self.known[pipe]
        for region in regions:
            for other, inside in self.overlapping[region]:
                for q, touch in self.writes[other].items():
                    if touch[0] >= known[q] and (q != pipe or self.overtakes(pipe, region)):
                        self.race(touch[1], other, step, region, "RAW")
                if inside:
                    self.reads[other].pop(pipe, None)
            self.reads[region][pipe] = (number, step)
            if not self.written[region]:
                self.uninitialised(step, region)
            if self.lost[region] is not None:
                self.overwritten(step, region)

    def write(self, step: Step, pipe: int, number: int, regions: tuple[int, ...]) -> None:
        known = self.known[pipe]
        for region in regions:
            for other, inside in self.overlapping[region]:
                for touches in (self.writes[other], self.reads[other]):
                    over: list[int] = []
                    for q, touch in touches.items():
                        if touch[0] < known[q]:
                            over.append(q)
                        elif q == pipe:
                            over.append(q)
                            if touches is self.writes[other] and touch[0] != number and self.overtakes(pipe, region):
                                self.race(touch[1], other, step, region, "WAW")
                        else:
                            self.race(touch[1], other, step, region, "WAW" if touches is self.writes[other] else "WAR")
                    if inside:
                        for q in over:
                            del touches[q]
            self.writes[region][pipe] = (number, step)
            self.overwrite(step, region)

    def overwrite(self, step: Step, region: int) -> None:
        """Notes that a region holds data, and whose data in other buffers is lost."""
        every = self.check.regions.all
        mine = every[region].buffer
        for other, _ in self.overlapping[region]:
            theirs = every[other].buffer
            if mine is None or theirs is None or mine == theirs:
                self.lost[other] = None
                self.written[other] |= 1 if mine is None else 3
            else:
                if self.written[other] & 2:
                    self.lost[other] = step
                self.written[other] |= 1

    def overtakes(self, pipe: int, region: int) -> bool:
        """Whether an item may start on a region before an earlier write of its own pipe has ended."""
        return pipe % COUNT not in (S, M) and self.check.regions.all[region].space.local

    # Loops

    def turn(self, mark: int) -> int:
        """Where the first core goes on at the beginning of a loop's turn; moves the others on with it."""
        program, at = self.programs[0], self.at[0]
        marks = self.marks.setdefault(mark, [])
        before = [m for m in marks[-PERIOD:] if program[at : 2 * at - m] == program[m:at]]
        marks.append(at)
        if max((_repeats(program, m, at) for m in before), default=0) < FEW_TURNS:
            return at + 1
        key = (mark, self.state())
        earlier = self.states.get(key)
        self.states[key] = self.at.copy()
        if earlier is None:
            return at + 1
        turns = min(
            _repeats(program, low, high)
            for program, low, high in zip(self.programs, earlier, self.at, strict=True)
            if high > low
        )
        for core, low in enumerate(earlier):
            self.at[core] += turns * (self.at[core] - low)
        return self.at[0] if turns else at + 1

    def state(self) -> tuple[object, ...]:
        numbers: list[set[int]] = [set() for _ in self.count]
        for touches in (*self.writes, *self.reads):
            for q, touch in touches.items():
                numbers[q].add(touch[0])
        ranks = [sorted(n) for n in numbers]

        def covered(clock: Clock) -> tuple[int, ...]:
            return tuple([bisect_left(rank, known) for rank, known in zip(ranks, clock, strict=True) if rank])

        def accesses(by_region: list[dict[int, Touch]]) -> tuple[object, ...]:
            return tuple([tuple(sorted([(q, bisect_left(ranks[q], n), id(s)) for q, (n, s) in t.items()])) for t in by_region])

        return (
            accesses(self.writes),
            accesses(self.reads),
            tuple([covered(clock) for clock in self.known]),
            tuple([tuple([covered(clock) for clock, _ in tokens]) for tokens in self.tokens]),
            bytes(self.written),
            tuple([id(step) for step in self.lost]),
            tuple(self.inner),
        )

    # Findings

    def race(self, first: Step, earlier: int, second: Step, later: int, kind: str) -> None:
        assert first.entry is not None and second.entry is not None
        a, b = self.check.regions.all[earlier], self.check.regions.all[later]
        low, high = _shared_bytes(a, b)
        origin = 0 if b.space.local else self.check.origin(b.space)
        same, same_core = first.pipe == second.pipe, first.pipe // COUNT == second.pipe // COUNT
        diagnostic = error(
            "emulator-race-within" if same else "emulator-race" if same_core else "emulator-race-between-cores",
            *spans_of(second.entry.site.op),
            *spans_of(first.entry.site.op),
            kind=kind,
            memory=b.name,
            low=low - b.base + origin,
            high=high - b.base + origin - 1,
            first=first.name,
            first_pipe=self.check.pipe_name(first.pipe),
            second=second.name,
            second_pipe=self.check.pipe_name(second.pipe),
        )
        self.check.tell(diagnostic, "race", first.entry.site.op.id, second.entry.site.op.id, kind)

    def uninitialised(self, step: Step, region: int) -> None:
        found = self.check.regions.all[region]
        if step.entry is None or not found.space.local:
            return
        diagnostic = warning(
            "emulator-uninitialised",
            *spans_of(step.entry.site.op),
            op=step.name,
            memory=found.name,
            low=found.low,
            high=found.high - 1,
        )
        self.check.tell(diagnostic, "uninitialised", step.entry.site.op.id)

    def overwritten(self, step: Step, region: int) -> None:
        writer, found = self.lost[region], self.check.regions.all[region]
        assert step.entry is not None and writer is not None and writer.entry is not None
        diagnostic = error(
            "emulator-overlapping-buffers",
            *spans_of(step.entry.site.op),
            *spans_of(writer.entry.site.op),
            op=step.name,
            memory=found.name,
            low=found.low,
            high=found.high - 1,
            writer=writer.name,
        )
        self.check.tell(diagnostic, "overwritten", step.entry.site.op.id, writer.entry.site.op.id)

    def twice(self, channel: int, step: Step) -> None:
        found, pending = self.check.channels[channel], self.tokens[channel][-1][1]
        assert step.entry is not None and pending is not None and pending.entry is not None
        diagnostic = error(
            "emulator-flag-set-twice",
            *spans_of(step.entry.site.op),
            *spans_of(pending.entry.site.op),
            event=found.event,
            setter=self.check.ends(found)[0],
            waiter=self.check.ends(found)[1],
        )
        self.check.tell(diagnostic, "twice", step.entry.site.op.id, found.event)

    def left(self, channel: Channel, step: Step) -> None:
        assert step.entry is not None
        diagnostic = warning(
            "emulator-flag-left",
            *spans_of(step.entry.site.op),
            event=channel.event,
            setter=self.check.ends(channel)[0],
            waiter=self.check.ends(channel)[1],
        )
        self.check.tell(diagnostic, "left", step.entry.site.op.id, channel.event)

    def stuck(self) -> None:
        """Raises Refused with who waits for whom."""
        heads = {pipe: queue[0] for pipe, queue in self.blocked.items()}
        heads |= {s.pipe: s for s in self.held if s is not None and (s.kind == WAIT or s.pipe not in heads)}
        raise Refused(deadlock([self._wait(step, heads) for step in heads.values()]))

    def _wait(self, step: Step, heads: dict[int, Step]) -> Held:
        """One of the waits of a deadlock. What speaks for all pipes waits for one of its core that stands still."""
        assert step.entry is not None
        name = self.check.pipe_name
        if step.kind in (DRAIN, SET):
            pipe = next(p for p in heads if p != step.pipe and p // COUNT == step.pipe // COUNT)
            return Held(step.entry.site.op, name(step.pipe), name(pipe), 0, name(pipe))
        number = next(c for c in step.channels if not self.tokens[c])
        channel = self.check.channels[number]
        core = channel.setter // COUNT
        mates = [channel.setter, core * COUNT + S, *(() if channel.flag else range(core * COUNT, core * COUNT + COUNT))]
        comes = self._coming(SET, number) >= self._coming(WAIT, number)
        behind = next((name(p) for p in mates if p in heads), "") if comes else ""
        return Held(step.entry.site.op, name(step.pipe), self.check.ends(channel)[0], channel.event, behind)

    def _coming(self, kind: int, channel: int) -> int:
        """How many sets or waits of a channel are still to come."""
        found = sum(s.kind == kind and channel in s.channels for queue in self.blocked.values() for s in queue)
        sides = [sum(s.kind == kind and channel in s.channels for s in steps) for steps in self.check.table]
        for program, at in zip(self.programs, self.at, strict=True):
            found += sum(sides[symbol] for symbol in program[at:] if symbol >= 0)
        return found


def _repeats(program: list[int], low: int, high: int) -> int:
    """How often what lies between two places follows again."""
    length, found = high - low, 0
    piece = program[low:high]
    while program[high + found * length : high + (found + 1) * length] == piece:
        found += 1
    return found


def _shared_bytes(a: Region, b: Region) -> tuple[int, int]:
    """The first run of bytes that both touch."""
    if a.whole and b.whole:
        return max(a.low, b.low), min(a.high, b.high)
    for low, high in a.runs.tolist():
        shared = b.runs[(b.runs[:, 0] < high) & (b.runs[:, 1] > low)]
        if len(shared):
            return max(low, int(shared[0, 0])), min(high, int(shared[0, 1]))
    return max(a.low, b.low), min(a.high, b.high)
