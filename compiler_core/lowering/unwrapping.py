"""Rows that wrap around only to stay inside a matrix (`(pid * BLOCK + tl.arange(0, BLOCK)) % M`) are masked instead of wrapped.

That is the same where nothing that comes of the wrapped rows is stored: then the load may as well read nothing there, and what
remains is one rectangle. The proof follows the loaded tensor to every store and finds the mask `rows < M` there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from compiler_core.analysis.equivalence import equivalent
from compiler_core.dialects.arith import compare, constant, predicate_of
from compiler_core.dialects.tt import axis_of, mask_of, other_of
from compiler_core.ir import Builder, DenseArrayAttr, IntegerAttr, Op, Value, has_trait
from compiler_core.ir.types import IntegerType, TensorType, element_of, i32
from compiler_core.lowering.values import zero


def unwrap_rows(function: Op) -> None:
    """Rewrites, at the tt stage, each such remainder and the loads that it leads to."""
    for op in list(function.walk()):
        if op.name == "arith.remsi" and isinstance(op.result.type, TensorType) and op.result.type.rank == 1:
            modulus = _scalar_of(op.operands[1])
            if modulus is not None:
                _unwrap(op, modulus)


def _unwrap(op: Op, modulus: Value) -> None:
    rows = op.operands[0]
    reach = _Reach()
    if not reach.addresses(op.result, 0):
        return
    demand = _Demand(rows, modulus)
    if not reach.loads or not all(demand.is_hidden(load.result, d) for load, d in reach.loads.items()):
        return
    for load, d in reach.loads.items():
        _mask(load, d, rows, modulus)
    op.replace_with(rows)


def _scalar_of(value: Value) -> Value | None:
    """The scalar of a splat."""
    return value.op.operands[0] if value.op is not None and value.op.name == "tt.splat" else None


def _moved(user: Op, d: int) -> int | None:
    """Where dimension d of an operand is in the result of an op that moves dimensions; None where it is lost."""
    if user.name == "tt.expand_dims":
        return d + (axis_of(user) <= d)
    if user.name == "tt.trans":
        order = user.attributes["order"]
        assert isinstance(order, DenseArrayAttr)
        return order.values.index(d)
    if user.name == "tt.broadcast" or has_trait(user, "elementwise"):
        return d
    return None


@dataclass
class _Reach:
    """The loads whose addresses an index goes into, each with the dimension that follows it."""

    loads: dict[Op, int] = field(default_factory=dict[Op, int])
    seen: set[Value] = field(default_factory=set[Value])

    def addresses(self, value: Value, d: int) -> bool:
        """Whether the value leads to addresses of loads only."""
        if value in self.seen:
            return True
        self.seen.add(value)
        return all(self.use(user, value, d) for user in value.uses)

    def use(self, user: Op, value: Value, d: int) -> bool:
        if user.name == "tt.load":
            self.loads[user] = d
            return user.operands[0] is value and list(user.operands).count(value) == 1
        if user.name in ("tt.addptr", "arith.addi", "arith.muli", "tt.expand_dims", "tt.broadcast", "arith.extsi", "tt.trans"):
            after = _moved(user, d)
            return after is not None and self.addresses(user.result, after)
        return _through_loop(user, value, lambda carried: self.addresses(carried, d))


def _through_loop(user: Op, value: Value, follow: Callable[[Value], bool]) -> bool:
    """Follows a value that a scf.for starts from or yields; False for any other use."""
    loop = user if user.name == "scf.for" else user.parent_op if user.name == "scf.yield" else None
    if loop is None or loop.name != "scf.for":
        return False
    first = 3 if user is loop else 0
    positions = [k - first for k, operand in enumerate(user.operands) if operand is value]
    return all(k >= 0 and follow(loop.body.arguments[1 + k]) and follow(loop.results[k]) for k in positions)


@dataclass
class _Demand:
    """Whether what is computed from rows at or beyond the modulus is ever stored."""

    rows: Value
    modulus: Value
    seen: set[tuple[Value, int]] = field(default_factory=set[tuple[Value, int]])

    def is_hidden(self, value: Value, d: int) -> bool:
        """Whether elements of `value` whose row (dimension d) is beyond the modulus reach no store."""
        if (value, d) in self.seen:
            return True
        self.seen.add((value, d))
        return all(self.use(user, value, d) for user in value.uses)

    def use(self, user: Op, value: Value, d: int) -> bool:
        if user.name == "tt.store":
            mask = mask_of(user)
            return user.operands[1] is value and mask is not value and mask is not None and self.masks(mask, d)
        if user.name == "tt.dot":
            a, b, c = user.operands
            rank = len(_shape(value))
            rows_of_a = a is not value or d == rank - 2
            columns_of_b = b is not value or d == rank - 1
            both = sum(v is value for v in (a, b, c)) > 1
            return not both and rows_of_a and columns_of_b and self.is_hidden(user.result, d)
        if user.name == "tt.reduce":
            left = d - (axis_of(user) < d)
            return axis_of(user) != d and all(self.is_hidden(r, left) for r in user.results if _shape(r))
        after = _moved(user, d) if has_trait(user, "pure") and user.dialect != "scf" and len(user.results) == 1 else None
        if after is not None and _shape(value)[d] == _shape(user.result)[after]:
            return self.is_hidden(user.result, after)
        return _through_loop(user, value, lambda carried: self.is_hidden(carried, d))

    def masks(self, mask: Value, d: int) -> bool:
        """Whether the mask lets only rows below the modulus through, along dimension d."""
        op = mask.op
        if op is None:
            return False
        if op.name == "arith.andi":
            return any(self.masks(v, d) for v in op.operands)
        if op.name == "tt.broadcast":
            return _shape(op.operands[0])[d] == _shape(mask)[d] and self.masks(op.operands[0], d)
        if op.name == "tt.expand_dims":
            axis = axis_of(op)
            return axis != d and self.masks(op.operands[0], d - (axis < d))
        if op.name == "arith.cmpi" and predicate_of(op) in ("slt", "sgt"):
            low, high = op.operands if predicate_of(op) == "slt" else reversed(op.operands)
            return self.is_rows(low, d) and self.is_modulus(high)
        return False

    def is_rows(self, value: Value, d: int) -> bool:
        op = value.op
        if _shape(value) == _shape(self.rows) and d == 0:
            return equivalent(value, self.rows)
        if op is not None and op.name == "tt.expand_dims":
            axis = axis_of(op)
            return axis != d and self.is_rows(op.operands[0], d - (axis < d))
        if op is not None and op.name == "tt.broadcast":
            return _shape(op.operands[0])[d] == _shape(value)[d] and self.is_rows(op.operands[0], d)
        return False

    def is_modulus(self, value: Value) -> bool:
        scalar = _scalar_of(value)
        if scalar is not None:
            return equivalent(scalar, self.modulus)
        op = value.op
        return op is not None and op.name in ("tt.expand_dims", "tt.broadcast") and self.is_modulus(op.operands[0])


def _shape(value: Value) -> tuple[int, ...]:
    return value.type.shape if isinstance(value.type, TensorType) else ()


def _mask(load: Op, d: int, rows: Value, modulus: Value) -> None:
    """Adds `rows < modulus`, along dimension d, to a load's mask."""
    builder = Builder.before(load)
    shape = _shape(load.result)
    assert isinstance(rows.type, TensorType)
    limit = builder.value("tt.splat", [modulus], rows.type, hint=modulus.name)
    inside = compare(builder, "slt", rows, limit, "inside")
    for axis in range(len(shape)):
        if axis != d:
            before = _shape(inside)
            type = TensorType((*before[:axis], 1, *before[axis:]), IntegerType(1))
            inside = builder.value("tt.expand_dims", [inside], type, {"axis": IntegerAttr(axis, i32)}, "inside")
    inside = builder.value("tt.broadcast", [inside], TensorType(shape, IntegerType(1)), hint="inside")
    mask, other = mask_of(load), other_of(load)
    if mask is not None:
        inside = builder.value("arith.andi", [mask, inside], inside.type, hint="inside")
    if other is None:
        other = constant(builder, zero(element_of(load.result.type)), load.result.type)
    load.operands = [load.operands[0], inside, other]
    load.attributes["operandSegmentSizes"] = DenseArrayAttr((1, 1, 1), i32)
