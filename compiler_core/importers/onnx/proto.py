"""Reads an ONNX file's protobuf within limits: sizes, counts and references are checked before anything is allocated."""

from math import prod

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from compiler_core.diagnostics import LimitHit, Refused, error

Array = NDArray[np.generic]

MIB = 1 << 20
MAX_MODEL_BYTES = 128 * MIB
"""Largest accepted file: ResNet-50 in float32 takes 98 MiB."""
MAX_NODES = 20_000
MAX_TENSOR_BYTES = 256 * MIB
"""Largest single tensor, constant or computed."""
MAX_TOTAL_BYTES = 1024 * MIB
"""Largest sum over all tensors of a model, which the emulated device has to hold."""
MAX_RANK = 8

MIN_OPSET, MAX_OPSET = 7, 25
"""The operator sets whose definitions the importer follows."""

_DTYPES: dict[int, np.dtype[np.generic]] = {
    TensorProto.FLOAT: np.dtype(np.float32),
    TensorProto.FLOAT16: np.dtype(np.float16),
    TensorProto.DOUBLE: np.dtype(np.float64),
    TensorProto.INT64: np.dtype(np.int64),
    TensorProto.INT32: np.dtype(np.int32),
    TensorProto.INT8: np.dtype(np.int8),
    TensorProto.UINT8: np.dtype(np.uint8),
    TensorProto.BOOL: np.dtype(np.bool_),
}
_WHOLE_DOMAIN = ("", "ai.onnx")


def parse(data: bytes) -> ModelProto:
    """The model of a file. Raises Refused where it is none that can be read, LimitHit where it is too large."""
    if len(data) > MAX_MODEL_BYTES:
        raise LimitHit(error("onnx-too-large", megabytes=round(len(data) / MIB, 1), limit=MAX_MODEL_BYTES // MIB))
    try:
        model = ModelProto.FromString(data)
    except DecodeError:
        raise Refused(error("onnx-broken")) from None
    if not model.HasField("graph") or not model.opset_import:
        raise Refused(error("onnx-broken"))
    if len(model.graph.node) > MAX_NODES:
        raise LimitHit(error("onnx-too-many-nodes", nodes=len(model.graph.node), limit=MAX_NODES))
    if not model.graph.node or not model.graph.output:
        raise Refused(error("onnx-empty"))
    return model


def opset_of(model: ModelProto) -> int:
    """The version of the standard operator set. Raises Refused outside of what the importer knows."""
    versions = [entry.version for entry in model.opset_import if entry.domain in _WHOLE_DOMAIN]
    if not versions:
        raise Refused(error("onnx-no-opset"))
    if not MIN_OPSET <= max(versions) <= MAX_OPSET:
        raise Refused(error("onnx-opset", opset=max(versions), first=MIN_OPSET, last=MAX_OPSET))
    return max(versions)


def standard(node: NodeProto) -> bool:
    """Whether the node's operator is from the standard set."""
    return node.domain in _WHOLE_DOMAIN


def subgraphs(node: NodeProto) -> bool:
    return any(a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for a in node.attribute)


def dtype(data_type: int) -> np.dtype[np.generic] | None:
    """numpy's type of an ONNX element type; None for those that no operator here takes."""
    return _DTYPES.get(data_type)


def dtype_name(data_type: int) -> str:
    known = TensorProto.DataType.values()
    return TensorProto.DataType.Name(data_type).lower() if data_type in known else str(data_type)  # pyright: ignore[reportArgumentType]


def check_size(shape: tuple[int, ...], itemsize: int, name: str) -> int:
    """Bytes of a tensor. Raises LimitHit where it is larger than any may be, Refused where the shape is none."""
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise Refused(error("onnx-shape", name=name, shape=str(list(shape)), rank=MAX_RANK))
    size = prod(shape) * itemsize
    if size > MAX_TENSOR_BYTES:
        raise LimitHit(error("onnx-tensor-too-large", name=name, shape=str(list(shape)), limit=MAX_TENSOR_BYTES // MIB))
    return size


def array_of(tensor: TensorProto, name: str) -> Array:
    """A constant's elements. Raises Refused for external data, unknown types, and data that do not fill the declared shape."""
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise Refused(error("onnx-external-data", name=name))
    kind = dtype(tensor.data_type)
    if kind is None:
        raise Refused(error("onnx-constant-type", name=name, dtype=dtype_name(tensor.data_type)))
    shape = tuple(tensor.dims)
    size = check_size(shape, kind.itemsize, name)
    if tensor.HasField("raw_data"):
        found = len(tensor.raw_data)
        array = np.frombuffer(tensor.raw_data, kind.newbyteorder("<")).astype(kind, copy=False) if found == size else None
    else:
        values = _typed(tensor)
        found = len(values) * kind.itemsize
        array = _from_values(values, kind) if found == size else None
    if array is None:
        raise Refused(error("onnx-constant-size", name=name, shape=str(list(shape)), expected=size, found=found))
    return array.reshape(shape)


def _typed(tensor: TensorProto) -> "list[float] | list[int]":
    """The elements where they are not raw bytes; float16 stands as bit patterns among the integers."""
    if tensor.data_type == TensorProto.FLOAT:
        return list(tensor.float_data)
    if tensor.data_type == TensorProto.DOUBLE:
        return list(tensor.double_data)
    return list(tensor.int64_data if tensor.data_type == TensorProto.INT64 else tensor.int32_data)


def _from_values(values: "list[float] | list[int]", kind: np.dtype[np.generic]) -> Array:
    if kind == np.float16:
        return (np.array(values, np.int64) & 0xFFFF).astype(np.uint16).view(np.float16)
    return np.array(values).astype(kind)


def constants(graph: GraphProto) -> dict[str, Array]:
    """The graph's initialisers by name. Raises as `array_of` does, and LimitHit where they are too much together."""
    if graph.sparse_initializer:
        raise Refused(error("onnx-sparse", name=graph.sparse_initializer[0].values.name))
    found: dict[str, Array] = {}
    total = 0
    for tensor in graph.initializer:
        array = array_of(tensor, tensor.name)
        total += array.nbytes
        if total > MAX_TOTAL_BYTES:
            raise LimitHit(error("onnx-total-too-large", limit=MAX_TOTAL_BYTES // MIB))
        found[tensor.name] = array
    return found
