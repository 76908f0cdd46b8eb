"""Moves between memories: load, store, copy, and the ones that change the layout or convert."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from compiler_core.dialects.hivm import enum, group, optional
from compiler_core.emulator.arrays import tiles
from compiler_core.emulator.arrays.atomics import KINDS, accumulated
from compiler_core.emulator.arrays.casts import cast
from compiler_core.emulator.arrays.fractals import in_order, paired, read, written
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.execution.scratch import scratch
from compiler_core.emulator.instructions.declare import Run, flagged, instruction
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.ir import Op, Value
from compiler_core.ir.types import MemRefType


def _rank(value: Value) -> int:
    return value.type.rank if isinstance(value.type, MemRefType) else 0


def _root(value: Value) -> Value:
    """The buffer that a view shows a part of."""
    while value.op is not None and value.op.name in ("memref.subview", "memref.cast", "memref.memory_space_cast"):
        value = value.op.operands[0]
    return value


class _Padding:
    """What surrounds the data that a load or copy brings: along the last dimension, and (once) over the whole buffer."""

    def __init__(self, op: Op) -> None:
        mode = enum(op.attributes.get("pad_mode")) or "PadNull"
        self.op = op
        self.first = mode == "PadFirstElem"
        self.value = optional(op, "pad_value")
        loads = op.name == "hivm.hir.load"
        self.left = optional(op, "left_padding_num") if loads else None
        self.right = optional(op, "right_padding_num") if loads else None
        self.initial = flagged(op, "init_out_buffer")
        self.condition = optional(op, "init_condition") if op.name in ("hivm.hir.load", "hivm.hir.nd2nz") else None
        if self.initial and self.value is None:
            refuse(op, "emulator-unsupported", op=op.name, what="init_out_buffer without a pad_value")

    @property
    def inputs(self) -> list[Value]:
        return [] if self.value is None else [self.value]

    @property
    def extras(self) -> list[Value]:
        return [v for v in (self.left, self.right, self.condition) if v is not None]

    def outputs(self, target: Value) -> list[Value]:
        """The buffer, and, where it is initialised, all of the buffer it is a part of."""
        return [target, _root(target)] if self.initial else [target]

    def bind(self, source: Array, out: Sequence[Array], extras: Sequence[Scalar], move: Run) -> Run:
        """`move` brings the data, after the padding is there."""
        target = out[0]
        holds = bool(extras[-1]) if self.condition is not None else True
        fills = [tiles.copied(None, out[1])] if self.initial and holds else []
        if self.left is not None or source.shape[-1] != target.shape[-1]:
            before = int(extras[0]) if self.left is not None else 0
            last = before + source.shape[-1]
            end = target.shape[-1] if self.right is None else last + int(extras[self.left is not None])
            for part in (target[..., :before], target[..., last:end]):
                if self.first:
                    fills.append(_ignoring(tiles.copied(source[..., :1], part)))
                elif self.value is not None:
                    fills.append(tiles.copied(None, part))

        if not fills:
            return move if self.value is None else _ignoring(move)

        def run(*value: Scalar) -> None:
            for fill in fills:
                fill(*value)
            move()

        return run


def _ignoring(run: Run) -> Run:
    return lambda *_: run()


@translates("hivm.hir.load")
def _load(t: Translator, op: Op) -> None:
    """Elements of the target outside source and padding stay as they were."""
    padding = _Padding(op)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        source, target = given[0], out[0]
        assert source is not None
        before = int(extras[0]) if padding.left is not None else 0
        inside = target if source.shape == target.shape else target[..., before : before + source.shape[-1]]
        return padding.bind(source, out, extras, tiles.copied(source, inside))

    targets = padding.outputs(group(op, "dst")[0])
    instruction(t, op, [*group(op, "src"), *padding.inputs], targets, extras=padding.extras, counts=False, bind=bind)


def atomic_kind(op: Op) -> str:
    """How a store combines with memory, by its own attribute or the set_atomic before it; "" where it only writes."""
    own = enum(op.attributes.get("atomic_kind")).lower()
    kind = own or _set_before(op)
    if kind in ("", "none"):
        return ""
    if kind not in KINDS:
        refuse(op, "emulator-unsupported", op=op.name, what=f"atomic {kind}")
    return kind


def _set_before(op: Op) -> str:
    """The kind that the last set_atomic before an op set, looking outwards through the regions it is in."""
    at: Op | None = op
    while at is not None and at.parent is not None:
        for other in reversed(at.parent.ops[: at.parent.ops.index(at)]):
            if other.name == "hivm.hir.set_atomic":
                return enum(other.attributes["kind"]).lower()
            if other.regions and any(inner.name == "hivm.hir.set_atomic" for inner in other.walk()):
                refuse(op, "emulator-unsupported", op=op.name, what="a set_atomic inside a branch or loop before it")
        at = at.parent_op
    return ""


@translates("hivm.hir.store")
def _store(t: Translator, op: Op) -> None:
    kind = atomic_kind(op)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        return accumulated(kind, given[0], out[0], axes) if kind else tiles.copied(given[0], out[0])

    instruction(t, op, op.operands[:1], op.operands[1:2], counts=False, bind=bind)


def _moved(source: Array, target: Array, ranks: tuple[int, int]) -> Run:
    """Between on-chip memories: plain to plain, or between a matrix and fractals."""
    if ranks[0] == ranks[1]:
        return tiles.copied(source, target)
    if ranks[0] == ranks[1] + 2:
        return read(source, target, fractal=True)
    return written(target, source, fractal=True)


@translates("hivm.hir.copy")
def _copy(t: Translator, op: Op) -> None:
    ranks = (_rank(op.operands[0]), _rank(op.operands[1]))
    padding = _Padding(op)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        source, target = given[0], out[0]
        assert source is not None
        if ranks[0] != ranks[1] or source.shape == target.shape:
            move = _moved(source, target, ranks)
            return move if padding.value is None else _ignoring(move)
        return padding.bind(source, out, extras, tiles.copied(source, target[..., : source.shape[-1]]))

    instruction(t, op, [op.operands[0], *padding.inputs], op.operands[1:2], counts=False, bind=bind)


@translates("hivm.hir.nd2nz")
def _nd2nz(t: Translator, op: Op) -> None:
    source, target = group(op, "src")[0], group(op, "dst")[0]
    fractal = _rank(target) == _rank(source) + 2
    padding = _Padding(op)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        move = written(out[0], given[0], fractal=fractal, fill=not padding.initial)
        holds = bool(extras[-1]) if padding.condition is not None else True
        if not padding.initial or not holds:
            return move if padding.value is None else _ignoring(move)
        fill = tiles.copied(None, out[1])

        def run(value: Scalar) -> None:
            fill(value)
            move()

        return run

    targets = padding.outputs(target)
    instruction(t, op, [source, *padding.inputs], targets, extras=padding.extras, counts=False, bind=bind)


@translates("hivm.hir.nz2nd")
def _nz2nd(t: Translator, op: Op) -> None:
    ranks = (_rank(op.operands[0]), _rank(op.operands[1]))

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        return _moved(given[0], out[0], ranks)

    instruction(t, op, op.operands[:1], op.operands[1:2], counts=False, bind=bind)


QUANTISED = ("", "NO_QUANT", "F322F16", "F322BF16", "S322I8", "QF322F32_PRE")
"""fixpipe's pre_quant modes. A scale, where there is one, multiplies before the conversion, which rounds to nearest and
saturates.
"""
LAYOUTS = {"": "nz2nz", "normal": "nz2nz", "nz2nz": "nz2nz", "nz2nd": "nz2nd", "nz2dn": "nz2dn"}


@translates("hivm.hir.fixpipe")
def _fixpipe(t: Translator, op: Op) -> None:
    mode, relu = enum(op.attributes.get("pre_quant")), enum(op.attributes.get("pre_relu")) or "NO_RELU"
    layout = enum(op.attributes.get("dma_mode")).lower()
    dual = enum(op.attributes.get("dual_dst_mode")) or "NO_DUAL"
    if mode not in QUANTISED or layout not in LAYOUTS:
        refuse(op, "emulator-unsupported", op=op.name, what=f"pre_quant {mode}, dma_mode {layout}")
    if relu not in ("NO_RELU", "NORMAL_RELU"):
        refuse(op, "emulator-unsupported", op=op.name, what=f"pre_relu {relu}: the op has no operand for its slope")
    if dual != "NO_DUAL":
        refuse(op, "emulator-unsupported", op=op.name, what=f"dual_dst_mode {dual}, which the 910B and 310P do not have")
    scale = optional(op, "quant_scale")
    kind = atomic_kind(op)
    ranks = (_rank(group(op, "src")[0]), _rank(group(op, "dst")[0]))
    turned = LAYOUTS[layout] == "nz2dn"

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        source, target = given[0], out[0]
        assert source is not None
        if turned:
            target = np.swapaxes(target, -1, -2)
        plain = relu == "NO_RELU" and scale is None and not kind
        if ranks[0] == ranks[1] and source.shape == target.shape:
            pairs = [(source, target)]
        elif ranks[0] == ranks[1] + 2:
            pairs = paired(source, target, fractal=True)
        else:
            pairs = _between_fractals(source, target, axes)
        if plain and (source.dtype == target.dtype or target.dtype.kind not in "iu"):
            return in_order([tiles.copied(part, to) for part, to in pairs])
        return _converted(pairs, relu == "NORMAL_RELU", scale is not None, kind, axes)

    inputs = [*group(op, "src"), *([scale] if scale is not None else [])]
    instruction(t, op, inputs, group(op, "dst"), counts=False, bind=bind)


def _between_fractals(source: Array, target: Array, axes: int) -> list[tuple[Array, Array]]:
    """From fractals of one width to fractals of another: L0C's 16 columns to 8 (channel split) or 32 (channel merge)."""
    rows = min(source.shape[-3], target.shape[-3])
    width, other = source.shape[-1], target.shape[-1]
    found: list[tuple[Array, Array]] = []
    for low in range(0, min(source.shape[-4] * width, target.shape[-4] * other), min(width, other)):
        a, b = low // width, low // other
        step = min(width, other)
        part = source[..., a, :rows, :, low % width : low % width + step]
        found.append((part, target[..., b, :rows, :, low % other : low % other + step]))
    return found


