"""Walks a model's nodes in order and makes the graph-stage function @main of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, ValueInfoProto

from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error, message
from compiler_core.dialects import graph
from compiler_core.dialects.builtin import function, update_function_type
from compiler_core.dialects.graph import ShapeError
from compiler_core.importers.onnx import host, proto
from compiler_core.importers.onnx.node import Node
from compiler_core.importers.onnx.operators import OPERATORS
from compiler_core.ir import Builder, Location, Op, Value, module
from compiler_core.ir.attributes import ArrayAttr, AttributeValue, StringAttr
from compiler_core.ir.types import TensorType, byte_width

Array = NDArray[np.generic]

FILE = "model.onnx"
"""The file that locations name: a model travels without one."""
CONSTANTS = ("Constant", "ConstantOfShape", "Shape")
MAX_REPORTED = 12
"""Unsupported nodes that one refusal lists, one for each operator."""
MAX_NAME = 200
"""Longest name taken over from a model."""


def import_model(data: bytes, notes: list[Diagnostic] | None = None) -> Op:
    """The graph stage of an ONNX file: a module with @main, whose arguments and results are the model's inputs and outputs.

    Their names are the function's attributes `tilescope.inputs` and `tilescope.outputs`. What was assumed is added to `notes`.
    Raises Refused, naming the node, for what cannot be compiled; LimitHit for what is larger than any model may be.
    """
    model = proto.parse(data)
    opset = proto.opset_of(model)
    _check_operators(list(model.graph.node), opset, {f.name for f in model.functions})
    return _Importer(opset, [] if notes is None else notes).run(model.graph)


def _check_operators(nodes: list[NodeProto], opset: int, functions: set[str]) -> None:
    """Raises Refused for every operator that is not supported, once each, at its first node."""
    problems: dict[str, Diagnostic] = {}
    supported = ", ".join(sorted([*OPERATORS, *CONSTANTS]))
    for i, node in enumerate(nodes):
        domain = node.domain or "ai.onnx"
        name, op = node_name(node, i), node.op_type
        if proto.subgraphs(node):
            problem = error("onnx-subgraph", node=name, name=name, op=op)
        elif node.op_type in functions and not proto.standard(node):
            problem = error("onnx-function", node=name, name=name, op=op)
        elif not proto.standard(node) or node.op_type not in (*OPERATORS, *CONSTANTS, *host.EVALUATE):
            problem = error("onnx-operator", node=name, name=name, op=op, domain=domain, opset=opset, supported=supported)
        else:
            continue
        problems.setdefault(f"{domain}.{node.op_type}", problem)
    if problems:
        raise Refused(*list(problems.values())[:MAX_REPORTED])


def node_name(node: NodeProto, position: int) -> str:
    """The node's name; its operator and position where it has none."""
    return node.name[:MAX_NAME] or f"{node.op_type}_{position}"


