"""Cutting a kernel along a dimension: what computes its stores moves into a loop over tiles of that dimension."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler_core.analysis.dimensions import DimensionClass
from compiler_core.analysis.equivalence import equivalent
from compiler_core.dialects.arith import constant
from compiler_core.dialects.index_math import add, clamp, multiply, subtract
from compiler_core.dialects.indices import Mixed, pack, unpack
from compiler_core.dialects.memref import base_of, cast_type, part_type
from compiler_core.dialects.scf import for_loop
from compiler_core.ir import Block, Builder, DenseArrayAttr, Op, Value, fuse_locations
from compiler_core.ir.liveness import has_no_effect
from compiler_core.ir.types import MemRefType, TensorType, index

_STORE = "bufferization.materialize_in_destination"
_LOAD = "bufferization.to_tensor"


def may_cut(function: Op, along: DimensionClass) -> bool:
    """Whether running the tiles one after the other does what the whole did.

    It does where every store has the dimension, and a buffer that is stored to is read only where it is stored.
    """
    if not along.free or along.size is None or along.size == 1:
        return False
    stores: list[Op] = []
    for op in function.walk():
        if op is function or has_no_effect(op) or op.name.startswith("scf."):
            continue
        if op.name == _STORE:
            stores.append(op)
        elif op.name not in ("func.return", "tensor.yield", "linalg.yield"):
            return False
    reads = [op for op in function.walk() if op.name in (_LOAD, "memref.load")]
    return all(along.position(s.operands[0]) is not None for s in stores) and not any(
        _overtakes(read, store) for store in stores for read in reads
    )


def _overtakes(read: Op, store: Op) -> bool:
    """Whether a tile's read may see an earlier tile's store."""
    if base_of(read.operands[0]) is not base_of(store.operands[1]):
        return False
    views = [_whole_view(v) for v in (read.operands[0], store.operands[1])]
    if views[0] is None or views[1] is None:
        return True
    lists = [[*unpack(view, "offsets"), *unpack(view, "sizes"), *unpack(view, "strides")] for view in views if view]
    return len(lists[0]) != len(lists[1]) or not all(equivalent(a, b) for a, b in zip(*lists, strict=True))


def _whole_view(view: Value) -> Op | None:
    op = view.op
    if op is not None and op.name == "memref.subview":
        op = op.operands[0].op
    return op if op is not None and op.name == "memref.reinterpret_cast" else None


def cut(function: Op, along: DimensionClass, tile: int) -> Op:
    """Moves what has the dimension into a loop over tiles of `tile` elements, which divides its size. Returns the loop."""
    size = along.size
    assert size is not None and size % tile == 0
    inside = _ops_to_move(function.body, along)
    builder = Builder.before(inside[-1])
    builder.location = fuse_locations(*(op.location for op in inside if op.name == _STORE))
    builder.origin = tuple(op.id for op in inside if op.name == _STORE)
    bounds = [constant(builder, n, index) for n in (0, size, tile)]
    loop = for_loop(builder, bounds[0], bounds[1], bounds[2], index="tile")
    for op in inside:
        loop.body.append(op.detach())
    Builder(loop.body, None, builder.location, builder.origin).op("scf.yield")
    _Cut(loop, along, size, tile).apply()
    return loop


def _ops_to_move(body: Block, along: DimensionClass) -> list[Op]:
    """Ops that have the dimension, ops that depend on those, and, once one of these writes, whatever reads or writes."""
    touched: set[Op] = set()
    for value, _ in along.members:
        owner = value.owner if isinstance(value.owner, Op) else value.owner.parent_op
        touched.update([*([owner] if owner is not None else []), *value.uses])
    moved: list[Op] = []
    values: set[Value] = set()
    writes = False
    for op in body.ops[:-1]:
        inner = list(op.walk())
        depends = any(o in touched or any(v in values for v in o.operands) for o in inner)
        reads = any(o.name in (_LOAD, "memref.load", _STORE, "memref.store") for o in inner)
        if depends or (writes and reads):
            moved.append(op)
            values.update(op.results)
            writes = writes or not has_no_effect(op)
    return moved


@dataclass
class _Cut:
    loop: Op
    along: DimensionClass
    size: int
    tile: int
    windows: dict[tuple[Mixed, Mixed], tuple[Mixed, Mixed]] = field(
        default_factory=dict[tuple[Mixed, Mixed], tuple[Mixed, Mixed]]
    )

    @property
    def start(self) -> Value:
        return self.loop.body.arguments[0]

    def apply(self) -> None:
        for value, d in self.along.members:
            if isinstance(value.type, TensorType) and value.type.shape[d] == self.size:
                value.type = TensorType(_put(value.type.shape, d, self.tile), value.type.element, value.type.encoding)
        for op in list(self.loop.body.parent_op.walk() if self.loop.body.parent_op else ()):
            rule = {
                "memref.reinterpret_cast": self.view,
                "memref.subview": self.subview,
                "tensor.pad": self.pad,
                "tensor.extract_slice": self.extract_slice,
                "tensor.insert_slice": self.insert_slice,
                "tensor.generate": self.generate,
                "tensor.expand_shape": self.expand_shape,
            }.get(op.name)
            d = self.along.position(op.results[0]) if rule is not None else None
            if rule is not None and d is not None:
                rule(op, d)

    def view(self, op: Op, d: int) -> None:
        (offset,), sizes, strides = unpack(op, "offsets"), unpack(op, "sizes"), unpack(op, "strides")
        builder = Builder.before(op)
        moved = add(builder, offset, multiply(builder, self.start, strides[d]))
        sizes[d] = self.tile
        _repack(op, 1, {"offsets": [moved], "sizes": sizes, "strides": strides})
        assert isinstance(op.operands[0].type, MemRefType)
        op.result.type = cast_type(op.operands[0].type, moved, sizes, strides)

    def subview(self, op: Op, d: int) -> None:
        self.slice(op, d, 1)
        assert isinstance(op.operands[0].type, MemRefType)
        lists = (unpack(op, "offsets"), unpack(op, "sizes"), unpack(op, "strides"))
        op.result.type = part_type(op.operands[0].type, *lists)

    def extract_slice(self, op: Op, d: int) -> None:
        self.slice(op, d, 1)

    def slice(self, op: Op, d: int, plain: int) -> None:
        offsets, sizes, strides = unpack(op, "offsets"), unpack(op, "sizes"), unpack(op, "strides")
        offsets[d], sizes[d] = self.window(op, offsets[d], sizes[d])
        _repack(op, plain, {"offsets": offsets, "sizes": sizes, "strides": strides})

    def insert_slice(self, op: Op, d: int) -> None:
        sizes = unpack(op, "sizes")
        sizes[d] = self.tile
        _repack(op, 2, {"offsets": unpack(op, "offsets"), "sizes": sizes, "strides": unpack(op, "strides")})

    def window(self, op: Op, offset: Mixed, size: Mixed) -> tuple[Mixed, Mixed]:
        """The part of a window that lies in this tile, relative to it; built where both its numbers are known."""
        if offset == 0 and size == self.size:
            return 0, self.tile
        known = self.windows.get((offset, size))
        if known is None:
            builder = self.after_definitions([v for v in (offset, size) if isinstance(v, Value)], op)
            hint = size.name if isinstance(size, Value) else ""
            low = clamp(builder, subtract(builder, offset, self.start), 0, self.tile) if offset != 0 else 0
            end = subtract(builder, add(builder, offset, size), self.start)
            high = clamp(builder, end, low, self.tile, hint)
            known = self.windows[(offset, size)] = (low, subtract(builder, high, low, hint))
        return known

    def after_definitions(self, values: Sequence[Value], op: Op) -> Builder:
        """After the last of the values that are defined in the loop, else at its start."""
        builder = Builder(self.loop.body, 0, op.location, (op.id,))
        for value in values:
            owner = value.op
            if owner is not None and self.loop in owner.ancestors():
                place = Builder.after(owner)
                if place.block is not builder.block or place.index > builder.index:
                    builder = Builder(place.block, place.index, op.location, (op.id,))
        return builder

    def pad(self, op: Op, d: int) -> None:
        source = op.operands[0].op
        view = source.operands[0].op if source is not None else None
        assert view is not None
        builder = Builder.before(op)
        low, high = unpack(op, "low"), unpack(op, "high")
        low[d] = unpack(view, "offsets")[d]
        high[d] = subtract(builder, self.tile, add(builder, low[d], unpack(view, "sizes")[d]))
        _repack(op, 1, {"low": low, "high": high})

    def generate(self, op: Op, d: int) -> None:
        argument = op.body.arguments[d]
        users = list(argument.uses)
        builder = Builder(op.body, 0, op.location, (op.id,))
        moved = add(builder, argument, self.start, argument.name)
        assert isinstance(moved, Value)
        for user in users:
            user.operands = [moved if v is argument else v for v in user.operands]

    def expand_shape(self, op: Op, d: int) -> None:
        static = op.attributes["static_output_shape"]
        assert isinstance(static, DenseArrayAttr)
        op.attributes["static_output_shape"] = DenseArrayAttr(_put(static.values, d, self.tile))


def _put(shape: tuple[int, ...], d: int, size: int) -> tuple[int, ...]:
    return (*shape[:d], size, *shape[d + 1 :])


def _repack(op: Op, plain: int, lists: dict[str, list[Mixed]]) -> None:
    packed = pack(op.operands[:plain], lists)
    op.operands = packed.operands
    op.attributes.update(packed.attributes)
