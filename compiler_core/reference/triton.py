"""What a tt-stage kernel means: a numpy interpreter, all programs of the grid together.

Every value is an array with a leading axis over programs; what is the same for all has length 1 there. Control flow that
differs between programs runs all sides with a mask of active programs. Numbers round as on the device:
16-bit floats are computed wide and rounded once an op, integers wrap, sums and products accumulate in fp32 or wider. It knows
no pass and no machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error
from compiler_core.dialects import tt
from compiler_core.dialects.arith import predicate_of
from compiler_core.dialects.builtin import called, functions
from compiler_core.ir import Block, Op, Value
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr, DenseAttr, FloatAttr, IntegerAttr, StringAttr
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.spans import spans_of
from compiler_core.ir.types import PointerType, ShapedType, TensorType, Type

Array = np.ndarray
Arguments = Mapping[str, "Array | bool | int | float"]

CHUNK_ELEMENTS = 1 << 19
"""Elements of the largest value of a chunk of programs: what stays in cache, and small enough for a laptop."""
MAX_STEPS = 20_000_000
"""Ops that one chunk of programs may run; ends loops that do not."""
SPACE = 40
"""Bits of one buffer's address space; a pointer is a byte address, its upper bits name the buffer."""
MIDDLE = 1 << (SPACE - 1)
"""Where a buffer starts in its space, so that a negative offset stays inside."""


