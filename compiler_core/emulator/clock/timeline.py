"""Time: what a block's cores were asked to do, through their in-order queues.

The scalar unit issues in program order. A pipe starts an item when it has been issued, the item before it has done its work
and the flags and barriers before it are passed; the item completes a startup later, while the next may already be working.

Times are whole ticks, so that a loop's turns can be replayed: what a stretch of instructions does depends only on the state it
finds, seen from the scalar clock, and nothing before that clock matters, because nothing starts before it is issued. `Walk`
remembers (state, stretch) → (state, time), and a loop that has settled costs one look-up a turn. spans.py is the same machine
written to be read; a test holds the two together.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from compiler_core.chips.timing import Timing
from compiler_core.emulator.clock.costs import ALL, AWAIT, BARRIER, GIVE, PIPES, POST, RUN, SET, TAKE, WAIT, Item, S
from compiler_core.emulator.execution.lanes import Array

TICKS = 1024
"""Ticks of a cycle."""
REASONS = ("flag", "queue", "bandwidth", "issue", "barrier", "communication")
FLAG, QUEUE, BANDWIDTH, ISSUE, BARRIERS, COMMUNICATION = range(len(REASONS))
COUNT = len(PIPES)
FEW_TURNS, FEW_CODES = 8, 256
"""Fewer turns of loops, or fewer instructions, are walked: looking for what repeats would take longer."""
CREDITS = 2
"""Times L0 can be filled before it is first emptied: its two halves."""
L0_FREE = -1


class Step(NamedTuple):
    """An item as the clock sees it, in ticks. `ahead`: what the scalar unit does before; `tail`: startup; `token`: flag."""

    kind: int
    pipe: int
    ahead: int
    work: int
    tail: int
    token: int


def steps_of(items: Sequence[Item], works: Sequence[float], timing: Timing) -> tuple[Step, ...]:
    """Items with the cycles of work that each gives its pipe."""
    found: list[Step] = []
    for item, work in zip(items, works, strict=True):
        ahead = item.scalars + (0.0 if item.inner else timing.scalar.issue)
        token, kind, cycles = 0, item.kind, work
        if kind in (SET, WAIT):
            first, second = (item.pipe, item.other) if kind == SET else (item.other, item.pipe)
            token = (first * COUNT + second) << 20 | item.event + 1
            cycles = timing.scalar.flag
        elif kind in (GIVE, TAKE):
            token, kind, cycles = L0_FREE - item.event, SET if kind == GIVE else WAIT, 0.0
        elif kind in (POST, AWAIT):
            token, cycles = item.event, timing.scalar.notify
        found.append(Step(kind, item.pipe, ticks(ahead), ticks(cycles), ticks(item.startup), token))
    return tuple(found)


def ticks(cycles: float) -> int:
    return round(cycles * TICKS)


class Unordered(Exception):
    """A wait that stands before its set: the items must be put in the order in which they can run."""


@dataclass(slots=True)
class Mail:
    """What the cores of a block tell each other: by flag, the ticks at which it was set, in order."""

    sent: dict[int, list[int]] = field(default_factory=dict[int, list[int]])


@dataclass(slots=True)
class Clock:
    """One core's state. `free`: when a pipe's work is done; `done`: when it is complete; `why`: what holds `free` up."""

    now: int = 0
    free: list[int] = field(default_factory=lambda: [0] * COUNT)
    done: list[int] = field(default_factory=lambda: [0] * COUNT)
    why: list[int] = field(default_factory=lambda: [ISSUE] * COUNT)
    queues: list[deque[int]] = field(default_factory=lambda: [deque() for _ in PIPES])
    tokens: dict[int, deque[int]] = field(default_factory=lambda: {L0_FREE: deque([0] * CREDITS)})
    taken: dict[int, int] = field(default_factory=dict[int, int])
    """By flag between cores, how many were waited for."""


Counts = list[int]
"""Ticks: busy by pipe, then stalls by pipe and reason."""
WIDTH = COUNT * (1 + len(REASONS))


def advance(
    clock: Clock,
    codes: Sequence[int],
    table: dict[int, tuple[Step, ...]],
    depth: int,
    counts: Counts,
    position: int = 0,
    outbox: Mail | None = None,
    inboxes: Sequence[Mail] = (),
) -> int:
    """Carries out codes from a position on; gives where it stopped: the end, or a wait for another core that has not come.

    Raises Unordered.
    """
    now, free, done, why, queues, tokens = clock.now, clock.free, clock.done, clock.why, clock.queues, clock.tokens
    reasons = len(REASONS)
    for place in range(position, len(codes)):
        for kind, pipe, ahead, work, tail, token in table[codes[place]]:
            now += ahead
            if kind == RUN:
                if pipe == S:
                    now += work
                    counts[S] += ahead + work
                    done[S] = now
                    continue
                counts[S] += ahead
                queue = queues[pipe]
                if len(queue) == depth:
                    time = queue.popleft()
                    if time > now:
                        counts[COUNT + QUEUE] += time - now
                        now = time
                start, last = free[pipe], done[pipe]
                if now > start:
                    start = now
                if start > last:
                    if now > last:
                        counts[COUNT + pipe * reasons + ISSUE] += now - last
                        counts[COUNT + pipe * reasons + why[pipe]] += start - now
                    else:
                        counts[COUNT + pipe * reasons + why[pipe]] += start - last
                    last = done[pipe] = start
                queue.append(start)
                start += work
                free[pipe] = start
                start += tail
                if start > last:
                    counts[pipe] += start - last
                    done[pipe] = start
                why[pipe] = ISSUE
                continue
            counts[S] += ahead
            if kind == SET:
                time = now if pipe == S else max(done[pipe], free[pipe], now)
                found = tokens.get(token)
                if found is None:
                    found = tokens[token] = deque()
                found.append(time + work)
            elif kind == WAIT:
                found = tokens.get(token)
                if not found:
                    raise Unordered
                time = found.popleft()
                if pipe == S:
                    if time > now:
                        counts[COUNT + FLAG] += time - now
                        now = time
                elif time > free[pipe]:
                    free[pipe] = time
                    why[pipe] = FLAG
            elif kind == BARRIER:
                if pipe == ALL:
                    time = max(done)
                    if time > now:
                        counts[COUNT + BARRIERS] += time - now
                        now = time
                elif done[pipe] > free[pipe]:
                    free[pipe] = done[pipe]
                    why[pipe] = BARRIERS
            elif kind == POST:
                if outbox is not None:
                    time = now if pipe == S else max(done[pipe], free[pipe], now)
                    outbox.sent.setdefault(token, []).append(time + work)
            else:
                number = clock.taken.get(token, 0)
                times = [box.sent.get(token, ()) for box in inboxes]
                if any(len(t) <= number for t in times):
                    clock.now = now - ahead
                    counts[S] -= ahead
                    return place
                clock.taken[token] = number + 1
                time = max((t[number] for t in times), default=now)
                if pipe in (S, ALL):
                    if time > now:
                        counts[COUNT + COMMUNICATION] += time - now
                        now = time
                elif time > free[pipe]:
                    free[pipe] = time
                    why[pipe] = COMMUNICATION
    clock.now = now
    return len(codes)


@dataclass(slots=True)
class Timeline:
    """One block's time on one core, in cycles. A stall is a gap before an item, by what it waited for: until it is issued that
    is its issue, from then on the flag, barrier or other core it waits for.
    """

    total: float = 0.0
    busy: list[float] = field(default_factory=lambda: [0.0] * COUNT)
    stalls: list[list[float]] = field(default_factory=lambda: [[0.0] * len(REASONS) for _ in PIPES])
    """By pipe and reason."""

    @staticmethod
    def of(ticks: int, counts: Counts) -> "Timeline":
        cycles = [c / TICKS for c in counts]
        width = len(REASONS)
        return Timeline(
            ticks / TICKS, cycles[:COUNT], [cycles[COUNT + p * width : COUNT + (p + 1) * width] for p in range(COUNT)]
        )


class Moved(NamedTuple):
    """What a stretch does to a state: the next state, ticks, counts; and by pipe, the idle ticks since its last item."""

    state: int
    ticks: int
    counts: Counts
    idle: list[int]
    used: frozenset[int]


class Walk:
    """Times blocks with one price list, replaying what is known. A stretch is what lies between two turn marks.

    Programs of fewer than `few` instructions are walked.
    """

    def __init__(self, table: dict[int, tuple[Step, ...]], depth: int, few: int = FEW_CODES) -> None:
        self.table = table
        self.few = few
        self.depth = depth
        self.walked = 0
        """Instructions that were not replayed."""
        self._numbers: dict[object, int] = {}
        self._states: list[Clock] = []
        self._moves: list[Moved] = []
        self._known: dict[tuple[int, bytes], int] = {}

    def time(self, codes: Array) -> Timeline:
        """The time of a block that did `codes`, turn marks below zero. Raises Unordered."""
        marks = np.nonzero(codes < 0)[0]
        if len(marks) < FEW_TURNS or len(codes) < self.few:
            return self._straight(codes[codes >= 0].tolist())
        raw, size, known, moves = codes.tobytes(), codes.itemsize, self._known, self._moves
        state, ticks, done = self._number(Clock()), 0, list[int]()
        for low, high in pairwise([-size, *(marks * size).tolist(), len(raw)]):
            stretch = raw[low + size : high]
            number = known.get((state, stretch))
            if number is None:
                number = known[state, stretch] = len(moves)
                moves.append(self._move(state, np.frombuffer(stretch, codes.dtype).tolist()))
            done.append(number)
            state = moves[number].state
            ticks += moves[number].ticks
        return Timeline.of(ticks + max(self._states[state].done), self._counts(done))

    def _straight(self, codes: list[int]) -> Timeline:
        clock, counts = Clock(), [0] * WIDTH
        self.walked += len(codes)
        advance(clock, codes, self.table, self.depth, counts)
        return Timeline.of(max(clock.now, *clock.done), counts)

    def _move(self, state: int, codes: list[int]) -> Moved:
        self.walked += len(codes)
        found = self._states[state]
        tokens = {token: deque(times) for token, times in found.tokens.items()}
        clock = Clock(0, list(found.free), list(found.done), list(found.why), [deque(q) for q in found.queues], tokens)
        counts = [0] * WIDTH
        advance(clock, codes, self.table, self.depth, counts)
        idle = [max(0, clock.now - done) for done in clock.done]
        idle[S] = 0
        for pipe in range(COUNT):
            counts[COUNT + pipe * len(REASONS) + ISSUE] += idle[pipe]
        used = frozenset(step.pipe for code in codes for step in self.table[code] if step.kind == RUN)
        return Moved(self._number(clock), clock.now, counts, idle, used)

    def _number(self, clock: Clock) -> int:
        """The state's number: what is later than the scalar clock, and by how much."""
        now = clock.now
        free = [max(0, t - now) for t in clock.free]
        seen = Clock(
            0,
            free,
            [max(0, t - now) for t in clock.done],
            [why if f else ISSUE for why, f in zip(clock.why, free, strict=True)],
            [deque(t - now for t in queue if t > now) for queue in clock.queues],
            {token: deque(max(0, t - now) for t in times) for token, times in clock.tokens.items() if times},
        )
        tokens = sorted((token, tuple(times)) for token, times in seen.tokens.items())
        key = (tuple(free), tuple(seen.done), tuple(seen.why), tuple(map(tuple, seen.queues)), tuple(tokens))
        number = self._numbers.setdefault(key, len(self._states))
        if number == len(self._states):
            self._states.append(seen)
        return number

    def _counts(self, done: list[int]) -> Counts:
        """The counts of all moves, without what a pipe stood idle after its last item."""
        times = np.bincount(np.array(done), minlength=len(self._moves))
        counts: Counts = [0] * WIDTH
        for moved, number in zip(self._moves, times.tolist(), strict=True):
            if number:
                counts = [a + number * b for a, b in zip(counts, moved.counts, strict=True)]
        waiting = set[int]().union(*(self._moves[n].used for n in set(done))) - {S}
        for pipe in set(range(1, COUNT)) - waiting:
            counts[COUNT + pipe * len(REASONS) + ISSUE] = 0
        for number in reversed(done):
            moved = self._moves[number]
            for pipe in waiting:
                counts[COUNT + pipe * len(REASONS) + ISSUE] -= moved.idle[pipe]
            waiting -= moved.used
            if not waiting:
                break
        return counts


def together(
    programs: Sequence[Sequence[int]], tables: Sequence[dict[int, tuple[Step, ...]]], depth: int, boxes: Sequence[Sequence[int]]
) -> list[Timeline]:
    """The times of a block's cores, whose programs (without turn marks) wait for each other.

    `boxes`: for each program, whose messages it reads. Raises Unordered, also where nobody can go on.
    """
    clocks = [Clock() for _ in programs]
    counts: list[Counts] = [[0] * WIDTH for _ in programs]
    mail = [Mail() for _ in programs]
    places = [0] * len(programs)
    while any(place < len(codes) for place, codes in zip(places, programs, strict=True)):
        before = list(places)
        for i, codes in enumerate(programs):
            inboxes = [mail[j] for j in boxes[i]]
            places[i] = advance(clocks[i], codes, tables[i], depth, counts[i], places[i], mail[i], inboxes)
        if places == before:
            raise Unordered
    return [Timeline.of(max(c.now, *c.done), n) for c, n in zip(clocks, counts, strict=True)]
