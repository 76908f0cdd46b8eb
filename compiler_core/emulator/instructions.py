"""The instructions of hivm as steps: which views they use, and what they compute on them."""

from collections.abc import Callable, Sequence

import numpy as np

from compiler_core.dialects.hivm import enum, flag, group, numbers, optional, outs, short
from compiler_core.emulator import tiles
from compiler_core.emulator.fractals import multiply, read_matrix, write_matrix
from compiler_core.emulator.lanes import UNKNOWN, Array, Scalar
from compiler_core.emulator.machine import Batch, refuse
from compiler_core.emulator.memory import Group, View
from compiler_core.emulator.program import TRANSLATORS, Step, Translator, translates
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr, IntegerAttr
from compiler_core.ir.types import MemRefType

Compute = Callable[[list[Array], list[Array], list[Scalar], int], None]
"""Inputs (arrays, or numbers shaped to broadcast), outputs, extras, number of lane axes."""


def _elements(written: int) -> Callable[[Group], int]:
    """One operation for each element of the written tile."""
    return lambda g: g.tiles[written].elements


def instruction(
    t: Translator,
    op: Op,
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    compute: Compute,
    scratch: Sequence[Value] = (),
    extras: Sequence[Value] = (),
    counts: bool = True,
) -> Step:
    """A step that reads some operands and writes others; scalars among the inputs are taken as they are."""
    site = t.site(op)
    given = [(t.slot(v), isinstance(v.type, MemRefType)) for v in inputs]
    views = [slot for slot, shaped in given if shaped]
    numbers_ = [slot for slot, shaped in given if not shaped]
    written = t.slots_of([*outputs, *scratch])
    extra = t.slots_of(list(extras))
    writes = [False] * len(views) + [True] * len(written)
    last = len(views) + len(outputs)

    def apply(arrays: list[Array], scalars: list[Scalar], more: list[Scalar], axes: int) -> None:
        tensors, plain = iter(arrays), iter(scalars)
        operands = [next(tensors) if shaped else next(plain) for _, shaped in given]
        compute(operands, arrays[len(views) : last], more, axes)

    weight = _elements(len(views)) if counts and outputs else None

    def step(batch: Batch) -> None:
        values = batch.values
        batch.perform(
            site,
            [values[s] for s in (*views, *written)],
            writes,
            apply,
            [values[s] for s in numbers_],
            [values[s] for s in extra],
            weight,
        )

    return step


def _segments(op: Op) -> tuple[Sequence[Value], Sequence[Value], Sequence[Value]]:
    """Inputs, outputs and scratch buffers of an element-by-element instruction, declared or not."""
    sizes = op.get("operandSegmentSizes", DenseArrayAttr)
    if sizes is None:
        return op.operands[:-1], op.operands[-1:], ()
    a, b = sizes.values[0], sizes.values[0] + sizes.values[1]
    return op.operands[:a], op.operands[a:b], op.operands[b:]


def _no_transpose(op: Op) -> None:
    if numbers(op, "transpose"):
        refuse(op, "emulator-unsupported", op=op.name, what="an implicit transpose")


def _elementwise(t: Translator, op: Op) -> Step:
    _no_transpose(op)
    name = short(op)
    inputs, outputs, scratch = _segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        tiles.elementwise(name, given, out[0])

    return instruction(t, op, inputs, outputs, compute, scratch)


for _name in (*tiles.UNARY, *tiles.BINARY, "vdiv", "vmod"):
    TRANSLATORS[f"hivm.hir.{_name}"] = _elementwise


@translates("hivm.hir.vsel")
def _select(t: Translator, op: Op) -> Step:
    _no_transpose(op)
    inputs, outputs, scratch = _segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        condition, a, b = given
        out[0][...] = np.where(np.asarray(condition).astype(np.bool_), a, b)

    return instruction(t, op, inputs, outputs, compute, scratch)


@translates("hivm.hir.vcmp")
def _compare(t: Translator, op: Op) -> Step:
    _no_transpose(op)
    mode = (enum(op.attributes.get("compare_mode")) or "eq").lower()
    inputs, outputs, scratch = _segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        out[0][...] = tiles.compare(mode, given[0], given[1])

    return instruction(t, op, inputs, outputs, compute, scratch)


@translates("hivm.hir.vcast")
def _cast(t: Translator, op: Op) -> Step:
    _no_transpose(op)
    mode = (enum(op.attributes.get("round_mode")) or "rint").lower()
    kind = enum(op.attributes.get("cast"))
    if mode not in tiles.ROUNDINGS or kind == "bitcast":
        refuse(op, "emulator-unsupported", op=op.name, what=f"rounding mode {mode}" if kind != "bitcast" else "a bitcast")
    inputs, outputs, scratch = _segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        try:
            tiles.cast(given[0], out[0], mode, kind == "cast_unsigned")
        except KeyError:
            refuse(op, "emulator-unsupported", op=op.name, what=f"rounding mode {mode} from {given[0].dtype} to {out[0].dtype}")

    return instruction(t, op, inputs, outputs, compute, scratch)


