"""Vector instructions that move elements about: broadcast, transpose, interleave, gather, concatenate; and arange."""

import numpy as np

from compiler_core.dialects.hivm import enum, group, numbers, optional, outs
from compiler_core.emulator import tiles
from compiler_core.emulator.instructions.declare import instruction, segments
from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.program import Step, Translator, translates
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import IntegerAttr
from compiler_core.ir.types import MemRefType


@translates("hivm.hir.vbrc")
def _broadcast(t: Translator, op: Op) -> Step:
    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        out[0][...] = given[0]

    return instruction(t, op, op.operands[:1], op.operands[1:2], compute, op.operands[2:], counts=False)


@translates("hivm.hir.vtranspose")
def _transpose(t: Translator, op: Op) -> Step:
    permutation = numbers(op, "permutation")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        order = permutation or tuple(reversed(range(given[0].ndim - axes)))
        out[0][...] = given[0].transpose(*range(axes), *(axes + p for p in order))

    return instruction(t, op, op.operands[:1], op.operands[1:2], compute, op.operands[2:], counts=False)


@translates("hivm.hir.varange")
def _arange(t: Translator, op: Op) -> Step:
    offset, strides = optional(op, "offset"), group(op, "strides")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        start = given[0] if offset is not None else 0
        tiles.arange(out[0], start, given[1:] if offset is not None else given, axes)

    return instruction(t, op, [*([offset] if offset is not None else []), *strides], outs(op), compute)


def _plain_operands(op: Op) -> tuple[Value, ...]:
    return tuple(v for v in op.operands if isinstance(v.type, MemRefType))


@translates("hivm.hir.vinterleave")
def _interleave(t: Translator, op: Op) -> Step:
    inputs, outputs, scratch = segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        tiles.interleave(given, out[0])

    return instruction(t, op, inputs, outputs, compute, scratch, counts=False)


@translates("hivm.hir.vdeinterleave")
def _deinterleave(t: Translator, op: Op) -> Step:
    mode = enum(op.attributes.get("index_mode"))
    channel = int(mode[-1]) if mode in ("CHANNEL_0", "CHANNEL_1") else None

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        tiles.deinterleave(given[0], out, channel)

    operands = _plain_operands(op)
    return instruction(t, op, operands[:1], operands[1:], compute, counts=False)


@translates("hivm.hir.vflip")
def _flip(t: Translator, op: Op) -> Step:
    axis = op.get("flip_axis", IntegerAttr)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        at = axis.value if axis is not None else -1
        out[0][...] = np.flip(given[0], at if at < 0 else axes + at)

    return instruction(t, op, op.operands[:1], op.operands[1:2], compute, counts=False)


@translates("hivm.hir.vconcat")
def _concat(t: Translator, op: Op) -> Step:
    dim = op.get("dim", IntegerAttr)
    at = dim.value if dim is not None else 0

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        out[0][...] = np.concatenate(given, axis=axes + at)

    return instruction(t, op, op.operands[:-1], op.operands[-1:], compute, counts=False)


@translates("hivm.hir.vgather")
def _gather(t: Translator, op: Op) -> Step:
    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        out[0][...] = np.take_along_axis(given[0], given[1].astype(np.int64), axis=-1)

    return instruction(t, op, op.operands[:2], op.operands[2:3], compute, op.operands[3:], counts=False)
