"""graph: neural-network operators with the meaning ONNX gives them, on tensors of known shape.

Every op computes in float32 and rounds once to its result's element type, so a narrower result needs no op of its own.
Spatial ops have an attribute `layout`: "NCHW" as ONNX has it, or "NHWC" with weights as [kernel height, kernel width, channels
of a group, filters]. `activation` names the function applied to the result before it is rounded: "relu".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compiler_core.ir import Builder, Dialect, Op, Value
from compiler_core.ir.attributes import (
    DenseArrayAttr,
    DenseAttr,
    FloatAttr,
    IntegerAttr,
    ResourceAttr,
    StringAttr,
)
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import TensorType, Type, bf16, f16, f32, f64, i1, i8, i32, i64

graph = Dialect("graph")

Layout = Literal["NCHW", "NHWC"]
Array = NDArray[np.generic]

_FORM = "{*}{#} : ({:*}) -> {:r}"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.]")
_SMALL = 4
"""Constants of at most this many elements are written out in the text."""

TO_NHWC = (0, 2, 3, 1)
TO_NCHW = (0, 3, 1, 2)


def tensor_type(value: Value) -> TensorType:
    """The type of a value of this dialect, which always is a ranked tensor."""
    assert isinstance(value.type, TensorType)
    return value.type


def shape_of(value: Value) -> tuple[int, ...]:
    return tensor_type(value).shape


def integers(op: Op, key: str, default: Sequence[int] = ()) -> tuple[int, ...]:
    """The integers of a list attribute."""
    attribute = op.get(key, DenseArrayAttr)
    return attribute.values if attribute is not None else tuple(default)


def integer(op: Op, key: str, default: int = 0) -> int:
    attribute = op.get(key, IntegerAttr)
    return attribute.value if attribute is not None else default


def float_attribute(value: float) -> FloatAttr:
    """A float32 attribute, as the shortest decimal that reads back as that float32."""
    return FloatAttr(float(str(np.float32(value))), f32)


def number(op: Op, key: str, default: float) -> float:
    attribute = op.get(key, FloatAttr)
    return attribute.value if attribute is not None else default


def layout_of(op: Op) -> Layout:
    attribute = op.get("layout", StringAttr)
    return "NHWC" if attribute is not None and attribute.value == "NHWC" else "NCHW"


def activation_of(op: Op) -> str | None:
    attribute = op.get("activation", StringAttr)
    return attribute.value if attribute is not None else None


# --- shapes ---


class ShapeError(ValueError):
    """Operand shapes that do not fit together; the text says which and why."""


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """numpy's rule. Raises ShapeError."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"shapes {' and '.join(map(str, map(list, shapes)))} do not broadcast") from None


def matmul_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """numpy.matmul's rule for ranks of at least 2. Raises ShapeError."""
    if len(a) < 2 or len(b) < 2:
        raise ShapeError(f"matrices need two dimensions at least, not {list(a)} and {list(b)}")
    if a[-1] != b[-2]:
        raise ShapeError(f"{list(a)} times {list(b)}: {a[-1]} columns against {b[-2]} rows")
    return (*broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])


@dataclass(frozen=True)
class Window:
    """A sliding window over height and width. `pads` are top, left, bottom, right, in pixels."""

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of the input that one output pixel sees."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))  # pyright: ignore[reportReturnType]

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output. Raises ShapeError where the window does not fit once."""
        sizes: list[int] = []
        for i, size in enumerate((height, width)):
            room = size + self.pads[i] + self.pads[i + 2] - self.extent[i]
            if room < 0:
                raise ShapeError(
                    f"a window of {self.extent[i]} does not fit into {size + self.pads[i] + self.pads[i + 2]} pixels"
                )
            sizes.append(room // self.strides[i] + 1)
        return sizes[0], sizes[1]

    def attributes(self) -> dict[str, DenseArrayAttr]:
        """As an op holds them; what is left out has its default."""
        written = {"kernel": DenseArrayAttr(self.kernel)}
        for key, values, default in (("strides", self.strides, 1), ("pads", self.pads, 0), ("dilations", self.dilations, 1)):
            if any(v != default for v in values):
                written[key] = DenseArrayAttr(values)
        return written


def window_of(op: Op) -> Window:
    """The window of a conv or pool."""
    kernel_h, kernel_w = integers(op, "kernel")
    stride_h, stride_w = integers(op, "strides", (1, 1))
    top, left, bottom, right = integers(op, "pads", (0, 0, 0, 0))
    dilation_h, dilation_w = integers(op, "dilations", (1, 1))
    return Window((kernel_h, kernel_w), (stride_h, stride_w), (top, left, bottom, right), (dilation_h, dilation_w))


def spatial(shape: tuple[int, ...], layout: Layout) -> tuple[int, int, int, int]:
    """A feature map's batch, height, width and channels. Raises ShapeError for other ranks than 4."""
    if len(shape) != 4:
        raise ShapeError(f"a feature map has 4 dimensions, not {len(shape)}")
    n, a, b, c = shape
    return (n, a, b, c) if layout == "NHWC" else (n, b, c, a)


