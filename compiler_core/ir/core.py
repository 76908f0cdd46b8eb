"""The SSA core: values, ops, blocks, regions; identity, origin and location on every op."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple, TypeVar

from compiler_core.ir.attributes import Attribute, AttributeValue, attribute
from compiler_core.ir.types import Type

A = TypeVar("A", bound=Attribute)

_ids = count(1)


class Location(NamedTuple):
    """Where an op comes from. `line` and `column` count from 1; a model's op has line 0 and the node's name."""

    file: str
    line: int
    column: int = 1
    name: str = ""


Locations = tuple[Location, ...]
"""An op's locations: one, or several where ops were fused."""


class Value:
    """An op's result or a block's argument. `name` is a hint taken from the source; printing makes it unique."""

    __slots__ = ("index", "name", "owner", "type", "uses")

    def __init__(self, type: Type, owner: Op | Block, index: int, name: str = "") -> None:
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name
        self.uses: list[Op] = []
        """Users, one entry an operand that is this value."""

    @property
    def op(self) -> Op | None:
        """The op that makes it; None for a block argument."""
        return self.owner if isinstance(self.owner, Op) else None

    def replace_all_uses_with(self, other: Value) -> None:
        for user in list(self.uses):
            for i, operand in enumerate(user.operands):
                if operand is self:
                    user.set_operand(i, other)
        if not other.name:
            other.name = self.name

    def __repr__(self) -> str:
        return f"<Value %{self.name or '?'}: {self.type}>"


