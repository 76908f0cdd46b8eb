"""Updates of single places in global memory that other cores may update too: compare and swap, exchange, combine."""

import numpy as np

from compiler_core.dialects.hivm import enum, group
from compiler_core.emulator.arrays.atomics import KINDS, accumulated
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.instructions.declare import Run, instruction
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.ir import Op


@translates("hivm.hir.atomic_rmw")
def _combine(t: Translator, op: Op) -> None:
    kind = enum(op.attributes["atomic_kind"]).lower()
    if kind not in KINDS:
        refuse(op, "emulator-unsupported", op=op.name, what=f"atomic {kind or 'without a kind'}")

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        target = out[0]
        if given[0] is not None:
            return accumulated(kind, given[0], target, axes)

        def run(value: Scalar) -> None:
            accumulated(kind, np.broadcast_to(np.asarray(value, target.dtype), target.shape), target, axes)()

        return run

    instruction(t, op, group(op, "src"), group(op, "dst"), bind=bind)


@translates("hivm.hir.atomic_cas")
def _compare_and_swap(t: Translator, op: Op) -> None:
    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        expected, new = given
        assert expected is not None and new is not None
        lanes = list(np.ndindex(*out[0].shape[:axes]))

        def run() -> None:
            for lane in lanes:
                target = out[0][lane]
                target[...] = np.where(target == expected[lane], new[lane], target)

        return run

    instruction(t, op, group(op, "src"), group(op, "dst"), bind=bind)


@translates("hivm.hir.atomic_xchg")
def _exchange(t: Translator, op: Op) -> None:
    mask = op.operands[2:3]

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        keep = given[1] if mask else None
        values, lanes = given[0], list(np.ndindex(*out[0].shape[:axes]))

        def run(*scalars: Scalar) -> None:
            source = np.broadcast_to(values if values is not None else np.asarray(scalars[0], out[0].dtype), out[0].shape)
            for lane in lanes:
                target = out[0][lane]
                target[...] = source[lane] if keep is None else np.where(keep[lane] != 0, source[lane], target)

        return run

    instruction(t, op, [*group(op, "src"), *mask], group(op, "dst"), bind=bind)
