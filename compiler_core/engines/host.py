"""Reads a lowered model's host function: constants, device buffers, and kernel calls in order."""

import numpy as np

from compiler_core.dialects.builtin import functions
from compiler_core.engines.measure import Call, Schedule, kernel_functions
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import ArrayAttr, DenseArrayAttr, ResourceAttr, StringAttr, SymbolRefAttr, TypeAttr
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import MemRefType, TensorType


def schedule_of(module: Op) -> Schedule:
    """The schedule of a module that lower-graph made: see the host form in docs/dev/model-door.md."""
    main = next(f for f in functions(module) if "tilescope.host" in f.attributes)
    constants: dict[str, np.ndarray] = {}
    for op in module.body.ops:
        if op.name == "memref.global":
            name, value = op.attributes["sym_name"], op.attributes["initial_value"]
            assert isinstance(name, StringAttr) and isinstance(value, ResourceAttr)
            constants[f"@{name.value}"] = np.ascontiguousarray(value.array).reshape(-1)
    inputs, outputs = names_of(main, "tilescope.inputs"), names_of(main, "tilescope.outputs")
    buffers: dict[Value, str] = dict(zip(main.body.arguments, (*inputs, *outputs), strict=True))
    scratch: dict[str, tuple[int, np.dtype]] = {}
    calls: list[Call] = []
    for op in main.body.ops:
        if op.name == "memref.get_global":
            callee = op.attributes["name"]
            assert isinstance(callee, SymbolRefAttr)
            buffers[op.result] = f"@{callee.value}"
        elif op.name == "memref.alloc":
            type = memref(op.result)
            buffers[op.result] = f"%{len(scratch)}"
            scratch[f"%{len(scratch)}"] = (type.size, dtype_of(type.element))
        elif op.name == "memref.cast":
            buffers[op.result] = buffers[op.operands[0]]
        elif op.name == "func.call":
            callee = op.attributes["callee"]
            assert isinstance(callee, SymbolRefAttr)
            calls.append(Call(callee.value, tuple(buffers[v] for v in op.operands)))
    types = types_of(main, "tilescope.output_types")
    shapes = {name: (type.shape, dtype_of(type.element)) for name, type in zip(outputs, types, strict=True)}
    grids = {name: grid_attribute(f) for name, f in kernel_functions(module).items()}
    return Schedule(tuple(calls), grids, constants, scratch, tuple(inputs), shapes)


def memref(value: Value) -> MemRefType:
    assert isinstance(value.type, MemRefType)
    return value.type


def names_of(main: Op, key: str) -> list[str]:
    attribute = main.attributes[key]
    assert isinstance(attribute, ArrayAttr)
    return [a.value for a in attribute.values if isinstance(a, StringAttr)]


def types_of(main: Op, key: str) -> list[TensorType]:
    attribute = main.attributes[key]
    assert isinstance(attribute, ArrayAttr)
    return [a.type for a in attribute.values if isinstance(a, TypeAttr) and isinstance(a.type, TensorType)]


def grid_attribute(function: Op) -> tuple[int, int, int]:
    attribute = function.attributes["tilescope.grid"]
    assert isinstance(attribute, DenseArrayAttr)
    x, y, z = attribute.values
    return x, y, z