@translates("hivm.hir.vbrc")
def _broadcast(t: Translator, op: Op) -> Step:
    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        out[0][...] = given[0]

    return instruction(t, op, op.operands[:1], op.operands[1:2], compute, op.operands[2:], counts=False)


@translates("hivm.hir.vreduce")
def _reduce(t: Translator, op: Op) -> Step:
    kind, dims = enum(op.attributes["arith"]), numbers(op, "reduce_dims")
    tie = op.get("tie_break_left", BoolAttr)
    leftmost = tie is None or tie.value
    if group(op, "indices"):
        refuse(op, "emulator-unsupported", op=op.name, what="given indices")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        tiles.reduce(kind, given[0], out, dims, axes, leftmost)

    step = instruction(t, op, group(op, "src"), group(op, "dst"), compute, group(op, "temp_buffer"), counts=False)
    source = t.slot(group(op, "src")[0])

    def counted(batch: Batch) -> None:
        step(batch)
        view: View = batch.values[source]
        size = 1
        for dimension in view.sizes:
            size = size * int(np.max(dimension))
        batch.machine.operations += size * (batch.count if batch.active is None else len(batch.active))

    return counted


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
    inputs, outputs, scratch = _segments(op)

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


@translates("hivm.hir.vcumsum", "hivm.hir.vcumprod")
def _cumulative(t: Translator, op: Op) -> Step:
    dims, backwards = numbers(op, "cum_dims"), op.get("reverse", BoolAttr)
    reverse = backwards is not None and backwards.value
    if len(dims) != 1:
        refuse(op, "emulator-unsupported", op=op.name, what=f"{len(dims)} dimensions at once")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        tiles.cumulative(short(op), given[0], out[0], axes + dims[0], reverse)

    return instruction(t, op, op.operands[:1], op.operands[1:2], compute, op.operands[2:])


@translates("hivm.hir.vsort")
def _sort(t: Translator, op: Op) -> Step:
    down, axis = op.get("descending", BoolAttr), op.get("sort_axis", IntegerAttr)
    inputs, outputs, scratch = _segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        at = axis.value if axis is not None else -1
        tiles.sort(given[0], out, at if at < 0 else axes + at, down is not None and down.value)

    return instruction(t, op, inputs, outputs, compute, scratch)


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


# Moves


def _flagged(op: Op, key: str) -> bool:
    value = op.get(key, BoolAttr)
    return value is not None and value.value


@translates("hivm.hir.load")
def _load(t: Translator, op: Op) -> Step:
    if _flagged(op, "init_out_buffer"):
        refuse(op, "emulator-unsupported", op=op.name, what="init_out_buffer")
    left, pad = optional(op, "left_padding_num"), optional(op, "pad_value")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        source, target = given[0], out[0]
        if source.shape[-1] == target.shape[-1]:
            target[...] = source
            return
        before = int(extras[0]) if left is not None else 0
        target[..., before : before + source.shape[-1]] = source
        if pad is not None:
            target[..., :before] = given[-1]
            target[..., before + source.shape[-1] :] = given[-1]

    inputs = [*group(op, "src"), *([pad] if pad is not None else [])]
    extras = [left] if left is not None else []
    return instruction(t, op, inputs, group(op, "dst"), compute, extras=extras, counts=False)


@translates("hivm.hir.store")
def _store(t: Translator, op: Op) -> Step:
    kind = enum(op.attributes.get("atomic_kind")).lower()
    if kind not in ("", "none") and kind not in tiles.ATOMICS:
        refuse(op, "emulator-unsupported", op=op.name, what=f"atomic {kind}")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        if kind in ("", "none"):
            out[0][...] = given[0]
            return
        for lane in np.ndindex(*out[0].shape[:axes]):
            tiles.accumulate(kind, out[0][lane], given[0][lane])

    return instruction(t, op, op.operands[:1], op.operands[1:2], compute, counts=False)


def _move(source: Array, target: Array, axes: int) -> None:
    """Between on-chip memories: plain to plain, or between a matrix and fractals."""
    rank, wanted = source.ndim - axes, target.ndim - axes
    if rank == wanted:
        target[...] = source
    elif rank == 4:
        target[...] = read_matrix(source, target.shape[-2], target.shape[-1], target.dtype)
    else:
        write_matrix(target, source, fill=False)


@translates("hivm.hir.copy")
def _copy(t: Translator, op: Op) -> Step:
    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        _move(given[0], out[0], axes)

    return instruction(t, op, op.operands[:1], op.operands[1:2], compute, counts=False)


@translates("hivm.hir.nd2nz")
def _nd2nz(t: Translator, op: Op) -> Step:
    if _flagged(op, "init_out_buffer"):
        refuse(op, "emulator-unsupported", op=op.name, what="init_out_buffer")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        write_matrix(out[0], given[0], fill=True)

    return instruction(t, op, group(op, "src"), group(op, "dst"), compute, counts=False)


