"""Costs: an instruction becomes the work it gives to pipes, from the chip's tables.

mmadL1, a macro, becomes its moves and cube steps.
"""

import math
from typing import Literal, NamedTuple

from compiler_core.chips import Chip
from compiler_core.chips.timing import Move
from compiler_core.dialects.hivm import enum, flag, numbers
from compiler_core.emulator.clock.cache import Lines, run_of
from compiler_core.emulator.clock.recorder import Entry, Variant
from compiler_core.emulator.execution.memory import Tile
from compiler_core.ir import IntegerAttr

PIPES = ("S", "V", "M", "MTE1", "MTE2", "MTE3", "FIX")
S, V, M, MTE1, MTE2, MTE3, FIX = range(7)
ALL = 7

RUN, SET, WAIT, BARRIER, TAKE, GIVE, POST, AWAIT = range(8)
"""What an item does. RUN works; SET and WAIT are event flags; BARRIER empties a pipe; TAKE and GIVE are the flags inside a
macro, a counter with credits: the i-th take waits for give number i − credits; POST and AWAIT are counters between the cores of
a block."""

Use = tuple[int, Literal["r", "w", "rw"]]
"""Which tile of the entry, and how."""


class Item(NamedTuple):
    """What one pipe is asked to do. Times in cycles."""

    kind: int
    pipe: int
    name: str
    work: float = 0.0
    """Without what sharing adds."""
    startup: float = 0.0
    shared: int = 0
    """Bytes through L2."""
    scalars: float = 0.0
    """Scalar work before it is issued."""
    other: int = 0
    """The pipe at the other end of a flag."""
    event: int = 0
    credits: int = 0
    path: str = ""
    bytes: int = 0
    missed: int = 0
    """Bytes that L2 had to bring in."""
    uses: tuple[Use, ...] = ()
    inner: bool = False
    """Issued by a macro, not by the scalar unit's own program."""
    conflicts: float = 0.0
    """Part of the work: what operands in the same bank of UB cost."""
    masked: float = 0.0
    """Part of the work: repeats for lanes that are switched off."""


class Vector(NamedTuple):
    """What a vector instruction costs, as Item has it."""

    startup: float
    work: float
    conflicts: float = 0.0
    masked: float = 0.0


FROM_L1 = frozenset({"L1->L0A", "L1->L0B"})

WITH_SCALAR = {"vadd": "vadds", "vsub": "vadds", "vmul": "vmuls", "vmax": "vmaxs", "vmin": "vmins", "vcmp": "vcmps"}
"""The instruction that takes a number in place of its second buffer."""

INSTRUCTIONS = {
    "vcast": "vconv",
    "varange": "vectordup",
    "vinterleave": "vcopy",
    "vdeinterleave": "vreduce",
    "vgathermask": "vreduce",
    "vconcat": "vcopy",
    "vpad": "vcopy",
    "vflip": "vgather",
}
"""The instruction a hivm op stands for; `vreduce` is the unit's own name of picking elements by a mask or pattern."""

SORTED_AT_ONCE, MERGED_AT_ONCE, PAIR_BYTES = 32, 4, 8
"""A sort orders 32 elements by one instruction, then merges four runs of (value, position) pairs at a time."""

PRODUCTS = frozenset({"mmadL1", "batchMmadL1", "Conv1dL1", "Conv2dL1"})
"""Macros that load L0A and L0B and multiply; their extras are init condition, m, k, n and the events of their flags."""

ELEMENT_NAMES = {"float16": "fp16", "float32": "fp32", "bfloat16": "bf16", "bool": "uint8"}

CONFLICT_READ_WRITE = 1.8
"""Cycles of a repeat whose write meets a read in one bank. Source: a documented run, 139 cycles for 64 repeats of vadd."""


