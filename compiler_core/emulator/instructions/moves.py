"""Moves between memories: load, store, copy, and the ones that change the layout."""

import numpy as np

from compiler_core.dialects.hivm import enum, group, optional
from compiler_core.emulator import tiles
from compiler_core.emulator.fractals import read_matrix, write_matrix
from compiler_core.emulator.instructions.declare import flagged, instruction
from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.machine import refuse
from compiler_core.emulator.program import Step, Translator, translates
from compiler_core.ir import Op


@translates("hivm.hir.load")
def _load(t: Translator, op: Op) -> Step:
    if flagged(op, "init_out_buffer"):
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
    if flagged(op, "init_out_buffer"):
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
