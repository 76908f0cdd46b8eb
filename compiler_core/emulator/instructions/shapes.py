"""Vector instructions that move elements about: broadcast, transpose, interleave, gather, pad, concatenate; and arange."""

from collections.abc import Sequence

import numpy as np

from compiler_core.dialects.hivm import enum, group, numbers, optional, outs
from compiler_core.dialects.indices import unpack
from compiler_core.emulator.arrays import tiles
from compiler_core.emulator.arrays.narrow import bits_of
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.instructions.declare import Run, instruction, segments
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.ir import Op
from compiler_core.ir.attributes import IntegerAttr


def number(op: Op, key: str, missing: int) -> int:
    """An integer attribute, or what it is where it is missing."""
    found = op.get(key, IntegerAttr)
    return missing if found is None else found.value


@translates("hivm.hir.vbrc")
def _broadcast(t: Translator, op: Op) -> None:
    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        return tiles.copied(given[0], out[0])

    instruction(t, op, op.operands[:1], op.operands[1:2], scratch=op.operands[2:], counts=False, bind=bind)


@translates("hivm.hir.vtranspose")
def _transpose(t: Translator, op: Op) -> None:
    permutation = numbers(op, "permutation")

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        order = permutation or tuple(reversed(range(given[0].ndim - axes)))
        return tiles.copied(given[0].transpose(*range(axes), *(axes + p for p in order)), out[0])

    instruction(t, op, op.operands[:1], op.operands[1:2], scratch=op.operands[2:], counts=False, bind=bind)


@translates("hivm.hir.varange")
def _arange(t: Translator, op: Op) -> None:
    offset, strides = optional(op, "offset"), group(op, "strides")

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        return tiles.arange(out[0], len(strides), offset is not None, axes)

    instruction(t, op, [*([offset] if offset is not None else []), *strides], outs(op), bind=bind)


@translates("hivm.hir.vinterleave")
def _interleave(t: Translator, op: Op) -> None:
    inputs, outputs, scratch = segments(op)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        runs = [tiles.copied(source, out[0][..., i :: len(given)]) for i, source in enumerate(given)]
        scalars = [i for i, source in enumerate(given) if source is None]

        def run(*values: Scalar) -> None:
            each = dict(zip(scalars, values, strict=True))
            for i, part in enumerate(runs):
                part(*([each[i]] if i in each else []))

        return run

    instruction(t, op, inputs, outputs, scratch=scratch, counts=False, bind=bind)


@translates("hivm.hir.vdeinterleave")
def _deinterleave(t: Translator, op: Op) -> None:
    mode, channels = enum(op.attributes.get("index_mode")), number(op, "channel_num", 2)
    if mode not in ("", "ALL_CHANNELS", "CHANNEL_0", "CHANNEL_1"):
        refuse(op, "emulator-unsupported", op=op.name, what=f"index mode {mode}")
    first = 1 if mode == "CHANNEL_1" else 0

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        return _in_order([tiles.copied(given[0][..., first + i :: channels], target) for i, target in enumerate(out)])

    instruction(t, op, op.operands[:1], op.operands[1:], counts=False, bind=bind)


def _in_order(runs: Sequence[Run]) -> Run:
    if len(runs) == 1:
        return runs[0]

    def run() -> None:
        for each in runs:
            each()

    return run


@translates("hivm.hir.vflip")
def _flip(t: Translator, op: Op) -> None:
    axis = number(op, "flip_axis", -1)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        return tiles.copied(np.flip(given[0], axis if axis < 0 else axes + axis), out[0])

    instruction(t, op, op.operands[:1], op.operands[1:2], counts=False, bind=bind)


@translates("hivm.hir.vconcat")
def _concat(t: Translator, op: Op) -> None:
    dim = number(op, "dim", 0)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        runs: list[Run] = []
        low = 0
        for source in given:
            assert source is not None
            high = low + source.shape[axes + dim]
            runs.append(tiles.copied(source, out[0][(slice(None),) * (axes + dim) + (slice(low, high),)]))
            low = high
        if low != out[0].shape[axes + dim]:
            raise ValueError(f"{low} rows make no {out[0].shape[axes + dim]}")
        return _in_order(runs)

    instruction(t, op, op.operands[:-1], op.operands[-1:], counts=False, bind=bind)


@translates("hivm.hir.vpad")
def _pad(t: Translator, op: Op) -> None:
    """Negative widths cut off instead."""
    low, high = unpack(op, "low"), unpack(op, "high")
    pad = group(op, "pad_value")
    moving = [e for e in (*low, *high) if not isinstance(e, int)]

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        source, target = given[0], out[0]
        assert source is not None
        rest = iter(extras)
        before = [e if isinstance(e, int) else int(next(rest)) for e in low]
        inside: list[slice] = [slice(None)] * axes
        part: list[slice] = [slice(None)] * axes
        for d, start in enumerate(before):
            size, room = source.shape[axes + d], target.shape[axes + d]
            first, last = max(0, start), max(0, min(room, start + size))
            inside.append(slice(first, max(first, last)))
            part.append(slice(first - start, max(first, last) - start))
        fill, copy = tiles.copied(None, target), tiles.copied(source[tuple(part)], target[tuple(inside)])

        def run(value: Scalar) -> None:
            fill(value)
            copy()

        return run

    instruction(t, op, [*group(op, "src"), *pad], group(op, "dst"), extras=moving, counts=False, bind=bind)


@translates("hivm.hir.vgather")
def _gather(t: Translator, op: Op) -> None:
    source, indices, target = (group(op, name) for name in ("src", "indices", "dst"))

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        values, places = given
        assert values is not None and places is not None
        bits, written = bits_of(values), bits_of(out[0])

        def run() -> None:
            written[...] = np.take_along_axis(bits, places.astype(np.int64), axis=-1)

        return run

    instruction(t, op, [*source, *indices], target, scratch=group(op, "temp_buffer"), counts=False, bind=bind)


@translates("hivm.hir.vgathermask")
def _gather_mask(t: Translator, op: Op) -> None:
    """Elements behind the last one kept stay as they were."""
    source, mask, targets = (group(op, name) for name in ("src", "mask", "dst"))

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        values, keep = given
        assert values is not None and keep is not None
        lanes = list(np.ndindex(*values.shape[:axes]))

        def run() -> None:
            for lane in lanes:
                kept = values[lane][keep[lane] != 0]
                flat = out[0][lane].reshape(-1, copy=False)
                flat[: kept.size] = kept
                if len(out) > 1:
                    out[1][lane][...] = kept.size

        return run

    instruction(t, op, [*source, *mask], targets, counts=False, bind=bind)
