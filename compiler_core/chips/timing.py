"""What an instruction costs on a chip: the part of a chip's TOML that the emulator's clock is built on.

Cycles are core cycles. An instruction that finds its pipe idle completes `startup` cycles after its work; the pipe takes the
next one as soon as the work is done, so that startups hide behind a stream.
"""

import msgspec


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A data path between two memories."""

    startup: float
    rate: float
    """Bytes a cycle of one core."""


class MemoryTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Global memory and L2, for the whole chip."""

    gm_rate: float
    """Bytes a cycle, shared by the cores that are active."""
    l2_rate: float
    """Bytes a cycle, shared by the cores that are active."""
    core_miss_rate: float
    """Bytes a cycle that one core can bring in from memory."""
    l2_bytes: int
    line_cycles: float
    """Cycles of a data path for each L2 line a transfer touches, where that is more than its bytes need."""
    issue_cycles: float
    """Least cycles of one transfer."""
    miss_startup: float
    """Added to a transfer's startup where L2 does not hold all of it."""
    same_lines: float
    """How much longer a transfer takes whose lines n other cores read at the same time: times the root of n."""
    l1_write_rate: float
    """Bytes a cycle at which L1 takes what MTE2 brings; L0 cannot be loaded meanwhile."""


class VectorTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The vector unit. A repeat is 256 bytes of the widest operand."""

    repeat_bytes: int
    minimum: float
    """Least cycles of an instruction in a stream."""
    partial_mask: float
    """Added to the startup where the last repeat is not full."""
    startup: dict[str, float]
    """By instruction; "default" for the others."""
    repeat: dict[str, dict[str, float]]
    """Cycles of a repeat, by instruction and element type."""
    expansion: dict[str, dict[str, int]]
    """Functions the unit has no instruction for: how many of which instructions a library runs."""


class CubeTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cube. A step multiplies 16 × 32 bytes by 32 bytes × 16 (fp32: four elements)."""

    startup: float
    streamed: float
    """Cycles an instruction costs beside its steps in a stream."""
    step_k: dict[str, int]
    """Depth of one step in elements, by element type."""
    step_cycles: float


class ScalarTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scalar unit, which also issues every instruction."""

    operation: float
    load: float
    issue: float
    flag: float
    """Cycles between an event's set and the wait that sees it."""
    notify: float
    """The same between two cores."""


class LaunchTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    one_core_us: float
    all_cores_us: float


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    queue: int
    """Instructions a pipe's queue holds."""
    moves: dict[str, Move]
    """By path: "GM->UB", "L1->L0A" and so on."""
    memory: MemoryTiming
    vector: VectorTiming
    cube: CubeTiming
    scalar: ScalarTiming
    launch: LaunchTiming