def run(module: Op, arguments: Arguments, grid: Sequence[int]) -> dict[str, Array]:
    """The tensor arguments after the kernel ran for every program of `grid` (one to three axes).

    `arguments` are flat or contiguous arrays and numbers, by the kernel's parameter names; the arrays are not changed. Raises
    Refused with the source line for accesses out of bounds and division by zero, LimitHit for a kernel that does not end.
    """
    kernel = next(f for f in functions(module) if not _is_private(f))
    buffers: list[_Buffer] = []
    results: dict[str, Array] = {}
    inputs: dict[Value, Array] = {}
    for argument in kernel.body.arguments:
        given = arguments[argument.name]
        if isinstance(given, np.ndarray):
            copy = np.array(given, order="C")
            results[argument.name] = copy
            pointee = argument.type.pointee if isinstance(argument.type, PointerType) else argument.type
            buffers.append(_Buffer(argument.name, copy.reshape(-1).view(dtype_of(pointee))))
            inputs[argument] = np.array([(len(buffers) << SPACE) + MIDDLE], np.int64)
        else:
            inputs[argument] = np.array([given]).astype(dtype_of(argument.type))
    extents = [*grid, 1, 1][:3]
    programs = math.prod(extents)
    step = max(1, CHUNK_ELEMENTS // _largest(kernel))
    for first in range(0, programs, step):
        ids = np.arange(first, min(first + step, programs), dtype=np.int64)
        axes = [ids % extents[0], ids // extents[0] % extents[1], ids // (extents[0] * extents[1])]
        chunk = _Chunk(module, buffers, [a.astype(np.int32) for a in axes], extents, dict(inputs))
        with np.errstate(all="ignore"):
            chunk.block(kernel.body)
    return results


def _is_private(function: Op) -> bool:
    visibility = function.get("sym_visibility", StringAttr)
    return visibility is not None and visibility.value == "private"


def _largest(kernel: Op) -> int:
    """Elements of the kernel's largest value."""
    sizes = [v.type.size for op in kernel.walk() for v in op.results if isinstance(v.type, ShapedType)]
    return max(sizes, default=1)


def _shape(type: Type) -> tuple[int, ...]:
    return type.shape if isinstance(type, ShapedType) else ()


@dataclass(frozen=True)
class _Buffer:
    name: str
    data: Array


@dataclass
class _Chunk:
    """The state of some programs that run together."""

    module: Op
    buffers: list[_Buffer]
    ids: list[Array]
    extents: Sequence[int]
    values: dict[Value, Array]
    active: Array | None = None
    """Which programs run the current ops; None for all."""
    steps: int = 0
    constants: dict[Op, Array] = field(default_factory=dict[Op, "Array"])

    def block(self, block: Block) -> list[Array]:
        """Runs a block; gives the operands of its terminator."""
        for op in block.ops:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise LimitHit(error("reference-steps", *spans_of(op), limit=MAX_STEPS))
            handler = _HANDLERS.get(op.name)
            if handler is not None:
                results = handler(self, op, [self.values[v] for v in op.operands])
            elif op.name in _ELEMENTWISE:
                results = [self.elementwise(op, _ELEMENTWISE[op.name])]
            elif op.name in _TERMINATORS:
                return [self.values[v] for v in op.operands]
            else:
                raise NotImplementedError(f"the reference has no meaning for {op.name}")
            self.values.update(zip(op.results, results, strict=True))
        return []

    def elementwise(self, op: Op, compute: Callable[..., Array]) -> Array:
        return compute(*[self.values[v] for v in op.operands]).astype(dtype_of(op.results[0].type), copy=False)

    def lanes(self, shape: Array, rank: int) -> Array:
        """A mask over programs as it broadcasts to values of that rank."""
        return shape.reshape(shape.shape + (1,) * rank)

    def guarded(self, mask: Array | None, rank: int) -> Array | None:
        """A memory mask with the inactive programs taken out; None where everything is on."""
        if self.active is None:
            return None if mask is None or mask.all() else mask
        active = self.lanes(self.active, rank)
        return active if mask is None else mask & active

    def choose(self, condition: Array, a: Array, b: Array) -> Array:
        """a where the programs' condition holds, else b."""
        if a is b:
            return a
        return np.where(self.lanes(condition, max(a.ndim, b.ndim) - 1), a, b)

    def under(self, active: Array, block: Block) -> list[Array]:
        """Runs a block for some of the active programs only."""
        outer = self.active
        self.active = active if outer is None else outer & active
        try:
            return self.block(block)
        finally:
            self.active = outer

    def spread(self, condition: Array) -> tuple[bool, bool]:
        """Whether the condition holds for any, and for all, of the active programs."""
        relevant = condition if self.active is None else np.broadcast_to(condition, self.active.shape)[self.active]
        return bool(relevant.any()), bool(relevant.all())

    # Memory

    def places(self, op: Op, pointers: Array, on: Array | None) -> tuple[_Buffer, Array]:
        """The buffer and the element indices that pointers reach; 0 where `on` is off. Raises Refused out of bounds."""
        if on is not None:
            pointers, on = np.broadcast_arrays(pointers, on)
            reached = pointers[on]
        else:
            reached = pointers.reshape(-1)
        space = int(reached[0]) >> SPACE if reached.size else 1
        if not 1 <= space <= len(self.buffers) or (reached >> SPACE != space).any():
            raise Refused(self.outside(op, pointers, on, self.buffers[min(max(space, 1), len(self.buffers)) - 1], None))
        buffer = self.buffers[space - 1]
        start, shift = (space << SPACE) + MIDDLE, buffer.data.itemsize.bit_length() - 1
        index = (pointers - start) >> shift
        if on is not None:
            index = np.where(on, index, 0)
        if reached.size and (int(index.min()) < 0 or int(index.max()) >= buffer.data.size):
            raise Refused(self.outside(op, pointers, on, buffer, index))
        return buffer, index

    def outside(self, op: Op, pointers: Array, on: Array | None, buffer: _Buffer, index: Array | None) -> Diagnostic:
        """The diagnostic of the first access out of bounds."""
        if index is None:
            index = (pointers & ((1 << SPACE) - 1)) - MIDDLE
        wrong = (index < 0) | (index >= buffer.data.size)
        if on is not None:
            wrong = wrong & on
        places = np.argwhere(wrong)
        first = tuple(places[0]) if len(places) else (0,) * index.ndim
        program = [int(axis[first[0] if index.shape[0] > 1 else 0]) for axis in self.ids]
        return error(
            "reference-out-of-bounds",
            *spans_of(op),
            access=op.name.removeprefix("tt."),
            index=int(index[first]),
            name=buffer.name,
            size=buffer.data.size,
            program=", ".join(map(str, program)),
        )


Handler = Callable[[_Chunk, Op, list[Array]], Sequence[Array]]
_HANDLERS: dict[str, Handler] = {}
_TERMINATORS = frozenset({"tt.return", "tt.reduce.return", "scf.yield", "scf.condition"})


def _handles(*names: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for name in names:
            _HANDLERS[name] = handler
        return handler

    return register


# Values


@_handles("arith.constant")
def _constant(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    if op not in chunk.constants:
        attribute = op.attributes["value"]
        type = op.results[0].type
        if isinstance(attribute, DenseAttr):
            values: object = list(attribute.values) if not attribute.is_splat else attribute.values[0]
            flat = np.array(values).astype(dtype_of(type))
            chunk.constants[op] = np.broadcast_to(
                flat if attribute.is_splat else flat.reshape(_shape(type)), (1, *_shape(type))
            )
        else:
            assert isinstance(attribute, IntegerAttr | FloatAttr | BoolAttr)
            chunk.constants[op] = np.array([attribute.value]).astype(dtype_of(type))
    return [chunk.constants[op]]


@_handles("tt.get_program_id")
def _program_id(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    axis = tt.axis_of(op)
    return [chunk.ids[axis] if chunk.extents[axis] > 1 else np.zeros(1, np.int32)]


@_handles("tt.get_num_programs")
def _num_programs(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    return [np.array([chunk.extents[tt.axis_of(op)]], np.int32)]


@_handles("tt.make_range")
def _make_range(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    start, end = op.get("start", IntegerAttr), op.get("end", IntegerAttr)
    assert start is not None and end is not None
    return [np.arange(start.value, end.value, dtype=np.int32)[None]]


@_handles("tt.splat")
def _splat(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    (value,) = operands
    shape = _shape(op.results[0].type)
    return [np.broadcast_to(value.reshape(value.shape[:1] + (1,) * len(shape)), value.shape[:1] + shape)]


@_handles("tt.expand_dims")
def _expand_dims(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    return [np.expand_dims(operands[0], tt.axis_of(op) + 1)]


@_handles("tt.broadcast")
def _broadcast(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    return [np.broadcast_to(operands[0], operands[0].shape[:1] + _shape(op.results[0].type))]


@_handles("tt.reshape")
def _reshape(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    return [operands[0].reshape(operands[0].shape[:1] + _shape(op.results[0].type))]


@_handles("tt.trans")
def _transpose(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    order = op.get("order", DenseArrayAttr)
    assert order is not None
    return [operands[0].transpose(0, *(d + 1 for d in order.values))]


@_handles("tt.bitcast", "arith.bitcast")
def _bitcast(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    return [np.ascontiguousarray(operands[0]).view(dtype_of(op.results[0].type))]


@_handles("tt.addptr")
def _addptr(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    pointer, offset = operands
    width = dtype_of(tt.pointee(op.results[0].type)).itemsize
    return [pointer + offset.astype(np.int64) * width]


# Memory


@_handles("tt.load")
def _load(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    pointers = operands[0]
    on = chunk.guarded(operands[1] if len(operands) > 1 else None, pointers.ndim - 1)
    buffer, index = chunk.places(op, pointers, on)
    if on is None:
        return [buffer.data.take(index)]
    other = operands[2] if len(operands) > 2 else np.zeros((), dtype_of(op.results[0].type))
    if not on.any():
        return [np.broadcast_to(other, index.shape)]
    return [np.where(on, buffer.data.take(index), other)]


@_handles("tt.store")
def _store(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    pointers, value = operands[0], operands[1]
    on = chunk.guarded(operands[2] if len(operands) > 2 else None, pointers.ndim - 1)
    buffer, index = chunk.places(op, pointers, on)
    if on is None:
        index, value = np.broadcast_arrays(index, value)
        buffer.data[index] = value
    else:
        index, value, on = np.broadcast_arrays(index, value, on)
        buffer.data[index[on]] = value[on]
    return []


# Reductions and products


@_handles("tt.reduce")
def _reduce(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    axis = tt.axis_of(op) + 1
    kind = tt.reduction_kind(op)
    if kind == "sum":
        wide = (
            np.float64
            if isinstance(op.operands[0].type, TensorType) and operands[0].dtype.kind not in "iub"
            else operands[0].dtype
        )
        return [operands[0].astype(wide, copy=False).sum(axis=axis, dtype=wide).astype(operands[0].dtype)]
    if kind in ("max", "min") and operands[0].dtype.kind in "if":
        ufunc = {("max", "f"): np.fmax, ("min", "f"): np.fmin, ("max", "i"): np.maximum, ("min", "i"): np.minimum}
        unsigned = op.body.ops[0].name.endswith("ui")
        if not unsigned:
            return [ufunc[kind, operands[0].dtype.kind].reduce(operands[0], axis=axis)]
    return _combine(chunk, op, operands, axis)


def _combine(chunk: _Chunk, op: Op, operands: list[Array], axis: int) -> list[Array]:
    """Any combiner: neighbours are combined until one is left."""
    parts = [np.moveaxis(a, axis, -1) for a in operands]
    while parts[0].shape[-1] > 1:
        pairs = [*(p[..., 0::2] for p in parts), *(p[..., 1::2] for p in parts)]
        chunk.values.update(zip(op.body.arguments, pairs, strict=True))
        parts = chunk.block(op.body)
    return [p[..., 0] for p in parts]


@_handles("tt.dot")
def _dot(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    a, b, acc = operands
    wide = np.int32 if a.dtype.kind == "i" else np.float64 if a.dtype == np.float64 else np.float32
    return [(np.matmul(a.astype(wide), b.astype(wide)) + acc.astype(wide)).astype(acc.dtype)]


# Control flow


@_handles("tt.call")
def _call(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    callee = called(op, chunk.module)
    chunk.values.update(zip(callee.body.arguments, operands, strict=True))
    return chunk.block(callee.body)


@_handles("scf.if")
def _if(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    (condition,) = operands
    some, every = chunk.spread(condition)
    sides = [r.blocks[0] if r.blocks else None for r in op.regions]
    otherwise = sides[1] if len(sides) > 1 else None
    if every:
        return chunk.block(sides[0]) if sides[0] is not None else []
    if not some:
        return chunk.block(otherwise) if otherwise is not None else []
    programs = np.broadcast_to(condition, chunk.ids[0].shape)
    then = chunk.under(programs, sides[0]) if sides[0] is not None else []
    other = chunk.under(~programs, otherwise) if otherwise is not None else []
    return [chunk.choose(programs, a, b) for a, b in zip(then, other, strict=True)]


@_handles("scf.for")
def _for(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    low, high, step, *carried = operands
    index = low
    while True:
        going = index < high
        some, every = chunk.spread(going)
        if not some:
            return carried
        chunk.values.update(zip(op.body.arguments, [index, *carried], strict=True))
        if every:
            carried = chunk.block(op.body)
        else:
            programs = np.broadcast_to(going, chunk.ids[0].shape)
            after = chunk.under(programs, op.body)
            carried = [chunk.choose(programs, a, b) for a, b in zip(after, carried, strict=True)]
        index = index + step


@_handles("scf.while")
def _while(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    before, after = (r.blocks[0] for r in op.regions)
    outer = chunk.active
    carried = operands
    try:
        while True:
            chunk.values.update(zip(before.arguments, carried, strict=True))
            condition, *handed = chunk.block(before)
            some, every = chunk.spread(condition)
            if not every:
                programs = np.broadcast_to(condition, chunk.ids[0].shape)
                chunk.active = programs if chunk.active is None else chunk.active & programs
            if not some:
                return handed
            chunk.values.update(zip(after.arguments, handed, strict=True))
            body = chunk.block(after)
            active = chunk.active
            carried = body if active is None else [chunk.choose(active, a, b) for a, b in zip(body, handed, strict=True)]
    finally:
        chunk.active = outer


# Arithmetic


def _checked_division(compute: Callable[[Array, Array], Array]) -> Handler:
    """An integer division that tells where an active program divides by zero."""

    def handler(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
        a, b = operands
        zero = b == 0
        if zero.any():
            lanes = zero.reshape(zero.shape[0], -1).any(axis=1)
            if chunk.spread(lanes)[0]:
                raise Refused(error("reference-division-by-zero", *spans_of(op)))
            b = np.where(zero, 1, b)
        return [compute(a, b).astype(a.dtype, copy=False)]

    return handler


def _unsigned(a: Array) -> Array:
    return a if a.dtype == np.bool_ else a.view(f"u{a.dtype.itemsize}")


def _quotient(a: Array, b: Array) -> Array:
    return (a - np.fmod(a, b)) // b


_HANDLERS.update(
    {
        "arith.divsi": _checked_division(_quotient),
        "arith.remsi": _checked_division(np.fmod),
        "arith.divui": _checked_division(lambda a, b: _unsigned(a) // _unsigned(b)),
        "arith.remui": _checked_division(lambda a, b: _unsigned(a) % _unsigned(b)),
        "arith.floordivsi": _checked_division(np.floor_divide),
        "arith.ceildivsi": _checked_division(lambda a, b: -np.floor_divide(-a, b)),
    }
)


@_handles("arith.cmpi", "arith.cmpf")
def _compare(chunk: _Chunk, op: Op, operands: list[Array]) -> Sequence[Array]:
    a, b = operands
    name = predicate_of(op)
    if op.name == "arith.cmpi":
        if name[0] == "u":
            a, b = _unsigned(np.ascontiguousarray(a)), _unsigned(np.ascontiguousarray(b))
        return [_ORDERED[name if name in ("eq", "ne") else name[1:]](a, b)]
    unordered = np.isnan(a.astype(np.float32)) | np.isnan(b.astype(np.float32))
    if name in ("false", "true"):
        return [np.full(np.broadcast_shapes(a.shape, b.shape), name == "true")]
    if name in ("ord", "uno"):
        return [unordered if name == "uno" else ~unordered]
    truth = _ORDERED[name[1:]](a, b)
    return [truth & ~unordered if name[0] == "o" else truth | unordered]


_ORDERED: dict[str, Callable[[Array, Array], Array]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def _wide(compute: Callable[..., Array]) -> Callable[..., Array]:
    """A float function computed in fp32 or wider."""

    def widened(*operands: Array) -> Array:
        if operands[0].dtype == np.float32 or operands[0].dtype == np.float64:
            return compute(*operands)
        return compute(*[o.astype(np.float32) for o in operands])

    return widened


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x.astype(np.float64))


def _shift(compute: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """A shift; by the width or more gives 0, as nothing defines it."""

    def shifted(a: Array, b: Array) -> Array:
        width = 8 * a.dtype.itemsize
        return np.where((b >= 0) & (b < width), compute(a, np.clip(b, 0, width - 1)), 0)

    return shifted


def _fma(a: Array, b: Array, c: Array) -> Array:
    return a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)


def _add(a: Array, b: Array) -> Array:
    return a ^ b if a.dtype == np.bool_ else a + b


def _subtract(a: Array, b: Array) -> Array:
    return a ^ b if a.dtype == np.bool_ else a - b


def _contiguous_unsigned(a: Array) -> Array:
    return _unsigned(np.ascontiguousarray(a))


def _unsigned_right_shift(a: Array, b: Array) -> Array:
    return np.right_shift(_contiguous_unsigned(a), _contiguous_unsigned(b))


def _unsigned_maximum(a: Array, b: Array) -> Array:
    return np.maximum(_contiguous_unsigned(a), _contiguous_unsigned(b))


def _unsigned_minimum(a: Array, b: Array) -> Array:
    return np.minimum(_contiguous_unsigned(a), _contiguous_unsigned(b))


def _same(a: Array) -> Array:
    """The cast to the result's type does the rest."""
    return a


def _sign_extended(a: Array) -> Array:
    return -a.astype(np.int64) if a.dtype == np.bool_ else a


def _to_unsigned(a: Array) -> Array:
    return np.trunc(a).astype(np.uint64)


def _clamp(x: Array, low: Array, high: Array) -> Array:
    return np.fmin(np.fmax(x, low), high)


def _reciprocal_root(a: Array) -> Array:
    return 1 / np.sqrt(a)


_ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "arith.addi": _add,
    "arith.subi": _subtract,
    "arith.muli": np.multiply,
    "arith.andi": np.bitwise_and,
    "arith.ori": np.bitwise_or,
    "arith.xori": np.bitwise_xor,
    "arith.shli": _shift(np.left_shift),
    "arith.shrsi": _shift(np.right_shift),
    "arith.shrui": _shift(_unsigned_right_shift),
    "arith.maxsi": np.maximum,
    "arith.minsi": np.minimum,
    "arith.maxui": _unsigned_maximum,
    "arith.minui": _unsigned_minimum,
    "arith.addf": _wide(np.add),
    "arith.subf": _wide(np.subtract),
    "arith.mulf": _wide(np.multiply),
    "arith.divf": _wide(np.divide),
    "arith.remf": _wide(np.fmod),
    "arith.maximumf": _wide(np.maximum),
    "arith.minimumf": _wide(np.minimum),
    "arith.maxnumf": _wide(np.fmax),
    "arith.minnumf": _wide(np.fmin),
    "arith.negf": np.negative,
    "arith.select": np.where,
    "arith.extf": _same,
    "arith.truncf": _same,
    "arith.extsi": _sign_extended,
    "arith.extui": _contiguous_unsigned,
    "arith.trunci": _same,
    "arith.sitofp": _sign_extended,
    "arith.uitofp": _contiguous_unsigned,
    "arith.fptosi": np.trunc,
    "arith.fptoui": _to_unsigned,
    "arith.index_cast": _same,
    "arith.index_castui": _contiguous_unsigned,
    "tt.clampf": _wide(_clamp),
    "math.absf": np.abs,
    "math.absi": np.abs,
    "math.ceil": _wide(np.ceil),
    "math.floor": _wide(np.floor),
    "math.cos": _wide(np.cos),
    "math.sin": _wide(np.sin),
    "math.erf": _erf,
    "math.exp": _wide(np.exp),
    "math.exp2": _wide(np.exp2),
    "math.log": _wide(np.log),
    "math.log2": _wide(np.log2),
    "math.rsqrt": _wide(_reciprocal_root),
    "math.sqrt": _wide(np.sqrt),
    "math.tanh": _wide(np.tanh),
    "math.powf": _wide(np.power),
    "math.fma": _fma,
}
