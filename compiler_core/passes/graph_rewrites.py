"""What rewrites of the graph stage share: builders that remember what they fuse, and copies of an op with changes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compiler_core.dialects.graph import array_of, constant, tensor_type
from compiler_core.ir import Builder, Op, Value, fuse_locations
from compiler_core.ir.attributes import AttributeValue
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import Type


def fusing(*ops: Op) -> Builder:
    """A builder before the last op whose ops come from all of them."""
    builder = Builder.before(ops[-1])
    builder.location = fuse_locations(*(op.location for op in ops))
    builder.origin = tuple(op.id for op in ops)
    return builder


def remade(
    builder: Builder, op: Op, operands: Sequence[Value], type: Type | None = None, hint: str = "", **changes: AttributeValue
) -> Value:
    """A copy of an op of one result with other operands, another type, and attributes added or changed."""
    attributes: dict[str, AttributeValue] = {**op.attributes, **changes}
    return builder.value(op.name, operands, type or op.result.type, attributes, hint or op.result.name)


def only_user(value: Value) -> Op | None:
    """The one op that uses the value, once; None where there are several or none."""
    return value.uses[0] if len(value.uses) == 1 else None


def float64(value: Value) -> NDArray[np.float64] | None:
    """A constant's elements in double precision; None for a value that is no constant."""
    array = array_of(value)
    return None if array is None else array.astype(np.float64)


def constant_like(builder: Builder, array: NDArray[np.float64], model: Value, hint: str = "") -> Value:
    """A constant, rounded once to the element type of `model`; named after it."""
    kind = dtype_of(tensor_type(model).element)
    return constant(builder, np.asarray(array, kind, order="C"), hint or model.name)
