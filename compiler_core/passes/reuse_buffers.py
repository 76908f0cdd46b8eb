"""An instruction whose operand dies takes over the operand's buffer for its result."""

from dataclasses import dataclass
from typing import ClassVar

from compiler_core.dialects import hivm
from compiler_core.dialects.builtin import device_functions
from compiler_core.dialects.memref import base_of
from compiler_core.ir import Op, Value
from compiler_core.ir.core import fuse_locations
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.machine.lifetimes import Lifetime, buffer_type, copies, lifetimes, users

IN_STEP = frozenset(
    f"hivm.hir.{name}"
    for name in (
        *("vadd", "vsub", "vmul", "vdiv", "vmax", "vmin", "vand", "vor", "vnot", "vshl", "vshr", "vsel"),
        *("vexp", "vln", "vabs", "vrelu", "vsqrt", "vrsqrt", "vrec", "vcast"),
    )
)
"""Instructions that write each element after they have read that one, and no later one before."""


@dataclass(frozen=True)
class ReuseBuffers(Pass):
    name: ClassVar[str] = "reuse-buffers"
    summary: ClassVar[dict[str, str]] = {
        "en": "Results take over the buffers of operands that die there, so that fewer bytes are live at once",
        "zh": "结果直接占用在此处失效的操作数缓冲区，减少同时存活的字节数",
    }
    stage_in: ClassVar = "machine"
    stage_out: ClassVar = "machine"
    mandatory: ClassVar[bool] = False

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            merge_in_place(function, keep_apart=True)


def merge_in_place(function: Op, *, keep_apart: bool = False) -> None:
    """Merges buffers until no result can take over an operand's.

    With `keep_apart` a loop's loads and stores keep buffers of their own, so that they can run at the same time.
    """
    while _merge_one(function, keep_apart):
        pass


def _merge_one(function: Op, keep_apart: bool) -> bool:
    lives = {life.alloc.result: life for life in lifetimes(function)}
    positions = {op.id: i for i, op in enumerate(function.walk())}
    for op in function.walk():
        if op.name not in IN_STEP:
            continue
        (target,) = hivm.outs(op)
        for source in hivm.ins(op):
            if keep_apart and _loaded(source) and _stored(target):
                continue
            if _can_take(op, source, target, lives, positions[op.id]):
                _merge(lives[source].alloc, lives[target].alloc)
                return True
    return False


def _can_take(op: Op, source: Value, target: Value, lives: dict[Value, Lifetime], position: int) -> bool:
    """Whole buffers of one type, made in the instruction's block; one ends and the other begins here."""
    if source is target or source not in lives or target not in lives or source.type != target.type:
        return False
    old, new = lives[source], lives[target]
    if old.end != position or new.start != position or any(base_of(v) is source for v in hivm.group(op, "temp_buffer")):
        return False
    if copies(old.alloc) != copies(new.alloc):
        return False
    return old.alloc.parent is op.parent and new.alloc.parent is op.parent and _before(old.alloc, new.alloc)


def _loaded(buffer: Value) -> bool:
    """A load in a loop fills it."""
    return any(u.name == "hivm.hir.load" and _in_loop(u) for u in users(buffer))


def _stored(buffer: Value) -> bool:
    """A store in a loop empties it."""
    return any(u.name == "hivm.hir.store" and _in_loop(u) for u in users(buffer))


def _in_loop(op: Op) -> bool:
    return any(around.name == "scf.for" for around in op.ancestors())


def _before(a: Op, b: Op) -> bool:
    block = a.parent
    return block is not None and block.ops.index(a) < block.ops.index(b)


def _merge(old: Op, new: Op) -> None:
    assert buffer_type(old) == buffer_type(new)
    old.location = fuse_locations(old.location, new.location)
    old.origin = tuple(dict.fromkeys((*old.origin, *new.origin)))
    name = new.result.name or old.result.name
    new.replace_with(old.result)
    old.result.name = name
