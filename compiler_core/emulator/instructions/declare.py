"""How an instruction is declared: which operands it reads and writes, and what it computes on them."""

from collections.abc import Callable, Sequence

from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.machine import Batch
from compiler_core.emulator.memory import Group
from compiler_core.emulator.program import Step, Translator
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr
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
