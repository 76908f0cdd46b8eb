"""The cube: products of L1 matrices into L0C."""

import numpy as np

from compiler_core.dialects.hivm import group
from compiler_core.emulator.fractals import multiply, write_matrix
from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.machine import Batch, refuse
from compiler_core.emulator.memory import Group
from compiler_core.emulator.program import Step, Translator, translates
from compiler_core.ir import Op
from compiler_core.ir.types import MemRefType


@translates("hivm.hir.mmadL1")
def _mmad(t: Translator, op: Op) -> Step:
    for value in (*group(op, "a"), *group(op, "b"), *group(op, "c")):
        if not isinstance(value.type, MemRefType) or value.type.rank != 4:
            refuse(
                op, "emulator-unsupported", op=op.name, what=f"an operand of type {value.type}: fractals have four dimensions"
            )
    transposed = ("a_transpose" in op.attributes, "b_transpose" in op.attributes)
    site = t.site(op)
    a, b, c = (t.slot(group(op, n)[0]) for n in "abc")
    init, *sizes = (t.slot(group(op, n)[0]) for n in ("init_condition", "real_m", "real_k", "real_n"))
    sync = t.slots_of(group(op, "sync_related_args"))
    bias = t.slots_of(group(op, "per_channel_bias"))

    def apply(arrays: list[Array], scalars: list[Scalar], extras: list[Scalar], axes: int) -> None:
        clear, m, k, n = extras[:4]
        left, right, target, *row = arrays
        multiply(left, right, target, m, k, n, clear=bool(clear), a_transposed=transposed[0], b_transposed=transposed[1])
        for added in row:
            wide = added[..., None, :n].astype(target.dtype)
            write_matrix(target, np.broadcast_to(wide, (*wide.shape[:-2], m, n)), fill=False, accumulate=True)

    def weight(found: Group) -> int:
        _, m, k, n = found.extras[:4]
        return 2 * m * k * n

    def step(batch: Batch) -> None:
        values = batch.values
        events = [values[s] for s in sync]
        if len(events) > 4:
            events[4] = events[4] & 1
        batch.perform(
            site,
            [values[a], values[b], values[c], *(values[s] for s in bias)],
            (False, False, True, *(False for _ in bias)),
            apply,
            extras=[values[init], *(values[s] for s in sizes), *events],
            weight=weight,
        )

    return step