class Op:
    """One operation.

    `id` is unique and survives in-place changes; `origin` holds the ids of the ops it was made from, so that a diff can tell
    rewritten (one origin) from fused (several) from new (none). `attributes` holds properties and discardable ones alike.
    """

    __slots__ = ("_operands", "attributes", "id", "location", "name", "origin", "parent", "regions", "results")

    def __init__(
        self,
        name: str,
        operands: Iterable[Value] = (),
        results: Iterable[Type] = (),
        attributes: Mapping[str, AttributeValue] | None = None,
        regions: Iterable[Region] = (),
        location: Locations = (),
        origin: tuple[int, ...] = (),
        names: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.id = next(_ids)
        self.origin = origin
        self.location = location
        self.parent: Block | None = None
        self.attributes: dict[str, Attribute] = (
            {k: v if isinstance(v, Attribute) else attribute(v) for k, v in attributes.items()} if attributes else {}
        )
        self._operands: list[Value] = list(operands)
        for operand in self._operands:
            operand.uses.append(self)
        self.results: list[Value] = [Value(t, self, i) for i, t in enumerate(results)]
        for result, hint in zip(self.results, names, strict=False):
            result.name = hint
        self.regions: list[Region] = list(regions)
        for region in self.regions:
            region.parent = self

    @property
    def operands(self) -> tuple[Value, ...]:
        return tuple(self._operands)

    @operands.setter
    def operands(self, values: Iterable[Value]) -> None:
        for old in self._operands:
            old.uses.remove(self)
        self._operands = list(values)
        for new in self._operands:
            new.uses.append(self)

    def set_operand(self, i: int, value: Value) -> None:
        self._operands[i].uses.remove(self)
        self._operands[i] = value
        value.uses.append(self)

    @property
    def result(self) -> Value:
        """The only result. Raises ValueError where there is not exactly one."""
        (only,) = self.results
        return only

    @property
    def region(self) -> Region:
        (only,) = self.regions
        return only

    @property
    def body(self) -> Block:
        """The only block of the only region."""
        (only,) = self.region.blocks
        return only

    @property
    def dialect(self) -> str:
        return self.name.partition(".")[0]

    @property
    def parent_op(self) -> Op | None:
        return self.parent.parent.parent if self.parent and self.parent.parent else None

    def ancestors(self) -> Iterator[Op]:
        """The ops around this one, innermost first."""
        at = self.parent_op
        while at is not None:
            yield at
            at = at.parent_op

    def walk(self) -> Iterator[Op]:
        """This op and all inside it, in program order. Safe against erasing the op just yielded."""
        yield self
        for region in self.regions:
            for block in region.blocks:
                for op in list(block.ops):
                    if op.regions:
                        yield from op.walk()
                    else:
                        yield op

    def get(self, key: str, kind: type[A]) -> A | None:
        """The attribute if it is there and of that kind."""
        value = self.attributes.get(key)
        return value if isinstance(value, kind) else None

    def detach(self) -> Op:
        if self.parent is not None:
            self.parent.ops.remove(self)
            self.parent = None
        return self

    def erase(self) -> None:
        """Removes the op and all inside it. Raises ValueError where a result is still used."""
        for result in self.results:
            if result.uses:
                raise ValueError(f"cannot erase {self.name}: %{result.name or result.index} is used by {result.uses[0].name}")
        self.detach()
        self.drop_uses()

    def drop_uses(self) -> None:
        for operand in self._operands:
            operand.uses.remove(self)
        self._operands = []
        for region in self.regions:
            for block in region.blocks:
                for op in block.ops:
                    op.drop_uses()

    def replace_with(self, *values: Value) -> None:
        """Every result's uses take the given values; the op is erased."""
        for result, value in zip(self.results, values, strict=True):
            result.replace_all_uses_with(value)
        self.erase()

    def clone(self, mapping: dict[Value, Value] | None = None, *, keep_ids: bool = False) -> Op:
        """A deep copy. Operands are taken from `mapping` where it has them, and the copy's values are added to it.

        With `keep_ids` the copy's ops have the ids and origins of the originals (a snapshot to work on elsewhere); without,
        they are new ops that originate from the originals.
        """
        mapping = {} if mapping is None else mapping
        new = Op.__new__(Op)
        new.name = self.name
        new.id = self.id if keep_ids else next(_ids)
        new.origin = self.origin if keep_ids else (self.id,)
        new.location = self.location
        new.parent = None
        new.attributes = dict(self.attributes)
        new._operands = [mapping.get(v, v) for v in self._operands]
        for operand in new._operands:
            operand.uses.append(new)
        new.results = [Value(v.type, new, v.index, v.name) for v in self.results]
        mapping.update(zip(self.results, new.results, strict=True))
        new.regions = [region.clone(new, mapping, keep_ids=keep_ids) for region in self.regions]
        return new

    def __repr__(self) -> str:
        return f"<Op {self.name} #{self.id}>"


class Block:
    __slots__ = ("arguments", "ops", "parent")

    def __init__(self, arguments: Iterable[Type] = (), names: Sequence[str] = ()) -> None:
        self.arguments = [Value(t, self, i, names[i] if i < len(names) else "") for i, t in enumerate(arguments)]
        self.ops: list[Op] = []
        self.parent: Region | None = None

    def add_argument(self, type: Type, name: str = "") -> Value:
        value = Value(type, self, len(self.arguments), name)
        self.arguments.append(value)
        return value

    def remove_argument(self, i: int) -> None:
        """Removes an unused argument. Raises ValueError where it is used."""
        if self.arguments[i].uses:
            raise ValueError(f"block argument %{self.arguments[i].name or i} is used")
        del self.arguments[i]
        for j, argument in enumerate(self.arguments):
            argument.index = j

    def append(self, op: Op) -> Op:
        op.parent = self
        self.ops.append(op)
        return op

    def insert(self, i: int, op: Op) -> Op:
        op.parent = self
        self.ops.insert(i, op)
        return op

    @property
    def terminator(self) -> Op:
        return self.ops[-1]

    @property
    def parent_op(self) -> Op | None:
        return self.parent.parent if self.parent else None


class Region:
    __slots__ = ("blocks", "parent")

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self.parent: Op | None = None
        self.blocks: list[Block] = []
        for block in blocks:
            self.append(block)

    def append(self, block: Block) -> Block:
        block.parent = self
        self.blocks.append(block)
        return block

    def clone(self, parent: Op, mapping: dict[Value, Value], *, keep_ids: bool) -> Region:
        region = Region()
        region.parent = parent
        for block in self.blocks:
            copy = Block([a.type for a in block.arguments], [a.name for a in block.arguments])
            mapping.update(zip(block.arguments, copy.arguments, strict=True))
            region.append(copy)
        for block, copy in zip(self.blocks, region.blocks, strict=True):
            for op in block.ops:
                copy.append(op.clone(mapping, keep_ids=keep_ids))
        return region


class Builder:
    """Makes ops at an insertion point, with a current location and origin for what it makes."""

    __slots__ = ("block", "index", "location", "origin")

    def __init__(self, block: Block, index: int | None = None, location: Locations = (), origin: tuple[int, ...] = ()) -> None:
        self.block = block
        self.index = len(block.ops) if index is None else index
        self.location = location
        self.origin = origin

    @staticmethod
    def at_end(block: Block) -> Builder:
        return Builder(block)

    @staticmethod
    def before(op: Op) -> Builder:
        """Before `op`, taking its location and originating from it: right for a rewrite of `op`."""
        return Builder(_block_of(op), _block_of(op).ops.index(op), op.location, (op.id,))

    @staticmethod
    def after(op: Op) -> Builder:
        return Builder(_block_of(op), _block_of(op).ops.index(op) + 1, op.location, (op.id,))

    def insert(self, op: Op) -> Op:
        self.block.insert(self.index, op)
        self.index += 1
        return op

    def op(
        self,
        name: str,
        operands: Iterable[Value] = (),
        results: Iterable[Type] = (),
        attributes: Mapping[str, AttributeValue] | None = None,
        regions: Iterable[Region] = (),
        names: Sequence[str] = (),
    ) -> Op:
        return self.insert(Op(name, operands, results, attributes, regions, self.location, self.origin, names))

    def value(
        self,
        name: str,
        operands: Iterable[Value],
        result: Type,
        attributes: Mapping[str, AttributeValue] | None = None,
        hint: str = "",
    ) -> Value:
        """An op with one result, returned."""
        return self.op(name, operands, [result], attributes, names=[hint]).result


def _block_of(op: Op) -> Block:
    if op.parent is None:
        raise ValueError(f"{op.name} is in no block")
    return op.parent


def single_block(arguments: Iterable[Type] = (), names: Sequence[str] = ()) -> Region:
    """A region of one empty block."""
    return Region([Block(arguments, names)])


def module(functions: Iterable[Op] = ()) -> Op:
    """A builtin.module that holds `functions`."""
    op = Op("builtin.module", regions=[single_block()])
    for function in functions:
        op.body.append(function)
    return op


def fuse_locations(*groups: Locations) -> Locations:
    """All locations, once each, in order of first appearance."""
    return tuple(dict.fromkeys(location for group in groups for location in group))


def defining(value: Value, *names: str) -> Op | None:
    """The op that makes `value` if it has one of those names."""
    return value.owner if isinstance(value.owner, Op) and value.owner.name in names else None


Rewrite = Callable[[Op], bool]
"""A pattern: rewrites the op in place and tells whether it changed anything."""
