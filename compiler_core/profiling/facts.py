"""Facts: a run's measurements as shares of what the chip could do."""

from dataclasses import dataclass

from compiler_core.chips import Chip
from compiler_core.emulator import Result


@dataclass(frozen=True, slots=True)
class Facts:
    """Shares are 0 to 1. `utilisation` is over the cores that could have run the kernel; `working` over those that did."""

    result: Result
    utilisation: dict[str, float]
    working: dict[str, float]
    busiest: str
    """The pipe with the most work, the scalar unit aside."""
    gm_share: float
    """Bytes brought in from memory, of what memory could deliver in that time."""
    l2_share: float
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
    """Time pipes waited for the scalar unit to issue, of the active cores' time, for the pipe with the most work."""


def global_bytes(result: Result) -> int:
    """Bytes moved to and from global memory."""
    return sum(size for path, size in result.traffic.items() if path.startswith("GM->") or path.endswith("->GM"))


def facts(result: Result, chip: Chip) -> Facts:
    cycles = max(1, result.cycles)
    cores = max(1, result.available_cores)
    active = [end for end in result.cores if end]
    mean = sum(active) / max(1, len(active))
    moved = global_bytes(result)
    work = {p: busy for p, busy in result.pipes.items() if p != "S"}
    busiest = max(work, key=lambda p: work[p]) if any(work.values()) else ""
    spent = max(1.0, sum(active))
    total_us = result.microseconds + result.launch_microseconds
    return Facts(
        result=result,
        utilisation={p: min(1.0, busy / (cycles * cores)) for p, busy in result.pipes.items()},
        working={p: min(1.0, busy / spent) for p, busy in result.pipes.items()},
        busiest=busiest,
        gm_share=min(1.0, result.missed_bytes / (cycles * chip.timing.memory.gm_rate)),
        l2_share=min(1.0, moved / (cycles * chip.timing.memory.l2_rate)),
        intensity=result.operations / max(1, moved),
        performance=result.operations / cycles,
        bytes_per_transfer=moved / max(1, result.transfers),
        imbalance=1 - mean / cycles if active else 0.0,
        active_share=result.active_cores / cores,
        launch_share=result.launch_microseconds / total_us if total_us else 0.0,
        issue_share=min(1.0, result.stalls.get("issue", 0) / spent),
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
