"""The typed events a compilation yields: the one vocabulary of command line, worker, socket and page.

Each event is a JSON object with a `type` and, once it is journalled, a `seq` (from 0, without gaps). Large bodies (IR
text, line maps, traces, output tensors) are named by the sha256 of their bytes and fetched as blobs.
"""

from typing import Literal

import msgspec

from compiler_core.diagnostics import Diagnostic, Message
from compiler_core.request import Launch

Stage = Literal["graph", "tt", "tensor", "tile", "machine"]
ChangeKind = Literal["moved", "rewritten", "fused", "new", "gone"]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    seq: int = -1


class Accepted(Event, frozen=True, kw_only=True, tag="accepted"):
    key: str
    position: int
    """Compilations before this one in the queue; 0 when it is next."""


class Started(Event, frozen=True, kw_only=True, tag="started"):
    engine: str
    version: str
    chip: str
    clock_mhz: float
    launch: Launch | None
    """The launch as resolved: kernel, grid as integers, every argument. None for models."""
    attempt: int = 1


class DiagnosticEvent(Event, frozen=True, kw_only=True, tag="diagnostic"):
    diagnostic: Diagnostic


class Change(msgspec.Struct, frozen=True):
    """One changed op: its lines before and after (from 1; several where ops were fused)."""

    kind: ChangeKind
    before: tuple[int, ...]
    after: tuple[int, ...]


class Diff(msgspec.Struct, frozen=True):
    """Identity-keyed difference to the IR before the pass. Lines that no change names were kept."""

    counts: dict[str, int]
    changes: tuple[Change, ...]


class Cycles(msgspec.Struct, frozen=True):
    """What the emulator measured: the kernel's cycles from first to last instruction over all cores."""

    total: int
    microseconds: float
    """The total at the chip's clock, without launch overhead."""
    launch_microseconds: float
    pipes: dict[str, int]
    """Busy cycles of each pipe, summed over cores. Pipes: S V M MTE1 MTE2 MTE3 FIX."""
    cores: tuple[int, ...]
    """End cycle of each core, cube cores first."""


class Verification(msgspec.Struct, frozen=True):
    """Outputs of the emulated run against the reference. `ok` where every element is within atol + rtol·|reference|.

    The errors are None where one side has a nan or an infinity that the other has not.
    """

    max_abs: float | None
    max_rel: float | None
    against: str
    ok: bool
    atol: float
    rtol: float


class Pass(Event, frozen=True, kw_only=True, tag="pass"):
    index: int
    name: str
    scope: str
    """Function the pass ran on, or "" for the whole module."""
    stage_in: Stage
    stage_out: Stage
    mandatory: bool
    """A lowering that must run, or an optimisation that can be switched off."""
    ms: float
    changed: bool
    ops: dict[str, int]
    """Op counts by name, after the pass."""
    ir: str
    """Blob: the IR after the pass, as text."""
    lines: str
    """Blob: JSON array, one entry for each line of `ir`: null, or [op id, [source lines]] ."""
    diff: Diff | None
    cycles: Cycles | None
    cycles_reason: Message | None = None
    """Why there are no cycles, where `cycles` is null."""
    memory: dict[str, int] = {}
    """Peak bytes of each buffer of the finished program: UB L1 L0A L0B L0C."""
    verification: Verification | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class Gain(msgspec.Struct, frozen=True):
    """What removing a verdict's cause would save: measured by timing the same instructions again without it.

    An upper bound of what a change of the program can gain, not a forecast.
    """

    cycles: int
    share: float
    """Of the kernel's cycles; for launching, of the kernel's time with its launch."""


class Verdict(msgspec.Struct, frozen=True):
    message: Message
    advice: Message
    lines: tuple[int, ...] = ()
    rule: str = ""
    """The rule's name in the table of rules."""
    value: float = 0.0
    """What the rule measured, in the unit of its threshold."""
    threshold: float = 0.0
    gain: Gain | None = None


class PipeUse(msgspec.Struct, frozen=True):
    """What one pipe did, in cycles. What is neither busy nor stalled is idle: nothing was left for the pipe to do."""

    busy: int
    stalls: dict[str, int] = {}
    """By reason: flag, queue, bandwidth, issue, barrier, communication. Bandwidth is part of busy: a transfer takes longer."""
    instructions: int = 0


