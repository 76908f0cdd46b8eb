"""Which dimensions of which tensors and views are one and the same, and which of them a loop may cut into tiles.

Every dimension of a tensor or view belongs to a class; ops tie the dimensions that run in step. A class that some op needs
whole (a sum along it, a reshape through it) cannot be cut; the op that blocks it is remembered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from compiler_core.analysis.units import MATMULS
from compiler_core.dialects.indices import Mixed, unpack
from compiler_core.dialects.linalg import dimensions_of, permutation_of
from compiler_core.dialects.tensor import groups_of
from compiler_core.ir import Op, Value, has_trait
from compiler_core.ir.types import DYNAMIC, MemRefType, ShapedType, TensorType

Dimension = tuple[Value, int]
"""A tensor or view, and which of its dimensions."""


@dataclass
class DimensionClass:
    """Dimensions that run in step. `size` is their static size, or None where it is only known at run time or differs."""

    members: list[Dimension]
    blockers: list[Op] = field(default_factory=list[Op])

    @property
    def size(self) -> int | None:
        sizes = {_shape(v)[d] for v, d in self.members} - {DYNAMIC}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def free(self) -> bool:
        return not self.blockers

    def position(self, value: Value) -> int | None:
        """Which dimension of `value` is in this class."""
        return next((d for v, d in self.members if v is value), None)


def _shape(value: Value) -> tuple[int, ...]:
    return value.type.shape if isinstance(value.type, ShapedType) else ()


def dimension_classes(function: Op) -> list[DimensionClass]:
    """All classes of a function, in order of first appearance."""
    ties = _Ties()
    for op in function.walk():
        if op is not function:
            ties.op(op)
    return ties.classes()


@dataclass
class _Ties:
    parent: dict[Dimension, Dimension] = field(default_factory=dict[Dimension, Dimension])
    blocked: list[tuple[Dimension, Op]] = field(default_factory=list[tuple[Dimension, Op]])

    def find(self, dimension: Dimension) -> Dimension:
        self.parent.setdefault(dimension, dimension)
        while self.parent[dimension] != dimension:
            dimension = self.parent[dimension]
        return dimension

    def tie(self, a: Dimension, b: Dimension) -> None:
        self.parent[self.find(b)] = self.find(a)

    def tie_all(self, values: Sequence[Value]) -> None:
        """Ties dimension by dimension the shaped values of one rank."""
        shaped = [v for v in values if _shape(v)]
        for other in shaped[1:]:
            for d in range(len(_shape(other))):
                self.tie((shaped[0], d), (other, d))

    def block(self, value: Value, op: Op, dimensions: Sequence[int] | None = None) -> None:
        for d in range(len(_shape(value))) if dimensions is None else dimensions:
            self.blocked.append(((value, d), op))

    def classes(self) -> list[DimensionClass]:
        found: dict[Dimension, DimensionClass] = {}
        for dimension in list(self.parent):
            found.setdefault(self.find(dimension), DimensionClass([])).members.append(dimension)
        for dimension, op in self.blocked:
            found[self.find(dimension)].blockers.append(op)
        return list(found.values())

    def op(self, op: Op) -> None:
        for value in [*op.results, *(a for r in op.regions for b in r.blocks for a in b.arguments)]:
            if isinstance(value.type, TensorType | MemRefType):
                for d in range(len(value.type.shape)):
                    self.find((value, d))
        rule = _RULES.get(op.name)
        if rule is not None:
            rule(self, op)
        elif has_trait(op, "elementwise"):
            self.tie_all([*op.operands, *op.results])
        elif not has_trait(op, "terminator"):
            for value in (*op.operands, *op.results):
                if isinstance(value.type, TensorType):
                    self.block(value, op)


def _nothing(ties: _Ties, op: Op) -> None:
    """A new tensor or view: its dimensions are tied to nothing yet."""


def _constant(ties: _Ties, op: Op) -> None:
    ties.block(op.result, op)


def _in_step(ties: _Ties, op: Op) -> None:
    ties.tie_all([*op.operands, *op.results])


def _pad(ties: _Ties, op: Op) -> None:
    """A pad runs in step with what it pads where it puts the valid part of a read back to its place."""
    source = op.operands[0]
    view = source.op.operands[0].op if source.op is not None and source.op.name == "bufferization.to_tensor" else None
    if view is not None and view.name == "memref.subview" and unpack(view, "offsets") == unpack(op, "low"):
        ties.tie_all([source, op.result])
    else:
        ties.block(source, op)
        ties.block(op.result, op)


def _to_tensor(ties: _Ties, op: Op) -> None:
    ties.tie_all([op.operands[0], op.result])
    view = op.operands[0].op
    if view is not None and view.name == "memref.subview" and any(user.name != "tensor.pad" for user in op.result.uses):
        ties.block(op.result, op)


def _subview(ties: _Ties, op: Op) -> None:
    ties.tie_all([op.operands[0], op.result])
    if any(step != 1 for step in unpack(op, "strides")):
        ties.block(op.result, op)


def _extract_slice(ties: _Ties, op: Op) -> None:
    """The valid part of what is stored runs in step; any other part has a place of its own."""
    source, result = op.operands[0], op.result
    ties.tie_all([source, result])
    if not all(_stored_in_place(op, user) for user in result.uses):
        ties.block(source, op)


def window(op: Op) -> tuple[list[Mixed], list[Mixed]]:
    """Offsets and sizes of a slice or subview."""
    return unpack(op, "offsets"), unpack(op, "sizes")


def _stored_in_place(part: Op, user: Op) -> bool:
    if user.name != "bufferization.materialize_in_destination":
        return False
    view = user.operands[1].op
    return view is not None and view.name == "memref.subview" and window(view) == window(part)


def _insert_slice(ties: _Ties, op: Op) -> None:
    """Dimensions that the part fills are in step; in the others it has a place of its own."""
    part, whole, result = op.operands[0], op.operands[1], op.result
    ties.tie_all([whole, result])
    offsets, sizes = window(op)
    if len(_shape(part)) != len(_shape(whole)):
        ties.block(part, op)
        ties.block(whole, op)
        return
    for d, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
        if offset == 0 and size == _shape(whole)[d]:
            ties.tie((whole, d), (part, d))
        else:
            ties.block(part, op, [d])
            ties.block(whole, op, [d])


def _broadcast(ties: _Ties, op: Op) -> None:
    source, out = op.operands
    ties.tie_all([out, op.result])
    kept = [d for d in range(len(_shape(out))) if d not in dimensions_of(op)]
    for s, d in enumerate(kept):
        ties.tie((out, d), (source, s))


def _transpose(ties: _Ties, op: Op) -> None:
    source, out = op.operands
    ties.tie_all([out, op.result])
    for d, s in enumerate(permutation_of(op)):
        ties.tie((out, d), (source, s))


def _reduce(ties: _Ties, op: Op) -> None:
    source, init = op.operands
    ties.tie_all([init, op.result])
    kept = [d for d in range(len(_shape(source))) if d not in dimensions_of(op)]
    for d, s in enumerate(kept):
        ties.tie((init, d), (source, s))
    ties.block(source, op, dimensions_of(op))


def _matmul(ties: _Ties, op: Op) -> None:
    a, b, c = op.operands
    ties.tie_all([c, op.result])
    batch = len(_shape(a)) - 2
    for d in range(batch):
        ties.tie((a, d), (b, d))
        ties.tie((a, d), (c, d))
    ties.tie((a, batch), (c, batch))
    ties.tie((b, batch + 1), (c, batch + 1))
    ties.tie((a, batch + 1), (b, batch))
    ties.block(a, op, [batch + 1])


def _fill(ties: _Ties, op: Op) -> None:
    ties.tie_all([op.operands[1], *op.results])


def _reshape(ties: _Ties, op: Op) -> None:
    """Only dimensions of size 1 may come and go beside a dimension that stays."""
    small, large = (op.result, op.operands[0]) if op.name == "tensor.collapse_shape" else (op.operands[0], op.result)
    for d, group in enumerate(groups_of(op)):
        moving = [g for g in group if _shape(large)[g] != 1]
        if len(moving) == 1:
            ties.tie((small, d), (large, moving[0]))
        else:
            ties.block(small, op, [d])
            ties.block(large, op, group)


def _for(ties: _Ties, op: Op) -> None:
    groups = zip(op.operands[3:], op.body.arguments[1:], op.results, op.body.terminator.operands, strict=True)
    for group in groups:
        ties.tie_all(group)


def _if(ties: _Ties, op: Op) -> None:
    for k, result in enumerate(op.results):
        ties.tie_all([result, *(r.blocks[0].terminator.operands[k] for r in op.regions)])


def _while(ties: _Ties, op: Op) -> None:
    before, after = (r.blocks[0] for r in op.regions)
    for group in zip(op.operands, before.arguments, after.terminator.operands, strict=True):
        ties.tie_all(group)
    for group in zip(before.terminator.operands[1:], after.arguments, op.results, strict=True):
        ties.tie_all(group)


_RULES: dict[str, Callable[[_Ties, Op], None]] = {
    "arith.constant": _constant,
    **dict.fromkeys(("tensor.empty", "tensor.splat", "tensor.generate", "memref.reinterpret_cast"), _nothing),
    **dict.fromkeys(("memref.load", "memref.store"), _nothing),
    "tensor.pad": _pad,
    "bufferization.to_tensor": _to_tensor,
    "bufferization.materialize_in_destination": _in_step,
    "memref.subview": _subview,
    "tensor.extract_slice": _extract_slice,
    "tensor.insert_slice": _insert_slice,
    "linalg.broadcast": _broadcast,
    "linalg.transpose": _transpose,
    "linalg.reduce": _reduce,
    **dict.fromkeys(MATMULS, _matmul),
    "linalg.fill": _fill,
    "tensor.expand_shape": _reshape,
    "tensor.collapse_shape": _reshape,
    "scf.for": _for,
    "scf.if": _if,
    "scf.while": _while,
}
"""How each op ties or blocks the dimensions of its values. Element-by-element ops tie all; ops not listed block all."""
