"""Translation: a hivm function becomes lists of steps, Python closures that run one op over all lanes of a batch.

Scalar ops run for every lane, active or not (they have no effect); memory is touched for active lanes only. Control flow that
differs between lanes runs each side for its lanes and merges the results.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler_core.chips import Chip
from compiler_core.dialects.arith import predicate_of
from compiler_core.dialects.hivm import MEMORY, group, pipe_of, short
from compiler_core.dialects.indices import unpack
from compiler_core.emulator import lanes as la
from compiler_core.emulator.affine import affine_map
from compiler_core.emulator.lanes import UNKNOWN, Array, Scalar, is_vector
from compiler_core.emulator.machine import Batch, Site, refuse
from compiler_core.emulator.memory import ALIGNMENT, LocalMemory, View
from compiler_core.ir import Block, Op, Value
from compiler_core.ir.attributes import ArrayAttr, BoolAttr, DenseArrayAttr, FloatAttr, IntegerAttr, RawAttr
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import DYNAMIC, IntegerType, MemRefType, bit_width, byte_width, contiguous_strides

Step = Callable[[Batch], None]

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RuntimeError, MemoryError)
"""What code that no verifier has seen can lead to deep inside; told as a refusal."""


@dataclass(slots=True)
class Program:
    """A translated function. `arguments` are the slots of the block's arguments; `constants` are set before a batch starts."""

    steps: list[Step]
    arguments: list[int]
    constants: list[tuple[int, Scalar]]
    slots: int
    sites: list[Site]