class Contention(NamedTuple):
    """How cores and pipes are in each other's way during a launch, on average."""

    readers: float
    """Cores that read global memory at a time."""
    writers: float
    written_back: float = 0.0
    """Bytes that L2 writes back for each byte it brings in."""
    spilled: float = 0.0
    """Bytes that L2 writes back for each byte stored, beside those."""
    l1_writing: float = 0.0
    """Share of the time that L1 is being written."""


class Costs:
    """Costs on one chip. Notes the peaks of L0A and L0B, which only macros use."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.timing = chip.timing
        self.memory: dict[str, int] = {}

    def work(self, item: Item, contention: Contention) -> float:
        """The cycles an item keeps its pipe busy."""
        memory = self.timing.memory
        if item.shared:
            users = contention.readers if item.path.startswith("GM") else contention.writers
            work = max(item.work, item.shared * users / memory.l2_rate)
            from_memory = item.missed * (1 + contention.written_back)
            if item.path.endswith("GM"):
                from_memory = item.shared * contention.spilled
            work += from_memory * max(1 / memory.core_miss_rate, users / memory.gm_rate)
            return max(memory.issue_cycles, work)
        return item.work / (1 - contention.l1_writing) if item.path in FROM_L1 else item.work

    def items(self, variant: Variant) -> tuple[Item, ...]:
        found = self._items(variant)
        if found and variant.entry.site.scalars:
            scalars = variant.entry.site.scalars * self.timing.scalar.operation
            found = (found[0]._replace(scalars=scalars), *found[1:])
        return found

    def _items(self, variant: Variant) -> tuple[Item, ...]:
        entry = variant.entry
        site = entry.site
        name, op = site.name, site.op
        if name in ("set_flag", "wait_flag"):
            first, second, _ = flag(op)
            a, b = (PIPES.index(p.removeprefix("PIPE_")) for p in (first, second))
            kind, pipe, other = (SET, a, b) if name == "set_flag" else (WAIT, b, a)
            return (Item(kind, pipe, name, other=other, event=int(entry.extras[0])),)
        if name == "pipe_barrier":
            pipe = enum(op.attributes["pipe"]).removeprefix("PIPE_")
            return (Item(BARRIER, ALL if pipe == "ALL" else PIPES.index(pipe), name),)
        if name == "scalar":
            return (Item(RUN, S, name),)
        if name in ("sync_block_set", "sync_block_wait"):
            kind, side = (POST, "tpipe") if name == "sync_block_set" else (AWAIT, "pipe")
            pipe = enum(op.attributes[side]).removeprefix("PIPE_")
            return (Item(kind, ALL if pipe == "ALL" else PIPES.index(pipe), name, event=_flag_number(entry)),)
        uses: tuple[Use, ...] = tuple([(i, "w" if write else "r") for i, (_, write) in enumerate(entry.tiles)])
        if name in ("load_scalar", "store_scalar", "debug"):
            return (Item(RUN, S, name, work=self.timing.scalar.load, uses=uses),)
        if name in PRODUCTS:
            return self._mmad(entry) * (entry.tiles[0][0].sizes[0] if name == "batchMmadL1" else 1)
        pipe = PIPES.index(site.pipe)
        if name.startswith("v") and not (name == "vbrc" and pipe == MTE2):
            cost = self._vector(entry)
            return (Item(RUN, pipe, name, cost.work, cost.startup, uses=uses, conflicts=cost.conflicts, masked=cost.masked),)
        return (self._move(variant, pipe, uses),)

    # Moves

    def _move(self, variant: Variant, pipe: int, uses: tuple[Use, ...]) -> Item:
        entry = variant.entry
        name = entry.site.name
        if name == "vbrc":
            (target, _) = entry.tiles[-1]
            path, lines = "GM->L1 fill", None
            moved = target.bytes
        else:
            source, target = entry.tiles[0][0], next(t for t, write in entry.tiles if write)
            path = f"{_memory(source)}->{_memory(target)}"
            lines = next((found for found in variant.lines if found), None)
            moved = target.bytes if name == "fixpipe" else min(source.bytes, target.bytes)
        converts = name == "nd2nz" and path == "GM->L1"
        move = self.timing.moves.get("GM->L1 nd2nz" if converts else path) or Move(
            startup=self.timing.vector.startup["default"], rate=64.0
        )
        if lines is None:
            return Item(RUN, pipe, name, max(1.0, moved / move.rate), move.startup, path=path, bytes=moved, uses=uses)
        return self._global_move(name, pipe, path, move, lines, moved, uses)

    def _global_move(
        self, name: str, pipe: int, path: str, move: Move, lines: Lines, moved: int, uses: tuple[Use, ...]
    ) -> Item:
        """A move to or from global memory: its port, whole lines, and what it waits for."""
        memory = self.timing.memory
        padded = lines.runs * -(-lines.run_bytes // 32) * 32
        port = max(padded / move.rate, lines.lines * memory.line_cycles)
        sharers = min(lines.sharers, self.chip.cube_cores if pipe == MTE2 and path == "GM->L1" else self.chip.vector_cores)
        port *= 1 + memory.same_lines * math.sqrt(sharers - 1)
        missed = round(lines.whole * lines.missed) if path.startswith("GM") else 0
        startup = move.startup + (memory.miss_startup if missed else 0.0)
        return Item(RUN, pipe, name, port, startup, padded, path=path, bytes=moved, missed=missed, uses=uses)

    # Vector instructions

    def _vector(self, entry: Entry) -> Vector:
        name = entry.site.name
        if name == "vreduce":
            return Vector(*self._reduce(entry))
        if name in ("vcumsum", "vcumprod"):
            return Vector(*self._cumulate(entry))
        if name == "vsort":
            return Vector(*self._sort(entry))
        timing = self.timing.vector
        inputs = [t for t, write in entry.tiles if not write]
        outputs = [t for t, write in entry.tiles if write]
        target = outputs[0]
        repeats, partial = _repeats([target, *inputs], target, timing.repeat_bytes)
        idle = repeats - target.elements * max(t.dtype.itemsize for t in (target, *inputs)) / timing.repeat_bytes
        if name in timing.expansion:
            slopes = [self._slope(n, inputs, target) * count for n, count in timing.expansion[name].items()]
            steps = sum(timing.expansion[name].values())
            return Vector(self._startup(name, partial) * steps, sum(slopes) * repeats, masked=sum(slopes) * idle)
        actual = self._actual(name, entry, inputs)
        slope = self._slope(actual, inputs, target)
        free = slope
        if len(inputs) == 2 and slope == 2.0:
            slope, free = _with_conflicts(inputs, target, slope), 1.0
        work, clear = max(timing.minimum, slope * repeats), max(timing.minimum, free * repeats)
        masked = work - max(timing.minimum, slope * (repeats - idle))
        return Vector(self._startup(actual, partial), work, work - clear, masked)

    def _actual(self, name: str, entry: Entry, inputs: list[Tile]) -> str:
        """The instruction the unit runs for a hivm op."""
        if name in WITH_SCALAR and len(inputs) == 1:
            return WITH_SCALAR[name]
        if name == "vbrc":
            if not inputs:
                return "vectordup"
            dims = numbers(entry.site.op, "broadcast_dims")
            return "vbrcb" if dims and dims[-1] == len(inputs[0].sizes) - 1 else "vcopy"
        return INSTRUCTIONS.get(name, name)

    def _slope(self, name: str, inputs: list[Tile], target: Tile) -> float:
        """Cycles of a repeat; an element type the table does not have counts as another of its width, else as any."""
        table = self.timing.vector.repeat.get(name)
        if table is None:
            return 2.0 if len(inputs) > 1 else 1.0
        element = _element(inputs[0] if inputs and name != "vsel" else target)
        if name == "vsel":
            element = _element(target)
        key = f"{element}_{_element(target)}" if name == "vconv" else element
        if key in table:
            return table[key]
        width = target.dtype.itemsize * 8
        same = [v for k, v in table.items() if k.endswith(str(width))]
        return same[0] if same else max(table.values()) * max(1, width // 32)

    def _startup(self, name: str, partial: bool) -> float:
        timing = self.timing.vector
        return timing.startup.get(name, timing.startup["default"]) + (timing.partial_mask if partial else 0.0)

    def _reduce(self, entry: Entry) -> tuple[float, float]:
        """Halving by element-by-element instructions down to one repeat, each step waiting for the last; then across lanes."""
        op, timing = entry.site.op, self.timing.vector
        source, target = entry.tiles[0][0], next(t for t, write in entry.tiles if write)
        kind = enum(op.attributes["arith"])
        fold = "vadd" if kind in ("sum", "prod") else "vmax"
        dims = numbers(op, "reduce_dims")
        rows = max(1, target.elements)
        length = max(1, source.elements // rows)
        item = source.dtype.itemsize
        across = bool(dims) and dims[-1] == len(source.sizes) - 1
        if across:
            blocks = -(-length * item // timing.repeat_bytes)
            repeats, steps = rows * (blocks - 1), math.ceil(math.log2(blocks)) if blocks > 1 else 0
            last = self._slope("vcadd" if fold == "vadd" else "vcmax", [source], target) * rows
        else:
            repeats = (length - 1) * -(-rows * item // timing.repeat_bytes)
            steps, last = math.ceil(math.log2(length)) if length > 1 else 1, 0.0
        twice = 2 if "with_index" in kind else 1
        startup = self._startup(fold, False)
        work = max(timing.minimum, self._slope(fold, [source, source], target) * repeats + last)
        waits = max(0, steps - (0 if across else 1)) * startup
        return startup, twice * work + waits

    def _cumulate(self, entry: Entry) -> tuple[float, float]:
        """A row after another along the dimension, each waiting for the one before it."""
        source, timing = entry.tiles[0][0], self.timing.vector
        (dim,) = numbers(entry.site.op, "cum_dims")[:1] or (0,)
        length = max(1, source.sizes[dim])
        repeats = -(-(source.elements // length) * source.dtype.itemsize // timing.repeat_bytes)
        name = "vadd" if entry.site.name == "vcumsum" else "vmul"
        startup, slope = self._startup(name, False), self._slope(name, [source, source], source)
        return startup, max(timing.minimum, length * slope * repeats + (length - 1) * startup)

    def _sort(self, entry: Entry) -> tuple[float, float]:
        """Runs of 32, then merges of four, each a pass over pairs at the rate of a copy: nothing is published."""
        source, timing = entry.tiles[0][0], self.timing.vector
        length = max(1, source.sizes[-1])
        passes = 1 + math.ceil(max(0.0, math.log(length / SORTED_AT_ONCE, MERGED_AT_ONCE)))
        repeats = -(-source.elements * PAIR_BYTES // timing.repeat_bytes)
        startup = self._startup("vcopy", False)
        return startup, max(timing.minimum, passes * repeats * self._slope("vcopy", [source], source) + (passes - 1) * startup)

    # The cube

    def _mmad(self, entry: Entry) -> tuple[Item, ...]:
        """Loads of L0A and L0B in steps along k, double-buffered, and the multiplications, with the macro's own flags."""
        cube = self.timing.cube
        a = entry.tiles[0][0]
        clear, m, k, n, *sync = (int(x) for x in entry.extras)
        waits, sets = [e for e in sync[:2] if e >= 0], [e for e in sync[2:4] if e >= 0]
        item = a.dtype.itemsize
        depth = cube.step_k.get(_mlir_name(a), 16) * (2 if "enable_HF32" in entry.site.op.attributes else 1)
        m16, n16, c0 = -(-m // 16) * 16, -(-n // 16) * 16, 32 // item
        k_padded = max(c0, -(-k // c0) * c0)
        fits = min(self.chip.l0a // 2 // (max(m16, 16) * item), self.chip.l0b // 2 // (max(n16, 16) * item)) // c0 * c0
        step = max(c0, min(fits, k_padded))
        to_a, to_b = self.timing.moves["L1->L0A"], self.timing.moves["L1->L0B"]
        items = [Item(WAIT, MTE1, "mmadL1", other=MTE2, event=e) for e in waits]
        for low in range(0, k_padded, step):
            width = min(step, k_padded - low)
            last = low + step >= k_padded
            a_bytes, b_bytes = m16 * width * item, n16 * width * item
            b_uses: tuple[Use, ...] = ((1, "r"), (2, "r")) if len(entry.tiles) > 3 and low == 0 else ((1, "r"),)
            self._peak("L0A", 2 * a_bytes)
            self._peak("L0B", 2 * b_bytes)
            steps = (m16 // 16) * math.ceil(width / depth) * (n16 // 16) * cube.step_cycles
            accumulate: Use = (len(entry.tiles) - 1, "w" if clear and low == 0 else "rw")
            items += [
                Item(TAKE, MTE1, "L0 free", event=0, credits=2, inner=True),
                Item(RUN, MTE1, "L1->L0A", a_bytes / to_a.rate, to_a.startup, path="L1->L0A", bytes=a_bytes, uses=((0, "r"),)),
                Item(RUN, MTE1, "L1->L0B", b_bytes / to_b.rate, to_b.startup, path="L1->L0B", bytes=b_bytes, uses=b_uses),
                Item(GIVE, MTE1, "L0 full", event=1, inner=True),
                *(Item(SET, MTE1, "mmadL1", other=MTE2, event=e) for e in (sets if last else ())),
                Item(TAKE, M, "L0 full", event=1, inner=True),
                Item(RUN, M, "mmad", steps + cube.streamed, cube.startup - cube.streamed, uses=(accumulate,)),
                Item(GIVE, M, "L0 free", event=0, inner=True),
            ]
        return tuple(items)

    def _peak(self, memory: str, size: int) -> None:
        self.memory[memory] = max(self.memory.get(memory, 0), min(size, self.chip.buffers[memory]))


def _flag_number(entry: Entry) -> int:
    """The flag between cores: an operand, else an attribute."""
    if entry.extras:
        return int(entry.extras[0])
    flag = entry.site.op.attributes.get("static_flag_id")
    return flag.value if isinstance(flag, IntegerAttr) else 0


def _memory(tile: Tile) -> str:
    return tile.memory.name if tile.memory.local else "GM"


def _element(tile: Tile) -> str:
    name = str(tile.dtype)
    return ELEMENT_NAMES.get(name, name)


def _mlir_name(tile: Tile) -> str:
    return {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "int8": "i8"}.get(str(tile.dtype), "f16")


def _repeats(tiles: list[Tile], target: Tile, repeat_bytes: int) -> tuple[int, bool]:
    """Repeats over the target's elements, cut where any operand is not contiguous, and whether the last one is partial."""
    elements = max(1, target.elements)
    item = max(t.dtype.itemsize for t in tiles)
    runs = [run_of(t) for t in tiles if t.elements == target.elements and not t.packed]
    run = max(1, min([elements, *runs]))
    rows = -(-elements // run)
    return rows * -(-run * item // repeat_bytes), bool(run * item % repeat_bytes)


def _with_conflicts(inputs: list[Tile], target: Tile, conflicting: float) -> float:
    """Cycles of a repeat of a binary instruction, from where its operands lie in UB.

    UB has 16 groups of 3 banks; an address's bits 5 to 8 name the group, bits 16 and 17 the bank. A repeat covers 8 groups,
    so two operands stay apart only when they start 8 groups from each other; a write that starts in the group of a read follows
    it a repeat later, without meeting it. Source: the documented banks and runs of the 910B's UB.
    """
    a, b = (int(t.start) >> 5 for t in inputs)
    if (a - b) % 16 != 8:
        return conflicting
    out = int(target.start) >> 5
    for source in (a, b):
        if source >> 11 == out >> 11 and (source - out) % 16 not in (0, 8):
            return CONFLICT_READ_WRITE
    return 1.0
