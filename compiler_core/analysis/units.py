"""Which unit of a core computes a tensor: the cube, with what rides on its ways in and out, or the vector unit.

In: a rectangle of global memory, zero where padded, perhaps transposed, goes straight into L1. Out: on split chips the way out
of L0C (fixpipe) applies ReLU and narrows, so these stay with the cube; on coupled chips the vector unit takes over at once.
"""

from collections.abc import Iterable
from typing import Literal

from compiler_core.chips import Chip
from compiler_core.dialects.arith import constant_value
from compiler_core.dialects.linalg import dimensions_of
from compiler_core.dialects.tensor import pad_value, tensor_type
from compiler_core.ir import Op, Value
from compiler_core.ir.types import TensorType, bf16, f16, f32

Unit = Literal["cube", "vector"]

MATMULS = ("linalg.matmul", "linalg.batch_matmul")
_LOAD = "bufferization.to_tensor"
_STORE = "bufferization.materialize_in_destination"


def tensor_ops(function: Op) -> Iterable[Op]:
    """Ops that make or write tensors, control flow apart, in program order."""
    for op in function.walk():
        makes = any(isinstance(r.type, TensorType) for r in op.results) and op.dialect != "scf"
        if makes or op.name == _STORE:
            yield op


def units(function: Op, chip: Chip) -> dict[Op, Unit]:
    """The unit of every op that makes or writes a tensor."""
    cube: set[Op] = set()
    for op in function.walk():
        if op.name in MATMULS:
            cube.add(op)
            for operand in op.operands[:2]:
                cube.update(way_in(operand) or ())
            cube.update(_accumulator(op.operands[2], chip))
    if chip.split:
        for op in [op for op in cube if op.name in MATMULS]:
            cube.update(_way_out(op.result, cube))
    return {op: "cube" if op in cube else "vector" for op in tensor_ops(function)}


def core_of(assigned: Iterable[Unit]) -> Literal["cube", "vector", "mix"]:
    """The kind of core that a function with these units needs."""
    kinds = set(assigned)
    return "mix" if len(kinds) == 2 else "cube" if kinds == {"cube"} else "vector"


def way_in(value: Value) -> list[Op] | None:
    """The ops from global memory to a matmul's operand, where the cube core's own moves can do them all; else None."""
    op = value.op
    if op is None or not all(_only_multiplied(user, value) for user in value.uses):
        return None
    if op.name == _LOAD:
        return [op]
    if op.name == "linalg.transpose":
        before = way_in(op.operands[0])
        out = op.operands[1].op
        return None if before is None else [*before, op, *([out] if out is not None else [])]
    if op.name == "tensor.pad" and _is_zero(pad_value(op)):
        before = way_in(op.operands[0])
        return None if before is None else [*before, op]
    return None


def _only_multiplied(user: Op, value: Value) -> bool:
    """Whether the use leads nowhere but into products."""
    if user.name in MATMULS:
        return value in user.operands[:2]
    if user.name in ("tensor.pad", "linalg.transpose"):
        return all(_only_multiplied(after, user.result) for after in user.result.uses)
    return False


def _is_zero(scalar: Value) -> bool:
    number = constant_value(scalar)
    return number is not None and number == 0


def splat_of(value: Value) -> Value | None:
    """The scalar of a splat or fill."""
    op = value.op
    if op is None or op.name not in ("tensor.splat", "linalg.fill"):
        return None
    return op.operands[0]


def is_zero_splat(value: Value) -> bool:
    """Whether every element is the constant 0, by how the tensor is made."""
    scalar = splat_of(value)
    return scalar is not None and _is_zero(scalar)


def _accumulator(value: Value, chip: Chip) -> list[Op]:
    """The ops that start an accumulator where the cube can: at zero, or on split chips at a row for every row (a bias)."""
    if value.op is None:
        block = value.owner
        loop = None if isinstance(block, Op) else block.parent_op
        if loop is None or loop.name != "scf.for" or value.index == 0:
            return []
        return _accumulator(loop.operands[2 + value.index], chip)
    if value.op.name == "linalg.broadcast" and dimensions_of(value.op) == (0,) and chip.split:
        return _row(value)
    if not is_zero_splat(value) or len(value.uses) > 1:
        return []
    out = value.op.operands[1].op if value.op.name == "linalg.fill" else None
    return [value.op, *([out] if out is not None else [])]


def _row(value: Value) -> list[Op]:
    """A row that only starts an accumulator, up to its load; empty where it is computed or used otherwise."""
    op = value.op
    if op is None or len(value.uses) != 1:
        return []
    if op.name == _LOAD:
        return [op]
    if op.name not in ("linalg.broadcast", "arith.extf", "tensor.pad"):
        return []
    before = _row(op.operands[0])
    out = op.operands[1].op if op.name == "linalg.broadcast" else None
    return [*before, op, *([out] if out is not None else [])] if before else []


def _way_out(value: Value, cube: set[Op]) -> list[Op]:
    """What follows a product up to its store, where every step can ride on fixpipe; empty where one cannot."""
    found: list[Op] = []
    for user in value.uses:
        if user in cube:
            continue
        if user.name == "scf.yield" and user.parent_op is not None and user.parent_op.name == "scf.for":
            found += _way_out(user.parent_op.results[user.operands.index(value)], cube)
        elif user.name == _STORE:
            found.append(user)
        elif user.name == "tensor.extract_slice" or rides_on_fixpipe(user, value):
            after = _way_out(user.result, cube)
            if not after:
                return []
            zero = [v.op for v in user.operands[1:] if v.op is not None and v.op.name == "tensor.splat" and len(v.uses) == 1]
            found += [user, *zero, *after]
        else:
            return []
    return found


def rides_on_fixpipe(op: Op, value: Value) -> bool:
    """ReLU, or a conversion from f32 to f16 or bf16."""
    if op.name == "arith.truncf":
        return tensor_type(value).element == f32 and tensor_type(op.result).element in (f16, bf16)
    if op.name in ("arith.maximumf", "arith.maxnumf"):
        other = op.operands[1] if op.operands[0] is value else op.operands[0]
        return is_zero_splat(other)
    return False
