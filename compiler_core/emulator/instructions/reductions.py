"""Vector instructions along a dimension: reduce, cumulate, sort."""

import numpy as np

from compiler_core.dialects.hivm import enum, group, numbers, short
from compiler_core.emulator import tiles
from compiler_core.emulator.instructions.declare import instruction, segments
from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.machine import Batch, refuse
from compiler_core.emulator.memory import View
from compiler_core.emulator.program import Step, Translator, translates
from compiler_core.ir import Op
from compiler_core.ir.attributes import BoolAttr, IntegerAttr


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
    inputs, outputs, scratch = segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        at = axis.value if axis is not None else -1
        tiles.sort(given[0], out, at if at < 0 else axes + at, down is not None and down.value)

    return instruction(t, op, inputs, outputs, compute, scratch)
