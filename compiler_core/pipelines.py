"""Which passes, in which order, for which front door; and what a request's switches make of them."""

from collections.abc import Sequence

from compiler_core.diagnostics import Refused, error
from compiler_core.events import Stage
from compiler_core.passes.base import Pass

STAGES: tuple[Stage, ...] = ("graph", "tt", "tensor", "tile", "machine")

TT: tuple[Pass, ...] = ()
GRAPH: tuple[Pass, ...] = ()
KERNEL: tuple[Pass, ...] = ()
"""From the tensor stage down: shared by both doors."""


def pipeline(stage: Stage) -> tuple[Pass, ...]:
    """The passes from a stage down to the machine."""
    head = {"tt": TT, "graph": GRAPH}.get(stage, ())
    below = STAGES.index(stage)
    return head + tuple(p for p in KERNEL if STAGES.index(p.stage_in) >= min(below, STAGES.index("tensor")) or head)


def all_passes() -> tuple[Pass, ...]:
    """Every pass once, in the order of the stages."""
    return tuple({p.name: p for p in (*GRAPH, *TT, *KERNEL)}.values())


def switched(passes: Sequence[Pass], switches: Sequence[str], stop_after: str | None = None) -> tuple[Pass, ...]:
    """The passes that a request's switches leave on. Raises Refused for a name there is none of, or a lowering switched off."""
    known = {p.name: p for p in all_passes()}
    off: set[str] = set()
    for switch in switches:
        name = switch.removeprefix("-").removeprefix("+")
        if name not in known:
            raise Refused(
                error("unknown-pass", name=name, known=", ".join(sorted(n for n, p in known.items() if not p.mandatory)))
            )
        if switch.startswith("-"):
            if known[name].mandatory:
                raise Refused(error("mandatory-pass", name=name))
            off.add(name)
        else:
            off.discard(name)
    left = tuple(p for p in passes if p.name not in off)
    if stop_after is None:
        return left
    names = [p.name for p in left]
    if stop_after not in names:
        raise Refused(error("unknown-pass", name=stop_after, known=", ".join(names)))
    return left[: len(names) - names[::-1].index(stop_after)]
