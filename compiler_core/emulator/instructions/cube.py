"""The cube: products of L1 matrices into L0C, convolutions, and whole products in global memory."""

from collections.abc import Sequence

from compiler_core.dialects.hivm import group, short
from compiler_core.emulator.arrays import fractals
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.execution.memory import Tile
from compiler_core.emulator.instructions.declare import Run
from compiler_core.emulator.translation.arithmetic import modulo
from compiler_core.emulator.translation.terms import number
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.ir import Op, Value
from compiler_core.ir.types import MemRefType


def _rank(op: Op, value: Value) -> int:
    if not isinstance(value.type, MemRefType):
        refuse(op, "emulator-unsupported", op=op.name, what=f"an operand of type {value.type}")
    return value.type.rank


def _fractal(op: Op, value: Value, batched: bool) -> bool:
    """Whether a matrix is held in fractals: two more dimensions than it has itself."""
    rank = _rank(op, value) - batched
    if rank not in (2, 4):
        refuse(
            op, "emulator-unsupported", op=op.name, what=f"an operand of type {value.type}: a matrix has two dimensions or four"
        )
    return rank == 4


@translates("hivm.hir.mmadL1", "hivm.hir.batchMmadL1")
def _mmad(t: Translator, op: Op) -> None:
    """C = [C +] A·B + bias, which is a row: [n] or [1, n]."""
    if "enable_I4" in op.attributes:
        refuse(op, "emulator-unsupported", op=op.name, what="int4 operands: how they are packed is not published")
    hf32 = "enable_HF32" in op.attributes
    batched = short(op) == "batchMmadL1"
    of_a, of_b, of_c = (_fractal(op, group(op, n)[0], batched) for n in "abc")
    transposed = ("a_transpose" in op.attributes, "b_transpose" in op.attributes)
    sync = [t.term(v) for v in group(op, "sync_related_args")]
    if len(sync) > 4:
        sync[4] = modulo(t.writer, sync[4], number(2))
    bias = group(op, "per_channel_bias")

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        clear, m, k, n = (int(x) for x in extras[:4])
        left, right, *rows = (array for array in given if array is not None)
        run = fractals.product(
            left, right, out[0], (m, k, n), clear=bool(clear), transposed=transposed, fractal=(of_a, of_b, of_c), hf32=hf32
        )
        flat = [row[..., 0, :] if row.ndim == axes + 2 and not batched else row for row in rows]
        adds = [fractals.bias_added(row, out[0], m, n, of_c) for row in flat]
        return fractals.in_order([run, *adds])

    extras = [group(op, n)[0] for n in ("init_condition", "real_m", "real_k", "real_n")]
    inputs = [*group(op, "a"), *group(op, "b"), *bias]
    t.instruction(
        op, inputs, group(op, "c"), bind, extras=[*extras, *sync], weight=_batch_multiply_adds if batched else multiply_adds
    )


def multiply_adds(tiles: Sequence[Tile], extras: Sequence[Scalar]) -> int:
    """Operations of a product, whose extras are init condition, m, k and n."""
    _, m, k, n = extras[:4]
    return 2 * m * k * n


def _batch_multiply_adds(tiles: Sequence[Tile], extras: Sequence[Scalar]) -> int:
    return tiles[0].sizes[0] * multiply_adds(tiles, extras)
