"""How an instruction is declared: which operands it reads and writes, and what it computes on them."""

from collections.abc import Callable, Sequence
from typing import Any

from compiler_core.emulator.issue import Bind, Run, Weight
from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.translator import Translator
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr
from compiler_core.ir.types import MemRefType

__all__ = ["Bind", "Run", "bound", "elements_of", "flagged", "instruction", "segments"]

Compute = Callable[[list[Array], list[Array], list[Scalar], int], None]
"""Inputs (arrays, or numbers shaped to broadcast), outputs, extras, number of lane axes."""


def bound(compute: Compute) -> Bind:
    """A binding that decides nothing beforehand."""

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        numbers = [i for i, array in enumerate(given) if array is None]
        operands: list[Any] = list(given)

        def run(*scalars: Scalar) -> None:
            for i, scalar in zip(numbers, scalars, strict=True):
                operands[i] = scalar
            compute(operands, out, extras, axes)

        return run

    return bind


def elements_of(written: int) -> Weight:
    """One operation for each element of a tile."""
    return lambda tiles, _: tiles[written].elements


def instruction(
    t: Translator,
    op: Op,
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    compute: Compute | None = None,
    scratch: Sequence[Value] = (),
    extras: Sequence[Value] = (),
    counts: bool = True,
    *,
    bind: Bind | None = None,
) -> None:
    """An instruction that reads some operands and writes others; scalars among the inputs are taken as they are.

    What it does is `bind`, in two stages, or else `compute`, in one. Where it `counts`, each element written is an operation.
    """
    assert bind is not None or compute is not None
    binding = bind or bound(compute)  # pyright: ignore[reportArgumentType]
    views = sum(isinstance(v.type, MemRefType) for v in inputs)
    weight = elements_of(views) if counts and outputs else None
    t.instruction(op, inputs, outputs, binding, scratch, extras, weight)


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
