"""Element-by-element ops as vector instructions; functions without an instruction as short sequences of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compiler_core.dialects import hivm
from compiler_core.dialects.arith import predicate_of
from compiler_core.ir import Op
from compiler_core.ir.attributes import AttributeValue
from compiler_core.ir.types import IntegerType, TensorType, Type, bf16, bit_width, f16, f32, i1, i32, is_float
from compiler_core.passes.machine.tiles import (
    BLOCK_BYTES,
    Buffer,
    Emitter,
    Scalar,
    Spread,
    Tile,
    refuse,
    spread_dims,
)

Into = Buffer | None
"""Where a result must go, or None for a new buffer."""

BINARY = {
    "arith.addf": "vadd",
    "arith.addi": "vadd",
    "arith.subf": "vsub",
    "arith.subi": "vsub",
    "arith.mulf": "vmul",
    "arith.muli": "vmul",
    "arith.divf": "vdiv",
    "arith.divsi": "vdiv",
    "arith.maximumf": "vmax",
    "arith.maxnumf": "vmax",
    "arith.maxsi": "vmax",
    "arith.minimumf": "vmin",
    "arith.minnumf": "vmin",
    "arith.minsi": "vmin",
    "arith.andi": "vand",
    "arith.ori": "vor",
}
"""Ops that are one instruction on two operands."""
UNARY = {
    "math.exp": "vexp",
    "math.log": "vln",
    "math.absf": "vabs",
    "math.absi": "vabs",
    "math.sqrt": "vsqrt",
    "math.rsqrt": "vrsqrt",
}
SCALAR_SECOND = frozenset({"vadd", "vmul", "vmax", "vmin", "vdiv", "vshl", "vshr"})
COMMUTATIVE = frozenset({"vadd", "vmul", "vmax", "vmin"})
SPREADING = frozenset({"vadd", "vsub", "vmul", "vdiv", "vmax", "vmin"})
"""Instructions that repeat an operand's dimension of size 1 on the way."""

_SIGNED = {
    "eq": "eq",
    "ne": "ne",
    "slt": "lt",
    "sle": "le",
    "sgt": "gt",
    "sge": "ge",
    "oeq": "eq",
    "une": "ne",
    "olt": "lt",
    "ole": "le",
    "ogt": "gt",
    "oge": "ge",
}
_NEGATED = {"ult": "ge", "ule": "gt", "ugt": "le", "uge": "lt"}
"""Float comparisons true for nan: the negation of one that is false for nan."""