class Translator:
    """Gives each value a slot and each op a step."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.slots: dict[Value, int] = {}
        self.constants: list[tuple[int, Scalar]] = []
        self.sites: list[Site] = []
        self.scalars = 0

    def slot(self, value: Value) -> int:
        return self.slots.setdefault(value, len(self.slots))

    def slots_of(self, values: tuple[Value, ...] | list[Value]) -> list[int]:
        return [self.slot(v) for v in values]

    def site(self, op: Op, name: str = "", pipe: str = "") -> Site:
        found = (pipe or pipe_of(op) or "PIPE_S").removeprefix("PIPE_")
        site = Site(len(self.sites), op, name or short(op), found, self.scalars)
        self.scalars = 0
        self.sites.append(site)
        return site

    def program(self, function: Op) -> Program:
        arguments = self.slots_of(function.body.arguments)
        steps = self.block(function.body)
        return Program(steps, arguments, self.constants, len(self.slots), self.sites)

    def block(self, block: Block) -> list[Step]:
        """The steps of a block, without its terminator."""
        steps: list[Step] = []
        for op in block.ops:
            if op.name in ("scf.yield", "scf.condition", "func.return"):
                continue
            if op.name == "arith.constant":
                self.constants.append((self.slot(op.result), _constant(op)))
                continue
            translate = TRANSLATORS.get(op.name)
            if translate is None:
                refuse(op, "emulator-unknown-op", op=op.name)
            if op.regions:
                steps += self.flush(op)
            try:
                steps.append(translate(self, op))
            except MALFORMED as problem:
                refuse(op, "emulator-malformed-op", op=op.name, what=f"{type(problem).__name__}: {problem}")
        return steps + (self.flush(block.ops[-1]) if block.ops else [])

    def flush(self, op: Op) -> list[Step]:
        """A step that issues the scalar ops translated since the last instruction, if there are any."""
        if not self.scalars:
            return []
        site = self.site(op, "scalar", "PIPE_S")
        return [lambda batch: batch.perform(site, (), (), None)]


Translate = Callable[[Translator, Op], Step]
TRANSLATORS: dict[str, Translate] = {}
"""By op name."""


def translates(*names: str) -> Callable[[Translate], Translate]:
    def register(function: Translate) -> Translate:
        for name in names:
            TRANSLATORS[name] = function
        return function

    return register


def _constant(op: Op) -> Scalar:
    value = op.attributes["value"]
    if isinstance(value, FloatAttr):
        return dtype_of(value.type).type(value.value)
    if isinstance(value, BoolAttr):
        return int(value.value)
    if isinstance(value, IntegerAttr):
        return value.value & 1 if value.type == IntegerType(1) else value.value
    refuse(op, "emulator-unknown-op", op=f"arith.constant {value}")


# Scalars


def _binary(t: Translator, op: Op, function: Callable[[Scalar, Scalar], Scalar]) -> Step:
    """A step that computes one number from two; UNKNOWN in, UNKNOWN out."""
    t.scalars += 1
    (a, b), result = t.slots_of(op.operands), t.slot(op.result)

    def step(batch: Batch) -> None:
        values = batch.values
        x, y = values[a], values[b]
        values[result] = UNKNOWN if x is UNKNOWN or y is UNKNOWN else function(x, y)

    return step


def _unary(t: Translator, op: Op, function: Callable[[Scalar], Scalar], free: bool = False) -> Step:
    """As _binary, of one number. `free` ops cost the scalar unit nothing."""
    t.scalars += 0 if free else 1
    (a,), result = t.slots_of(op.operands), t.slot(op.result)

    def step(batch: Batch) -> None:
        values = batch.values
        values[result] = UNKNOWN if values[a] is UNKNOWN else function(values[a])

    return step


def _nary(t: Translator, op: Op, function: Callable[[list[Scalar]], Scalar]) -> Step:
    """As _binary, of any number of numbers."""
    t.scalars += 1
    operands, result = t.slots_of(op.operands), t.slot(op.result)

    def step(batch: Batch) -> None:
        given = [batch.values[s] for s in operands]
        batch.values[result] = UNKNOWN if any(g is UNKNOWN for g in given) else function(given)

    return step


def _division(op: Op, function: Callable[[Scalar, Scalar], Scalar]) -> Callable[[Scalar, Scalar], Scalar]:
    def divide(a: Scalar, b: Scalar) -> Scalar:
        try:
            return function(a, b)
        except ZeroDivisionError:
            refuse(op, "emulator-division-by-zero", op=op.name)

    return divide


def _integer(t: Translator, op: Op) -> Step:
    name, width = op.name.removeprefix("arith."), la.width_of(op.result.type)
    function = _division(op, la.INTEGER[name]) if "div" in name or "rem" in name else la.INTEGER[name]
    return _binary(t, op, lambda a, b: la.wrap(function(a, b), width))


def _unsigned(t: Translator, op: Op) -> Step:
    name, width = op.name.removeprefix("arith."), la.width_of(op.result.type)
    function = _division(op, la.UNSIGNED[name])

    def compute(a: Scalar, b: Scalar) -> Scalar:
        found = function(la.unsigned(a, width), la.unsigned(b, width))
        return la.wrap(found.astype(np.int64) if is_vector(found) else found, width)

    return _binary(t, op, compute)


def _float(t: Translator, op: Op) -> Step:
    function, dtype = la.FLOAT[op.name.removeprefix("arith.")], dtype_of(op.result.type)
    return _binary(t, op, lambda a, b: la.as_float(function(a, b), dtype))


for _name in la.INTEGER:
    TRANSLATORS[f"arith.{_name}"] = _integer
for _name in la.UNSIGNED:
    TRANSLATORS[f"arith.{_name}"] = _unsigned
for _name in la.FLOAT:
    TRANSLATORS[f"arith.{_name}"] = _float


@translates("arith.cmpi")
def _compare_integers(t: Translator, op: Op) -> Step:
    return _binary(t, op, la.compare_integers(predicate_of(op), la.width_of(op.operands[0].type)))


@translates("arith.cmpf")
def _compare_floats(t: Translator, op: Op) -> Step:
    return _binary(t, op, la.compare_floats(predicate_of(op)))


@translates("arith.select")
def _select(t: Translator, op: Op) -> Step:
    t.scalars += 1
    (c, a, b), result = t.slots_of(op.operands), t.slot(op.result)

    def step(batch: Batch) -> None:
        values = batch.values
        condition = values[c]
        if condition is UNKNOWN:
            values[result] = UNKNOWN
        else:
            values[result] = _merge(condition, values[a], values[b])

    return step


def _minus_bit(bit: Scalar) -> Scalar:
    """A signed one-bit number: 0 or -1."""
    return -(bit.astype(np.int64) if is_vector(bit) else bit)


@translates("arith.index_cast", "arith.extsi")
def _same_number(t: Translator, op: Op) -> Step:
    width, one_bit = la.width_of(op.result.type), op.operands[0].type == IntegerType(1)
    if one_bit:
        return _unary(t, op, _minus_bit, free=True)
    return _unary(t, op, lambda a: la.wrap(a, width), free=True)


@translates("arith.trunci")
def _truncate(t: Translator, op: Op) -> Step:
    width = la.width_of(op.result.type)
    return _unary(t, op, lambda a: la.wrap(a, width), free=True)


@translates("arith.extui", "arith.index_castui")
def _widen_unsigned(t: Translator, op: Op) -> Step:
    width = la.width_of(op.operands[0].type)

    def compute(a: Scalar) -> Scalar:
        return la.unsigned(a.astype(np.int64) if is_vector(a) else a, width)

    return _unary(t, op, compute, free=True)


@translates("arith.sitofp", "arith.uitofp", "arith.extf", "arith.truncf")
def _to_float(t: Translator, op: Op) -> Step:
    dtype, source = dtype_of(op.result.type), op.operands[0].type
    if op.name == "arith.uitofp":
        return _unary(t, op, lambda a: la.as_float(la.unsigned(a, la.width_of(source)), dtype))
    return _unary(t, op, lambda a: la.as_float(a, dtype))


@translates("arith.fptosi", "arith.fptoui")
def _to_integer(t: Translator, op: Op) -> Step:
    width = la.width_of(op.result.type)
    return _unary(t, op, lambda a: la.to_integer(a, width))


@translates("arith.negf")
def _negate(t: Translator, op: Op) -> Step:
    return _unary(t, op, lambda a: -a)


@translates("arith.bitcast")
def _bitcast(t: Translator, op: Op) -> Step:
    source, target = dtype_of(op.operands[0].type), dtype_of(op.result.type)

    def compute(a: Scalar) -> Scalar:
        bits = np.asarray(a).astype(source).view(target)
        if target.kind == "i":
            return bits.astype(np.int64) if bits.ndim else int(bits)
        return bits if bits.ndim else bits[()]

    return _unary(t, op, compute)


def _rsqrt(x: Array) -> Array:
    return 1 / np.sqrt(x)


_MATH: dict[str, Callable[..., Any]] = {
    "absf": np.absolute,
    "absi": np.absolute,
    "ceil": np.ceil,
    "cos": np.cos,
    "exp": np.exp,
    "exp2": np.exp2,
    "floor": np.floor,
    "log": np.log,
    "log2": np.log2,
    "rsqrt": _rsqrt,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "powf": np.power,
}


def _math(t: Translator, op: Op) -> Step:
    function = _MATH[op.name.removeprefix("math.")]
    if op.name == "math.absi":
        return _unary(t, op, abs)
    dtype = dtype_of(op.result.type)

    def compute(given: list[Scalar]) -> Scalar:
        return la.as_float(function(*(np.asarray(x, np.float64) for x in given)), dtype)

    return _nary(t, op, compute)


for _name in _MATH:
    TRANSLATORS[f"math.{_name}"] = _math


@translates("affine.apply", "affine.min", "affine.max")
def _affine(t: Translator, op: Op) -> Step:
    text = op.attributes["map"]
    try:
        results = affine_map(text.text if isinstance(text, RawAttr) else str(text))
    except ValueError as problem:
        refuse(op, "emulator-unsupported", op=op.name, what=str(problem))
    if op.name == "affine.apply":
        (only,) = results
        return _nary(t, op, only)
    choose = la.minimum if op.name == "affine.min" else la.maximum

    def compute(given: list[Scalar]) -> Scalar:
        found = results[0](given)
        for other in results[1:]:
            found = choose(found, other(given))
        return found

    return _nary(t, op, compute)


@translates("hivm.hir.get_block_idx")
def _block_index(t: Translator, op: Op) -> Step:
    result = t.slot(op.result)

    def step(batch: Batch) -> None:
        first, count = batch.first, batch.count
        batch.values[result] = np.arange(first, first + count, dtype=np.int64) if count > 1 else first

    return step


@translates("hivm.hir.get_block_num")
def _block_count(t: Translator, op: Op) -> Step:
    result = t.slot(op.result)

    def step(batch: Batch) -> None:
        batch.values[result] = batch.machine.blocks

    return step


@translates("hivm.hir.set_mask_norm")
def _nothing(t: Translator, op: Op) -> Step:
    return lambda batch: None


# Views


def element_of(type: MemRefType) -> tuple[np.dtype[Any], bool]:
    """The dtype, and whether elements are packed bits: i1 outside global memory."""
    return dtype_of(type.element), type.element == IntegerType(1) and type.space not in (None, "gm")


@translates("hivm.hir.pointer_cast")
def _pointer_cast(t: Translator, op: Op) -> Step:
    address, result, type = t.slot(op.operands[0]), t.slot(op.result), op.result.type
    assert isinstance(type, MemRefType)
    dtype, packed = element_of(type)
    sizes = t.slots_of(group(op, "sizes"))
    space = type.space or ""
    if space not in MEMORY:
        refuse(op, "emulator-unsupported", op=op.name, what=f"a buffer in {space or 'no'} address space")

    def step(batch: Batch) -> None:
        base = batch.values[address]
        dynamic = iter(sizes)
        shape = tuple(batch.values[next(dynamic)] if d == DYNAMIC else d for d in type.shape)
        if base is UNKNOWN:
            refuse(op, "emulator-needs-data", op=op.name)
        base = la.uniform(base)
        if np.any(np.asarray(base) % ALIGNMENT):
            wrong = int(np.asarray(base).reshape(-1)[0])
            refuse(op, "emulator-misaligned", memory=MEMORY[space], address=wrong, alignment=ALIGNMENT)
        batch.values[result] = View(batch.machine.local[space], dtype, packed, base, 0, shape, contiguous_strides(type.shape))

    return step


def _mixed(t: Translator, op: Op, name: str) -> Callable[[Batch], tuple[Scalar, ...]]:
    """A mixed list as a function of the batch."""
    entries = [e if isinstance(e, int) else t.slot(e) for e in unpack(op, name)]
    constant = [isinstance(e, int) for e in unpack(op, name)]
    if all(constant):
        fixed = tuple(entries)
        return lambda batch: fixed
    pairs = list(zip(entries, constant, strict=True))

    def read(batch: Batch) -> tuple[Scalar, ...]:
        values = batch.values
        return tuple(e if fixed else _known(op, values[e]) for e, fixed in pairs)

    return read


def _known(op: Op, value: Scalar) -> Scalar:
    """A value that decides a shape, an address or a path."""
    if value is UNKNOWN:
        refuse(op, "emulator-needs-data", op=op.name)
    return value


@translates("memref.reinterpret_cast")
def _reinterpret_cast(t: Translator, op: Op) -> Step:
    t.scalars += 1
    source, result = t.slot(op.operands[0]), t.slot(op.result)
    offsets, sizes, strides = (_mixed(t, op, n) for n in ("offsets", "sizes", "strides"))

    def step(batch: Batch) -> None:
        view: View = batch.values[source]
        (offset,) = offsets(batch)
        batch.values[result] = View(
            view.memory, view.dtype, view.packed, view.base, la.uniform(offset), sizes(batch), strides(batch)
        )

    return step


@translates("memref.subview")
def _subview(t: Translator, op: Op) -> Step:
    t.scalars += 1
    source, result, type = t.slot(op.operands[0]), t.slot(op.result), op.result.type
    assert isinstance(type, MemRefType)
    offsets, sizes, strides = (_mixed(t, op, n) for n in ("offsets", "sizes", "strides"))
    static = op.attributes["static_sizes"]
    assert isinstance(static, DenseArrayAttr)
    kept = _kept_dimensions(static.values, type)

    def step(batch: Batch) -> None:
        view: View = batch.values[source]
        offset = view.offset
        for o, s in zip(offsets(batch), view.strides, strict=True):
            if not isinstance(o, int) or o:
                offset = offset + o * s
        new_sizes, steps = sizes(batch), strides(batch)
        new_strides = tuple(s if step == 1 else s * step for s, step in zip(view.strides, steps, strict=True))
        batch.values[result] = View(
            view.memory,
            view.dtype,
            view.packed,
            view.base,
            offset,
            tuple(la.uniform(new_sizes[d]) for d in kept),
            tuple(new_strides[d] for d in kept),
        )

    return step


def _kept_dimensions(sizes: tuple[int, ...], type: MemRefType) -> list[int]:
    """The source's dimensions that a (rank-reducing) subview keeps: some of size 1 are dropped, from the left."""
    surplus = len(sizes) - type.rank
    kept: list[int] = []
    for d, size in enumerate(sizes):
        wanted = type.shape[len(kept)] if len(kept) < type.rank else None
        if surplus and size == 1 and wanted != 1:
            surplus -= 1
        else:
            kept.append(d)
    return kept[: type.rank] if not surplus else [d for d in kept if sizes[d] != 1][: type.rank]


