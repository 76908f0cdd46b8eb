"""What the tensor stage means: runs func, arith, math, scf, tensor, linalg, memref and bufferization with numpy.

Slow and plain: one program of the grid after the other, op by op. Tests compare lowerings with it, without a machine.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler_core.dialects import linalg, tensor
from compiler_core.dialects.arith import predicate_of
from compiler_core.dialects.builtin import function_type, functions, symbol
from compiler_core.dialects.indices import Mixed, unpack
from compiler_core.ir import (
    Attribute,
    Block,
    BoolAttr,
    DenseArrayAttr,
    DenseAttr,
    FloatAttr,
    IntegerAttr,
    Op,
    ResourceAttr,
    StringAttr,
    SymbolRefAttr,
    Value,
)
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import FloatType, MemRefType, TensorType, Type

Array = NDArray[np.generic]
GRID_ARGUMENTS = 6


class OutOfBounds(Exception):
    """An access outside of its buffer; the text says which."""


@dataclass(frozen=True)
class View:
    """A strided part of a flat buffer, in elements."""

    base: Array
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> Array:
        """The elements, shared with the buffer. Raises OutOfBounds."""
        if 0 in self.sizes:
            return np.zeros(self.sizes, self.base.dtype)
        reach = [(size - 1) * stride for size, stride in zip(self.sizes, self.strides, strict=True)]
        first, last = self.offset + sum(min(r, 0) for r in reach), self.offset + sum(max(r, 0) for r in reach)
        if first < 0 or last >= self.base.size:
            raise OutOfBounds(f"elements {first} to {last} of a buffer of {self.base.size}")
        width = self.base.itemsize
        return np.lib.stride_tricks.as_strided(self.base[self.offset :], self.sizes, [s * width for s in self.strides])


Runtime: TypeAlias = "Array | np.generic | View"
Environment = dict[Value, Runtime]
Evaluate: TypeAlias = "Callable[[Machine, Op, list[Runtime]], Runtime]"


def run_kernel(function: Op, arguments: Sequence[Array | int | float], grid: Sequence[int]) -> None:
    """Runs every program of the grid, x fastest. Flat arrays stand for the memrefs and are written in place.

    `arguments` are those before the six of the grid. Raises OutOfBounds, and NotImplementedError for an op it does not know.
    """
    Machine({}).kernel(
        function, [_argument(a, t) for a, t in zip(arguments, function_type(function).inputs, strict=False)], grid
    )


def run_main(module: Op, arguments: Sequence[Array]) -> None:
    """Runs the host schedule @main with flat arrays for its inputs and outputs; outputs are written in place."""
    Machine({symbol(f): f for f in functions(module)}, module).host([_buffer(a) for a in arguments])


def _buffer(array: Array) -> View:
    if array.ndim != 1 or not array.flags.c_contiguous:
        raise ValueError("a buffer is a flat, contiguous array")
    return View(array, 0, array.shape, (1,))


def _argument(value: Array | int | float, type: Type) -> Runtime:
    return _buffer(value) if isinstance(value, np.ndarray) else dtype_of(type).type(value)


def _index(value: Runtime) -> int:
    assert not isinstance(value, View)
    return int(value)


def _tensor(value: Runtime) -> Array:
    assert not isinstance(value, View)
    return np.asarray(value)


def _view(value: Runtime) -> View:
    assert isinstance(value, View)
    return value


class Machine:
    """One run: the functions and globals of a module, and the buffers of globals already made."""

    def __init__(self, callable: Mapping[str, Op], module: Op | None = None) -> None:
        self.functions = callable
        self.globals = {
            name.value: op.attributes["initial_value"]
            for op in (module.body.ops if module is not None else [])
            if op.name == "memref.global" and isinstance(name := op.attributes["sym_name"], StringAttr)
        }

    def kernel(self, function: Op, arguments: Sequence[Runtime], grid: Sequence[int]) -> None:
        sizes = [*grid, 1, 1][:3]
        for z, y, x in product(*(range(s) for s in reversed(sizes))):
            ids = [np.int32(i) for i in (*sizes, x, y, z)]
            self.block(function.body, [*arguments, *ids], {})

    def host(self, arguments: Sequence[Runtime]) -> None:
        self.block(self.functions["main"].body, arguments, {})

    def block(self, block: Block, arguments: Sequence[Runtime], environment: Environment) -> list[Runtime]:
        """Runs a block; the terminator's operands."""
        environment.update(zip(block.arguments, arguments, strict=True))
        for op in block.ops[:-1]:
            self.op(op, environment)
        return [environment[v] for v in block.terminator.operands]

    def op(self, op: Op, environment: Environment) -> None:
        if op.name in CONTROL:
            results = CONTROL[op.name](self, op, environment)
        elif op.name in EVALUATE:
            with np.errstate(all="ignore"):
                results = [EVALUATE[op.name](self, op, [environment[v] for v in op.operands])]
        elif op.name in EFFECTS:
            EFFECTS[op.name](self, op, [environment[v] for v in op.operands])
            results = []
        else:
            raise NotImplementedError(f"{op.name} has no meaning at the tensor stage")
        for value, result in zip(op.results, results, strict=True):
            environment[value] = _typed(result, value.type)


