"""How an instruction is declared: which operands it reads and writes, and what it computes on them."""

from collections.abc import Sequence

from compiler_core.emulator.execution.issue import Bind, Run, Weight
from compiler_core.emulator.translation.translator import Translator
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr
from compiler_core.ir.types import MemRefType

__all__ = ["Bind", "Run", "elements_of", "flagged", "instruction", "segments"]


def elements_of(written: int) -> Weight:
    """One operation for each element of a tile."""
    return lambda tiles, _: tiles[written].elements


def instruction(
    t: Translator,
    op: Op,
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    scratch: Sequence[Value] = (),
    extras: Sequence[Value] = (),
    counts: bool = True,
    *,
    bind: Bind,
) -> None:
    """An instruction that reads some operands and writes others; scalars among the inputs are taken as they are.

    `bind` says what it does; where it `counts`, each element written is an operation.
    """
    views = sum(isinstance(v.type, MemRefType) for v in inputs)
    weight = elements_of(views) if counts and outputs else None
    t.instruction(op, inputs, outputs, bind, scratch, extras, weight)


def segments(op: Op) -> tuple[Sequence[Value], Sequence[Value], Sequence[Value]]:
    """Inputs, outputs and scratch buffers of an element-by-element instruction, declared or not."""
    sizes = op.get("operandSegmentSizes", DenseArrayAttr)
    if sizes is None:
        return op.operands[:-1], op.operands[-1:], ()
    a, b = sizes.values[0], sizes.values[0] + sizes.values[1]
    return op.operands[:a], op.operands[a:b], op.operands[b:]


def flagged(op: Op, key: str) -> bool:
    """Whether a BoolAttr is there and true."""
    value = op.get(key, BoolAttr)
    return value is not None and value.value