@translates("memref.cast", "memref.memory_space_cast")
def _cast_view(t: Translator, op: Op) -> Step:
    source, result = t.slot(op.operands[0]), t.slot(op.result)

    def step(batch: Batch) -> None:
        batch.values[result] = batch.values[source]

    return step


def _reassociation(op: Op) -> list[list[int]]:
    groups = op.attributes["reassociation"]
    assert isinstance(groups, ArrayAttr)
    found: list[list[int]] = []
    for entry in groups.values:
        assert isinstance(entry, ArrayAttr)
        found.append([d.value for d in entry.values if isinstance(d, IntegerAttr)])
    return found


@translates("memref.collapse_shape")
def _collapse_shape(t: Translator, op: Op) -> Step:
    source, result, groups = t.slot(op.operands[0]), t.slot(op.result), _reassociation(op)

    def step(batch: Batch) -> None:
        view: View = batch.values[source]
        sizes: list[Scalar] = []
        strides: list[Scalar] = []
        for dims in groups:
            size: Scalar = 1
            for d in dims:
                size = size * view.sizes[d]
            sizes.append(size)
            inner = [d for d in dims if not (isinstance(view.sizes[d], int) and view.sizes[d] == 1)] or dims[-1:]
            strides.append(view.strides[inner[-1]])
        batch.values[result] = View(view.memory, view.dtype, view.packed, view.base, view.offset, tuple(sizes), tuple(strides))

    return step