def _converted(pairs: Sequence[tuple[Array, Array]], relu: bool, scaled: bool, kind: str, axes: int) -> Run:
    """Scale, ReLU and conversion on the way; atomics last."""

    def run(*scale: Scalar) -> None:
        for source, target in pairs:
            values: Any = np.maximum(source, 0) if relu else source
            if scaled:
                factor = np.asarray(scale[0], np.float32)
                lanes = factor.shape[:axes] + (1,) * (target.ndim - axes) if factor.ndim else ()
                values = np.asarray(values, np.float32) * factor.reshape(lanes)
            ready = scratch(target.shape, target.dtype, _CONVERTED)
            if target.dtype.kind in "iu":
                cast(np.asarray(values), ready, "rint")()
            else:
                np.copyto(ready, values, casting="unsafe")
            (accumulated(kind, ready, target, axes) if kind else tiles.copied(ready, target))()

    return run


_CONVERTED = 150
"""Scratch of this file."""


@translates("hivm.hir.indirect_store")
def _indirect_store(t: Translator, op: Op) -> None:
    """The destination is written where offsets point; lanes and elements in order, so that the last one stays."""
    target, offsets, source = (group(op, name) for name in ("dst", "offsets", "src"))
    mask = op.operands[3:4]

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        places, values = given[0], given[1]
        assert places is not None and values is not None
        keep = given[2] if len(given) > 2 else None
        lanes = list(np.ndindex(*values.shape[:axes]))

        def run() -> None:
            for lane in lanes:
                into = out[0][lane].reshape(-1, copy=False)
                at, what = places[lane].astype(np.int64).reshape(-1), values[lane].reshape(-1)
                if keep is not None:
                    chosen = keep[lane].reshape(-1) != 0
                    at, what = at[chosen], what[chosen]
                if at.size and (at.min() < 0 or at.max() >= into.size):
                    raise IndexError(f"offset {int(at.min() if at.min() < 0 else at.max())} of {into.size}")
                into[at] = what

        return run

    instruction(t, op, [*offsets, *source, *mask], target, counts=False, bind=bind)
