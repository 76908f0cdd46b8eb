"""Time: one block's items through the in-order queues of a core.

The scalar unit issues in program order. A pipe starts an item when it has been issued, the item before it has done its work
and the flags and barriers before it are passed; the item completes a startup later, while the next may already be working.
"""

from collections import deque
from dataclasses import dataclass, field

from compiler_core.chips.timing import Timing
from compiler_core.emulator.costs import ALL, BARRIER, GIVE, PIPES, RUN, SET, TAKE, WAIT, Item, S


@dataclass(slots=True)
class Span:
    """An item on the timeline: its place in the stream, pipe, start and end in cycles."""

    at: int
    pipe: int
    start: float
    end: float


@dataclass(slots=True)
class Timeline:
    """One block's time. `busy` and `stalls` in cycles; a stall is a gap before an item, by what it waited for."""

    total: float = 0.0
    busy: list[float] = field(default_factory=lambda: [0.0] * len(PIPES))
    stalls: dict[str, float] = field(
        default_factory=lambda: {"flag": 0.0, "queue": 0.0, "bandwidth": 0.0, "issue": 0.0, "barrier": 0.0}
    )
    spans: list[Span] = field(default_factory=list[Span])


def replay(items: list[Item], timing: Timing, *, spans: bool = False) -> Timeline:
    """The timeline of a block's items, in an order in which every wait comes after its set."""
    issue, flag_cycles, depth = timing.scalar.issue, timing.scalar.flag, timing.queue
    found = Timeline()
    busy, stalls = found.busy, found.stalls
    now = 0.0
    free = [0.0] * len(PIPES)
    done = [0.0] * len(PIPES)
    why = ["issue"] * len(PIPES)
    queues: list[deque[float]] = [deque(maxlen=depth) for _ in PIPES]
    flags: dict[tuple[int, int, int], deque[float]] = {}
    given: dict[int, list[float]] = {}
    taken: dict[int, int] = {}
    for at, item in enumerate(items):
        kind, pipe = item.kind, item.pipe
        if item.scalars:
            now += item.scalars
            busy[S] += item.scalars
        if not item.inner:
            now += issue
            busy[S] += issue
        if kind == RUN:
            if pipe == S:
                start, end = now, now + item.work
                now = end
                busy[S] += item.work
                done[S] = end
            else:
                queue = queues[pipe]
                if len(queue) == depth and queue[0] > now:
                    stalls["queue"] += queue[0] - now
                    now = queue[0]
                start = free[pipe]
                reason = why[pipe]
                if now > start:
                    start, reason = now, "issue"
                if start > done[pipe]:
                    stalls[reason] += start - done[pipe]
                free[pipe] = start + item.work
                end = start + item.startup + item.work
                busy[pipe] += end - max(start, done[pipe])
                stalls["bandwidth"] += item.starved
                done[pipe] = max(done[pipe], end)
                why[pipe] = "issue"
                queue.append(start)
            if spans:
                found.spans.append(Span(at, pipe, start, end))
        elif kind == SET:
            time = (now if pipe == S else max(done[pipe], free[pipe], now)) + flag_cycles
            flags.setdefault((pipe, item.other, item.event), deque()).append(time)
        elif kind == WAIT:
            time = flags[item.other, pipe, item.event].popleft()
            if pipe == S:
                stalls["flag"] += max(0.0, time - now)
                now = max(now, time)
            elif time > free[pipe]:
                free[pipe], why[pipe] = time, "flag"
        elif kind == BARRIER:
            if pipe == ALL:
                end = max(now, *done)
                stalls["barrier"] += end - now
                now = end
                free = [max(f, now) for f in free]
            elif done[pipe] > free[pipe]:
                free[pipe], why[pipe] = done[pipe], "barrier"
        elif kind == GIVE:
            given.setdefault(item.event, []).append(done[pipe])
        elif kind == TAKE:
            number = taken.get(item.event, 0)
            taken[item.event] = number + 1
            if number >= item.credits:
                time = given[item.event][number - item.credits]
                if time > free[pipe]:
                    free[pipe], why[pipe] = time, "flag"
    found.total = max(now, *done)
    return found