@translates("memref.expand_shape")
def _expand_shape(t: Translator, op: Op) -> Step:
    source, result, groups, type = t.slot(op.operands[0]), t.slot(op.result), _reassociation(op), op.result.type
    assert isinstance(type, MemRefType)
    dynamic = t.slots_of(op.operands[1:])

    def step(batch: Batch) -> None:
        view: View = batch.values[source]
        given = iter(dynamic)
        shape: list[Scalar] = [batch.values[next(given)] if d == DYNAMIC and dynamic else d for d in type.shape]
        strides: list[Scalar] = [0] * len(shape)
        for outer, dims in enumerate(groups):
            stride: Scalar = view.strides[outer]
            known: Scalar = 1
            for d in dims:
                known = known if isinstance(shape[d], int) and shape[d] == DYNAMIC else known * shape[d]
            for d in reversed(dims):
                if isinstance(shape[d], int) and shape[d] == DYNAMIC:
                    shape[d] = view.sizes[outer] // known
                strides[d] = stride
                stride = stride * shape[d]
        batch.values[result] = View(view.memory, view.dtype, view.packed, view.base, view.offset, tuple(shape), tuple(strides))

    return step


@translates("memref.dim")
def _dim(t: Translator, op: Op) -> Step:
    source, which, result = t.slot(op.operands[0]), t.slot(op.operands[1]), t.slot(op.result)

    def step(batch: Batch) -> None:
        batch.values[result] = batch.values[source].sizes[batch.values[which]]

    return step


