"""How an instruction is declared: which operands it reads and writes, and what it computes on them."""

from collections.abc import Callable, Sequence
from typing import Any

from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.machine import Batch
from compiler_core.emulator.memory import Group
from compiler_core.emulator.program import Step, Translator
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr
from compiler_core.ir.types import MemRefType

Compute = Callable[[list[Array], list[Array], list[Scalar], int], None]
"""Inputs (arrays, or numbers shaped to broadcast), outputs, extras, number of lane axes."""

Run = Callable[..., None]
"""Carries out a bound instruction, as often as it is called. Takes the scalar inputs in their order, each a number or an array
shaped to broadcast against the tile.
"""
Bind = Callable[[list[Array | None], list[Array], list[Scalar], int], Run]
"""The first of two stages: inputs (None where a scalar will be given to `Run`), outputs, extras, number of lane axes.

Everything that dtypes, shapes and extras decide is decided here, once; the arrays stay, their contents change. The best `Run`
is a `functools.partial` of a ufunc with its `out`.
"""


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


def _elements(written: int) -> Callable[[Group], int]:
    """One operation for each element of the written tile."""
    return lambda g: g.tiles[written].elements


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
) -> Step:
    """A step that reads some operands and writes others; scalars among the inputs are taken as they are.

    What it does is `bind`, in two stages, or else `compute`, in one.
    """
    assert bind is not None or compute is not None
    binding = bind or bound(compute)  # pyright: ignore[reportArgumentType]
    site = t.site(op)
    given = [(t.slot(v), isinstance(v.type, MemRefType)) for v in inputs]
    views = [slot for slot, shaped in given if shaped]
    numbers_ = [slot for slot, shaped in given if not shaped]
    written = t.slots_of([*outputs, *scratch])
    extra = t.slots_of(list(extras))
    writes = [False] * len(views) + [True] * len(written)
    last = len(views) + len(outputs)

    def apply(arrays: list[Array], scalars: list[Scalar], more: list[Scalar], axes: int) -> None:
        tensors = iter(arrays)
        operands = [next(tensors) if shaped else None for _, shaped in given]
        binding(operands, arrays[len(views) : last], more, axes)(*scalars)

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
