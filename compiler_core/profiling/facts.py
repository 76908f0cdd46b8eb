"""Facts: a run's measurements as shares of what the chip could do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compiler_core.chips import Chip
from compiler_core.emulator import Result
from compiler_core.events import CoreKind, CoreUse, PipeUse
from compiler_core.profiling.usage import core_kinds, core_uses


@dataclass(frozen=True, slots=True)
class Facts:
    """Shares are 0 to 1. `utilisation` is over the cores that could have run the kernel; `working` over those that did."""

    result: Result
    cores: tuple[CoreUse, ...]
    kinds: tuple[CoreKind, ...]
    utilisation: dict[str, float]
    working: dict[str, float]
    lines: dict[str, tuple[int, ...]]
    """By pipe, the source lines with the most work."""
    busiest: str
    """The pipe with the largest share of its cores' time, the scalar unit aside."""
    gm_share: float
    """Bytes brought in from memory, of what memory could deliver in that time."""
    l2_share: float
    l2_hits: float | None
    """Share of the lines read that L2 held."""
    intensity: float
    """Operations for each byte moved to or from global memory."""
    performance: float
    """Operations a cycle, over all cores."""
    bytes_per_transfer: float
    imbalance: float
    """How much of the longest core's time the average active core stood idle."""
    active_share: float
    launch_share: float
    issue_share: float
    """Time the pipe that waits most for the scalar unit to issue spends so while that is at work, of its cores' time."""
    communication_share: float
    """Time the busiest pipe waits for other cores, itself or because its scalar unit does, of its cores' time."""
    conflict_share: float
    """Time lost to bank conflicts, of the time of the cores with a vector unit."""
    mask_share: float
    """Time lost to lanes that are switched off, likewise."""


def global_bytes(result: Result) -> int:
    """Bytes moved to and from global memory."""
    return sum(size for path, size in result.traffic.items() if path.startswith("GM->") or path.endswith("->GM"))


def facts(result: Result, chip: Chip) -> Facts:
    uses = core_uses(result)
    kinds = core_kinds(uses, chip) if result.launch else _kinds(result)
    cycles = max(1, result.cycles)
    active = [use.end for use in uses]
    moved = global_bytes(result)
    working = _most({pipe: use.busy / max(1, kind.cycles)} for kind in kinds for pipe, use in kind.pipes.items())
    work = {pipe: share for pipe, share in working.items() if pipe != "S"}
    total_us = result.microseconds + result.launch_microseconds
    read, missed = sum(use.read for use in uses), sum(use.missed for use in uses)
    vector = max(1, sum(use.end for use in uses if "V" in use.pipes))
    return Facts(
        result=result,
        cores=uses,
        kinds=kinds,
        utilisation=_most(
            {pipe: use.busy / (cycles * max(1, kind.available))} for kind in kinds for pipe, use in kind.pipes.items()
        ),
        working=working,
        lines=result.lines,
        busiest=max(work, key=lambda pipe: work[pipe]) if any(work.values()) else "",
        gm_share=min(1.0, result.missed_bytes / (cycles * chip.timing.memory.gm_rate)),
        l2_share=min(1.0, moved / (cycles * chip.timing.memory.l2_rate)),
        l2_hits=1 - missed / read if read else None,
        intensity=result.operations / max(1, moved),
        performance=result.operations / cycles,
        bytes_per_transfer=moved / max(1, result.transfers),
        imbalance=1 - sum(active) / len(active) / cycles if active else 0.0,
        active_share=result.active_cores / max(1, result.available_cores),
        launch_share=result.launch_microseconds / total_us if total_us else 0.0,
        issue_share=max((_issue(kind) for kind in kinds), default=0.0),
        communication_share=_communication(kinds),
        conflict_share=sum(use.conflicts for use in uses) / vector,
        mask_share=sum(use.masked for use in uses) / vector,
    )


def roofs(result: Result, chip: Chip) -> tuple[float, float, float]:
    """What the chip can do at most: operations a cycle of the unit the kernel computes with, over all its cores (fp16: the cube
    multiplies and adds, the vector unit does one operation an element); bytes a cycle of global memory, and of L2.
    """
    timing = chip.timing
    if result.pipes.get("M"):
        peak = 2 * 16 * 16 * timing.cube.step_k["f16"] / timing.cube.step_cycles * chip.cube_cores
    else:
        peak = timing.vector.repeat_bytes / 2 * chip.vector_cores
    return peak, timing.memory.gm_rate, timing.memory.l2_rate


def _kinds(result: Result) -> tuple[CoreKind, ...]:
    """The one kind of core of a result that is known by its sums."""
    if not result.cycles:
        return ()
    first = next(iter(result.pipes), "")
    pipes = {pipe: PipeUse(busy, result.stalls if pipe == first else {}) for pipe, busy in result.pipes.items()}
    return (CoreKind(result.core_type, result.available_cores, result.active_cores, sum(result.cores), pipes),)


def _most(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    """By name, the largest share."""
    found: dict[str, float] = {}
    for part in parts:
        for name, share in part.items():
            found[name] = min(1.0, max(found.get(name, 0.0), share))
    return found


def _issue(kind: CoreKind) -> float:
    """The largest share of a kind's time that one of its pipes waits for the scalar unit, while that is at work."""
    waited = max((use.stalls.get("issue", 0) for use in kind.pipes.values()), default=0)
    return min(1.0, min(waited, _scalar(kind).busy) / max(1, kind.cycles))


def _communication(kinds: Sequence[CoreKind]) -> float:
    """Of the pipe with the largest share of its kind's time."""
    work = [(use.busy / max(1, kind.cycles), kind, use) for kind in kinds for pipe, use in kind.pipes.items() if pipe != "S"]
    if not work:
        return 0.0
    _, kind, use = max(work, key=lambda entry: entry[0])
    inherited = min(use.stalls.get("issue", 0), _scalar(kind).stalls.get("communication", 0))
    return min(1.0, (use.stalls.get("communication", 0) + inherited) / max(1, kind.cycles))


def _scalar(kind: CoreKind) -> PipeUse:
    return kind.pipes.get("S") or PipeUse(0)