def _element(view: View, indices: list[Scalar]) -> View:
    """One element of a view, as a view of shape [1]."""
    offset = view.offset
    for index, stride in zip(indices, view.strides, strict=True):
        offset = offset + index * stride
    return View(view.memory, view.dtype, view.packed, view.base, offset, (1,), (1,))


@translates("memref.load")
def _load(t: Translator, op: Op) -> Step:
    source, result = t.slot(op.operands[0]), t.slot(op.result)
    indices, site = t.slots_of(op.operands[1:]), t.site(op, "load_scalar", "PIPE_S")

    def step(batch: Batch) -> None:
        view = _element(batch.values[source], [_known(op, batch.values[i]) for i in indices])
        if not batch.machine.functional:
            batch.perform(site, (view,), (False,), None)
            batch.values[result] = UNKNOWN
            return
        found = np.zeros((batch.count,), view.dtype)
        batch.perform(site, (view,), (False,), _nothing_to_compute)
        _gather(batch, view, found)
        wide = found.astype(np.int64) if found.dtype.kind in "iu" else found
        batch.values[result] = wide if batch.count > 1 else _plain(wide[0])

    return step


def _plain(value: Any) -> Scalar:
    return int(value) if value.dtype.kind in "iub" else value


def _nothing_to_compute(arrays: list[Array], scalars: list[Scalar], extras: list[Scalar], axes: int) -> None:
    """For instructions whose data moves elsewhere."""


