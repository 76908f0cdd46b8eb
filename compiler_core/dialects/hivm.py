"""hivm: the machine. Buffers in named memories, moves between them, vector and cube instructions, flags between pipes.

Op names, operand groups and attributes are those of AscendNPU-IR 1.2, whose `bishengir-opt` accepts the generic text. Where an
op takes several groups of operands, `group(op, name)` gives one of them. `accesses(op)` tells which pipe uses which buffer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from compiler_core.dialects.hivm_table import OPS
from compiler_core.ir import Attribute, Builder, Dialect, Op, Value
from compiler_core.ir.attributes import (
    AttributeValue,
    DenseArrayAttr,
    RawAttr,
)
from compiler_core.ir.types import MemRefType, Type, i32, i64

hivm = Dialect("hivm")

Pipe = Literal["PIPE_S", "PIPE_V", "PIPE_M", "PIPE_MTE1", "PIPE_MTE2", "PIPE_MTE3", "PIPE_FIX", "PIPE_ALL"]

MEMORY = {"ub": "UB", "cbuf": "L1", "ca": "L0A", "cb": "L0B", "cc": "L0C"}
"""A space's name in the chip files and in messages."""
C0_BYTES = 32
"""The inner dimension of a fractal: 32 bytes, so 16 elements of 16 bits, 8 of 32 bits, 32 of 8 bits."""
FRACTAL = 16
"""Rows of a fractal."""
EVENT_IDS = 8
"""Event ids of each ordered pair of pipes."""

GROUPS: dict[str, tuple[str, ...]] = {}
"""Op name → its operand groups in order."""
REQUIRED: dict[str, int] = {}
"""Ops without operandSegmentSizes: how many of the groups are always there, one operand each; the rest are optional."""


VARIADIC: dict[str, str] = {}
"""Ops without operandSegmentSizes: the group that takes the operands left over."""

for _entry in OPS.values():
    _full = f"hivm.hir.{_entry.name}"
    GROUPS[_full] = _entry.groups
    if _entry.required is not None:
        REQUIRED[_full] = _entry.required
    if _entry.variadic:
        VARIADIC[_full] = _entry.variadic
    hivm.op(f"hir.{_entry.name}", _entry.summary, results=_entry.results)


def short(op: Op) -> str:
    """vadd for hivm.hir.vadd."""
    return op.name.removeprefix("hivm.hir.")


def is_vector(op: Op) -> bool:
    """A hivm.hir.v… instruction."""
    return op.name.startswith("hivm.hir.v")


def group(op: Op, name: str) -> tuple[Value, ...]:
    """The operands of one group. Raises ValueError where the op has no such group."""
    names = GROUPS[op.name]
    at = names.index(name)
    sizes = op.get("operandSegmentSizes", DenseArrayAttr)
    if sizes is None:
        surplus, long = len(op.operands) - REQUIRED.get(op.name, len(names)), VARIADIC.get(op.name)
        if long is None or at < names.index(long):
            return op.operands[at : at + 1]
        if names.index(long) >= REQUIRED[op.name]:
            return op.operands[at:]
        return op.operands[at : at + 1 + surplus] if name == long else op.operands[at + surplus : at + surplus + 1]
    start = sum(sizes.values[:at])
    return op.operands[start : start + sizes.values[at]]


def optional(op: Op, name: str) -> Value | None:
    """The only operand of a group, or None where it is empty."""
    values = group(op, name)
    return values[0] if values else None


def ins(op: Op) -> tuple[Value, ...]:
    """What the op computes from: buffers and scalars."""
    if op.name == "hivm.hir.mmadL1":
        return (*group(op, "a"), *group(op, "b"), *group(op, "per_channel_bias"))
    return group(op, "src") if "src" in GROUPS[op.name] else ()


def outs(op: Op) -> tuple[Value, ...]:
    """The buffers it writes its result to; without temp_buffer."""
    if op.name == "hivm.hir.mmadL1":
        return group(op, "c")
    return group(op, "dst") if "dst" in GROUPS.get(op.name, ()) else ()


def space_of(value: Value) -> str | None:
    """The memory of a buffer; None for scalars."""
    return value.type.space if isinstance(value.type, MemRefType) else None


@dataclass(frozen=True)
class Access:
    """One pipe's use of one buffer."""

    pipe: Pipe
    value: Value
    write: bool


_READ = ("src", "a", "b", "indices", "mask", "offsets", "bias", "descale", "input", "weight", "per_channel_bias")
_WRITES = ("dst", "c", "init", "temp_buffer")


def pipe_of(op: Op) -> Pipe | None:
    """The pipe that runs an instruction; for macros on the cube PIPE_M. None for what issues nothing to a pipe.

    Fills of L1 run on MTE2. On coupled chips UB reaches L1 through MTE3, and L0C reaches UB through the vector unit; elsewhere
    L0C leaves through FIX.
    """
    if op.name in ("memref.load", "memref.store"):
        return "PIPE_S"
    if not op.name.startswith("hivm.hir."):
        return None
    name = short(op)
    if name == "nd2nz":
        return "PIPE_MTE3" if space_of(op.operands[0]) == "ub" else "PIPE_MTE2"
    if name == "vbrc":
        return "PIPE_MTE2" if space_of(op.operands[1]) == "cbuf" else "PIPE_V"
    if name == "copy":
        return "PIPE_MTE3" if space_of(op.operands[1]) == "cbuf" else "PIPE_V"
    if name == "fixpipe":
        return "PIPE_V" if space_of(op.operands[1]) == "ub" else "PIPE_FIX"
    if name in OPS:
        return _PIPES.get(OPS[name].pipe)
    return "PIPE_V" if is_vector(op) else None