@dataclass(frozen=True)
class Vector:
    """Emits vector instructions on tiles of one shape."""

    emit: Emitter
    shape: tuple[int, ...]

    def type(self, element: Type) -> TensorType:
        return TensorType(self.shape, element)

    def whole(self, tile: Tile, element: Type) -> Buffer:
        """The tile in a buffer, all of it."""
        return self.emit.materialize(tile, self.type(element))

    def target(self, element: Type, into: Into, hint: str = "") -> Buffer:
        return into if into is not None else self.emit.new(self.shape, element, hint)

    def unary(self, name: str, source: Tile, element: Type, into: Into = None) -> Buffer:
        """One operand; `element` is the result's."""
        operand = self.whole(source, element) if isinstance(source, Scalar) else source
        buffer = operand if isinstance(operand, Buffer) else self.whole(operand, element)
        out = self.target(element, into)
        full = self.emit.full(Buffer(buffer.base, self.shape))
        hivm.vector(self.emit.builder, name, [full], self.emit.full(out))
        return out

    def binary(self, name: str, a: Tile, b: Tile, element: Type, into: Into = None) -> Tile:
        """Two operands of the result's element type; scalars and repeats are taken as the instruction allows."""
        if isinstance(a, Scalar) and name in COMMUTATIVE:
            a, b = b, a
        if name == "vsub" and isinstance(b, Scalar) and not isinstance(a, Scalar):
            return self.binary("vadd", a, Scalar(self._negated(b, element)), element, into)
        if isinstance(a, Scalar) and name not in ("vsub", "vdiv"):
            a = self.whole(a, element)
        if isinstance(b, Scalar) and name not in SCALAR_SECOND:
            b = self.whole(b, element)
        a, b = self._spread_one(name, a, b, element)
        operands, dims = self._operands(a, b, element)
        temp = self._scratch(name, a, b, element)
        out = self.target(element, into)
        hivm.vector(self.emit.builder, name, operands, self.emit.full(out), temp, dims)
        return out

    def _negated(self, scalar: Scalar, element: Type):
        assert scalar.value is not None
        if is_float(element):
            return self.emit.scalar("arith.negf", [scalar.value], element)
        return self.emit.scalar("arith.subi", [self.emit.constant(0, element), scalar.value], element)

    def _spread_one(self, name: str, a: Tile, b: Tile, element: Type) -> tuple[Tile, Tile]:
        """Repeats stay implicit only where the instruction can and the other operand has every element."""
        if isinstance(a, Spread) and (name not in SPREADING or not isinstance(b, Buffer)):
            a = self.whole(a, element)
        if isinstance(b, Spread) and (name not in SPREADING or not isinstance(a, Buffer)):
            b = self.whole(b, element)
        return a, b

    def _operands(self, a: Tile, b: Tile, element: Type):
        dims: tuple[int, ...] = ()
        values: list[hivm.Value] = []
        for tile in (a, b):
            if isinstance(tile, Scalar):
                assert tile.value is not None
                values.append(tile.value)
            elif isinstance(tile, Spread):
                dims = spread_dims(tile)
                values.append(self.emit.full(tile.buffer))
            else:
                buffer = self.whole(tile, element)
                values.append(self.emit.view(buffer.base, self.shape))
        return values, dims

    def _scratch(self, name: str, a: Tile, b: Tile, element: Type):
        """A block to hold a scalar that the instruction takes only as a vector; a block a row to repeat the last dimension."""
        if name in ("vsub", "vdiv") and (isinstance(a, Scalar) or isinstance(b, Scalar)):
            return self.emit.temporary(BLOCK_BYTES * 8 // bit_width(element), element)
        for tile in (a, b):
            if isinstance(tile, Spread) and tile.buffer.shape[-1] != self.shape[-1]:
                return self.emit.row_blocks(tile.buffer.shape, self.emit.full(tile.buffer).type)
        return None

    def number(self, value: float, element: Type) -> Scalar:
        return Scalar(self.emit.constant(value, element))

    def cast(self, source: Tile, old: Type, new: Type, mode: str = "rint", into: Into = None, sign: str = "signed") -> Buffer:
        """One vcast; `mode` is the rounding."""
        buffer = self.whole(source, old)
        out = self.target(new, into)
        attributes: dict[str, AttributeValue] = {
            "round_mode": hivm.enum_attribute("round_mode", mode),
            "cast": hivm.enum_attribute("cast", f"cast_{sign}"),
        }
        temp = None
        if old == i1:
            # three blocks, as the vendor sizes it
            temp = self.emit.temporary(3 * BLOCK_BYTES * 8 // bit_width(new), new)
        value = self.emit.view(buffer.base, self.shape)
        hivm.vector(self.emit.builder, "vcast", [value], self.emit.full(out), temp, attributes=attributes)
        return out

    def compare(self, mode: str, a: Tile, b: Tile, element: Type, into: Into = None) -> Buffer:
        """A bit for each element."""
        if isinstance(a, Scalar):
            swapped = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
            a, b, mode = b, a, swapped.get(mode, mode)
        first = self.whole(a, element)
        second = b.value if isinstance(b, Scalar) else self.emit.view(self.whole(b, element).base, self.shape)
        assert second is not None
        out = self.target(i1, into)
        operands = [self.emit.view(first.base, self.shape), second]
        attribute = hivm.enum_attribute("compare_mode", mode)
        hivm.vector(self.emit.builder, "vcmp", operands, self.emit.full(out), attributes={"compare_mode": attribute})
        return out

    def select(self, condition: Tile, a: Tile, b: Tile, element: Type, into: Into = None) -> Buffer:
        mask = self.whole(condition, i1)
        values = [self.emit.view(mask.base, self.shape)]
        if isinstance(a, Scalar) and isinstance(b, Scalar):
            a = self.whole(a, element)
        for tile in (a, b):
            if isinstance(tile, Scalar):
                assert tile.value is not None
                values.append(tile.value)
            else:
                values.append(self.emit.view(self.whole(tile, element).base, self.shape))
        out = self.target(element, into)
        hivm.vector(self.emit.builder, "vsel", values, self.emit.full(out))
        return out

    def invert(self, source: Tile, into: Into = None) -> Buffer:
        return self.unary("vnot", source, i1, into)


def lower_elementwise(emit: Emitter, op: Op, tiles: Sequence[Tile], into: Into) -> Tile:
    """The result of an elementwise arith or math op on tensors. Raises Refused where the machine has no way to do it."""
    type = op.results[0].type
    assert isinstance(type, TensorType)
    if all(isinstance(t, Scalar) for t in tiles) and into is None:
        return _scalar(emit, op, tiles, type.element)
    vector = Vector(emit, type.shape)
    element = type.element
    if element == bf16 and op.name in _WIDENED:
        return _in_f32(vector, op, tiles, into)
    if op.name in BINARY and not (element == i1 and op.name not in ("arith.andi", "arith.ori")):
        return vector.binary(BINARY[op.name], tiles[0], tiles[1], element, into)
    if op.name in UNARY:
        return vector.unary(UNARY[op.name], tiles[0], element, into)
    if op.name in ("arith.cmpi", "arith.cmpf"):
        return _compare(vector, op, tiles, into)
    if op.name == "arith.select":
        return _select(vector, op, tiles, into)
    if op.name in _CASTS:
        return _cast(vector, op, tiles[0], into)
    expansion = EXPANSIONS.get(op.name)
    if expansion is None:
        raise refuse(op, "machine-no-instruction", op=op.name.partition(".")[2], type=str(element))
    return expansion(vector, op, tiles, element, into)


def _scalar(emit: Emitter, op: Op, tiles: Sequence[Tile], element: Type) -> Scalar:
    """The same op on the scalars."""
    values = [t.value for t in tiles if isinstance(t, Scalar) and t.value is not None]
    if len(values) < len(tiles):
        return Scalar(None)
    made = emit.builder.op(op.name, values, [element], op.attributes, names=[op.results[0].name])
    return Scalar(made.result)


_WIDENED = frozenset({*BINARY, *UNARY, "arith.negf"}) - {"arith.andi", "arith.ori"}
"""Float ops whose instructions do not take bf16."""


def _in_f32(vector: Vector, op: Op, tiles: Sequence[Tile], into: Into) -> Tile:
    wide = [_widened(vector, t) for t in tiles]
    if op.name in BINARY:
        result = vector.binary(BINARY[op.name], wide[0], wide[1], f32)
    elif op.name in UNARY:
        result = vector.unary(UNARY[op.name], wide[0], f32)
    else:
        result = _negate(vector, op, wide, f32, None)
    return vector.cast(result, f32, bf16, into=into)


def _widened(vector: Vector, tile: Tile) -> Tile:
    if isinstance(tile, Scalar):
        return Scalar(vector.emit.scalar("arith.extf", [tile.value], f32) if tile.value is not None else None)
    return vector.cast(tile, bf16, f32)


def _compare(vector: Vector, op: Op, tiles: Sequence[Tile], into: Into) -> Tile:
    source = op.operands[0].type
    assert isinstance(source, TensorType)
    element = source.element
    predicate = predicate_of(op)
    a, b = tiles
    if element == i1:
        return _compare_bits(vector, op, predicate, a, b, into)
    if element == bf16:
        a, b, element = _widened(vector, a), _widened(vector, b), f32
    if predicate in _SIGNED:
        return vector.compare(_SIGNED[predicate], a, b, element, into)
    if op.name == "arith.cmpi":
        # unsigned order is signed order with the top bit flipped
        assert isinstance(element, IntegerType)
        flip = vector.number(-(1 << (element.width - 1)), element)
        a, b = (_flip(vector, t, element) if isinstance(t, Scalar) else vector.binary("vadd", t, flip, element) for t in (a, b))
        return vector.compare(_SIGNED["s" + predicate[1:]], a, b, element, into)
    if predicate in _NEGATED:
        return vector.invert(vector.compare(_NEGATED[predicate], a, b, element), into)
    if predicate in ("one", "ueq"):
        either = vector.binary("vor", vector.compare("lt", a, b, element), vector.compare("gt", a, b, element), i1)
        return either if predicate == "one" else vector.invert(either, into)
    if predicate in ("ord", "uno"):
        both = vector.binary("vand", vector.compare("eq", a, a, element), vector.compare("eq", b, b, element), i1)
        return both if predicate == "ord" else vector.invert(both, into)
    raise refuse(op, "machine-no-instruction", op=f"cmpf {predicate}", type=str(element))


def _flip(vector: Vector, tile: Scalar, element: Type) -> Scalar:
    assert tile.value is not None and isinstance(element, IntegerType)
    top = vector.emit.constant(-(1 << (element.width - 1)), element)
    return Scalar(vector.emit.scalar("arith.addi", [tile.value, top], element))


def _compare_bits(vector: Vector, op: Op, predicate: str, a: Tile, b: Tile, into: Into) -> Tile:
    different = _xor(vector, op, [a, b], i1, into if predicate == "ne" else None)
    if predicate == "ne":
        return different
    if predicate == "eq":
        return vector.invert(different, into)
    raise refuse(op, "machine-no-instruction", op=f"cmpi {predicate}", type="i1")


def _select(vector: Vector, op: Op, tiles: Sequence[Tile], into: Into) -> Tile:
    type = op.results[0].type
    assert isinstance(type, TensorType)
    condition, a, b = tiles
    if type.element == i1:
        mask = vector.whole(condition, i1)
        yes = vector.binary("vand", mask, a, i1)
        no = vector.binary("vand", vector.invert(mask), b, i1)
        return vector.binary("vor", yes, no, i1, into)
    return vector.select(condition, a, b, type.element, into)


_CASTS = {
    "arith.extf": "rint",
    "arith.truncf": "rint",
    "arith.sitofp": "rint",
    "arith.fptosi": "trunc",
    "arith.extsi": "rint",
    "arith.trunci": "truncwithoverflow",
    "arith.extui": "rint",
    "arith.uitofp": "rint",
    "arith.index_cast": "rint",
}
"""Conversions, with the rounding that MLIR asks for."""

_VIA = {
    ("i32", "f16"): (f32,),
    ("i64", "f16"): (f32,),
    ("i8", "f32"): (f16,),
    ("i8", "bf16"): (f16, f32),
    ("i32", "bf16"): (f32,),
    ("i64", "bf16"): (f32,),
    ("i16", "bf16"): (f32,),
    ("f16", "bf16"): (f32,),
    ("bf16", "f16"): (f32,),
    ("bf16", "i32"): (f32,),
    ("f32", "i8"): (f32, f16),
    ("bf16", "i8"): (f32, f32, f16),
    ("i8", "i64"): (i32,),
    ("i16", "i64"): (i32,),
    ("i1", "i64"): (i32,),
    ("i1", "bf16"): (f32,),
}
"""Conversions that the machine does in steps, all of them exact but the last; f32 to f32 drops the digits after the point."""


def _cast(vector: Vector, op: Op, tile: Tile, into: Into) -> Tile:
    old, new = op.operands[0].type, op.results[0].type
    assert isinstance(old, TensorType) and isinstance(new, TensorType)
    sign = "unsigned" if op.name in ("arith.extui", "arith.uitofp") and old.element != i1 else "signed"
    at: Type = old.element
    for step in _VIA.get((str(old.element), str(new.element)), ()):
        tile = vector.cast(tile, at, step, _mode(op, at, step), None, sign)
        at = step
    if at == new.element:
        return tile
    return vector.cast(tile, at, new.element, _mode(op, at, new.element), into, sign)


def _mode(op: Op, old: Type, new: Type) -> str:
    """Rounding of one step: what the op asks for where digits get lost, to nearest where they cannot."""
    if (is_float(old) and isinstance(new, IntegerType)) or (old == new and op.name == "arith.fptosi"):
        return "trunc"
    if isinstance(old, IntegerType) and isinstance(new, IntegerType) and new.width < old.width:
        return _CASTS["arith.trunci"]
    return "rint"


# Sequences


def _negate(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
    return vector.binary("vmul", tiles[0], vector.number(-1.0, element), element, into)


def _scaled_exp(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
    """2^x = e^(x·ln 2)."""
    return vector.unary("vexp", vector.binary("vmul", tiles[0], vector.number(math.log(2), element), element), element, into)


def _scaled_log(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
    """log2 x = ln x / ln 2."""
    return vector.binary("vmul", vector.unary("vln", tiles[0], element), vector.number(1 / math.log(2), element), element, into)


def _fused(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
    return vector.binary("vadd", vector.binary("vmul", tiles[0], tiles[1], element), tiles[2], element, into)


def _remainder(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
    """a − (a / b)·b."""
    a = vector.whole(tiles[0], element)
    quotient = vector.binary("vdiv", a, tiles[1], element)
    return vector.binary("vsub", a, vector.binary("vmul", quotient, tiles[1], element), element, into)


def _xor(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
    """(a or b) and not (a and b)."""
    a, b = (vector.whole(t, element) for t in tiles)
    neither = vector.unary("vnot", vector.binary("vand", a, b, element), element)
    return vector.binary("vand", vector.binary("vor", a, b, element), neither, element, into)


def _shift(name: str) -> "Expansion":
    def shift(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
        a, b = tiles
        if not isinstance(b, Scalar) or b.value is None:
            raise refuse(op, "machine-no-instruction", op=op.name.partition(".")[2] + " by a vector", type=str(element))
        out = vector.target(element, into)
        source = vector.emit.view(vector.whole(a, element).base, vector.shape)
        attributes: dict[str, AttributeValue] = {"round": False} if name == "vshr" else {}
        hivm.vector(vector.emit.builder, name, [source, b.value], vector.emit.full(out), attributes=attributes)
        return out

    return shift


def _round(mode: str) -> "Expansion":
    def rounded(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
        if element == f32:
            return vector.cast(tiles[0], f32, f32, mode, into)
        wide = vector.cast(vector.cast(tiles[0], element, f32), f32, f32, mode)
        return vector.cast(wide, f32, element, into=into)

    return rounded


def _wide(compute: Callable[[Vector, Tile], Tile]) -> "Expansion":
    """A function that is computed in f32, whatever the element type is."""

    def expansion(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
        x = tiles[0] if element == f32 else vector.cast(tiles[0], element, f32)
        result = compute(vector, vector.whole(x, f32))
        if element != f32:
            return vector.cast(result, f32, element, into=into)
        return result if into is None else vector.binary("vadd", result, vector.number(0.0, f32), f32, into)

    return expansion


def _polynomial(vector: Vector, x: Tile, coefficients: Sequence[float]) -> Tile:
    """Horner's rule, highest power first."""
    value = vector.binary("vmul", x, vector.number(coefficients[0], f32), f32)
    for coefficient in coefficients[1:-1]:
        value = vector.binary("vadd", value, vector.number(coefficient, f32), f32)
        value = vector.binary("vmul", value, x, f32)
    return vector.binary("vadd", value, vector.number(coefficients[-1], f32), f32)


def _tanh(vector: Vector, x: Tile) -> Tile:
    """1 − 2 / (e^2x + 1); e^2x may overflow to infinity, which gives 1 as it should."""
    power = vector.unary("vexp", vector.binary("vmul", x, vector.number(2.0, f32), f32), f32)
    inverse = vector.binary("vdiv", vector.number(-2.0, f32), vector.binary("vadd", power, vector.number(1.0, f32), f32), f32)
    return vector.binary("vadd", inverse, vector.number(1.0, f32), f32)


ERF_NUMERATOR = (0.00022905065861350646, 0.0034082910107109506, 0.050955695062380861, 0.18520832239976145, 1.128379143519084)
ERF_DENOMINATOR = (
    *(-1.1791602954361697e-7, 0.000023547966471313185, 0.0010179625278914885, 0.014070470171167667),
    *(0.11098505178285362, 0.49746925110067538, 1.0),
)
ERF_LIMIT = 3.832506856900711
"""erf x ≈ x·P(x²)/Q(x²) on [-3.8325, 3.8325], ±1 beyond: the single-precision rational minimax of the Eigen library."""


def _erf(vector: Vector, x: Tile) -> Tile:
    near = vector.binary("vmax", x, vector.number(-ERF_LIMIT, f32), f32)
    near = vector.binary("vmin", near, vector.number(ERF_LIMIT, f32), f32)
    square = vector.binary("vmul", near, near, f32)
    numerator = vector.binary("vmul", near, _polynomial(vector, square, ERF_NUMERATOR), f32)
    return vector.binary("vdiv", numerator, _polynomial(vector, square, ERF_DENOMINATOR), f32)


SINE = (-2.3889859e-8, 2.7525562e-6, -1.9840874e-4, 8.3333310e-3, -1.6666667e-1, 1.0)
"""sin r ≈ r·P(r²) on [-π/2, π/2]: Abramowitz and Stegun 4.3.97, error 2e-9."""
PI_PARTS = (3.140625, 0.0009676535897)
"""π in two parts, the first exact in 11 bits (Cody and Waite's reduction)."""


def _sine(phase: float) -> Callable[[Vector, Tile], Tile]:
    """sin(x + phase·π) by r = x − k·π + phase·π with integer k, and the sign of (−1)^k."""

    def sine(vector: Vector, x: Tile) -> Tile:
        turns = vector.binary("vmul", x, vector.number(1 / math.pi, f32), f32)
        turns = vector.binary("vadd", turns, vector.number(phase, f32), f32)
        count = vector.cast(turns, f32, f32, "rint")
        rest: Tile = x
        back = vector.binary("vadd", count, vector.number(-phase, f32), f32)
        for part in PI_PARTS:
            rest = vector.binary("vsub", rest, vector.binary("vmul", back, vector.number(part, f32), f32), f32)
        value = vector.binary("vmul", rest, _polynomial(vector, vector.binary("vmul", rest, rest, f32), SINE), f32)
        half = vector.binary("vmul", count, vector.number(0.5, f32), f32)
        odd = vector.binary("vsub", half, vector.cast(half, f32, f32, "floor"), f32)
        sign = vector.binary("vadd", vector.binary("vmul", odd, vector.number(-4.0, f32), f32), vector.number(1.0, f32), f32)
        return vector.binary("vmul", value, sign, f32)

    return sine


def _power(vector: Vector, op: Op, tiles: Sequence[Tile], element: Type, into: Into) -> Tile:
    """e^(y·ln x), for x ≥ 0."""
    log = vector.unary("vln", tiles[0], element)
    return vector.unary("vexp", vector.binary("vmul", log, tiles[1], element), element, into)


Expansion = Callable[[Vector, Op, Sequence[Tile], Type, Into], Tile]

EXPANSIONS: dict[str, Expansion] = {
    "arith.negf": _negate,
    "arith.remsi": _remainder,
    "arith.xori": _xor,
    "arith.shli": _shift("vshl"),
    "arith.shrsi": _shift("vshr"),
    "math.exp2": _scaled_exp,
    "math.log2": _scaled_log,
    "math.fma": _fused,
    "math.floor": _round("floor"),
    "math.ceil": _round("ceil"),
    "math.tanh": _wide(_tanh),
    "math.erf": _wide(_erf),
    "math.sin": _wide(_sine(0.0)),
    "math.cos": _wide(_sine(0.5)),
    "math.powf": _power,
}