def feature_map(batch: int, height: int, width: int, channels: int, layout: Layout) -> tuple[int, int, int, int]:
    return (batch, height, width, channels) if layout == "NHWC" else (batch, channels, height, width)


def conv_shape(x: tuple[int, ...], weight: tuple[int, ...], window: Window, group: int, layout: Layout) -> tuple[int, ...]:
    """Raises ShapeError."""
    batch, height, width, channels = spatial(x, layout)
    if len(weight) != 4:
        raise ShapeError(f"a convolution's weight has 4 dimensions, not {len(weight)}")
    kh, kw, inner, filters = weight if layout == "NHWC" else (weight[2], weight[3], weight[1], weight[0])
    if (kh, kw) != window.kernel:
        raise ShapeError(f"the weight is for a kernel of {kh}×{kw}, the attribute says {window.kernel[0]}×{window.kernel[1]}")
    if group < 1 or inner * group != channels or filters % group:
        raise ShapeError(f"{channels} channels and {filters} filters in {group} groups do not fit a weight {list(weight)}")
    return feature_map(batch, *window.output(height, width), filters, layout)


def pool_shape(x: tuple[int, ...], window: Window, layout: Layout) -> tuple[int, ...]:
    """Raises ShapeError."""
    batch, height, width, channels = spatial(x, layout)
    return feature_map(batch, *window.output(height, width), channels, layout)


# --- ops ---

Rule = Callable[[Op], tuple[int, ...]]


def _follows(rule: Rule) -> Callable[[Op], str | None]:
    """Verifies that the only result has the shape that the rule gives."""

    def verify(op: Op) -> str | None:
        try:
            expected = rule(op)
        except ShapeError as problem:
            return str(problem)
        found = shape_of(op.result)
        return None if found == tuple(expected) else f"result of shape {list(found)} where the operands give {list(expected)}"

    return verify


def _first(op: Op) -> tuple[int, ...]:
    return shape_of(op.operands[0])


def _conv(op: Op) -> tuple[int, ...]:
    return conv_shape(shape_of(op.operands[0]), shape_of(op.operands[1]), window_of(op), integer(op, "group", 1), layout_of(op))


def _pool(op: Op) -> tuple[int, ...]:
    return pool_shape(_first(op), window_of(op), layout_of(op))


def _global_pool(op: Op) -> tuple[int, ...]:
    batch, _, _, channels = spatial(_first(op), layout_of(op))
    return feature_map(batch, 1, 1, channels, layout_of(op))


def _gemm(op: Op) -> tuple[int, ...]:
    a, b = (shape_of(v) for v in op.operands[:2])
    a = a[::-1] if integer(op, "transA") else a
    b = b[::-1] if integer(op, "transB") else b
    return matmul_shape(a, b)


def _transpose(op: Op) -> tuple[int, ...]:
    shape, permutation = _first(op), integers(op, "permutation")
    if sorted(permutation) != list(range(len(shape))):
        raise ShapeError(f"{list(permutation)} is no order of {len(shape)} dimensions")
    return tuple(shape[i] for i in permutation)


def _reshape(op: Op) -> tuple[int, ...]:
    shape = shape_of(op.result)
    if prod(shape) != prod(_first(op)):
        raise ShapeError(f"{prod(_first(op))} elements as {list(shape)}")
    return shape


def _pad(op: Op) -> tuple[int, ...]:
    low, high = integers(op, "low"), integers(op, "high")
    return tuple(a + size + b for a, size, b in zip(low, _first(op), high, strict=True))


def _elementwise(op: Op) -> tuple[int, ...]:
    return broadcast_shapes(*(shape_of(v) for v in op.operands))


def _operator(name: str, summary: str, rule: Rule, operands: int | None = None) -> None:
    graph.op(name, summary, _FORM, "pure", operands=operands, results=1, verify=_follows(rule))


