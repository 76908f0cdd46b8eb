"""How much of a core's memories a tile-stage function needs: the largest sum of tensors that live at once, by memory.

Every tensor has a buffer from the op that makes it to its last use (a loop's end counts as a use of what comes from before
it), rounded up to whole blocks. Scalars spread over a shape, and views, take nothing. Two estimates: the careful one counts the
scratch of instructions that need it and never lets a result take an operand's place; `least` is below what any plan needs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from compiler_core.analysis.units import MATMULS, way_in
from compiler_core.ir import Block, Op, Value
from compiler_core.ir.types import DYNAMIC, TensorType, bit_width

BLOCK_BYTES = 32
"""A buffer's size is a multiple of this in UB (DaVinci's unit of access)."""
FRACTAL = 16
"""Rows and columns of matrices in L1 and L0C come in multiples of this."""

Shape = Callable[[Value], tuple[int, ...]]

_VIEWS = frozenset({"tensor.expand_shape", "tensor.collapse_shape", "tensor.cast", "tensor.extract_slice"})
_FREE = frozenset({"tensor.empty", "tensor.splat", "arith.constant"})
_SPREADING = frozenset(
    f"arith.{name}" for name in ("addf", "subf", "mulf", "divf", "maximumf", "minimumf", "maxnumf", "minnumf")
)
"""Ops whose instruction repeats an operand along a dimension by itself."""


_SCRATCH = {
    "linalg.reduce": 1,
    "math.exp2": 1,
    "math.log2": 1,
    "math.floor": 1,
    "math.ceil": 1,
    "math.powf": 2,
    "arith.divsi": 2,
    "math.tanh": 3,
    "math.erf": 3,
    "math.sin": 3,
    "math.cos": 3,
    "arith.cmpi": 1,
    "arith.remsi": 3,
}
"""How many buffers of an operand's size an op's instructions need besides operand and result (about)."""


@dataclass(frozen=True)
class Share:
    """One buffer at the time of the peak."""

    value: Value
    bytes: int


@dataclass(frozen=True)
class Peak:
    """The most that a memory must hold at once, and of what, largest first."""

    bytes: int = 0
    shares: tuple[Share, ...] = ()


def own_shape(value: Value) -> tuple[int, ...]:
    return value.type.shape if isinstance(value.type, TensorType) else ()


def peaks(function: Op, shape: Shape = own_shape, *, least: bool = False) -> dict[str, Peak]:
    """The peak of each memory (UB, L1, L0C). `shape` may give tensors other shapes than they have, to try a tiling."""
    return _Footprint(function, shape, least).peaks()


@dataclass
class _Buffer:
    value: Value
    memory: str
    start: int
    end: int


@dataclass
class _Footprint:
    function: Op
    shape: Shape
    least: bool
    at: dict[Op, int] = field(default_factory=dict[Op, int])
    ends: dict[Op, int] = field(default_factory=dict[Op, int])
    buffers: dict[Value, _Buffer] = field(default_factory=dict[Value, _Buffer])
    scratch: list[_Buffer] = field(default_factory=list[_Buffer])

    def peaks(self) -> dict[str, Peak]:
        self.number(self.function)
        for op in self.function.walk():
            for value in [*op.results, *(a for r in op.regions for b in r.blocks for a in b.arguments)]:
                if isinstance(value.type, TensorType):
                    self.place(value)
        return {memory: self.peak(memory) for memory in ("UB", "L1", "L0C")}

    def number(self, op: Op) -> None:
        self.at[op] = len(self.at) + len(self.ends)
        for region in op.regions:
            for block in region.blocks:
                for inner in block.ops:
                    self.number(inner)
        self.ends[op] = len(self.at) + len(self.ends)

    def place(self, value: Value) -> None:
        """Gives a value its buffer, or adds its uses to the buffer that it lies in."""
        memory = memory_of(value)
        if memory is None:
            return
        holder = holder_of(value)
        buffer = self.buffers.get(holder)
        if buffer is None:
            start = self.at[holder.owner] if isinstance(holder.owner, Op) else self.start_of(holder.owner)
            buffer = self.buffers[holder] = _Buffer(holder, memory, start, start)
        for user in value.uses:
            buffer.end = max(buffer.end, self.time_of(user, holder))
            if memory == "UB" and user.operands[0] is value:
                self.scratch += [_Buffer(value, memory, self.at[user], self.at[user])] * _SCRATCH.get(user.name, 0)

    def start_of(self, block: Block) -> int:
        around = block.parent_op
        return self.at[around] if around is not None else 0

    def time_of(self, user: Op, holder: Value) -> int:
        """When a use is over: at the end of the outermost loop around it that is not around the holder."""
        owner = holder.owner
        home = owner if isinstance(owner, Op) else owner.parent_op
        around_home = {home, *home.ancestors()} if home is not None else set[Op]()
        time = self.at[user]
        for loop in user.ancestors():
            if loop in around_home:
                break
            if loop.name in ("scf.for", "scf.while"):
                time = self.ends[loop]
        return time

    def peak(self, memory: str) -> Peak:
        """Buffers only grow the sum where one starts, so it is enough to look there."""
        mine = [b for b in (*self.buffers.values(), *(() if self.least else self.scratch)) if b.memory == memory]
        best = Peak()
        for moment in {b.start for b in mine}:
            at_once = [b for b in mine if b.start <= moment and (moment < b.end or moment == b.start or not self.least)]
            live = [Share(b.value, self.bytes(b.value, memory)) for b in at_once if moment <= b.end]
            total = sum(s.bytes for s in live)
            if total > best.bytes:
                best = Peak(total, tuple(sorted(live, key=lambda s: -s.bytes)))
        return best

    def bytes(self, value: Value, memory: str) -> int:
        shape = self.shape(value)
        bits = bit_width(value.type)
        if memory != "UB" and len(shape) >= 2:
            shape = (*shape[:-2], *(-(-size // FRACTAL) * FRACTAL for size in shape[-2:]))
        return -(-prod(shape) * bits // 8 // BLOCK_BYTES) * BLOCK_BYTES


def memory_of(value: Value) -> str | None:
    """Where a tensor lies: operands of products straight from memory in L1, products in L0C; None for what needs no place."""
    op = value.op
    if op is None:
        return "L0C" if _accumulates(value) else "UB"
    if op.name in _FREE or any(size == DYNAMIC for size in own_shape(holder_of(value))):
        return None
    if op.name == "linalg.broadcast" and all(u.name in _SPREADING for u in value.uses):
        return None
    if op.name in MATMULS or (op.name == "scf.for" and _accumulates(op.body.arguments[1 + value.index])):
        return "L0C"
    return "L1" if way_in(value) is not None else "UB"


def _accumulates(argument: Value) -> bool:
    """Whether a loop carries this for products to add to."""
    block = argument.owner
    loop = None if isinstance(block, Op) else block.parent_op
    if loop is None or loop.name != "scf.for" or len(argument.uses) != 1:
        return False
    user = argument.uses[0]
    if user.name in MATMULS:
        return user.operands[2] is argument
    return user.name == "scf.for" and _accumulates(user.body.arguments[user.operands.index(argument) - 2])


def holder_of(value: Value) -> Value:
    """The value whose buffer this one lies in: views lie in their source, products in their accumulator, loop results in the
    carried value."""
    op = value.op
    if op is None:
        block = value.owner
        loop = None if isinstance(block, Op) else block.parent_op
        if loop is not None and loop.name == "scf.for" and _accumulates(value):
            init = loop.operands[2 + value.index]
            return holder_of(init) if memory_of(init) == "L0C" else value
        return value
    if op.name in _VIEWS or (op.name == "linalg.transpose" and way_in(value) is not None):
        return holder_of(op.operands[0])
    if op.name == "scf.for":
        return holder_of(op.body.arguments[1 + value.index])
    if op.name in MATMULS:
        init = op.operands[2]
        return holder_of(init) if memory_of(init) == "L0C" else value
    return value