def _gather(batch: Batch, view: View, found: Array) -> None:
    """Reads one element for each active lane; the others keep 0."""
    members = np.arange(batch.count) if batch.active is None else batch.active
    start = view.start
    starts = np.broadcast_to(np.asarray(start), (batch.count,))[members]
    memory = view.memory
    if not isinstance(memory, LocalMemory):
        found[members] = memory.array[starts]
        return
    item = view.dtype.itemsize
    for address in np.unique(starts):
        mine = members[starts == address]
        buffer, at = memory.locate(int(address))
        if view.packed:
            bit = int(np.asarray(view.offset).reshape(-1)[0]) % 8
            found[mine] = (buffer[mine, at] >> bit) & 1
        else:
            found[mine] = np.ascontiguousarray(buffer[mine, at : at + item]).view(view.dtype)[:, 0]


@translates("memref.store")
def _store(t: Translator, op: Op) -> Step:
    value, target = t.slot(op.operands[0]), t.slot(op.operands[1])
    indices, site = t.slots_of(op.operands[2:]), t.site(op, "store_scalar", "PIPE_S")

    def apply(arrays: list[Array], scalars: list[Scalar], extras: list[Scalar], axes: int) -> None:
        arrays[0][...] = scalars[0]

    def step(batch: Batch) -> None:
        view = _element(batch.values[target], [_known(op, batch.values[i]) for i in indices])
        given = batch.values[value]
        batch.perform(site, (view,), (True,), None if given is UNKNOWN else apply, (given,))

    return step