UNARY = {
    "relu": "The larger of 0 and x.",
    "sigmoid": "1 / (1 + e^-x).",
    "tanh": "Hyperbolic tangent.",
    "erf": "Gauss error function.",
    "exp": "e to the x.",
    "sqrt": "Square root.",
    "neg": "-x.",
    "abs": "|x|.",
}
BINARY = {"add": "a + b.", "sub": "a - b.", "mul": "a · b.", "div": "a / b."}
ELEMENTWISE = frozenset(f"graph.{name}" for name in (*UNARY, *BINARY, "clip"))
"""Ops whose result's element depends on one element of each operand alone, after broadcasting."""

for _name, _summary in UNARY.items():
    _operator(_name, _summary, _first, 1)
for _name, _summary in BINARY.items():
    _operator(_name, _summary + " Shapes broadcast as numpy's do.", _elementwise, 2)

_operator("clip", "x held between `min` and `max`.", _first, 1)
_operator("identity", "x itself; also a Dropout, which does nothing at inference.", _first, 1)
_operator("cast", "x rounded to the result's element type.", _first, 1)
_operator("conv", "2-D convolution of x with a weight, plus a bias of one number a filter where there is one.", _conv)
_operator(
    "batch_normalization",
    "(x - mean) / sqrt(variance + epsilon) · scale + bias; operands x, scale, bias, mean, variance.",
    _first,
    5,
)
_operator("max_pool", "Maximum over a sliding window; padding never wins.", _pool, 1)
_operator("average_pool", "Mean over a sliding window; padding counts as zeros only with `count_include_pad`.", _pool, 1)
_operator("global_average_pool", "Mean over height and width.", _global_pool, 1)
_operator("flatten", "The dimensions before `axis` as one, and the others as one.", _reshape, 1)
_operator("reshape", "The same elements, row-major, as another shape.", _reshape, 1)
_operator("transpose", "Dimension i of the result is dimension `permutation`[i] of x.", _transpose, 1)
_operator("pad", "x with `low` and `high` elements of `value` around it in each dimension.", _pad, 1)
_operator("gemm", "alpha · A · B + beta · C, with A and B transposed where `transA` and `transB` say; C broadcasts.", _gemm)
_operator(
    "matmul",
    "Matrix product over the last two dimensions, plus a bias over the last where there is one.",
    lambda op: matmul_shape(shape_of(op.operands[0]), shape_of(op.operands[1])),
)
_operator("softmax", "e^x over its sum along `axis`.", _first, 1)


def _verify_constant(op: Op) -> str | None:
    value = op.attributes.get("value")
    if not isinstance(value, DenseAttr | ResourceAttr):
        return "needs a dense value"
    return None if value.type == op.result.type else f"value of type {value.type} in a constant of {op.result.type}"


graph.op("constant", "A tensor that is known: a weight.", "{value}{#}", "pure", operands=0, results=1, verify=_verify_constant)


# --- constants ---

_ELEMENTS: dict[np.dtype[np.generic], Type] = {dtype_of(type): type for type in (f16, bf16, f32, f64, i1, i8, i32, i64)}


def element_type(dtype: np.dtype[np.generic]) -> Type:
    """The element type of a numpy type. Raises KeyError for one that has none here."""
    return _ELEMENTS[dtype]


def constant_attribute(array: Array, name: str) -> DenseAttr | ResourceAttr:
    """A tensor as an attribute: written out where it is small, else a resource."""
    if 0 < array.size <= _SMALL:
        return DenseAttr(tuple(array.reshape(-1).tolist()), TensorType(tuple(array.shape), element_type(array.dtype)))
    return resource(array, name)


def resource(array: Array, name: str) -> ResourceAttr:
    """A tensor held beside the text, under that name and a digest of its elements: equal names mean equal elements."""
    type = TensorType(tuple(array.shape), element_type(array.dtype))
    digest = blake2b(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data, digest_size=4).hexdigest()
    return ResourceAttr(f"{_UNSAFE.sub('_', name)}_{digest}", type, array)


def constant(builder: Builder, array: Array, hint: str) -> Value:
    """A graph.constant that holds the array."""
    value = constant_attribute(array, hint)
    return builder.value("graph.constant", [], value.type, {"value": value}, hint)


def array_of(value: Value) -> Array | None:
    """The array of a graph.constant, to be read only; None for any other value."""
    op = value.op
    if op is None or op.name != "graph.constant":
        return None
    attribute = op.attributes["value"]
    if isinstance(attribute, ResourceAttr):
        return attribute.array
    assert isinstance(attribute, DenseAttr) and isinstance(attribute.type, TensorType)
    flat = np.array(attribute.values, dtype_of(attribute.type.element))
    return np.broadcast_to(flat, prod(attribute.type.shape)).reshape(attribute.type.shape)
