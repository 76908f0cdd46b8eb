"""keep-in-vector: what a reduction leaves stays a buffer of one element where only vector instructions want it.

Reading it with the scalar unit holds up everything: no instruction is issued before the vector unit has got that far.
Arithmetic on the element becomes instructions on one element, and whoever took it as a number repeats the element instead.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from compiler_core.chips import Chip
from compiler_core.dialects import hivm
from compiler_core.dialects.arith import constant_value
from compiler_core.dialects.builtin import device_functions
from compiler_core.ir import Op, Value
from compiler_core.ir.types import MemRefType, f16, f32
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.machine.elementwise import BINARY, UNARY, Vector
from compiler_core.passes.machine.lifetimes import erase_unused
from compiler_core.passes.machine.tiles import Before, Buffer, Emitter, Scalar, Spread, Tile

REPEATING = frozenset({"hivm.hir.vadd", "hivm.hir.vmul", "hivm.hir.vdiv", "hivm.hir.vmax", "hivm.hir.vmin"})
"""Instructions that can repeat one element in place of a number."""
ARITHMETIC = frozenset({*BINARY, *UNARY, "arith.negf"})


@dataclass(frozen=True)
class KeepInVector(Pass):
    name: ClassVar[str] = "keep-in-vector"
    summary: ClassVar[dict[str, str]] = {
        "en": "Results of reductions stay with the vector unit, so that the scalar unit does not wait for them",
        "zh": "归约结果留在 vector 单元中，scalar 单元无需等待",
    }
    stage_in: ClassVar = "machine"
    stage_out: ClassVar = "machine"
    mandatory: ClassVar[bool] = False

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            keep_in_vector(function, context.chip)


def keep_in_vector(function: Op, chip: Chip) -> None:
    for load in [op for op in function.walk() if op.name == "memref.load"]:
        if load.parent is not None and _one_element(load.operands[0]) and _convertible(load.result, load):
            Conversion(Emitter(function, chip, Before(load))).convert(load)
    erase_unused(function)


def _one_element(buffer: Value) -> bool:
    """A buffer of a single float, in UB."""
    type = buffer.type
    return isinstance(type, MemRefType) and type.space == "ub" and type.shape == (1,) and type.element in (f16, f32)


def _convertible(value: Value, load: Op) -> bool:
    """Everything that becomes of the number can be done by the vector unit, and is, in the same block."""
    return bool(value.uses) and all(_takes_vector(user, value, load) for user in value.uses)


def _takes_vector(user: Op, value: Value, load: Op) -> bool:
    if user.parent is not load.parent or list(user.operands).count(value) != 1:
        return False
    if user.name in ARITHMETIC:
        return _convertible(user.result, load)
    if user.name == "memref.store":
        return user.operands[0] is value and _single_place(user)
    return user.name in REPEATING and hivm.ins(user)[1] is value and isinstance(hivm.ins(user)[0].type, MemRefType)


def _single_place(store: Op) -> bool:
    """It writes the only element of a view of global memory."""
    type = store.operands[1].type
    at_zero = all(constant_value(index) == 0 for index in store.operands[2:])
    return isinstance(type, MemRefType) and type.space == "gm" and type.shape == (1,) and at_zero


@dataclass
class Conversion:
    """Moves one number, and what is computed from it, to the vector unit."""

    emit: Emitter
    held: dict[Value, Buffer] = field(default_factory=dict[Value, Buffer])
    """Scalars that have become buffers of one element."""

    def convert(self, load: Op) -> None:
        self.held[load.result] = Buffer(load.operands[0], (1,))
        self.users(load.result)
        load.erase()

    def users(self, value: Value) -> None:
        for user in list(value.uses):
            self.emit.builder = Before(user)
            if user.name in ARITHMETIC:
                self.arithmetic(user, value)
            elif user.name == "memref.store":
                hivm.instruction(self.emit.builder, "store", [[self.held[value].base], [user.operands[1]]])
                user.erase()
            else:
                self.repeat(user, value)

    def arithmetic(self, op: Op, value: Value) -> None:
        """The op on one element. A negation that only sums use disappears into differences."""
        if op.name == "arith.negf" and all(user.name == "hivm.hir.vadd" for user in op.result.uses):
            for user in list(op.result.uses):
                self.emit.builder = Before(user)
                self.difference(user, value)
            op.erase()
            return
        vector = Vector(self.emit, (1,))
        tiles: list[Tile] = [self.held[v] if v in self.held else Scalar(v) for v in op.operands]
        element = op.result.type
        if op.name == "arith.negf":
            made = vector.binary("vmul", tiles[0], vector.number(-1.0, element), element)
        elif op.name in UNARY:
            made = vector.unary(UNARY[op.name], tiles[0], element)
        else:
            made = vector.binary(BINARY[op.name], tiles[0], tiles[1], element)
        assert isinstance(made, Buffer)
        made.base.name = op.result.name
        self.held[op.result] = made
        self.users(op.result)
        op.erase()

    def repeat(self, op: Op, value: Value) -> None:
        self.instruct(op, op.name.removeprefix("hivm.hir."), value)

    def difference(self, op: Op, value: Value) -> None:
        self.instruct(op, "vsub", value)

    def instruct(self, op: Op, name: str, value: Value) -> None:
        """The instruction with the element, repeated, in place of the number."""
        source, target = hivm.ins(op)[0], hivm.outs(op)[0]
        assert isinstance(target.type, MemRefType)
        shape = target.type.shape
        one = Buffer(self.held[value].base, (1,) * len(shape))
        spread = Spread(one, shape, op)
        Vector(self.emit, shape).binary(name, Buffer(source, shape), spread, target.type.element, Buffer(target, shape))
        op.erase()
