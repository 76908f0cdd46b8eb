"""Small IR that several tests share."""

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.dialects import arith, scf
from compiler_core.dialects.builtin import function
from compiler_core.ir import Builder, Location, Op, module
from compiler_core.ir.types import f32, i32, index


def running_sum() -> Op:
    """A loop that adds %x to itself %n times and multiplies by 2 · 1."""
    kernel = function("kernel", [i32, f32], names=["n", "x"])
    n, x = kernel.body.arguments
    builder = Builder.at_end(kernel.body)
    builder.location = (Location("kernel.py", 3, 5),)
    zero, one = arith.constant(builder, 0, index), arith.constant(builder, 1, index)
    count = builder.value("arith.index_cast", [n], index, hint="count")
    loop = scf.for_loop(builder, zero, count, one, [x], ["acc"])
    inner = Builder.at_end(loop.body)
    inner.location = (Location("kernel.py", 4, 9),)
    total = inner.value("arith.addf", [loop.body.arguments[1], x], f32, hint="acc")
    inner.op("scf.yield", [total])
    two = arith.constant(builder, 2.0, f32)
    builder.value("arith.mulf", [loop.result, two], f32, hint="twice")
    builder.op("func.return")
    return module([kernel])


def find(root: Op, name: str) -> Op:
    """The first op of that name."""
    return next(op for op in root.walk() if op.name == name)