# Control


def _merge(condition: Scalar, then: Any, other: Any) -> Any:
    """Where a condition over lanes holds the one value, elsewhere the other; views merge field by field."""
    if not is_vector(condition):
        return then if condition else other
    if then is other:
        return then
    if isinstance(then, View) and isinstance(other, View):
        return View(
            then.memory,
            then.dtype,
            then.packed,
            _choose(condition, then.base, other.base),
            _choose(condition, then.offset, other.offset),
            tuple(_choose(condition, a, b) for a, b in zip(then.sizes, other.sizes, strict=True)),
            tuple(_choose(condition, a, b) for a, b in zip(then.strides, other.strides, strict=True)),
        )
    return _choose(condition, then, other)


def _choose(condition: Array, a: Scalar, b: Scalar) -> Scalar:
    if isinstance(a, int) and isinstance(b, int) and a == b:
        return a
    return la.select(condition, a, b)


def _run(steps: list[Step], batch: Batch) -> None:
    for step in steps:
        step(batch)


@translates("scf.if")
def _if(t: Translator, op: Op) -> Step:
    t.scalars += 1
    condition, results = t.slot(op.operands[0]), t.slots_of(op.results)
    sides: list[tuple[list[Step], list[int]]] = []
    for region in op.regions:
        if region.blocks:
            sides.append((t.block(region.blocks[0]), t.slots_of(region.blocks[0].terminator.operands)))
        else:
            sides.append(([], []))
    (then_steps, then_values), (else_steps, else_values) = sides if len(sides) == 2 else (sides[0], ([], []))

    def step(batch: Batch) -> None:
        values = batch.values
        holds = _known(op, values[condition])
        if is_vector(holds):
            mask = holds.astype(np.bool_)
            mine = mask if batch.active is None else mask[batch.active]
            if mine.all():
                holds = 1
            elif not mine.any():
                holds = 0
            else:
                diverge(batch, mask)
                return
        _run(then_steps if holds else else_steps, batch)
        for slot, value in zip(results, then_values if holds else else_values, strict=True):
            values[slot] = values[value]

    def diverge(batch: Batch, mask: Array) -> None:
        before = batch.active
        everyone = np.arange(batch.count) if before is None else before
        batch.active = everyone[mask[everyone]]
        _run(then_steps, batch)
        then = [batch.values[v] for v in then_values]
        batch.active = everyone[~mask[everyone]]
        _run(else_steps, batch)
        batch.active = before
        for slot, value, other in zip(results, then, else_values, strict=True):
            batch.values[slot] = _merge(mask, value, batch.values[other])

    return step