class CoreKind(msgspec.Struct, frozen=True):
    """All active cores of one kind, added up."""

    kind: str
    """AIC or AIV on a split chip, AI on a coupled one."""
    available: int
    active: int
    cycles: int
    """Added up over the active cores, from the launch's first instruction to each core's last."""
    pipes: dict[str, PipeUse]


class CoreUse(msgspec.Struct, frozen=True):
    """What one core did."""

    kind: str
    index: int
    blocks: int
    end: int
    pipes: dict[str, PipeUse]
    traffic: dict[str, int]
    """Bytes by path."""
    read: int = 0
    """Bytes of the lines it asked L2 for."""
    missed: int = 0
    """Those of them that L2 did not hold."""
    conflicts: int = 0
    """Cycles of vector instructions lost to bank conflicts."""
    masked: int = 0
    """Cycles of vector instructions for lanes that are switched off."""
    types: dict[str, int] = {}
    """Work of the cube and the vector unit in cycles, by pipe and element type: "V float32"."""


class Series(msgspec.Struct, frozen=True):
    """A quantity over time on one core: it has the value of a point until the next."""

    name: str
    """A buffer (bytes that are live), or a path of global memory (bytes a cycle)."""
    core: str
    capacity: float
    """The buffer's bytes, or the rate of the path."""
    points: tuple[tuple[int, float], ...]


class PathLine(msgspec.Struct, frozen=True):
    """A source line's part of the critical path."""

    line: int
    """0 where the instruction has no source line."""
    pipe: str
    name: str
    cycles: int
    count: int


class ProfileDetail(msgspec.Struct, frozen=True):
    """What is too long for an event: a blob of the Profile event."""

    cores: tuple[CoreUse, ...]
    occupancy: tuple[Series, ...] = ()
    bandwidth: tuple[Series, ...] = ()
    path: tuple[PathLine, ...] = ()
    """By cycles, the most first; together they are as long as the kernel."""


class Profile(Event, frozen=True, kw_only=True, tag="profile"):
    scope: str
    utilisation: dict[str, float]
    """Busy share of each pipe over the cores that have it, 0 to 1."""
    traffic: dict[str, int]
    """Bytes by path, such as "GM->UB"."""
    stalls: dict[str, int]
    """Stalled cycles by reason: flag, queue, bandwidth, issue, barrier, communication."""
    roofline: tuple[float, float]
    """Arithmetic intensity (operations a byte) and performance (operations a cycle)."""
    verdicts: tuple[Verdict, ...] = ()
    cycles: int = 0
    microseconds: float = 0.0
    launch_microseconds: float = 0.0
    blocks: int = 0
    roofs: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What the chip can do: operations a cycle (of the units the kernel uses), bytes a cycle of global memory and of L2."""
    l2_hits: float | None = None
    """Share of the bytes read from global memory that L2 held; None where nothing was read."""
    kinds: tuple[CoreKind, ...] = ()
    memory: dict[str, int] = {}
    """Peak bytes of each buffer of one core."""
    detail: str = ""
    """Blob: JSON of a ProfileDetail; empty in records from before there was one."""


class Trace(Event, frozen=True, kw_only=True, tag="trace"):
    scope: str
    blob: str
    """Blob: Chrome-trace JSON."""


class Output(msgspec.Struct, frozen=True):
    name: str
    dtype: str
    shape: tuple[int, ...]
    blob: str
    """Blob: the tensor as .npy bytes; bfloat16 as uint16."""
    minimum: float
    maximum: float
    mean: float
    finite: bool
    verification: Verification | None


class Outputs(Event, frozen=True, kw_only=True, tag="outputs"):
    outputs: tuple[Output, ...]


class Done(Event, frozen=True, kw_only=True, tag="done"):
    cycles: Cycles | None
    verification: Verification | None
    ms: float
    passes: int


class Failed(Event, frozen=True, kw_only=True, tag="failed"):
    diagnostic: Diagnostic
    status: int
    """The command line's exit status: 1 refused, 3 a limit, 4 an internal error."""


class Cancelled(Event, frozen=True, kw_only=True, tag="cancelled"):
    by: str


AnyEvent = Accepted | Started | DiagnosticEvent | Pass | Profile | Trace | Outputs | Done | Failed | Cancelled
TERMINAL = (Done, Failed, Cancelled)

decoder = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """One line of JSON, without the newline."""
    return msgspec.json.encode(event)


def decode(data: bytes | str) -> AnyEvent:
    """The event of a line of JSON. Raises msgspec.ValidationError with the path of what does not fit."""
    return decoder.decode(data)
