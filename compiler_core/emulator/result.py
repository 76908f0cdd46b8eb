"""What a run gives back."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler_core.diagnostics import Diagnostic

if TYPE_CHECKING:
    from compiler_core.emulator.clock.launch import Launch


@dataclass(frozen=True, slots=True)
class CoreLoad:
    """What one core did: its end cycle, and cycles by pipe busy and standing still. A stall is counted for the pipe that stands
    still, by reason: flag, queue, bandwidth, issue, barrier, communication.
    """

    core: str
    """Such as "AIV 3"."""
    end: float
    busy: dict[str, float]
    stalls: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Result:
    """A run's measurements; all zero or empty where timing was off.

    Cycles are core cycles, from the first to the last instruction.
    """

    cycles: int = 0
    microseconds: float = 0.0
    """The cycles at the chip's clock, without launch overhead."""
    launch_microseconds: float = 0.0
    pipes: dict[str, int] = field(default_factory=dict[str, int])
    """Busy cycles of each pipe, summed over cores."""
    cores: tuple[int, ...] = ()
    """End cycle of each core of the chip that the launch could use, cube cores first; 0 where a core had no block."""
    memory: dict[str, int] = field(default_factory=dict[str, int])
    """Highest byte used of each on-chip buffer: UB L1 L0A L0B L0C."""
    traffic: dict[str, int] = field(default_factory=dict[str, int])
    """Bytes by path, such as "GM->UB", over all blocks."""
    stalls: dict[str, int] = field(default_factory=dict[str, int])
    """Cycles pipes stood still, by reason: flag, queue, bandwidth, issue, barrier, communication; summed over cores."""
    operations: int = 0
    """Arithmetic operations over all blocks; a multiply-add is two."""
    missed_bytes: int = 0
    """Bytes that L2 had to bring in from memory."""
    transfers: int = 0
    """Moves to and from global memory, over all blocks."""
    core_type: str = ""
    """AIV or AIC on a split chip, AI on a coupled one: the cores that ran it."""
    available_cores: int = 0
    active_cores: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()
    printed: tuple[str, ...] = ()
    """What debug ops would have printed, a line each."""
    launch: "Launch | None" = field(default=None, repr=False)
    """What was timed, for who asks more of it: timelines, critical paths, the same run under other assumptions."""

    @property
    def loads(self) -> tuple[CoreLoad, ...]:
        """Busy and standing still for each core that ran, by pipe."""
        return self.launch.loads() if self.launch else ()

    @property
    def lines(self) -> dict[str, tuple[int, ...]]:
        """Source lines of the instructions that kept each pipe busy longest, first the longest."""
        return self.launch.lines() if self.launch else {}

    @property
    def trace(self) -> bytes:
        """The timeline as Chrome-trace JSON, made when asked for."""
        from compiler_core.emulator.clock.trace import trace

        return trace(self.launch) if self.launch else b""
