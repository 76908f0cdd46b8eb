"""Vector instructions that work element by element: arithmetic, comparison, selection, conversion."""

from collections.abc import Callable, Sequence

from compiler_core.dialects.hivm import enum, numbers, short
from compiler_core.emulator.arrays import tiles
from compiler_core.emulator.arrays.casts import ROUNDINGS, cast
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.instructions.declare import Run, instruction, segments
from compiler_core.emulator.translation.translator import TRANSLATORS, Translator, translates
from compiler_core.ir import Op
from compiler_core.ir.attributes import BoolAttr

Binding = Callable[[Sequence[Array | None], list[Array]], Run]
"""Inputs as the output sees them, and outputs."""


def _declare(t: Translator, op: Op, binding: Binding) -> None:
    """An instruction whose inputs may be transposed on the way: dimension i of the output is permutation[i] of an input."""
    permutation = numbers(op, "transpose")
    inputs, outputs, scratch = segments(op)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        if not permutation:
            return binding(given, out)
        order = (*range(axes), *(axes + p for p in permutation))
        return binding([a if a is None else a.transpose(order) for a in given], out)

    instruction(t, op, inputs, outputs, scratch=scratch, bind=bind)


def _arithmetic(t: Translator, op: Op) -> None:
    name = short(op)
    return _declare(t, op, lambda given, out: tiles.elementwise(name, given, out[0]))


for _name in (*tiles.UNARY, *tiles.BINARY, *tiles.BITWISE):
    TRANSLATORS[f"hivm.hir.{_name}"] = _arithmetic


def _unsigned(op: Op) -> bool:
    """Newer dialects say so by an attribute that is true where it is missing."""
    signed = op.get("is_signed", BoolAttr)
    return signed is not None and not signed.value


@translates("hivm.hir.vshr")
def _shift_right(t: Translator, op: Op) -> None:
    """`round` is true where it is not written, and compilers leave it so where they mean arith.shrsi: it does not round."""
    unsigned = _unsigned(op)
    return _declare(t, op, lambda given, out: tiles.shift_right(given, out[0], unsigned))


@translates("hivm.hir.vmulext", "hivm.hir.vmulextui", "hivm.hir.vmulextended")
def _multiply_extended(t: Translator, op: Op) -> None:
    unsigned = short(op) == "vmulextui"
    return _declare(t, op, lambda given, out: tiles.multiply_extended(given, out[0], out[1], unsigned))


@translates("hivm.hir.vmodui")
def _unsigned_remainder(t: Translator, op: Op) -> None:
    def binding(given: Sequence[Array | None], out: list[Array]) -> Run:
        bits = f"u{out[0].dtype.itemsize}"
        return tiles.elementwise("vmod", [a if a is None else a.view(bits) for a in given], out[0].view(bits))

    return _declare(t, op, binding)


@translates("hivm.hir.vsel")
def _select(t: Translator, op: Op) -> None:
    return _declare(t, op, lambda given, out: tiles.select(given, out[0]))


@translates("hivm.hir.vcmp")
def _compare(t: Translator, op: Op) -> None:
    mode = (enum(op.attributes.get("compare_mode")) or "eq").lower()
    unsigned = _unsigned(op)
    if mode not in tiles.COMPARE:
        refuse(op, "emulator-unsupported", op=op.name, what=f"compare mode {mode}")
    return _declare(t, op, lambda given, out: tiles.compare(mode, given, out[0], unsigned))


@translates("hivm.hir.vcast")
def _cast(t: Translator, op: Op) -> None:
    mode = (enum(op.attributes.get("round_mode")) or "rint").lower()
    kind = enum(op.attributes.get("cast")) or "cast_signed"
    if mode not in ROUNDINGS:
        refuse(op, "emulator-unsupported", op=op.name, what=f"rounding mode {mode}")

    def binding(given: Sequence[Array | None], out: list[Array]) -> Run:
        (source,) = given
        if source is None:
            refuse(op, "emulator-unsupported", op=op.name, what="a scalar operand")
        if kind == "bitcast" and source.dtype.itemsize != out[0].dtype.itemsize:
            refuse(op, "emulator-unsupported", op=op.name, what=f"a bitcast from {source.dtype} to {out[0].dtype}")
        return cast(source, out[0], mode, kind)

    return _declare(t, op, binding)
