"""The timeline item by item: when each ran, and which earlier item it waited for. Timelines and critical paths are drawn of it.

The same machine as timeline.py, for one pass over a block whose cores are already known to come to an end.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from compiler_core.emulator.clock.costs import ALL, AWAIT, BARRIER, PIPES, POST, RUN, SET, WAIT, S
from compiler_core.emulator.clock.timeline import CREDITS, L0_FREE, TICKS, Step, Unordered

NOBODY = -1


class Cause(NamedTuple):
    """Why an item did not start earlier: "pipe" (the item before it was at work), "issue", "flag", "queue", "barrier" or
    "communication"; and the place in the list of spans of what it waited for, −1 where that is the beginning.
    """

    reason: str
    span: int


class Span(NamedTuple):
    """An item on the timeline: its core of the block, its place in that core's stream, pipe, start and end in cycles."""

    core: int
    at: int
    pipe: int
    start: float
    end: float
    cause: Cause


class Moment(NamedTuple):
    """A time in ticks, what set it, and why."""

    ticks: int
    span: int
    reason: str


START = Moment(0, NOBODY, "issue")


@dataclass(slots=True)
class _Core:
    number: int
    now: Moment = START
    free: list[Moment] = field(default_factory=lambda: [START] * len(PIPES))
    done: list[Moment] = field(default_factory=lambda: [START] * len(PIPES))
    queues: list[deque[Moment]] = field(default_factory=lambda: [deque() for _ in PIPES])
    tokens: dict[int, deque[Moment]] = field(default_factory=lambda: {L0_FREE: deque([START] * CREDITS)})
    sent: dict[int, list[Moment]] = field(default_factory=dict[int, list[Moment]])
    taken: dict[int, int] = field(default_factory=dict[int, int])
    at: int = 0


class Tracer:
    """Runs a block's cores and keeps their spans. `streams`: for each core its items; `boxes`: whose messages it reads."""

    def __init__(self, streams: Sequence[Sequence[Step]], depth: int, boxes: Sequence[Sequence[int]] = ((),)) -> None:
        self.streams = streams
        self.depth = depth
        self.boxes = boxes
        self.cores = [_Core(i) for i in range(len(streams))]
        self.spans: list[Span] = []

    def run(self, most: int = 0) -> list[Span]:
        """All spans or, with `most`, about the first so many. Raises Unordered where a wait stands before its set."""
        while any(c.at < len(s) for c, s in zip(self.cores, self.streams, strict=True)):
            before = [c.at for c in self.cores]
            for core, stream in zip(self.cores, self.streams, strict=True):
                while core.at < len(stream) and self._carry_out(core, stream[core.at]):
                    core.at += 1
                    if most and len(self.spans) >= most:
                        return self.spans
            if [c.at for c in self.cores] == before:
                raise Unordered
        return self.spans

    def _carry_out(self, core: _Core, step: Step) -> bool:
        """False where another core has to come first."""
        if step.kind == AWAIT:
            return self._await(core, step)
        core.now = Moment(core.now.ticks + step.ahead, core.now.span, core.now.reason)
        if step.kind == RUN:
            self._run(core, step)
        elif step.kind == SET:
            core.tokens.setdefault(step.token, deque()).append(self._reached(core, step, "flag"))
        elif step.kind == WAIT:
            waiting = core.tokens.get(step.token)
            if not waiting:
                raise Unordered
            self._hold(core, step.pipe, waiting.popleft())
        elif step.kind == POST:
            core.sent.setdefault(step.token, []).append(self._reached(core, step, "communication"))
        elif step.kind == BARRIER:
            last = max(core.done) if step.pipe == ALL else core.done[step.pipe]
            self._hold(core, S if step.pipe == ALL else step.pipe, last._replace(reason="barrier"))
        return True

    def _run(self, core: _Core, step: Step) -> None:
        pipe = step.pipe
        queue = core.queues[pipe]
        if pipe != S and len(queue) == self.depth:
            head = queue.popleft()
            core.now = max(core.now, head._replace(reason="queue"), key=_ticks)
        begin = core.now if pipe == S else max(core.now._replace(reason=_issued(core.now)), core.free[pipe], key=_ticks)
        place = len(self.spans)
        worked = begin.ticks + step.work
        end = worked + (0 if pipe == S else step.tail)
        self.spans.append(Span(core.number, core.at, pipe, begin.ticks / TICKS, end / TICKS, Cause(begin.reason, begin.span)))
        core.free[pipe] = Moment(worked, place, "pipe")
        core.done[pipe] = max(core.done[pipe], Moment(end, place, "pipe"), key=_ticks)
        if pipe == S:
            core.now = core.free[S]
        else:
            queue.append(Moment(begin.ticks, place, "queue"))

    def _await(self, core: _Core, step: Step) -> bool:
        number = core.taken.get(step.token, 0)
        sent = [self.cores[i].sent.get(step.token, []) for i in self.boxes[core.number]]
        if any(len(s) <= number for s in sent):
            return False
        core.now = Moment(core.now.ticks + step.ahead, core.now.span, core.now.reason)
        core.taken[step.token] = number + 1
        if sent:
            self._hold(core, S if step.pipe == ALL else step.pipe, max((s[number] for s in sent), key=_ticks))
        return True

    def _reached(self, core: _Core, step: Step, reason: str) -> Moment:
        """When a pipe has done what it was given."""
        pipe = step.pipe
        last = core.now if pipe == S else max(core.now, core.free[pipe], core.done[pipe], key=_ticks)
        return Moment(last.ticks + step.work, last.span, reason)

    def _hold(self, core: _Core, pipe: int, until: Moment) -> None:
        """A pipe, or with S all of them, does not go on before a moment."""
        if pipe == S:
            core.now = max(core.now, until, key=_ticks)
        else:
            core.free[pipe] = max(core.free[pipe], until, key=_ticks)


def _ticks(moment: Moment) -> int:
    return moment.ticks


def _issued(now: Moment) -> str:
    """What held up the scalar unit holds up what it issues; its own work is "issue"."""
    return "issue" if now.reason == "pipe" else now.reason
