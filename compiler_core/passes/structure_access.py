"""structure-access: Triton's pointer tensors become slices of flat buffers, its tensors upstream tensors.

Addresses and masks are followed symbolically (analysis/access.py); a load or store whose addresses form a strided rectangle,
and whose mask is a rectangle of it, becomes a view, its valid part, and a pad. Pointers carried by loops and branches become
their scalar offsets. Rows that wrap around by % only to stay inside are masked instead; others are read piece by piece.
Anything else is refused, with the place where the addresses stop being a rectangle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from compiler_core.analysis.access import (
    Affine,
    Bounds,
    Fact,
    Pointer,
    Wrap,
    advances,
    base_value,
    derive,
    with_base,
)
from compiler_core.diagnostics import Refused, Span, error
from compiler_core.dialects import memref, tensor
from compiler_core.dialects.arith import constant, splat
from compiler_core.dialects.builtin import functions, set_argument_attributes, update_function_type
from compiler_core.dialects.index_math import as_index, as_value
from compiler_core.dialects.indices import Mixed
from compiler_core.dialects.linalg import KINDS
from compiler_core.dialects.tt import axis_of, mask_of, other_of
from compiler_core.ir import Block, Builder, DictAttr, Op, Value, single_block
from compiler_core.ir.liveness import erase_unneeded
from compiler_core.ir.rewriter import constant_of
from compiler_core.ir.types import DYNAMIC, IntegerType, MemRefType, PointerType, TensorType, element_of, i32, index
from compiler_core.lowering import memory, values
from compiler_core.lowering.unwrapping import unwrap_rows
from compiler_core.passes.base import Pass, PassContext

GRID_ARGUMENTS = tuple(f"{kind}_{axis}" for kind in ("grid", "pid") for axis in "xyz")
"""The last arguments of every tensor-stage kernel, all i32: how many programs there are along each axis, and which this is."""


@dataclass(frozen=True)
class StructureAccess(Pass):
    name = "structure-access"
    summary: ClassVar[Mapping[str, str]] = {
        "en": "Turns pointer arithmetic and masks into slices of buffers.",
        "zh": "把指针运算和掩码变成缓冲区切片。",
    }
    stage_in = "tt"
    stage_out = "tensor"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        for function in functions(module):
            if function.name == "tt.func":
                unwrap_rows(function)
                _Function(function).convert()
        erase_unneeded(module)


@dataclass
class _Function:
    """One function under conversion, in place. `facts` speaks of values before and after it alike."""

    op: Op
    facts: dict[Value, Fact] = field(default_factory=dict[Value, Fact])
    scalars: dict[Value, Mixed] = field(default_factory=dict[Value, Mixed])
    grid: dict[str, Value] = field(default_factory=dict[str, Value])

    def convert(self) -> None:
        block = self.op.body
        for argument in block.arguments:
            if isinstance(argument.type, PointerType):
                argument.type = MemRefType((DYNAMIC,), argument.type.pointee)
                self.facts[argument] = Pointer(argument, Affine((), 0, ()))
        self.grid = {name: block.add_argument(i32, name) for name in GRID_ARGUMENTS}
        self.block(block)
        self.op.name = "func.func"
        self.op.attributes.pop("noinline", None)
        set_argument_attributes(self.op, [DictAttr(())] * len(block.arguments))
        update_function_type(self.op)

    def block(self, block: Block) -> None:
        for op in list(block.ops):
            handler = _HANDLERS.get(op.name)
            if handler is not None:
                handler(self, op)
            elif op.name in values.LOWERINGS:
                self.value(op)
            elif op.name == "tt.return":
                op.name = "func.return"
            elif op.dialect == "tt":
                raise Refused(error("access-operation", *_span(op), operation=op.name))
            else:
                self.learn(op)

    # facts

    def fact(self, value: Value) -> Fact | None:
        """What is known of a value; scalar integers and conditions are facts of their own."""
        known = self.facts.get(value)
        if known is None and isinstance(value.type, IntegerType):
            return Bounds((), (), (), (value,)) if value.type.width == 1 else Affine((), self.scalar(value), ())
        return known

    def scalar(self, value: Value) -> Mixed:
        """A scalar integer as an index, cast once, where it is defined."""
        if value not in self.scalars:
            if value.op is not None:
                builder = Builder.after(value.op)
            else:
                assert isinstance(value.owner, Block)
                around = value.owner.parent_op
                builder = Builder(value.owner, 0, around.location if around else (), (around.id,) if around else ())
            self.scalars[value] = as_index(builder, value)
        return self.scalars[value]

    def learn(self, op: Op) -> Fact | None:
        """Derives the fact of an op's only result, and keeps it. Scalar integers are values already and need none."""
        if len(op.results) != 1 or not isinstance(element_of(op.result.type), IntegerType | PointerType):
            return None
        if isinstance(op.result.type, IntegerType):
            return None
        for operand in op.operands:
            # casts where operands are defined come first: they would shift the place before this op
            self.fact(operand)
        fact = derive(Builder.before(op), op, self.fact)
        if fact is not None:
            self.facts[op.result] = fact
        return fact

    def learn_pointer(self, op: Op) -> None:
        self.learn(op)

    # operations on values

    def value(self, op: Op) -> None:
        """Replaces an op by its lowering; pointer tensors are facts only."""
        fact = self.learn(op)
        if isinstance(element_of(op.result.type), PointerType):
            return
        result = values.LOWERINGS[op.name](Builder.before(op), op)
        if fact is not None:
            self.facts[result] = fact
        op.replace_with(result)

    def constant(self, op: Op) -> None:
        """A splat constant of a tensor type becomes a splat of a scalar constant."""
        fact = self.learn(op)
        number = splat(constant_of(op.result))
        if not isinstance(op.result.type, TensorType) or number is None:
            return
        builder = Builder.before(op)
        scalar = constant(builder, number, op.result.type.element)
        result = tensor.splat(builder, scalar, op.result.type.shape, op.result.name)
        if fact is not None:
            self.facts[result] = fact
        op.replace_with(result)

    def program_id(self, op: Op) -> None:
        kind = "pid" if op.name == "tt.get_program_id" else "grid"
        argument = self.grid[f"{kind}_{'xyz'[axis_of(op)]}"]
        op.replace_with(argument)

    def reduce(self, op: Op) -> None:
        body = op.body
        simple = len(op.operands) == 1 and len(body.ops) == 2 and set(body.ops[0].operands) == set(body.arguments)
        if not simple or body.ops[0].name not in KINDS:
            raise Refused(error("access-reduction", *_span(op)))
        op.replace_with(values.reduce(Builder.before(op), op, body.ops[0].name))

    # memory

    def load(self, op: Op) -> None:
        pointer = self.pointer(op)
        builder = Builder.before(op)
        other, mask = other_of(op), mask_of(op)
        if isinstance(op.result.type, TensorType):
            border = values.scalar_of(builder, other) if other is not None else None
            result = memory.load(builder, pointer, self.bounds(op, mask, pointer), border, op.result.name or "loaded")
            if other is not None and border is None:
                assert mask is not None
                result = builder.value("arith.select", [mask, result, other], result.type, hint=op.result.name)
        else:
            result = self.load_scalar(builder, pointer, mask, other, op)
        op.replace_with(result)

    def load_scalar(self, builder: Builder, pointer: Pointer, mask: Value | None, other: Value | None, op: Op) -> Value:
        hint = op.result.name
        at = as_value(builder, pointer.offset.base)
        if mask is None:
            return memref.load(builder, pointer.buffer, [at], hint)
        regions = [single_block(), single_block()]
        then, otherwise = (Builder(r.blocks[0], 0, builder.location, builder.origin) for r in regions)
        then.op("scf.yield", [memref.load(then, pointer.buffer, [at], hint)])
        type = op.result.type
        otherwise.op("scf.yield", [other if other is not None else constant(otherwise, values.zero(type), type)])
        return builder.op("scf.if", [mask], [type], regions=regions, names=[hint]).result

    def store(self, op: Op) -> None:
        pointer = self.pointer(op)
        builder = Builder.before(op)
        value, mask = op.operands[1], mask_of(op)
        if isinstance(value.type, TensorType):
            for size, term in zip(value.type.shape, pointer.offset.terms, strict=True):
                if isinstance(term, Wrap) or (size != 1 and term == 0):
                    raise Refused(error("access-store-repeats", *_span(op)))
            memory.store(builder, pointer, self.bounds(op, mask, pointer), value)
        else:
            self.store_scalar(builder, pointer, mask, value)
        op.erase()

    def store_scalar(self, builder: Builder, pointer: Pointer, mask: Value | None, value: Value) -> None:
        at = as_value(builder, pointer.offset.base)
        if mask is None:
            memref.store(builder, value, pointer.buffer, [at])
            return
        region = single_block()
        then = Builder(region.blocks[0], 0, builder.location, builder.origin)
        memref.store(then, value, pointer.buffer, [at])
        then.op("scf.yield")
        builder.op("scf.if", [mask], regions=[region, _empty_region()])

    def pointer(self, op: Op) -> Pointer:
        fact = self.fact(op.operands[0])
        if isinstance(fact, Pointer):
            return fact
        raise Refused(self.irregular(op, op.operands[0], "address"))

    def bounds(self, op: Op, mask: Value | None, pointer: Pointer) -> Bounds:
        if mask is None:
            return Bounds.everything(pointer.offset.shape)
        fact = self.fact(mask)
        if isinstance(fact, Bounds):
            return fact
        raise Refused(self.irregular(op, mask, "mask"))

    def irregular(self, op: Op, value: Value, what: str):
        """Says which op makes the addresses or the mask irregular."""
        culprit = self.culprit(value, set())
        access = "load" if op.name == "tt.load" else "store"
        if culprit is None or not culprit.location:
            return error(f"access-irregular-{what}", *_span(op), access=f"tl.{access}")
        cause = _CAUSES.get(culprit.name, "other")
        line = culprit.location[0].line
        return error(f"access-irregular-{what}-{cause}", *_span(op), *_span(culprit), access=f"tl.{access}", line=line)

    def culprit(self, value: Value, seen: set[Value]) -> Op | None:
        """The first op, in order of evaluation, that nothing is known of though it makes integers, pointers or conditions."""
        op = value.op
        if op is None or value in seen or self.fact(value) is not None:
            return None
        seen.add(value)
        if op.name in _DATA:
            return op
        for operand in op.operands:
            if isinstance(element_of(operand.type), IntegerType | PointerType):
                found = self.culprit(operand, seen)
                if found is not None:
                    return found
        return op

    # control flow

    def for_loop(self, op: Op) -> None:
        """Carried pointers become carried offsets; carried index tensors get their start carried beside them."""
        yielded = op.body.terminator
        pairs = list(zip(range(len(op.results)), op.operands[3:], op.body.arguments[1:], yielded.operands, strict=True))
        bases: list[int] = []
        for k, init, argument, result in pairs:
            fact = self.fact(init)
            if isinstance(fact, Pointer):
                if not advances(result, {argument}):
                    raise Refused(error("access-loop-pointer", *_span(op), name=argument.name or "?"))
                op.set_operand(3 + k, base_value(Builder.before(op), fact))
                self.carry(fact, argument, op.results[k])
                bases.append(k)
            elif isinstance(fact, Affine) and isinstance(init.type, TensorType) and advances(result, {argument}):
                yielded.operands = (*yielded.operands, result)
                start = base_value(Builder.before(op), fact)
                carried, out = add_carried(op, start, f"{argument.name}_start")
                self.facts[argument] = with_base(fact, carried)
                self.facts[op.results[k]] = with_base(fact, out)
                bases.append(out.index)
        self.block(op.body)
        self.yield_bases(yielded, bases)

    def carry(self, fact: Pointer, argument: Value, result: Value) -> None:
        for value in (argument, result):
            value.type = index
            self.facts[value] = with_base(fact, value)

    def yield_bases(self, terminator: Op, positions: list[int]) -> None:
        """Makes a terminator hand on the starts, at these positions, in place of the tensors."""
        for k in positions:
            fact = self.fact(terminator.operands[k])
            assert isinstance(fact, Affine | Pointer)
            terminator.set_operand(k, base_value(Builder.before(terminator), fact))

    def branch(self, op: Op) -> None:
        """Both branches may make a pointer as long as it goes into the same buffer with the same strides."""
        for region in op.regions:
            for block in region.blocks:
                self.block(block)
        pointers: list[int] = []
        for k, result in enumerate(op.results):
            if not isinstance(element_of(result.type), PointerType):
                continue
            then, otherwise = (self.fact(r.blocks[0].terminator.operands[k]) for r in op.regions)
            same = (
                isinstance(then, Pointer) and isinstance(otherwise, Pointer) and with_base(then, 0) == with_base(otherwise, 0)
            )
            if not same or not isinstance(then, Pointer):
                raise Refused(error("access-branch-pointer", *_span(op), name=result.name or "?"))
            result.type = index
            self.facts[result] = with_base(then, result)
            pointers.append(k)
        for region in op.regions:
            if region.blocks:
                self.yield_bases(region.blocks[0].terminator, pointers)

    def while_loop(self, op: Op) -> None:
        before, after = (r.blocks[0] for r in op.regions)
        condition, yielded = before.terminator, after.terminator
        positions: list[int] = []
        for k, init in enumerate(op.operands):
            fact = self.fact(init)
            if not isinstance(fact, Pointer):
                continue
            argument = before.arguments[k]
            handed = [j for j, v in enumerate(condition.operands[1:]) if advances(v, {argument})]
            if not advances(yielded.operands[k], {argument, *(after.arguments[j] for j in handed)}):
                raise Refused(error("access-loop-pointer", *_span(op), name=argument.name or "?"))
            op.set_operand(k, base_value(Builder.before(op), fact))
            self.carry(fact, argument, argument)
            for j in handed:
                self.carry(fact, after.arguments[j], op.results[j])
            positions.append(k)
        self.block(before)
        handed_on = [j for j, a in enumerate(after.arguments) if isinstance(self.facts.get(a), Pointer)]
        self.yield_bases(condition, [1 + j for j in handed_on])
        self.block(after)
        self.yield_bases(yielded, positions)


