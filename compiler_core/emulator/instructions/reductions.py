"""Vector instructions along a dimension: reduce, cumulate, sort."""

from compiler_core.dialects.hivm import enum, group, numbers, short
from compiler_core.emulator.arrays import along
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.instructions.declare import Run, elements_of, flagged, instruction, segments
from compiler_core.emulator.translation.translator import TRANSLATORS, Translator, translates
from compiler_core.ir import Op
from compiler_core.ir.attributes import BoolAttr, IntegerAttr


@translates("hivm.hir.vreduce")
def _reduce(t: Translator, op: Op) -> None:
    kind, dims = enum(op.attributes["arith"]), numbers(op, "reduce_dims")
    tie = op.get("tie_break_left", BoolAttr)
    leftmost = tie is None or tie.value
    indexed = kind in along.WITH_INDEX
    if not indexed and kind not in along.KINDS:
        refuse(op, "emulator-unsupported", op=op.name, what=f"reduction {kind or 'without a kind'}")
    if indexed and len(dims) != 1:
        refuse(op, "emulator-unsupported", op=op.name, what=f"positions over {len(dims)} dimensions at once")

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        source, indices = given[0], given[1] if len(given) > 1 else None
        assert source is not None
        if indexed:
            return along.reduce_with_index(kind, source, indices, out, dims[0], axes, leftmost)
        return along.reduce(kind, source, out, dims, axes)

    inputs = [*group(op, "src"), *group(op, "indices")]
    t.instruction(op, inputs, group(op, "dst"), bind, group(op, "temp_buffer"), weight=elements_of(0))


def _cumulative(t: Translator, op: Op) -> None:
    dims, reverse, name = numbers(op, "cum_dims"), flagged(op, "reverse"), short(op)
    if len(dims) != 1:
        refuse(op, "emulator-unsupported", op=op.name, what=f"{len(dims)} dimensions at once")

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        return along.cumulative(name, given[0], out[0], axes + dims[0], reverse)

    instruction(t, op, op.operands[:1], op.operands[1:2], scratch=op.operands[2:], bind=bind)


for _name in along.CUMULATIVE:
    TRANSLATORS[f"hivm.hir.{_name}"] = _cumulative


@translates("hivm.hir.vsort")
def _sort(t: Translator, op: Op) -> None:
    descending, axis = flagged(op, "descending"), op.get("sort_axis", IntegerAttr)
    inputs, outputs, scratch = segments(op)

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        assert given[0] is not None
        at = axis.value if axis is not None else -1
        return along.sort(given[0], out, at if at < 0 else axes + at, descending)

    instruction(t, op, inputs, outputs, scratch=scratch, bind=bind)
