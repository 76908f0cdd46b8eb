"""What each ONNX operator becomes at the graph stage: one function an operator, read beside the operator's definition."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compiler_core.dialects.graph import (
    ShapeError,
    Window,
    broadcast_shapes,
    conv_shape,
    feature_map,
    float_attribute,
    matmul_shape,
    pool_shape,
    shape_of,
    spatial,
)
from compiler_core.importers.onnx.node import Node
from compiler_core.ir import DenseArrayAttr, Value
from compiler_core.ir.attributes import AttributeValue

Array = NDArray[np.generic]


class Graph(Protocol):
    """What an operator may ask for and do."""

    def operands(self, node: Node) -> list[Value | None]:
        """The node's inputs as tensors; None for one that is left out."""
        ...

    def known(self, node: Node, i: int) -> Array | None:
        """Input i as constants; None where it is left out. Raises Refused where it is computed."""
        ...

    def emit(
        self,
        node: Node,
        op: str,
        operands: Sequence[Value],
        shape: Sequence[int],
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> Value: ...


MAX_ADDENDS = 64
"""Inputs of one Sum; residual networks have two."""

Operator = Callable[[Node, Graph], Value]


def _inputs(node: Node, graph: Graph, least: int, most: int | None = None) -> list[Value]:
    """The inputs, between `least` and `most` of them (trailing ones may be left out). Raises Refused for other counts."""
    given = graph.operands(node)
    while given and given[-1] is None:
        given.pop()
    values = [v for v in given if v is not None]
    if len(values) != len(given) or not least <= len(values) <= (most or least):
        raise node.refused("onnx-inputs", found=len(given), least=least, most=most or least)
    return values


def _unary(op: str) -> Operator:
    def make(node: Node, graph: Graph) -> Value:
        (x,) = _inputs(node, graph, 1)
        return graph.emit(node, op, [x], shape_of(x))

    return make


def _binary(op: str) -> Operator:
    def make(node: Node, graph: Graph) -> Value:
        a, b = _inputs(node, graph, 2)
        return graph.emit(node, op, [a, b], broadcast_shapes(shape_of(a), shape_of(b)))

    return make


def _sum(node: Node, graph: Graph) -> Value:
    """Any number of inputs: one addition after the other."""
    total, *rest = _inputs(node, graph, 1, MAX_ADDENDS)
    for value in rest:
        total = graph.emit(node, "add", [total, value], broadcast_shapes(shape_of(total), shape_of(value)))
    return total if rest else graph.emit(node, "identity", [total], shape_of(total))


def _axis(node: Node, axis: int, rank: int, *, end: bool = False) -> int:
    """A non-negative axis; `end` allows the one behind the last. Raises Refused out of range."""
    if not -rank <= axis < rank + end:
        raise node.refused("onnx-axis", axis=axis, rank=rank)
    return axis % rank if axis < rank else axis


def _pads(node: Node, window: Window, height: int, width: int) -> tuple[int, int, int, int]:
    """Explicit pads, or those that auto_pad asks for."""
    automatic = node.text("auto_pad", "NOTSET")
    if automatic in ("NOTSET", ""):
        pads = node.integers("pads", (0, 0, 0, 0))
        if len(pads) != 4 or min(pads) < 0:
            raise node.refused("onnx-pads", pads=str(list(pads)))
        return pads[0], pads[1], pads[2], pads[3]
    if node.has("pads") and any(node.integers("pads")):
        raise node.refused("onnx-pads", pads=str(list(node.integers("pads"))))
    if automatic == "VALID":
        return 0, 0, 0, 0
    if automatic not in ("SAME_UPPER", "SAME_LOWER"):
        raise node.refused("onnx-attribute-value", attribute="auto_pad", value=automatic)
    low: list[int] = []
    high: list[int] = []
    for size, stride, extent in zip((height, width), window.strides, window.extent, strict=True):
        missing = max((-(-size // stride) - 1) * stride + extent - size, 0)
        smaller, larger = missing // 2, missing - missing // 2
        low.append(smaller if automatic == "SAME_UPPER" else larger)
        high.append(larger if automatic == "SAME_UPPER" else smaller)
    return low[0], low[1], high[0], high[1]


def _pair(node: Node, name: str, default: tuple[int, int] | None = None) -> tuple[int, int]:
    values = node.integers(name, default)
    if len(values) != 2:
        raise node.refused("onnx-two-dimensional", shape=str(list(values)))
    if min(values) < 1:
        raise node.refused("onnx-attribute-value", attribute=name, value=str(list(values)))
    return values[0], values[1]


def _window(node: Node, shape: tuple[int, ...], kernel: tuple[int, int]) -> Window:
    if len(shape) != 4:
        raise node.refused("onnx-two-dimensional", shape=str(list(shape)))
    bare = Window(kernel, _pair(node, "strides", (1, 1)), (0, 0, 0, 0), _pair(node, "dilations", (1, 1)))
    return Window(kernel, bare.strides, _pads(node, bare, shape[2], shape[3]), bare.dilations)


def _conv(node: Node, graph: Graph) -> Value:
    x, weight, *bias = _inputs(node, graph, 2, 3)
    if len(shape_of(weight)) != 4:
        raise node.refused("onnx-two-dimensional", shape=str(list(shape_of(weight))))
    kernel = (shape_of(weight)[2], shape_of(weight)[3])
    if node.has("kernel_shape") and _pair(node, "kernel_shape") != kernel:
        raise node.refused("onnx-attribute-value", attribute="kernel_shape", value=str(list(node.integers("kernel_shape"))))
    window, group = _window(node, shape_of(x), kernel), node.integer("group", 1)
    shape = conv_shape(shape_of(x), shape_of(weight), window, group, "NCHW")
    if bias and shape_of(bias[0]) != (shape[1],):
        raise ShapeError(f"a bias of shape {list(shape_of(bias[0]))} for {shape[1]} filters")
    attributes: dict[str, AttributeValue] = {**window.attributes(), "layout": "NCHW"}
    if group != 1:
        attributes["group"] = group
    return graph.emit(node, "conv", [x, weight, *bias], shape, attributes)


def _batch_normalization(node: Node, graph: Graph) -> Value:
    x, *statistics = _inputs(node, graph, 5)
    node.ignore("momentum")
    if node.integer("training_mode", 0) or node.integer("spatial", 1) != 1 or len([o for o in node.proto.output if o]) > 1:
        raise node.refused("onnx-training")
    channels = shape_of(x)[1] if len(shape_of(x)) > 1 else 1
    for value in statistics:
        if shape_of(value) != (channels,):
            raise ShapeError(f"{list(shape_of(value))} numbers for {channels} channels")
    attributes = {"epsilon": float_attribute(node.number("epsilon", 1e-5)), "axis": 1}
    return graph.emit(node, "batch_normalization", [x, *statistics], shape_of(x), attributes)


def _ceil_mode(node: Node, window: Window, shape: tuple[int, ...]) -> Window:
    """The window with as much more padding below and right as ceil_mode lets it run over the edge."""
    pads = list(window.pads)
    for i, size in enumerate(shape[2:]):
        room = size + pads[i] + pads[i + 2] - window.extent[i]
        steps = -(-room // window.strides[i])
        if steps * window.strides[i] >= size + pads[i]:
            steps -= 1  # a window must begin inside of the input or of the padding before it
        pads[i + 2] += max(steps * window.strides[i] - room, 0)
    return Window(window.kernel, window.strides, (pads[0], pads[1], pads[2], pads[3]), window.dilations)


def _max_pool(node: Node, graph: Graph) -> Value:
    (x,) = _inputs(node, graph, 1)
    if len([o for o in node.proto.output if o]) > 1:
        raise node.refused("onnx-second-output")
    node.ignore("storage_order")
    window = _window(node, shape_of(x), _pair(node, "kernel_shape"))
    if node.integer("ceil_mode", 0):
        window = _ceil_mode(node, window, shape_of(x))
    return graph.emit(node, "max_pool", [x], pool_shape(shape_of(x), window, "NCHW"), {**window.attributes(), "layout": "NCHW"})


def _average_pool(node: Node, graph: Graph) -> Value:
    (x,) = _inputs(node, graph, 1)
    window = _window(node, shape_of(x), _pair(node, "kernel_shape"))
    if node.integer("ceil_mode", 0):
        raise node.refused("onnx-attribute-value", attribute="ceil_mode", value="1")
    attributes = {**window.attributes(), "count_include_pad": node.integer("count_include_pad", 0), "layout": "NCHW"}
    return graph.emit(node, "average_pool", [x], pool_shape(shape_of(x), window, "NCHW"), attributes)


def _global_average_pool(node: Node, graph: Graph) -> Value:
    (x,) = _inputs(node, graph, 1)
    batch, _, _, channels = spatial(shape_of(x), "NCHW")
    return graph.emit(node, "global_average_pool", [x], feature_map(batch, 1, 1, channels, "NCHW"), {"layout": "NCHW"})


def _flatten(node: Node, graph: Graph) -> Value:
    (x,) = _inputs(node, graph, 1)
    shape = shape_of(x)
    axis = _axis(node, node.integer("axis", 1), len(shape), end=True)
    return graph.emit(node, "flatten", [x], (prod(shape[:axis]), prod(shape[axis:])), {"axis": axis})


def _reshape(node: Node, graph: Graph) -> Value:
    x = graph.operands(node)[0]
    wanted = graph.known(node, 1)
    if x is None or wanted is None:
        raise node.refused("onnx-inputs", found=1, least=2, most=2)
    zero_copies = not node.integer("allowzero", 0)
    return graph.emit(node, "reshape", [x], _resolve(shape_of(x), [int(s) for s in wanted.reshape(-1)], zero_copies))


def _resolve(shape: tuple[int, ...], wanted: list[int], zero_copies: bool) -> tuple[int, ...]:
    """Reshape's rule: 0 keeps a dimension, one -1 takes what is left. Raises ShapeError."""
    sizes = [shape[i] if s == 0 and zero_copies and i < len(shape) else s for i, s in enumerate(wanted)]
    if sizes.count(-1) > 1 or any(s < -1 for s in sizes):
        raise ShapeError(f"{wanted} is no shape")
    if -1 in sizes:
        rest = prod(s for s in sizes if s != -1)
        if rest == 0 or prod(shape) % rest:
            raise ShapeError(f"{prod(shape)} elements do not fill {wanted}")
        sizes[sizes.index(-1)] = prod(shape) // rest
    if prod(sizes) != prod(shape):
        raise ShapeError(f"{prod(shape)} elements do not fill {wanted}")
    return tuple(sizes)


def _axes(node: Node, graph: Graph) -> tuple[int, ...]:
    """An attribute before operator set 13, the second input from then on; both may be left out of a Squeeze."""
    if node.opset < 13:
        return node.integers("axes", ())
    known = graph.known(node, 1) if len(node.proto.input) > 1 else None
    return () if known is None else tuple(int(a) for a in known.reshape(-1))


def _squeeze(node: Node, graph: Graph) -> Value:
    x = _inputs_first(node, graph)
    shape = shape_of(x)
    axes = [_axis(node, a, len(shape)) for a in _axes(node, graph)] or [i for i, s in enumerate(shape) if s == 1]
    if any(shape[a] != 1 for a in axes):
        raise ShapeError(f"cannot drop dimensions {axes} of {list(shape)}")
    return graph.emit(node, "reshape", [x], [s for i, s in enumerate(shape) if i not in axes])


def _unsqueeze(node: Node, graph: Graph) -> Value:
    x = _inputs_first(node, graph)
    axes = _axes(node, graph)
    rank = len(shape_of(x)) + len(axes)
    places = {_axis(node, a, rank) for a in axes}
    if len(places) != len(axes):
        raise ShapeError(f"the same dimension twice in {list(axes)}")
    sizes = iter(shape_of(x))
    return graph.emit(node, "reshape", [x], [1 if i in places else next(sizes) for i in range(rank)])


def _inputs_first(node: Node, graph: Graph) -> Value:
    """The first input, where the others are read as constants."""
    first = graph.operands(node)[:1]
    if not first or first[0] is None:
        raise node.refused("onnx-inputs", found=0, least=1, most=2)
    return first[0]


def _transpose(node: Node, graph: Graph) -> Value:
    (x,) = _inputs(node, graph, 1)
    shape = shape_of(x)
    order = node.integers("perm", tuple(reversed(range(len(shape)))))
    if sorted(order) != list(range(len(shape))):
        raise node.refused("onnx-attribute-value", attribute="perm", value=str(list(order)))
    return graph.emit(node, "transpose", [x], [shape[i] for i in order], {"permutation": DenseArrayAttr(order)})


def _gemm(node: Node, graph: Graph) -> Value:
    a, b, *c = _inputs(node, graph, 2, 3)
    flags = {name: node.integer(name, 0) for name in ("transA", "transB")}
    factors = {name: node.number(name, 1.0) for name in ("alpha", "beta")}
    left, right = (shape_of(v)[::-1] if flag else shape_of(v) for v, flag in zip((a, b), flags.values(), strict=True))
    if len(left) != 2 or len(right) != 2:
        raise ShapeError(f"Gemm multiplies matrices, not {list(left)} and {list(right)}")
    shape = matmul_shape(left, right)
    if c and broadcast_shapes(shape_of(c[0]), shape) != shape:
        raise ShapeError(f"C of shape {list(shape_of(c[0]))} does not broadcast to {list(shape)}")
    written = {name: float_attribute(value) for name, value in factors.items() if value != 1}
    return graph.emit(node, "gemm", [a, b, *c], shape, {**written, **{name: 1 for name, flag in flags.items() if flag}})


def _matmul(node: Node, graph: Graph) -> Value:
    """A vector on the left is a row, on the right a column, and its dimension of 1 leaves the result."""
    a, b = _inputs(node, graph, 2)
    left, right = shape_of(a), shape_of(b)
    if len(left) > 1 and len(right) > 1:
        return graph.emit(node, "matmul", [a, b], matmul_shape(left, right))
    a = graph.emit(node, "reshape", [a], (1, *left)) if len(left) == 1 else a
    b = graph.emit(node, "reshape", [b], (*right, 1)) if len(right) == 1 else b
    *batch, rows, columns = shape = matmul_shape(shape_of(a), shape_of(b))
    kept = [*batch, *([rows] if len(left) > 1 else []), *([columns] if len(right) > 1 else [])]
    return graph.emit(node, "reshape", [graph.emit(node, "matmul", [a, b], shape)], kept)


def _softmax(node: Node, graph: Graph) -> Value:
    """From operator set 13 on one axis, the last by default; before, all dimensions from `axis` (1) on as one."""
    (x,) = _inputs(node, graph, 1)
    shape = shape_of(x)
    if node.opset >= 13:
        return graph.emit(node, "softmax", [x], shape, {"axis": _axis(node, node.integer("axis", -1), len(shape))})
    axis = _axis(node, node.integer("axis", 1), len(shape), end=True)
    if axis == len(shape) - 1:
        return graph.emit(node, "softmax", [x], shape, {"axis": axis})
    rows = graph.emit(node, "reshape", [x], (prod(shape[:axis]), prod(shape[axis:])))
    return graph.emit(node, "reshape", [graph.emit(node, "softmax", [rows], shape_of(rows), {"axis": 1})], shape)


def _dropout(node: Node, graph: Graph) -> Value:
    x = _inputs_first(node, graph)
    node.ignore("ratio", "seed", "is_test")
    training = graph.known(node, 2) if len(node.proto.input) > 2 else None
    if (training is not None and bool(training.any())) or len([o for o in node.proto.output if o]) > 1:
        raise node.refused("onnx-training")
    return graph.emit(node, "identity", [x], shape_of(x))


def _clip(node: Node, graph: Graph) -> Value:
    """Bounds are attributes before operator set 11, inputs from then on."""
    x = _inputs_first(node, graph)
    low, high = -np.inf, np.inf
    if node.opset < 11:
        low, high = node.number("min", -np.inf), node.number("max", np.inf)
    else:
        bounds = [graph.known(node, i) if len(node.proto.input) > i else None for i in (1, 2)]
        low = float(bounds[0].reshape(-1)[0]) if bounds[0] is not None and bounds[0].size else low
        high = float(bounds[1].reshape(-1)[0]) if bounds[1] is not None and bounds[1].size else high
    return graph.emit(node, "clip", [x], shape_of(x), {"min": float_attribute(low), "max": float_attribute(high)})


OPERATORS: dict[str, Operator] = {
    "Abs": _unary("abs"),
    "Add": _binary("add"),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Conv": _conv,
    "Div": _binary("div"),
    "Dropout": _dropout,
    "Erf": _unary("erf"),
    "Exp": _unary("exp"),
    "Flatten": _flatten,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "Identity": _unary("identity"),
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Mul": _binary("mul"),
    "Neg": _unary("neg"),
    "Relu": _unary("relu"),
    "Reshape": _reshape,
    "Sigmoid": _unary("sigmoid"),
    "Softmax": _softmax,
    "Sqrt": _unary("sqrt"),
    "Squeeze": _squeeze,
    "Sub": _binary("sub"),
    "Sum": _sum,
    "Tanh": _unary("tanh"),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""By the name ONNX gives them. Constant, ConstantOfShape and Shape are the importer's own: they make constants."""
