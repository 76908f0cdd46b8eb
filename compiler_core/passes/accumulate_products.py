"""accumulate-products: what is added to a matrix product becomes where its accumulation starts.

`acc + dot(a, b)` accumulates in place in L0C, and a bias added to every row after the loop is what the loop starts from: on
split chips the cube core can do that, and the vector unit is elsewhere. The order of the float additions changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from compiler_core.analysis.units import MATMULS, is_zero_splat
from compiler_core.dialects.linalg import dimensions_of
from compiler_core.dialects.tensor import tensor_type
from compiler_core.ir import Op, Value, defining, fuse_locations
from compiler_core.ir.liveness import has_no_effect
from compiler_core.ir.registry import is_pure
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.passes.base import Pass, PassContext


@dataclass(frozen=True)
class AccumulateProducts(Pass):
    name = "accumulate-products"
    summary: ClassVar[Mapping[str, str]] = {
        "en": "What is added to a matrix product becomes where its accumulation starts.",
        "zh": "把加到矩阵乘积上的值变成其累加的初值。",
    }
    stage_in = "tensor"
    stage_out = "tensor"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, {"arith.addf": (_into_product, _into_loop), "arith.addi": (_into_product, _into_loop)})


def _into_product(op: Op) -> bool:
    """x + (0 + a·b) is x + a·b."""
    for k in (0, 1):
        product = defining(op.operands[k], *MATMULS)
        if product is None or len(product.result.uses) != 1 or not is_zero_splat(product.operands[2]):
            continue
        other = op.operands[1 - k]
        if product.parent is not op.parent or other is product.result:
            continue
        product.set_operand(2, other)
        _take_place(product, op)
        return True
    return False


def _take_place(made: Op, op: Op) -> None:
    """`made` moves to where `op` is, and stands for it."""
    block = op.parent
    assert block is not None
    made.detach()
    block.insert(block.ops.index(op), made)
    made.location = fuse_locations(made.location, op.location)
    made.origin = tuple(dict.fromkeys((*made.origin, op.id)))
    made.result.name = op.result.name
    op.replace_with(made.result)


def _into_loop(op: Op) -> bool:
    """A row added to every row of a loop's sum of products: the loop starts from it."""
    for k in (0, 1):
        loop = defining(op.operands[k], "scf.for")
        if loop is None or loop.parent is not op.parent or len(op.operands[k].uses) != 1:
            continue
        position = op.operands[k].index
        other = op.operands[1 - k]
        if not _sums_products(loop, position) or not _is_row(other):
            continue
        needed = _computed_after(other, loop)
        if needed is None:
            continue
        for part in needed:
            assert loop.parent is not None
            part.detach()
            loop.parent.insert(loop.parent.ops.index(loop), part)
        loop.set_operand(3 + position, other)
        result = loop.results[position]
        loop.location = fuse_locations(loop.location, op.location)
        op.replace_with(result)
        return True
    return False


def _sums_products(loop: Op, position: int) -> bool:
    """Whether the loop starts this value at zero, does nothing but add products to it, and writes nothing."""
    argument, yielded = loop.body.arguments[1 + position], loop.body.terminator.operands[position]
    product = defining(yielded, *MATMULS)
    starts = is_zero_splat(loop.operands[3 + position])
    return (
        starts and product is not None and product.operands[2] is argument and len(argument.uses) == 1 and has_no_effect(loop)
    )


def _is_row(value: Value) -> bool:
    """One row, read from memory and repeated along the first dimension."""
    repeat = defining(value, "linalg.broadcast")
    if repeat is None or dimensions_of(repeat) != (0,) or tensor_type(value).rank != 2 or len(value.uses) != 1:
        return False
    source = repeat.operands[0]
    while source.op is not None and source.op.name in ("arith.extf", "tensor.pad"):
        source = source.op.operands[0]
    return defining(source, "bufferization.to_tensor") is not None


def _computed_after(value: Value, loop: Op) -> list[Op] | None:
    """What makes `value` after the loop, in order; None where it depends on the loop, or would read across a write."""
    block = loop.parent
    assert block is not None
    after = block.ops[block.ops.index(loop) + 1 :]
    needed: set[Op] = set()
    work = [value]
    while work:
        op = work.pop().op
        if op is loop:
            return None
        if op is None or op in needed or op not in after:
            continue
        needed.add(op)
        work += [v for inner in op.walk() for v in inner.operands]
    between = after[: max(after.index(op) for op in needed) + 1] if needed else []
    writes = any(not has_no_effect(op) for op in between)
    return None if writes and any(not is_pure(op) for op in needed) else [op for op in between if op in needed]