@dataclass
class _Importer:
    opset: int
    notes: list[Diagnostic]
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    arrays: dict[str, Array] = field(default_factory=dict[str, Array])
    """Constants by name; they become ops when a node takes them as a tensor."""
    total: int = 0
    """Bytes of all tensors so far."""

    def run(self, model: GraphProto) -> Op:
        self.arrays = proto.constants(model)
        self.total = sum(a.nbytes for a in self.arrays.values())
        inputs = [info for info in model.input if info.name not in self.arrays]
        types = [self.input_type(info) for info in inputs]
        main = function("main", list(types), names=[info.name for info in inputs], location=(Location(FILE, 0, name="main"),))
        main.attributes["tilescope.inputs"] = _names(inputs)
        main.attributes["tilescope.outputs"] = _names(model.output)
        self.builder = Builder.at_end(main.body)
        for info, argument in zip(inputs, main.body.arguments, strict=True):
            self.define(info.name, argument, "an input")
        for i, node in enumerate(model.node):
            self.node(Node(node, node_name(node, i), self.opset))
        self.builder.location = main.location
        self.builder.op("func.return", [self.output(info.name) for info in model.output])
        update_function_type(main)
        return module([main])

    def input_type(self, info: ValueInfoProto) -> TensorType:
        """Raises Refused for inputs that are no float tensor of known shape."""
        tensor = info.type.tensor_type
        dtype = proto.dtype(tensor.elem_type)
        if not info.type.HasField("tensor_type") or dtype is None or dtype.name not in ("float32", "float16"):
            raise Refused(error("onnx-input-type", name=info.name, dtype=proto.dtype_name(tensor.elem_type)))
        if not tensor.HasField("shape"):
            raise Refused(error("onnx-input-shape", name=info.name))
        sizes: list[int] = []
        for i, dimension in enumerate(tensor.shape.dim):
            known = dimension.HasField("dim_value")
            if not known and i > 0:
                raise Refused(error("onnx-input-dimension", name=info.name, dimension=dimension.dim_param or "?", position=i))
            if not known:
                self.notes.append(
                    Diagnostic("note", message("onnx-batch", name=info.name, dimension=dimension.dim_param or "?"))
                )
            sizes.append(dimension.dim_value if known else 1)
        self.account(tuple(sizes), dtype.itemsize, info.name)
        return TensorType(tuple(sizes), graph.element_type(dtype))

    def account(self, shape: tuple[int, ...], itemsize: int, name: str) -> None:
        """Raises LimitHit where this tensor, or all together, are larger than they may be; Refused where it has no elements."""
        if prod(shape) == 0:
            raise Refused(error("onnx-no-elements", name=name, shape=str(list(shape))))
        self.total += proto.check_size(shape, itemsize, name)
        if self.total > proto.MAX_TOTAL_BYTES:
            raise LimitHit(error("onnx-total-too-large", limit=proto.MAX_TOTAL_BYTES // proto.MIB))

    def define(self, name: str, value: Value, what: str) -> None:
        if name in self.values or (name in self.arrays and what != "a constant"):
            raise Refused(error("onnx-defined-twice", name=name))
        self.values[name] = value

    def node(self, node: Node) -> None:
        self.builder.location = (Location(FILE, 0, name=node.name),)
        outputs = [o for o in node.proto.output if o]
        if not outputs:
            return
        try:
            array = self.constant(node)
            if array is None and node.kind not in OPERATORS:
                raise node.refused("onnx-shapes-only")
            if array is None:
                result = OPERATORS[node.kind](node, self)
        except (ShapeError, ValueError, IndexError, OverflowError) as problem:
            raise node.refused("onnx-shapes", problem=str(problem)) from None
        if node.unread():
            raise node.refused("onnx-attribute-unknown", attribute=node.unread()[0])
        if array is not None:
            if outputs[0] in self.values or outputs[0] in self.arrays:
                raise Refused(error("onnx-defined-twice", name=outputs[0]))
            self.account(array.shape or (1,), array.itemsize, node.name)
            self.arrays[outputs[0]] = array
        else:
            self.define(outputs[0], self.renamed(result, outputs[0]), "a result")  # pyright: ignore[reportPossiblyUnboundVariable]

    def renamed(self, value: Value, name: str) -> Value:
        value.name = name[:MAX_NAME]
        return value

    def constant(self, node: Node) -> Array | None:
        """The value of a node that is known without running the model; None for any other."""
        if node.kind == "Constant":
            return self.literal(node)
        if node.kind == "Shape":
            return self.shape(node)
        if node.kind == "ConstantOfShape":
            sizes = self.known(node, 0)
            return host.constant_of_shape(node, np.zeros(0, np.int64) if sizes is None else sizes)
        names = [n for n in node.proto.input if n]
        if any(n not in self.arrays for n in names):
            return None
        return host.evaluate(node, [self.arrays[n] for n in names])

    def literal(self, node: Node) -> Array:
        if node.has("value"):
            tensor = node.tensor("value")
            assert tensor is not None
            return tensor
        if node.has("value_float"):
            return np.asarray(node.number("value_float"), np.float32)
        if node.has("value_floats"):
            raise node.refused("onnx-attribute-unknown", attribute="value_floats")
        if node.has("value_int"):
            return np.asarray(node.integer("value_int"), np.int64)
        return np.asarray(node.integers("value_ints"), np.int64)

    def shape(self, node: Node) -> Array:
        (x,) = node.proto.input
        whole = self.arrays[x].shape if x in self.arrays else graph.shape_of(self.value(node, x))
        start, end = node.integer("start", 0), node.integer("end", len(whole))
        return np.asarray(whole[start:end], np.int64)

    def value(self, node: Node, name: str) -> Value:
        """A tensor by name. Raises Refused where no earlier node makes it."""
        if name not in self.values and name in self.arrays:
            array = self.arrays[name]
            if array.dtype.kind != "f":
                raise node.refused("onnx-operand-type", input=name, dtype=array.dtype.name)
            self.values[name] = graph.constant(self.builder, array, name[:MAX_NAME])
        if name not in self.values:
            raise node.refused("onnx-undefined", input=name)
        return self.values[name]

    def output(self, name: str) -> Value:
        if name not in self.values and name in self.arrays:
            if self.arrays[name].dtype.kind != "f":
                raise Refused(error("onnx-output-type", name=name, dtype=self.arrays[name].dtype.name))
            self.values[name] = graph.constant(self.builder, self.arrays[name], name[:MAX_NAME])
        if name not in self.values:
            raise Refused(error("onnx-output-undefined", name=name))
        return self.values[name]

    def operands(self, node: Node) -> list[Value | None]:
        """Integer constants stand for shapes and axes, which operators read through `known`: they are no tensors here."""
        found: list[Value | None] = []
        for name in node.proto.input:
            shape = name in self.arrays and self.arrays[name].dtype.kind in "iub"
            found.append(None if not name or shape else self.value(node, name))
        return found

    def known(self, node: Node, i: int) -> Array | None:
        name = node.proto.input[i] if i < len(node.proto.input) else ""
        if not name:
            return None
        if name not in self.arrays:
            raise node.refused("onnx-not-constant", input=name, position=i + 1)
        return self.arrays[name]

    def emit(
        self,
        node: Node,
        op: str,
        operands: Sequence[Value],
        shape: Sequence[int],
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> Value:
        elements = {graph.tensor_type(v).element for v in operands}
        if len(elements) > 1:
            raise node.refused("onnx-mixed-types", types=", ".join(sorted(str(e) for e in elements)))
        type = TensorType(tuple(shape), elements.pop())
        self.account(type.shape, byte_width(type), node.name)
        return self.builder.value(f"graph.{op}", operands, type, attributes, node.name)


def _names(infos: Sequence[ValueInfoProto]) -> ArrayAttr:
    return ArrayAttr(tuple(StringAttr(info.name) for info in infos))
