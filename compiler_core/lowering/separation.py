"""Loads that a matrix product shares with other ops are read once more for the product, straight into the cube's memory."""

from compiler_core.analysis.units import MATMULS, way_in
from compiler_core.dialects.tensor import pad_value
from compiler_core.ir import Op, Value
from compiler_core.ir.rewriter import constant_of

_STEPS = ("bufferization.to_tensor", "tensor.pad", "linalg.transpose")


def separate_loads(function: Op) -> None:
    """Clones, next to the originals, the loads of products' operands that have other users too."""
    for op in [op for op in function.walk() if op.name in MATMULS]:
        for k in (0, 1):
            operand = op.operands[k]
            if way_in(operand) is None and _is_load(operand):
                op.set_operand(k, _copy(operand))


def _is_load(value: Value) -> bool:
    op = value.op
    if op is None or op.name not in _STEPS:
        return False
    if op.name == "tensor.pad" and constant_of(pad_value(op)) is None:
        return False
    return op.name == "bufferization.to_tensor" or _is_load(op.operands[0])


def _copy(value: Value) -> Value:
    op = value.op
    assert op is not None and op.parent is not None
    mapping: dict[Value, Value] = {}
    if op.name != "bufferization.to_tensor":
        mapping[op.operands[0]] = _copy(op.operands[0])
    clone = op.clone(mapping)
    op.parent.insert(op.parent.ops.index(op) + 1, clone)
    return clone.result
