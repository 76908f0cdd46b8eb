"""Vector instructions that work element by element: arithmetic, comparison, selection, conversion."""

import numpy as np

from compiler_core.dialects.hivm import enum, numbers, short
from compiler_core.emulator import tiles
from compiler_core.emulator.instructions.declare import instruction, segments
from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.machine import refuse
from compiler_core.emulator.program import TRANSLATORS, Step, Translator, translates
from compiler_core.ir import Op


def _no_transpose(op: Op) -> None:
    if numbers(op, "transpose"):
        refuse(op, "emulator-unsupported", op=op.name, what="an implicit transpose")


def _elementwise(t: Translator, op: Op) -> Step:
    _no_transpose(op)
    name = short(op)
    inputs, outputs, scratch = segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        tiles.elementwise(name, given, out[0])

    return instruction(t, op, inputs, outputs, compute, scratch)


for _name in (*tiles.UNARY, *tiles.BINARY, "vdiv", "vmod"):
    TRANSLATORS[f"hivm.hir.{_name}"] = _elementwise


@translates("hivm.hir.vsel")
def _select(t: Translator, op: Op) -> Step:
    _no_transpose(op)
    inputs, outputs, scratch = segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        condition, a, b = given
        out[0][...] = np.where(np.asarray(condition).astype(np.bool_), a, b)

    return instruction(t, op, inputs, outputs, compute, scratch)


@translates("hivm.hir.vcmp")
def _compare(t: Translator, op: Op) -> Step:
    _no_transpose(op)
    mode = (enum(op.attributes.get("compare_mode")) or "eq").lower()
    inputs, outputs, scratch = segments(op)

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
    inputs, outputs, scratch = segments(op)

    def compute(given: list[Array], out: list[Array], extras: list[Scalar], axes: int) -> None:
        try:
            tiles.cast(given[0], out[0], mode, kind == "cast_unsigned")
        except KeyError:
            refuse(op, "emulator-unsupported", op=op.name, what=f"rounding mode {mode} from {given[0].dtype} to {out[0].dtype}")

    return instruction(t, op, inputs, outputs, compute, scratch)
