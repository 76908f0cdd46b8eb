"""Softmax over the last axis: whole rows on the vector unit, in float32."""

from collections.abc import Callable, Sequence
from math import inf

from compiler_core.dialects import linalg, tensor
from compiler_core.ir import Op, Value
from compiler_core.ir.types import element_of, f32
from compiler_core.lowering.kernels.frame import Kernel, pieces, rounded_up

ALIGNMENT = 16
"""Rows are padded to this many elements: 32 bytes of 16-bit numbers, the block of the vector unit."""


def softmax(make: Callable[[Sequence[int]], Kernel], rows_size: int, length: int, room: int) -> Op:
    """e^(x - max) / Σ e^(x - max), row by row; `room` elements hold one row at least."""
    width = rounded_up(length, ALIGNMENT)
    height = min(rows_size, max(1, room // width))
    kernel = make((pieces(rows_size, height),))
    rows = kernel.tiled(kernel.program(0), rows_size, height, "row")
    source, target = kernel.buffers
    offset, shape, valid = kernel.times(rows.start, length), (height, width), (rows.inside, length)
    x = kernel.to(kernel.load(source, offset, shape, (length, 1), valid, other=-inf, hint="x_tile"), f32, "x_tile")

    def along(name: str, value: Value, first: float, hint: str) -> Value:
        reduced = linalg.reduce(kernel.builder, name, value, kernel.full(first, (height,), hint=hint), (1,), hint)
        return linalg.broadcast(kernel.builder, reduced, tensor.empty(kernel.builder, shape, f32), (1,), hint)

    most = along("arith.maximumf", x, -inf, "max")
    power = kernel.op("math.exp", kernel.op("arith.subf", x, most, hint="shifted"), hint="power")
    y = kernel.op("arith.divf", power, along("arith.addf", power, 0.0, "sum"), hint="y")
    kernel.store(kernel.to(y, element_of(target.type), "rounded"), target, offset, (length, 1), valid)
    return kernel.finish()