@translates("scf.for")
def _for(t: Translator, op: Op) -> Step:
    t.scalars += 1
    low, high, stride = t.slots_of(op.operands[:3])
    initial, results = t.slots_of(op.operands[3:]), t.slots_of(op.results)
    index, *carried = t.slots_of(op.body.arguments)
    t.scalars += 1
    steps = t.block(op.body)
    yielded = t.slots_of(op.body.terminator.operands)

    def step(batch: Batch) -> None:
        values = batch.values
        first, last, by = (la.uniform(_known(op, values[s])) for s in (low, high, stride))
        for slot, value in zip(carried, initial, strict=True):
            values[slot] = values[value]
        if isinstance(first, int) and isinstance(last, int) and isinstance(by, int):
            for i in range(first, last, max(1, by)):
                batch.machine.count(op)
                values[index] = i
                _run(steps, batch)
                for slot, value in zip(carried, [values[y] for y in yielded], strict=True):
                    values[slot] = value
        else:
            ragged(batch, first, last, by)
        for slot, value in zip(results, carried, strict=True):
            values[slot] = values[value]

    def ragged(batch: Batch, first: Scalar, last: Scalar, by: Scalar) -> None:
        """Lanes drop out as their loops end; what they carried stays."""
        values, before = batch.values, batch.active
        everyone = np.arange(batch.count) if before is None else before
        trips = np.broadcast_to(-((first - last) // by), (batch.count,))
        for trip in range(int(trips[everyone].max(initial=0))):
            batch.machine.count(op)
            alive = trips > trip
            full = bool(alive.all())
            batch.active = before if full else everyone[alive[everyone]]
            values[index] = first + trip * by
            _run(steps, batch)
            for slot, value in zip(carried, [values[y] for y in yielded], strict=True):
                values[slot] = value if full else _merge(alive, value, values[slot])
        batch.active = before

    return step


@translates("scf.while")
def _while(t: Translator, op: Op) -> Step:
    t.scalars += 1
    before_block, after_block = (region.blocks[0] for region in op.regions)
    initial, results = t.slots_of(op.operands), t.slots_of(op.results)
    before_arguments, after_arguments = t.slots_of(before_block.arguments), t.slots_of(after_block.arguments)
    before_steps = t.block(before_block)
    condition, *forwarded = t.slots_of(before_block.terminator.operands)
    after_steps = t.block(after_block)
    yielded = t.slots_of(after_block.terminator.operands)

    def step(batch: Batch) -> None:
        values, outer = batch.values, batch.active
        carried = [values[s] for s in initial]
        found: list[Any] = []
        alive = np.ones(batch.count, np.bool_)
        while True:
            batch.machine.count(op)
            for slot, value in zip(before_arguments, carried, strict=True):
                values[slot] = value
            _run(before_steps, batch)
            passed = [values[s] for s in forwarded]
            found = [_merge(alive, new, old) for new, old in zip(passed, found, strict=True)] if found else passed
            holds = _known(op, values[condition])
            alive = alive & np.asarray(holds).astype(np.bool_)
            members = np.arange(batch.count) if outer is None else outer
            members = members[alive[members]]
            if not len(members):
                break
            batch.active = None if len(members) == batch.count else members
            for slot, value in zip(after_arguments, passed, strict=True):
                values[slot] = value
            _run(after_steps, batch)
            carried = [_merge(alive, values[y], old) for y, old in zip(yielded, carried, strict=True)]
        batch.active = outer
        for slot, value in zip(results, found, strict=True):
            values[slot] = value

    return step


# Where buffers lie


def buffer_intervals(function: Op, capacity: dict[str, int]) -> dict[str, list[tuple[int, int]]]:
    """Byte ranges of the buffers of each on-chip space; the whole memory where an address is computed in a way not
    looked into.
    """
    found: dict[str, list[tuple[int, int]]] = {space: [] for space in capacity}
    for op in function.walk():
        if op.name != "hivm.hir.pointer_cast":
            continue
        type = op.result.type
        if not isinstance(type, MemRefType) or type.space not in found:
            continue
        addresses = _addresses(op.operands[0])
        if addresses is None or not type.is_static:
            found[type.space].append((0, capacity[type.space]))
            continue
        size = _bytes(type)
        found[type.space] += [(a, a + size) for a in addresses]
    return found


def _bytes(type: MemRefType) -> int:
    return -(-type.size // 8) if bit_width(type) == 1 else type.size * byte_width(type)


def _addresses(value: Value) -> set[int] | None:
    """Every number a value can be, through select and casts; None where that is not seen."""
    op = value.op
    if op is None:
        return None
    if op.name == "arith.constant":
        constant = op.attributes["value"]
        return {constant.value} if isinstance(constant, IntegerAttr) else None
    if op.name == "arith.select":
        sides = [_addresses(v) for v in op.operands[1:]]
        return sides[0] | sides[1] if sides[0] is not None and sides[1] is not None else None
    if op.name in ("arith.index_cast", "arith.extsi", "arith.extui", "arith.trunci"):
        return _addresses(op.operands[0])
    return None