def _typed(value: Runtime, type: Type) -> Runtime:
    """The value in the result's element type, and checked against its shape."""
    if isinstance(value, View):
        assert isinstance(type, MemRefType)
        assert all(a in (b, -(2**63)) for a, b in zip(type.shape, value.sizes, strict=True)), f"{value.sizes} as {type}"
        return value
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.asarray(value).astype(dtype_of(type), copy=False)
    if isinstance(type, TensorType):
        assert all(a in (b, -(2**63)) for a, b in zip(type.shape, array.shape, strict=True)), f"{array.shape} as {type}"
        return array
    return array[()]


# --- control ---


def _for(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    low, high, step, *carried = [environment[v] for v in op.operands]
    kind = dtype_of(op.operands[0].type).type
    for i in range(_index(low), _index(high), _index(step)):
        carried = machine.block(op.body, [kind(i), *carried], environment)
    return carried


def _if(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    region = op.regions[0 if bool(_tensor(environment[op.operands[0]])) else 1]
    return machine.block(region.blocks[0], [], environment) if region.blocks else []


def _while(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    before, after = (r.blocks[0] for r in op.regions)
    values = [environment[v] for v in op.operands]
    while True:
        go, *handed = machine.block(before, values, environment)
        if not bool(_tensor(go)):
            return handed
        values = machine.block(after, handed, environment)


def _call(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    callee = op.attributes["callee"]
    assert isinstance(callee, SymbolRefAttr)
    function = machine.functions[callee.value]
    grid = function.attributes["tilescope.grid"]
    assert isinstance(grid, DenseArrayAttr)
    machine.kernel(function, [environment[v] for v in op.operands], grid.values)
    return []


def _generate(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    type = op.result.type
    assert isinstance(type, TensorType)
    sizes = iter(_index(environment[v]) for v in op.operands)
    shape = [next(sizes) if s < 0 else s for s in type.shape]
    values = [_tensor(machine.block(op.body, [np.int64(i) for i in at], environment)[0]) for at in np.ndindex(*shape)]
    return [np.array(values, dtype_of(type)).reshape(shape)]


def _pad(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    low, high = (_numbers(op, name, environment) for name in ("low", "high"))
    value = machine.block(op.body, [np.int64(0)] * len(low), environment)[0]
    source = _tensor(environment[op.operands[0]])
    if min((*low, *high), default=0) < 0:
        raise OutOfBounds(f"a pad of {low} and {high}")
    # numpy pads no extension dtypes such as bfloat16, so the border is a filled array
    padded = np.full([a + s + b for a, s, b in zip(low, source.shape, high, strict=True)], value, source.dtype)
    padded[tuple(slice(a, a + s) for a, s in zip(low, source.shape, strict=True))] = source
    return [padded]


def _numbers(op: Op, name: str, environment: Environment) -> tuple[int, ...]:
    """A mixed list's entries."""
    return tuple(_known(entry, environment) for entry in unpack(op, name))


def _known(entry: Mixed, environment: Environment) -> int:
    return entry if isinstance(entry, int) else _index(environment[entry])


def _reduce(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    source, init = (_tensor(environment[v]) for v in op.operands)
    axes = linalg.dimensions_of(op)
    compute = REDUCE.get(linalg.reduction_kind(op) or "")
    if compute is None:
        raise NotImplementedError("linalg.reduce with a combiner of several ops")
    wide = (
        np.float32
        if source.dtype.kind != "f" and source.dtype.itemsize == 2 and source.dtype.kind not in "iu"
        else source.dtype
    )
    reduced = compute.reduce(source.astype(wide), axis=axes)
    return [compute(reduced, init.astype(wide))]


def _extract_slice(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    return [_tensor(environment[op.operands[0]])[_slices(op, environment)]]


def _insert_slice(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    source, into = (_tensor(environment[v]) for v in op.operands[:2])
    copy = into.copy()
    at = _slices(op, environment)
    copy[at] = source.reshape(copy[at].shape)
    return [copy]


def _slices(op: Op, environment: Environment) -> tuple[slice, ...]:
    lists = (_numbers(op, name, environment) for name in ("offsets", "sizes", "strides"))
    return tuple(
        slice(start, start + (size - 1) * step + 1 if size else start, step) for start, size, step in zip(*lists, strict=True)
    )


def _reinterpret_cast(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    base = _view(environment[op.operands[0]]).base
    (offset,), sizes, strides = (_numbers(op, name, environment) for name in ("offsets", "sizes", "strides"))
    return [View(base, offset, sizes, strides)]


def _subview(machine: Machine, op: Op, environment: Environment) -> list[Runtime]:
    view = _view(environment[op.operands[0]])
    offsets, sizes, steps = (_numbers(op, name, environment) for name in ("offsets", "sizes", "strides"))
    for offset, size, step, whole in zip(offsets, sizes, steps, view.sizes, strict=True):
        if size and (offset < 0 or offset + (size - 1) * step >= whole):
            raise OutOfBounds(f"a part of {sizes} at {offsets} in a view of {view.sizes}")
    start = view.offset + sum(o * s for o, s in zip(offsets, view.strides, strict=True))
    return [View(view.base, start, sizes, tuple(a * b for a, b in zip(steps, view.strides, strict=True)))]


CONTROL: dict[str, Callable[[Machine, Op, Environment], list[Runtime]]] = {
    "scf.for": _for,
    "scf.if": _if,
    "scf.while": _while,
    "func.call": _call,
    "tensor.generate": _generate,
    "tensor.pad": _pad,
    "linalg.reduce": _reduce,
    "tensor.extract_slice": _extract_slice,
    "tensor.insert_slice": _insert_slice,
    "memref.reinterpret_cast": _reinterpret_cast,
    "memref.subview": _subview,
}
"""Ops with regions, or with operands behind mixed lists."""

REDUCE: dict[str, np.ufunc] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


# --- values ---


def _ufunc(compute: Callable[..., Array]) -> Evaluate:
    return lambda machine, op, operands: compute(*(_tensor(v) for v in operands))


def _wide(compute: Callable[..., Array]) -> Evaluate:
    """In float64, rounded once to the result's type."""
    return lambda machine, op, operands: compute(*(_tensor(v).astype(np.float64) for v in operands))


def _divide(a: Array, b: Array) -> Array:
    """C's integer quotient, towards zero."""
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


def _divide_up(a: Array, b: Array) -> Array:
    return np.negative(np.floor_divide(np.negative(a), b))


def _reciprocal_root(x: Array) -> Array:
    return np.divide(1, np.sqrt(x))


def _multiply_add(a: Array, b: Array, c: Array) -> Array:
    return np.add(np.multiply(a, b), c)


def _unsigned(compute: Callable[[Array, Array], Array]) -> Evaluate:
    def run(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
        a, b = (_tensor(v) for v in operands)
        kind = f"u{a.dtype.itemsize}"
        return compute(a.view(kind), b.view(kind)).astype(kind).view(a.dtype)

    return run


COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def _cmpi(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    a, b = (_tensor(v) for v in operands)
    name = predicate_of(op)
    if name[0] == "u":
        a, b = (v.view(f"u{v.dtype.itemsize}") for v in (a, b))
    return COMPARE[name if len(name) == 2 else name[1:]](a, b)


def _cmpf(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    a, b = (_tensor(v) for v in operands)
    name = predicate_of(op)
    unordered = np.isnan(a) | np.isnan(b)
    if name in ("false", "true"):
        return np.full_like(unordered, name == "true")
    if name in ("ord", "uno"):
        return unordered if name == "uno" else ~unordered
    truth = np.asarray(COMPARE[name[1:]](a, b), np.bool_)
    return truth | unordered if name[0] == "u" else truth & ~unordered


def _constant(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    return array_of(op.attributes["value"])


def array_of(attribute: Attribute) -> Array:
    """The elements of a constant's attribute, as an array of its own shape."""
    if isinstance(attribute, ResourceAttr):
        return attribute.array
    if isinstance(attribute, DenseAttr):
        flat = np.array(attribute.values, dtype_of(attribute.type))
        return np.broadcast_to(flat, math.prod(attribute.type.shape)).reshape(attribute.type.shape)
    assert isinstance(attribute, IntegerAttr | FloatAttr | BoolAttr)
    kind = np.dtype(np.bool_) if isinstance(attribute, BoolAttr) else dtype_of(attribute.type)
    return np.asarray(attribute.value).astype(kind)


def _filled(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    """tensor.splat and linalg.fill: the first operand everywhere."""
    type = op.result.type
    assert isinstance(type, TensorType)
    if op.name == "linalg.fill":
        return np.full(_tensor(operands[1]).shape, operands[0])
    sizes = iter(_index(v) for v in operands[1:])
    return np.full([next(sizes) if s < 0 else s for s in type.shape], operands[0])


def _empty(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    """Filled with a value that shows where it is read."""
    type = op.result.type
    assert isinstance(type, TensorType)
    sizes = iter(_index(v) for v in operands)
    shape = [next(sizes) if s < 0 else s for s in type.shape]
    return np.full(shape, np.nan if isinstance(type.element, FloatType) else 77).astype(dtype_of(type))


def _broadcast(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    source, out = (_tensor(v) for v in operands)
    return np.broadcast_to(np.expand_dims(source, linalg.dimensions_of(op)), out.shape)


def _transpose(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    return _tensor(operands[0]).transpose(linalg.permutation_of(op))


def _matmul(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    a, b, out = (_tensor(v) for v in operands)
    wide = np.int64 if out.dtype.kind == "i" else np.float64
    return (out.astype(wide) + a.astype(wide) @ b.astype(wide)).astype(out.dtype)


def _reshape(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    type = op.result.type
    assert isinstance(type, TensorType)
    source = _tensor(operands[0])
    if op.name == "tensor.collapse_shape":
        return source.reshape([math.prod(source.shape[d] for d in group) for group in tensor.groups_of(op)])
    static = op.attributes["static_output_shape"]
    assert isinstance(static, DenseArrayAttr)
    sizes = iter(_index(v) for v in operands[1:])
    return source.reshape([next(sizes) if s < 0 else s for s in static.values])


def _extract(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    return _tensor(operands[0])[tuple(_index(v) for v in operands[1:])]


def _dim(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    source = operands[0]
    sizes = source.sizes if isinstance(source, View) else _tensor(source).shape
    return np.int64(sizes[_index(operands[1])])


def _load(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    return _view(operands[0]).array()[tuple(_index(v) for v in operands[1:])]


def _alloc(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    type = op.result.type
    assert isinstance(type, MemRefType)
    sizes = iter(_index(v) for v in operands)
    (size,) = (next(sizes) if s < 0 else s for s in type.shape)
    fill = np.nan if isinstance(type.element, FloatType) else 77
    return _buffer(np.full(size, fill).astype(dtype_of(type)))


def _get_global(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    name = op.attributes["name"]
    assert isinstance(name, SymbolRefAttr)
    return _buffer(np.ascontiguousarray(array_of(machine.globals[name.value])).reshape(-1).copy())


def _same(machine: Machine, op: Op, operands: list[Runtime]) -> Runtime:
    return operands[0]


EVALUATE: dict[str, Evaluate] = {
    "arith.constant": _constant,
    "arith.cmpi": _cmpi,
    "arith.cmpf": _cmpf,
    "arith.select": _ufunc(np.where),
    **{f"arith.{name}": _ufunc(f) for name, f in {"addi": np.add, "subi": np.subtract, "muli": np.multiply}.items()},
    **{f"arith.{name}": _ufunc(f) for name, f in {"addf": np.add, "subf": np.subtract, "mulf": np.multiply}.items()},
    **{
        f"arith.{name}": _ufunc(f) for name, f in {"andi": np.bitwise_and, "ori": np.bitwise_or, "xori": np.bitwise_xor}.items()
    },
    **{f"arith.{name}": _ufunc(f) for name, f in {"maxsi": np.maximum, "minsi": np.minimum}.items()},
    **{f"arith.{name}": _ufunc(f) for name, f in {"maximumf": np.maximum, "minimumf": np.minimum}.items()},
    **{f"arith.{name}": _ufunc(f) for name, f in {"maxnumf": np.fmax, "minnumf": np.fmin}.items()},
    "arith.divf": _wide(np.divide),
    "arith.remf": _wide(np.fmod),
    "arith.negf": _ufunc(np.negative),
    "arith.divsi": _ufunc(_divide),
    "arith.remsi": _ufunc(np.fmod),
    "arith.floordivsi": _ufunc(np.floor_divide),
    "arith.ceildivsi": _ufunc(_divide_up),
    "arith.divui": _unsigned(np.floor_divide),
    "arith.remui": _unsigned(np.remainder),
    "arith.maxui": _unsigned(np.maximum),
    "arith.minui": _unsigned(np.minimum),
    "arith.shrui": _unsigned(np.right_shift),
    "arith.shli": _ufunc(np.left_shift),
    "arith.shrsi": _ufunc(np.right_shift),
    **{
        f"arith.{name}": _same
        for name in ("extf", "truncf", "extsi", "extui", "trunci", "sitofp", "uitofp", "fptosi", "index_cast", "index_castui")
    },
    "arith.bitcast": lambda machine, op, operands: _tensor(operands[0]).view(dtype_of(op.result.type)),
    **{
        f"math.{name}": _wide(getattr(np, name))
        for name in ("ceil", "cos", "exp", "exp2", "floor", "log", "log2", "sin", "sqrt", "tanh")
    },
    "math.absf": _ufunc(np.abs),
    "math.absi": _ufunc(np.abs),
    "math.rsqrt": _wide(_reciprocal_root),
    "math.erf": _wide(np.vectorize(math.erf, otypes=[np.float64])),
    "math.powf": _wide(np.power),
    "math.fma": _wide(_multiply_add),
    "tensor.empty": _empty,
    "tensor.splat": _filled,
    "tensor.from_elements": lambda machine, op, operands: np.array([_tensor(v) for v in operands]).reshape(_static_shape(op)),
    "tensor.extract": _extract,
    "tensor.dim": _dim,
    "tensor.cast": _same,
    "tensor.expand_shape": _reshape,
    "tensor.collapse_shape": _reshape,
    "linalg.fill": _filled,
    "linalg.broadcast": _broadcast,
    "linalg.transpose": _transpose,
    "linalg.matmul": _matmul,
    "linalg.batch_matmul": _matmul,
    "memref.load": _load,
    "memref.dim": _dim,
    "memref.alloc": _alloc,
    "memref.cast": _same,
    "memref.get_global": _get_global,
    "bufferization.to_tensor": lambda machine, op, operands: _view(operands[0]).array().copy(),
}


def _static_shape(op: Op) -> tuple[int, ...]:
    assert isinstance(op.result.type, TensorType)
    return op.result.type.shape


# --- effects ---


def _materialize(machine: Machine, op: Op, operands: list[Runtime]) -> None:
    source, target = _tensor(operands[0]), _view(operands[1])
    if source.shape != target.sizes:
        raise OutOfBounds(f"a tensor of {source.shape} written to a view of {target.sizes}")
    target.array()[...] = source


def _store(machine: Machine, op: Op, operands: list[Runtime]) -> None:
    _view(operands[1]).array()[tuple(_index(v) for v in operands[2:])] = _tensor(operands[0])


EFFECTS: dict[str, Callable[[Machine, Op, list[Runtime]], None]] = {
    "bufferization.materialize_in_destination": _materialize,
    "memref.store": _store,
}