def add_carried(op: Op, init: Value, hint: str) -> tuple[Value, Value]:
    """One more carried value of an scf.for, whose yield already has an operand for it: the body's argument and the result."""
    op.operands = (*op.operands, init)
    argument = op.body.add_argument(init.type, hint)
    result = Value(init.type, op, len(op.results), hint)
    op.results.append(result)
    return argument, result


def _empty_region():
    region = single_block()
    Builder.at_end(region.blocks[0]).op("scf.yield")
    return region


def _span(op: Op) -> tuple[Span, ...]:
    return tuple(Span(loc.line, loc.column) for loc in op.location[:1])


_DATA = ("tt.load", "memref.load", "scf.if", "bufferization.to_tensor", "tensor.pad", "arith.fptosi", "arith.select")
"""Ops whose integers are data."""

_CAUSES = {
    **dict.fromkeys(("tt.load", "memref.load", "bufferization.to_tensor", "tensor.pad", "scf.for"), "data"),
    **dict.fromkeys(("arith.divsi", "arith.divui", "arith.remsi", "arith.remui", "arith.shrsi", "arith.shrui"), "division"),
    "arith.muli": "product",
    "arith.cmpi": "comparison",
}
"""What about an op makes addresses irregular: the last part of the message's code."""

_HANDLERS = {
    "arith.constant": _Function.constant,
    "tt.get_program_id": _Function.program_id,
    "tt.get_num_programs": _Function.program_id,
    "tt.addptr": _Function.learn_pointer,
    "tt.reduce": _Function.reduce,
    "tt.load": _Function.load,
    "tt.store": _Function.store,
    "scf.for": _Function.for_loop,
    "scf.if": _Function.branch,
    "scf.while": _Function.while_loop,
}
