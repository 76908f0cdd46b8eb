"""What integer, pointer and mask tensors of a kernel say about memory: affine in each dimension, or bounded in each dimension.

An address tensor is a sum over dimensions, each term depending on that dimension's index alone; a mask is a rectangle. The
scalars in these facts are values of type index (or constants), emitted next to the op they describe. Offsets are taken as
mathematical integers: a kernel whose address arithmetic overflows is outside the language.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from compiler_core.dialects.arith import predicate_of, splat
from compiler_core.dialects.index_math import (
    add,
    as_value,
    larger,
    multiply,
    positive,
    quotient,
    quotient_up,
    remainder,
    smaller,
    subtract,
)
from compiler_core.dialects.indices import Mixed
from compiler_core.dialects.tensor import reassociation
from compiler_core.dialects.tt import axis_of
from compiler_core.ir import Builder, DenseArrayAttr, IntegerAttr, Op, Value
from compiler_core.ir.rewriter import constant_of
from compiler_core.ir.types import IntegerType, ShapedType, TensorType, element_of


@dataclass(frozen=True)
class Wrap:
    """scale · ((start + i) mod modulus) for index i of the dimension; start is not negative."""

    start: Mixed
    modulus: Mixed
    scale: Mixed = 1


Term = Mixed | Wrap
"""What one dimension adds: a stride times the index, or a wrapped index. Dimensions of size 1 add stride 0."""


@dataclass(frozen=True)
class Affine:
    """The integer at index (i, j, …) is base + term₀(i) + term₁(j) + …"""

    shape: tuple[int, ...]
    base: Mixed
    terms: tuple[Term, ...]

    @property
    def uniform(self) -> bool:
        return all(isinstance(t, int) and t == 0 for t in self.terms)


@dataclass(frozen=True)
class Pointer:
    """Addresses `offset` elements into a flat buffer."""

    buffer: Value
    offset: Affine


@dataclass(frozen=True)
class Bounds:
    """True where low ≤ index < high in every dimension, and every scalar in `when` (i1) holds."""

    shape: tuple[int, ...]
    low: tuple[Mixed, ...]
    high: tuple[Mixed, ...]
    when: tuple[Value, ...] = ()

    @staticmethod
    def everything(shape: tuple[int, ...]) -> "Bounds":
        return Bounds(shape, (0,) * len(shape), shape)


Fact = Affine | Pointer | Bounds
Facts = Callable[[Value], Fact | None]


def shape_of(value: Value) -> tuple[int, ...]:
    return value.type.shape if isinstance(value.type, ShapedType) else ()


def uniform(shape: tuple[int, ...], base: Mixed) -> Affine:
    return Affine(shape, base, (0,) * len(shape))


def derive(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    """The fact of an op's result from its operands' facts; scalars it needs are built. None where there is nothing to say."""
    transfer = _TRANSFER.get(op.name)
    return transfer(builder, op, facts) if transfer is not None else None


def _constant(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    number = splat(constant_of(op.result))
    element = element_of(op.result.type)
    shape = shape_of(op.result)
    if number is None or not isinstance(element, IntegerType):
        return None
    if element.width == 1:
        return Bounds.everything(shape) if number else None
    return uniform(shape, int(number))


def _range(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    start = op.get("start", IntegerAttr)
    return Affine(shape_of(op.result), start.value if start else 0, (1,)) if shape_of(op.result) != (1,) else None


def _splat(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    shape = shape_of(op.result)
    match facts(op.operands[0]):
        case Affine(base=base):
            return uniform(shape, base)
        case Pointer(buffer=buffer, offset=offset):
            return Pointer(buffer, uniform(shape, offset.base))
        case Bounds(when=when):
            return replace(Bounds.everything(shape), when=when)
        case None:
            return None


Reshape = Callable[[tuple[int, ...]], tuple[int, ...]]


def _dimensions(fact: Fact, shape: tuple[int, ...], source: list[int | None]) -> Fact | None:
    """The fact of a tensor whose dimension d is dimension source[d] of the old one, or new (of any size, adding nothing)."""
    match fact:
        case Affine(base=base, terms=terms):
            return Affine(shape, base, tuple(0 if s is None else terms[s] for s in source))
        case Pointer(buffer=buffer, offset=offset):
            moved = _dimensions(offset, shape, source)
            return Pointer(buffer, moved) if isinstance(moved, Affine) else None
        case Bounds(low=low, high=high, when=when):
            lows = tuple(0 if s is None else low[s] for s in source)
            highs = tuple(size if s is None else high[s] for s, size in zip(source, shape, strict=True))
            return Bounds(shape, lows, highs, when)


def _expand_dims(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    fact = facts(op.operands[0])
    source: list[int | None] = list(range(len(shape_of(op.operands[0]))))
    source.insert(axis_of(op), None)
    return _dimensions(fact, shape_of(op.result), source) if fact else None


def _broadcast(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    fact = facts(op.operands[0])
    before, after = shape_of(op.operands[0]), shape_of(op.result)
    if isinstance(fact, Bounds):
        fact = _unit_bounds_to_conditions(builder, fact)
    source = [None if a != b else d for d, (a, b) in enumerate(zip(before, after, strict=True))]
    return _dimensions(fact, after, source) if fact else None


def _unit_bounds_to_conditions(builder: Builder, bounds: Bounds) -> Bounds:
    """Dimensions of size 1 that are bounded: whether index 0 is inside becomes a scalar condition."""
    low, high, when = list(bounds.low), list(bounds.high), list(bounds.when)
    for d, size in enumerate(bounds.shape):
        if size != 1 or (low[d] == 0 and high[d] == 1):
            continue
        inside = smaller(builder, high[d], subtract(builder, 1, low[d]))
        when.append(positive(builder, inside))
        low[d], high[d] = 0, 1
    return Bounds(bounds.shape, tuple(low), tuple(high), tuple(when))


def _trans(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    fact = facts(op.operands[0])
    order = op.get("order", DenseArrayAttr)
    return _dimensions(fact, shape_of(op.result), list(order.values)) if fact and order else None


def _reshape(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    """Splits of dimensions, and dimensions of size 1 that come or go."""
    fact = facts(op.operands[0])
    before, after = shape_of(op.operands[0]), shape_of(op.result)
    if fact is None:
        return None
    if [s for s in before if s != 1] == [s for s in after if s != 1]:
        kept = iter([d for d, s in enumerate(before) if s != 1])
        return _dimensions(fact, after, [None if s == 1 else next(kept) for s in after])
    try:
        groups = reassociation(before, after)
    except ValueError:
        return None
    if isinstance(fact, Pointer):
        split = _split(builder, fact.offset, after, groups)
        return Pointer(fact.buffer, split) if split else None
    return _split(builder, fact, after, groups) if isinstance(fact, Affine) else None


def _split(builder: Builder, fact: Affine, shape: tuple[int, ...], groups: list[list[int]]) -> Affine | None:
    terms: list[Term] = [0] * len(shape)
    for term, group in zip(fact.terms, groups, strict=True):
        if isinstance(term, Wrap):
            return None
        step = 1
        for d in reversed(group):
            terms[d] = multiply(builder, term, step) if shape[d] != 1 else 0
            step *= shape[d]
    return Affine(shape, fact.base, tuple(terms))


def _sum(builder: Builder, a: Affine, b: Affine, sign: int, hint: str) -> Affine | None:
    combine = add if sign > 0 else subtract
    terms: list[Term] = []
    for x, y in zip(a.terms, b.terms, strict=True):
        if isinstance(x, Wrap) or isinstance(y, Wrap):
            if y == 0:
                terms.append(x)
            elif x == 0 and sign > 0:
                terms.append(y)
            else:
                return None
        else:
            terms.append(combine(builder, x, y, hint))
    return Affine(a.shape, combine(builder, a.base, b.base, hint), tuple(terms))


def _scaled(builder: Builder, a: Affine, factor: Mixed, hint: str) -> Affine:
    def scale(term: Term) -> Term:
        if isinstance(term, Wrap):
            return replace(term, scale=multiply(builder, term.scale, factor, hint))
        return multiply(builder, term, factor, hint)

    return Affine(a.shape, multiply(builder, a.base, factor, hint), tuple(scale(t) for t in a.terms))


def _integers(op: Op, facts: Facts) -> tuple[Affine, Affine] | None:
    a, b = (facts(v) for v in op.operands)
    return (a, b) if isinstance(a, Affine) and isinstance(b, Affine) else None


def _arithmetic(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    pair = _integers(op, facts)
    if pair is None:
        return None
    a, b = pair
    hint = op.result.name
    match op.name:
        case "arith.addi":
            return _sum(builder, a, b, 1, hint)
        case "arith.subi":
            return _sum(builder, a, b, -1, hint)
        case "arith.muli":
            if not b.uniform:
                a, b = b, a
            return _scaled(builder, a, b.base, hint) if b.uniform else None
        case "arith.remsi" if not a.uniform:
            return _wrapped(a, b)
        case _ if a.uniform and b.uniform:
            # C's division and index's floor division agree on the non-negative numbers that addresses are made of
            build = {"arith.divsi": quotient, "arith.remsi": remainder, "arith.minsi": smaller, "arith.maxsi": larger}[op.name]
            return uniform(a.shape, build(builder, a.base, b.base, hint))
        case _:
            return None


def _wrapped(a: Affine, b: Affine) -> Affine | None:
    """(base + i) mod m, in one dimension."""
    moving = [d for d, t in enumerate(a.terms) if not (isinstance(t, int) and t == 0)]
    if not b.uniform or len(moving) != 1 or a.terms[moving[0]] != 1:
        return None
    terms: list[Term] = [0] * len(a.shape)
    terms[moving[0]] = Wrap(a.base, b.base)
    return Affine(a.shape, 0, tuple(terms))


def _same(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    fact = facts(op.operands[0])
    return fact if isinstance(fact, Affine) else None


def _addptr(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    pointer, offset = (facts(v) for v in op.operands)
    if not isinstance(pointer, Pointer) or not isinstance(offset, Affine):
        return None
    total = _sum(builder, pointer.offset, offset, 1, op.result.name)
    return Pointer(pointer.buffer, total) if total else None


def _and(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    a, b = (facts(v) for v in op.operands)
    if not isinstance(a, Bounds) or not isinstance(b, Bounds):
        return None
    low = tuple(x if y == 0 else y if x == 0 else larger(builder, x, y) for x, y in zip(a.low, b.low, strict=True))
    pairs = zip(a.high, b.high, a.shape, strict=True)
    high = tuple(x if y == size else y if x == size else smaller(builder, x, y) for x, y, size in pairs)
    return Bounds(a.shape, low, high, tuple(dict.fromkeys((*a.when, *b.when))))


def _compare(builder: Builder, op: Op, facts: Facts) -> Fact | None:
    pair = _integers(op, facts)
    if pair is None or not isinstance(op.result.type, TensorType):
        return None
    a, b = pair
    match predicate_of(op):
        case "slt":
            return _positive(builder, b, a, 0)
        case "sle":
            return _positive(builder, b, a, 1)
        case "sgt":
            return _positive(builder, a, b, 0)
        case "sge":
            return _positive(builder, a, b, 1)
        case _:
            return None


def _positive(builder: Builder, a: Affine, b: Affine, slack: int) -> Bounds | None:
    """Where a - b + slack > 0: a rectangle as long as the difference moves with a constant stride in one dimension at most."""
    difference = _sum(builder, a, b, -1, "")
    if difference is None:
        return None
    moving = [d for d, t in enumerate(difference.terms) if not (isinstance(t, int) and t == 0)]
    base = add(builder, difference.base, slack)
    everything = Bounds.everything(a.shape)
    if not moving:
        if isinstance(base, int):
            return everything if base > 0 else replace(everything, high=(0,) * len(a.shape))
        return replace(everything, when=(positive(builder, base),))
    (d, *others) = moving
    stride = difference.terms[d]
    if others or not isinstance(stride, int):
        return None
    if stride < 0:
        bound = quotient_up(builder, base, -stride)
        return replace(everything, high=(*everything.high[:d], bound, *everything.high[d + 1 :]))
    bound = add(builder, quotient(builder, subtract(builder, 0, base), stride), 1)
    return replace(everything, low=(*everything.low[:d], bound, *everything.low[d + 1 :]))


_TRANSFER: dict[str, Callable[[Builder, Op, Facts], Fact | None]] = {
    "arith.constant": _constant,
    "tt.make_range": _range,
    "tt.splat": _splat,
    "tt.expand_dims": _expand_dims,
    "tt.broadcast": _broadcast,
    "tt.trans": _trans,
    "tt.reshape": _reshape,
    "tt.addptr": _addptr,
    "arith.andi": _and,
    "arith.cmpi": _compare,
    **dict.fromkeys(("arith.extsi", "arith.extui", "arith.trunci", "arith.index_cast"), _same),
    **dict.fromkeys(
        ("arith.addi", "arith.subi", "arith.muli", "arith.divsi", "arith.remsi", "arith.minsi", "arith.maxsi"), _arithmetic
    ),
}


def advances(value: Value, roots: set[Value]) -> bool:
    """Whether `value` is one of `roots` moved by the same amount in every element, so that its terms are theirs."""
    if value in roots:
        return True
    op = value.op
    if op is None:
        return False
    if op.name in ("tt.addptr", "arith.addi"):
        a, b = op.operands
        return (advances(a, roots) and is_uniform(b)) or (op.name == "arith.addi" and advances(b, roots) and is_uniform(a))
    if op.name == "arith.subi":
        return advances(op.operands[0], roots) and is_uniform(op.operands[1])
    if op.name == "scf.for":
        inner = op.body.arguments[1 + value.index]
        return advances(op.operands[3 + value.index], roots) and advances(op.body.terminator.operands[value.index], {inner})
    if op.name == "scf.if":
        return all(advances(region.blocks[0].terminator.operands[value.index], roots) for region in op.regions)
    return False


def is_uniform(value: Value) -> bool:
    """Whether every element is the same, by how the tensor is made."""
    if not isinstance(value.type, ShapedType):
        return True
    op = value.op
    if op is None:
        return False
    if op.name == "arith.constant":
        return splat(constant_of(value)) is not None
    if op.name in ("tt.splat", "tensor.splat"):
        return True
    through = (
        "tt.broadcast",
        "tt.expand_dims",
        "tt.reshape",
        "arith.addi",
        "arith.subi",
        "arith.muli",
        "arith.extsi",
        "arith.trunci",
    )
    return op.name in through and all(is_uniform(v) for v in op.operands)


def base_value(builder: Builder, fact: Affine | Pointer) -> Value:
    """The scalar start, as a value."""
    return as_value(builder, fact.offset.base if isinstance(fact, Pointer) else fact.base)


def with_base(fact: Affine | Pointer, base: Mixed) -> Affine | Pointer:
    """The same terms from another start."""
    if isinstance(fact, Pointer):
        return Pointer(fact.buffer, replace(fact.offset, base=base))
    return replace(fact, base=base)


def holds(builder: Builder, when: tuple[Value, ...]) -> Value | None:
    """All conditions as one i1; None without any."""
    result: Value | None = None
    for condition in when:
        result = condition if result is None else builder.value("arith.andi", [result, condition], condition.type)
    return result
