"""Arithmetic on shapes: small integer nodes that exporters leave in a graph, which the importer evaluates itself."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from compiler_core.importers.onnx.node import Node
from compiler_core.importers.onnx.proto import check_size, dtype

Array = NDArray[np.generic]

MAX_ELEMENTS = 4096
"""Larger constants are tensors, not shapes: their arithmetic is the device's, or a pass's that folds constants."""


def _concat(node: Node, arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays, axis=node.integer("axis"))


def _gather(node: Node, arrays: Sequence[Array]) -> Array:
    return np.take(arrays[0], arrays[1].astype(np.int64), axis=node.integer("axis", 0))


def _axes(node: Node, arrays: Sequence[Array]) -> tuple[int, ...]:
    """An attribute before operator set 13, an operand from then on."""
    if len(arrays) > 1:
        return tuple(int(a) for a in arrays[1].reshape(-1))
    return node.integers("axes", ())


def _unsqueeze(node: Node, arrays: Sequence[Array]) -> Array:
    return np.expand_dims(arrays[0], _axes(node, arrays))


def _squeeze(node: Node, arrays: Sequence[Array]) -> Array:
    return np.squeeze(arrays[0], _axes(node, arrays) or None)


def _cast(node: Node, arrays: Sequence[Array]) -> Array:
    kind = dtype(node.integer("to"))
    if kind is None:
        raise ValueError("an element type that no operator takes")
    return arrays[0].astype(kind)


def _slice(node: Node, arrays: Sequence[Array]) -> Array:
    starts, ends, *rest = [[int(v) for v in a.reshape(-1)] for a in arrays[1:]]
    axes = rest[0] if rest else list(range(len(starts)))
    steps = rest[1] if len(rest) > 1 else [1] * len(starts)
    slices = [slice(None)] * arrays[0].ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        slices[axis] = slice(start, end, step)
    return arrays[0][tuple(slices)]


def _arithmetic(compute: Callable[[Array, Array], Array]) -> "Evaluate":
    return lambda node, arrays: compute(arrays[0], arrays[1])


Evaluate = Callable[[Node, Sequence[Array]], Array]

EVALUATE: dict[str, Evaluate] = {
    "Concat": _concat,
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Cast": _cast,
    "Slice": _slice,
    "Add": _arithmetic(np.add),
    "Sub": _arithmetic(np.subtract),
    "Mul": _arithmetic(np.multiply),
}


def evaluate(node: Node, arrays: Sequence[Array]) -> Array | None:
    """The node's value where it works on small integer constants alone; None where it is no such node.

    Raises ValueError or IndexError where the constants do not fit the operator.
    """
    compute = EVALUATE.get(node.kind)
    whole = arrays and all(a.dtype.kind in "iub" and a.size <= MAX_ELEMENTS for a in arrays)
    if compute is None or not whole:
        return None
    result = np.asarray(compute(node, arrays))
    return result if result.dtype.kind in "iub" else None


def constant_of_shape(node: Node, shape: Array) -> Array:
    """Raises LimitHit where it would be larger than any tensor may be."""
    fill = node.tensor("value")
    value = np.zeros(1, np.float32) if fill is None else fill.reshape(-1)[:1]
    sizes = tuple(int(s) for s in shape.reshape(-1))
    check_size(sizes, value.dtype.itemsize, node.name)
    return np.full(sizes, value[0], value.dtype)