QUANTISED = {"": None, "NO_QUANT": None, "F322F16": None, "F322BF16": None, "S322I8": "scale", "QF322F32_PRE": "scale"}
"""fixpipe's pre_quant modes that are modelled; those with a scale multiply before they convert."""


@translates("hivm.hir.fixpipe")
def _fixpipe(t: Translator, op: Op) -> Step:
    mode, relu = enum(op.attributes.get("pre_quant")), enum(op.attributes.get("pre_relu"))
    layout = enum(op.attributes.get("dma_mode")).lower()
    if mode not in QUANTISED or relu not in ("", "NO_RELU", "NORMAL_RELU") or layout == "nz2dn":
        refuse(op, "emulator-unsupported", op=op.name, what=f"pre_quant {mode}, pre_relu {relu}, {layout or 'nz2nz'}")
    scale = optional(op, "quant_scale")

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        source, target = given[0], out[0]
        blocks = source.ndim - axes == 4
        if blocks and target.ndim - axes == 4:
            values, fractals = read_matrix(source, source.shape[-3] * 16, source.shape[-4] * 16, source.dtype), True
        else:
            values = read_matrix(source, target.shape[-2], target.shape[-1], source.dtype) if blocks else source
            fractals = False
        if relu == "NORMAL_RELU":
            values = np.maximum(values, 0)
        if scale is not None:
            values = values * np.squeeze(given[1])[..., None, None] if np.ndim(given[1]) else values * given[1]
        if target.dtype.kind == "i" and QUANTISED[mode]:
            info = np.iinfo(target.dtype)
            values = np.clip(np.rint(values), info.min, info.max)
        if fractals:
            write_matrix(target, values, fill=False)
        else:
            target[...] = values

    inputs = [*group(op, "src"), *([scale] if scale is not None else [])]
    return instruction(t, op, inputs, group(op, "dst"), compute, counts=False)


# The cube


@translates("hivm.hir.mmadL1")
def _mmad(t: Translator, op: Op) -> Step:
    for value in (*group(op, "a"), *group(op, "b"), *group(op, "c")):
        if not isinstance(value.type, MemRefType) or value.type.rank != 4:
            refuse(
                op, "emulator-unsupported", op=op.name, what=f"an operand of type {value.type}: fractals have four dimensions"
            )
    transposed = ("a_transpose" in op.attributes, "b_transpose" in op.attributes)
    site = t.site(op)
    a, b, c = (t.slot(group(op, n)[0]) for n in "abc")
    init, *sizes = (t.slot(group(op, n)[0]) for n in ("init_condition", "real_m", "real_k", "real_n"))
    sync = t.slots_of(group(op, "sync_related_args"))
    bias = t.slots_of(group(op, "per_channel_bias"))

    def apply(arrays: list[Array], scalars: list[Scalar], extras: list[Scalar], axes: int) -> None:
        clear, m, k, n = extras[:4]
        left, right, target, *row = arrays
        multiply(left, right, target, m, k, n, clear=bool(clear), a_transposed=transposed[0], b_transposed=transposed[1])
        for added in row:
            wide = added[..., None, :n].astype(target.dtype)
            write_matrix(target, np.broadcast_to(wide, (*wide.shape[:-2], m, n)), fill=False, accumulate=True)

    def weight(found: Group) -> int:
        _, m, k, n = found.extras[:4]
        return 2 * m * k * n

    def step(batch: Batch) -> None:
        values = batch.values
        events = [values[s] for s in sync]
        if len(events) > 4:
            events[4] = events[4] & 1
        batch.perform(
            site,
            [values[a], values[b], values[c], *(values[s] for s in bias)],
            (False, False, True, *(False for _ in bias)),
            apply,
            extras=[values[init], *(values[s] for s in sizes), *events],
            weight=weight,
        )

    return step


# Synchronisation


@translates("hivm.hir.set_flag", "hivm.hir.wait_flag")
def _flag(t: Translator, op: Op) -> Step:
    first, second, event = flag(op)
    site = t.site(op, pipe=first if short(op) == "set_flag" else second)
    slot = t.slot(event) if isinstance(event, Value) else None
    fixed = event if isinstance(event, int) else 0

    def step(batch: Batch) -> None:
        given = fixed if slot is None else batch.values[slot]
        if given is UNKNOWN:
            refuse(op, "emulator-needs-data", op=op.name)
        batch.perform(site, (), (), None, extras=(given,))

    return step


@translates("hivm.hir.pipe_barrier")
def _barrier(t: Translator, op: Op) -> Step:
    pipe = enum(op.attributes["pipe"])
    site = t.site(op, pipe="PIPE_S" if pipe == "PIPE_ALL" else pipe)

    def step(batch: Batch) -> None:
        batch.perform(site, (), (), None)

    return step