_PIPES: dict[str, Pipe] = {"V": "PIPE_V", "M": "PIPE_M", "MTE2": "PIPE_MTE2", "MTE3": "PIPE_MTE3"}


def accesses(op: Op) -> list[Access]:
    """Every buffer an instruction reads or writes, with the pipe that does. Empty for scalar ops, views, synchronisation.

    Products and convolutions read L1 on MTE1, and L0C too, which they add to.
    """
    pipe = pipe_of(op)
    if pipe is None:
        return []
    if op.name == "memref.load":
        return [Access(pipe, op.operands[0], False)]
    if op.name == "memref.store":
        return [Access(pipe, op.operands[1], True)]
    reads = [v for name in GROUPS[op.name] if name in _READ for v in group(op, name) if isinstance(v.type, MemRefType)]
    writes = [v for name in GROUPS[op.name] if name in _WRITES for v in group(op, name)]
    found = [Access("PIPE_MTE1" if pipe == "PIPE_M" else pipe, v, False) for v in reads]
    if pipe == "PIPE_M":
        found += [Access(pipe, v, False) for v in writes]
    return found + [Access(pipe, v, True) for v in writes]


def enum(attribute: Attribute | None) -> str:
    """max for #hivm.reduce_op<max>; empty for None."""
    return attribute.text.partition("<")[2].removesuffix(">") if isinstance(attribute, RawAttr) else ""


def enum_attribute(kind: str, value: str) -> RawAttr:
    """#hivm.kind<value>."""
    return RawAttr(f"#hivm.{kind}<{value}>")


def numbers(op: Op, key: str) -> tuple[int, ...]:
    """A dense array attribute (broadcast, transpose, reduce_dims, permutation …); empty where it is missing."""
    found = op.get(key, DenseArrayAttr)
    return found.values if found is not None else ()


def flag(op: Op) -> tuple[str, str, int | Value]:
    """Setting pipe, waiting pipe and event id (or the i64 that computes it) of a set_flag or wait_flag."""
    event = enum(op.attributes.get("static_event_id"))
    identity: int | Value = int(event.removeprefix("EVENT_ID")) if event else op.operands[0]
    return enum(op.attributes["set_pipe"]), enum(op.attributes["wait_pipe"]), identity


def block_shape(rows: int, columns: int, element_bytes: int, space: str) -> tuple[int, int, int, int]:
    """The 4-D shape of a matrix in fractals (nZ): column blocks, row blocks, rows of a fractal, columns of a fractal.

    A fractal is 16 rows of 32 bytes in L1; L0C always has 16 × 16.
    """
    width = FRACTAL if space == "cc" else C0_BYTES // element_bytes
    return (-(-columns // width), -(-rows // FRACTAL), FRACTAL, width)


# Making ops


def instruction(
    builder: Builder,
    name: str,
    groups: Sequence[Sequence[Value]],
    attributes: Mapping[str, AttributeValue] | None = None,
    results: Sequence[Type] = (),
) -> Op:
    """An op with its operand groups in the declared order; operandSegmentSizes is set where the op wants it."""
    full = f"hivm.hir.{name}"
    extra = dict(attributes or {})
    if full not in REQUIRED:
        padded = [len(g) for g in groups] + [0] * (len(GROUPS[full]) - len(groups))
        extra["operandSegmentSizes"] = DenseArrayAttr(tuple(padded), i32)
    return builder.op(full, [v for g in groups for v in g], results, extra)


def vector(
    builder: Builder,
    name: str,
    src: Sequence[Value],
    dst: Value,
    temp_buffer: Value | None = None,
    broadcast: Sequence[int] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Op:
    """An element-by-element instruction (v…), with implicit broadcast over the given dimensions."""
    groups = [list(src), [dst], *([[temp_buffer] if temp_buffer else []] if len(GROUPS[f"hivm.hir.{name}"]) == 3 else [])]
    shared: dict[str, AttributeValue] = {"broadcast": DenseArrayAttr(tuple(broadcast)), "transpose": DenseArrayAttr(())}
    return instruction(builder, name, groups, {**shared, **(attributes or {})})


def pipe_attribute(pipe: str) -> RawAttr:
    return enum_attribute("pipe", pipe)


def set_flag(builder: Builder, first: str, second: str, event: int | Value) -> Op:
    return _flag(builder, "set_flag", first, second, event)


def wait_flag(builder: Builder, first: str, second: str, event: int | Value) -> Op:
    return _flag(builder, "wait_flag", first, second, event)


def _flag(builder: Builder, name: str, first: str, second: str, event: int | Value) -> Op:
    attributes: dict[str, AttributeValue] = {"set_pipe": pipe_attribute(first), "wait_pipe": pipe_attribute(second)}
    if isinstance(event, int):
        attributes["static_event_id"] = enum_attribute("event", f"EVENT_ID{event}")
        return instruction(builder, name, [], attributes)
    return instruction(builder, name, [[event]], attributes)


def pipe_barrier(builder: Builder, pipe: str) -> Op:
    return instruction(builder, "pipe_barrier", [], {"pipe": pipe_attribute(pipe)})


def pointer_cast(builder: Builder, address: Value, type: MemRefType, hint: str = "") -> Value:
    """A buffer of `type` at a byte address (i64) of its memory."""
    op = instruction(builder, "pointer_cast", [[address], []], results=[type])
    op.result.name = hint
    return op.result


def get_block_count(builder: Builder) -> Value:
    op = instruction(builder, "get_block_num", [], results=[i64])
    op.result.name = "blocks"
    return op.result


def get_block_index(builder: Builder) -> Value:
    op = instruction(builder, "get_block_idx", [], results=[i64])
    op.result.name = "block"
    return op.result
