"""Deadlocks: who waits for whom, as one finding with every wait's source line."""

from collections.abc import Sequence
from dataclasses import dataclass

from compiler_core.diagnostics import Diagnostic, error
from compiler_core.ir import Op
from compiler_core.ir.spans import spans_of


@dataclass(frozen=True, slots=True)
class Held:
    """A pipe that stands still at an instruction until another sets an event."""

    op: Op
    waiter: str
    """The pipe's name, with its core's where there are several cores."""
    setter: str
    event: int
    behind: str = ""
    """What keeps the setter from getting there: itself, or the scalar unit that would have to issue the set; empty where there
    is no further set."""


def deadlock(held: Sequence[Held]) -> Diagnostic:
    """What to tell where nothing moves any more; `held` has at least one wait."""
    waits = {h.waiter: h for h in held}
    chain = [next((h for h in held if not h.behind), held[0])]
    while chain[-1].behind in waits and waits[chain[-1].behind] not in chain:
        chain.append(waits[chain[-1].behind])
    last = chain[-1]
    spans = tuple(
        span for h in (chain if last.behind else [last, *(h for h in held if h is not last)]) for span in spans_of(h.op)
    )
    if not last.behind:
        return error("emulator-deadlock", *spans, waiter=last.waiter, setter=last.setter, event=last.event)
    circle = chain[chain.index(waits[last.behind]) :] if last.behind in waits else chain
    names: list[str] = []
    for h, following in zip(circle, [*circle[1:], circle[0]], strict=True):
        names += [h.waiter] if h.setter == following.waiter else [h.waiter, h.setter]
    return error("emulator-deadlock-circle", *spans, chain=" → ".join([*names, circle[0].waiter]), event=circle[0].event)
