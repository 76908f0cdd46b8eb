"""Makes tt-stage ops for operations on values: casts, broadcasts, arithmetic, comparison, memory, reductions."""

from collections.abc import Sequence

from compiler_core.dialects import arith, tt
from compiler_core.importers.triton import semantics
from compiler_core.importers.triton.dtypes import (
    DType,
    Pointer,
    bfloat16,
    float32,
    int1,
    int8,
    int64,
)
from compiler_core.importers.triton.values import Const, Mistake, Tensor, Thing, describe
from compiler_core.ir import Builder, Value
from compiler_core.ir.attributes import AttributeValue, DenseArrayAttr, IntegerAttr
from compiler_core.ir.types import TensorType, Type, i32, with_element

Operand = Tensor | Const

ARITHMETIC = {
    # operator: (float op, signed op, unsigned op, name hint)
    "+": ("arith.addf", "arith.addi", "arith.addi", "add"),
    "-": ("arith.subf", "arith.subi", "arith.subi", "sub"),
    "*": ("arith.mulf", "arith.muli", "arith.muli", "mul"),
    "/": ("arith.divf", "", "", "div"),
    "//": ("", "arith.divsi", "arith.divui", "div"),
    "%": ("arith.remf", "arith.remsi", "arith.remui", "rem"),
    "&": ("", "arith.andi", "arith.andi", "and"),
    "|": ("", "arith.ori", "arith.ori", "or"),
    "^": ("", "arith.xori", "arith.xori", "xor"),
    "<<": ("", "arith.shli", "arith.shli", "shl"),
    ">>": ("", "arith.shrsi", "arith.shrui", "shr"),
    "maximum": ("arith.maxnumf", "arith.maxsi", "arith.maxui", "max"),
    "minimum": ("arith.minnumf", "arith.minsi", "arith.minui", "min"),
}
COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}


class Emitter:
    """Ops go to `builder`'s insertion point. Names given here are weak: a variable's name replaces them."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.weak: set[Value] = set()
        self.count = 0

    def op(
        self,
        name: str,
        operands: Sequence[Value],
        type: Type,
        attributes: dict[str, AttributeValue] | None = None,
        hint: str = "",
    ) -> Value:
        self.count += 1
        value = self.builder.value(name, operands, type, attributes, hint)
        self.weak.add(value)
        return value

    def name(self, value: Value, name: str) -> None:
        """Gives a value the name of the variable it is assigned to; the first name stays."""
        if value in self.weak or not value.name:
            value.name = name
            self.weak.discard(value)

    # Constants

    def constant(self, number: bool | int | float, dtype: DType, shape: Sequence[int] = ()) -> Tensor:
        """A number of a type, in every element of `shape`."""
        value = arith.round_to(float(number), dtype.ir) if dtype.is_float else arith.wrap(int(number), dtype.ir)
        type: Type = TensorType(tuple(shape), dtype.ir) if shape else dtype.ir
        self.count += 1
        constant = arith.constant(self.builder, value, type)
        self.weak.add(constant)
        return Tensor(constant, dtype)

    def tensor(self, thing: Thing) -> Tensor:
        """A thing as a runtime value. Raises Mistake for what is neither a value nor a number."""
        if isinstance(thing, Tensor):
            return thing
        if isinstance(thing, Const) and isinstance(thing.value, bool | int | float):
            return self.constant(thing.value, semantics.number_type(thing.value))
        raise Mistake("not-a-value", thing=describe(thing))

    def take_constant(self, tensor: Tensor) -> int | float | bool | None:
        """The number of a constant that is about to be made again in another type or shape; an unnamed, unused one goes."""
        number = arith.constant_value(tensor.value)
        op = tensor.value.op
        if number is not None and op is not None and not tensor.value.uses and tensor.value in self.weak:
            self.weak.discard(tensor.value)
            op.erase()
            self.builder.index = len(self.builder.block.ops)
        return number

    # Shapes

    def splat(self, tensor: Tensor, shape: Sequence[int]) -> Tensor:
        if not shape:
            return tensor
        semantics.check_block(shape)
        number = self.take_constant(tensor)
        if number is not None:
            return self.constant(number, tensor.dtype, shape)
        type = TensorType(tuple(shape), tensor.value.type)
        return Tensor(self.op("tt.splat", [tensor.value], type, hint=tensor.value.name), tensor.scalar)

    def expand_dims(self, tensor: Tensor, axis: int) -> Tensor:
        if not tensor.is_block:
            return self.splat(tensor, [1])
        shape = (*tensor.shape[:axis], 1, *tensor.shape[axis:])
        type = TensorType(shape, tensor.scalar.ir)
        value = self.op("tt.expand_dims", [tensor.value], type, {"axis": IntegerAttr(axis, i32)}, tensor.value.name)
        return Tensor(value, tensor.scalar)

    def broadcast(self, tensor: Tensor, shape: Sequence[int]) -> Tensor:
        """Stretched to `shape`. Raises Mistake where that cannot be."""
        if tensor.shape == tuple(shape):
            return tensor
        if not tensor.is_block:
            return self.splat(tensor, shape)
        if semantics.broadcast_shapes(tensor.shape, shape) != tuple(shape):
            raise Mistake("cannot-stretch", shape=semantics.shape_text(tensor.shape), target=semantics.shape_text(shape))
        while len(tensor.shape) < len(shape):
            tensor = self.expand_dims(tensor, 0)
        if tensor.shape == tuple(shape):
            return tensor
        semantics.check_block(shape)
        type = TensorType(tuple(shape), tensor.scalar.ir)
        return Tensor(self.op("tt.broadcast", [tensor.value], type, hint=tensor.value.name), tensor.scalar)

    def reshape(self, tensor: Tensor, shape: Sequence[int]) -> Tensor:
        wanted, have = 1, 1
        for size in shape:
            wanted *= size
        for size in tensor.shape:
            have *= size
        semantics.check_block(shape)
        if wanted != have:
            raise Mistake(
                "reshape-size",
                shape=semantics.shape_text(tensor.shape),
                target=semantics.shape_text(shape),
                have=have,
                wanted=wanted,
            )
        if not tensor.is_block:
            return self.splat(tensor, shape)
        if tensor.shape == tuple(shape):
            return tensor
        value = self.op("tt.reshape", [tensor.value], TensorType(tuple(shape), tensor.scalar.ir), hint=tensor.value.name)
        return Tensor(value, tensor.scalar)

    def transpose(self, tensor: Tensor, order: Sequence[int]) -> Tensor:
        if sorted(order) != list(range(len(tensor.shape))):
            raise Mistake("bad-permutation", order=semantics.shape_text(order), shape=semantics.shape_text(tensor.shape))
        type = TensorType(tuple(tensor.shape[d] for d in order), tensor.scalar.ir)
        attributes: dict[str, AttributeValue] = {"order": DenseArrayAttr(tuple(order), i32)}
        return Tensor(self.op("tt.trans", [tensor.value], type, attributes, tensor.value.name), tensor.scalar)

    def together(self, *tensors: Tensor) -> list[Tensor]:
        """All stretched to their common shape."""
        shape: tuple[int, ...] = ()
        for tensor in tensors:
            shape = semantics.broadcast_shapes(shape, tensor.shape)
        return [self.broadcast(t, shape) for t in tensors]

    # Casts

    def cast(self, tensor: Tensor, dtype: DType) -> Tensor:
        """The value as `dtype`, the way Triton's `.to()` does it."""
        source = tensor.dtype
        if source == dtype:
            return tensor
        if dtype == int1:
            zero = self.constant(0, source, tensor.shape)
            return self.compare_same("!=", tensor, zero)
        if source.is_float and dtype.is_float and float32 not in (source, dtype) and bfloat16 in (source, dtype):
            return self.cast(self.cast(tensor, float32), dtype)
        number = self.take_constant(tensor) if dtype.is_float else None
        if number is not None:
            return self.constant(number, dtype, tensor.shape)
        type = with_element(tensor.value.type, dtype.ir)
        name = cast_op(source, dtype)
        value = self.op(name, [tensor.value], type, hint=tensor.value.name) if name else tensor.value
        return Tensor(value, dtype)

    def bitcast(self, tensor: Tensor, dtype: DType) -> Tensor:
        if tensor.dtype.bits != dtype.bits:
            raise Mistake("bitcast-size", source=str(tensor.dtype), target=str(dtype))
        if tensor.dtype.ir == dtype.ir:
            return Tensor(tensor.value, dtype)
        type = with_element(tensor.value.type, dtype.ir)
        return Tensor(self.op("tt.bitcast", [tensor.value], type, hint=tensor.value.name), dtype)

    # Arithmetic

    def promoted(self, a: Operand, b: Operand, *, division: bool = False) -> tuple[Tensor, Tensor, DType]:
        """Both operands in the type they are computed in and in their common shape."""
        dtypes = [operand_type(x) for x in (a, b)]
        result = semantics.promote(*dtypes, a_number=isinstance(a, Const), b_number=isinstance(b, Const), division=division)
        left, right = self.together(*(self.as_type(x, result) for x in (a, b)))
        return left, right, result

    def as_type(self, operand: Operand, dtype: DType) -> Tensor:
        if isinstance(operand, Tensor):
            return self.cast(operand, dtype)
        assert isinstance(operand.value, bool | int | float)
        semantics.check_number_fits(operand.value, dtype)
        return self.constant(operand.value, dtype)

    def binary(self, operator: str, a: Operand, b: Operand) -> Tensor:
        """`a operator b` for arithmetic, bitwise and shift operators, with pointer arithmetic for + and -."""
        if is_pointer(a) or is_pointer(b):
            return self.pointer_arithmetic(operator, a, b)
        left, right, dtype = self.promoted(a, b, division=operator in ("/", "//", "%"))
        if operator == "/" and dtype.is_int:
            left, right, dtype = self.cast(left, float32), self.cast(right, float32), float32
        float_op, signed_op, unsigned_op, hint = ARITHMETIC[operator]
        name = float_op if dtype.is_float else signed_op if dtype.is_signed else unsigned_op
        if not name:
            raise Mistake("operator-needs-integers", operator=operator, type=str(dtype))
        return Tensor(self.op(name, [left.value, right.value], left.value.type, hint=hint), dtype)

    def pointer_arithmetic(self, operator: str, a: Operand, b: Operand) -> Tensor:
        if is_pointer(a) and is_pointer(b):
            raise Mistake("two-pointers", operator=operator)
        if operator not in "+-" or (operator == "-" and is_pointer(b)):
            raise Mistake("pointer-operator", operator=operator)
        pointer, offset = (a, self.tensor(b)) if is_pointer(a) else (b, self.tensor(a))
        assert isinstance(pointer, Tensor)
        if not offset.dtype.is_int:
            raise Mistake("pointer-offset-float", type=str(offset.dtype))
        if operator == "-":
            offset = self.negate(offset)
        if offset.dtype.kind in ("uint", "bool") and offset.dtype.bits < 64:
            offset = self.cast(offset, int64)
        pointer, offset = self.together(pointer, offset)
        hint = pointer.value.name
        return Tensor(self.op("tt.addptr", [pointer.value, offset.value], pointer.value.type, hint=hint), pointer.scalar)

    def compare_same(self, operator: str, a: Tensor, b: Tensor) -> Tensor:
        """A comparison of two values of one type and shape."""
        dtype = a.dtype
        name = COMPARISONS[operator]
        if dtype.is_float:
            predicate = "une" if name == "ne" else f"o{name}"
        elif name in ("eq", "ne"):
            predicate = name
        else:
            predicate = ("s" if dtype.is_signed else "u") + name
        self.count += 1
        value = arith.compare(self.builder, predicate, a.value, b.value, name)
        self.weak.add(value)
        return Tensor(value, int1)

    def compare(self, operator: str, a: Operand, b: Operand) -> Tensor:
        left, right, _ = self.promoted(a, b)
        return self.compare_same(operator, left, right)

    def negate(self, tensor: Tensor) -> Tensor:
        """0 - x, as Triton lowers unary minus."""
        dtype = tensor.dtype
        zero = self.constant(0, dtype, tensor.shape)
        name = "arith.subf" if dtype.is_float else "arith.subi"
        return Tensor(self.op(name, [zero.value, tensor.value], tensor.value.type, hint="neg"), dtype)

    def invert(self, tensor: Tensor) -> Tensor:
        """Every bit flipped; a boolean negated."""
        dtype = tensor.dtype
        if dtype.is_float:
            raise Mistake("operator-needs-integers", operator="~", type=str(dtype))
        ones = self.constant(1 if dtype == int1 else -1, dtype, tensor.shape)
        return Tensor(self.op("arith.xori", [tensor.value, ones.value], tensor.value.type, hint="not"), dtype)

    def truth(self, tensor: Tensor) -> Tensor:
        """The value as a boolean."""
        return self.compare_same("!=", tensor, self.constant(0, tensor.dtype, tensor.shape)) if tensor.dtype != int1 else tensor

    def unary(self, name: str, tensor: Tensor, hint: str) -> Tensor:
        return Tensor(self.op(name, [tensor.value], tensor.value.type, hint=hint), tensor.dtype)

    def select(self, condition: Tensor, a: Operand, b: Operand) -> Tensor:
        """tl.where: the condition as boolean, the values promoted, all in one shape."""
        if is_pointer(a) or is_pointer(b):
            raise Mistake("pointer-as-number", type=describe(a if is_pointer(a) else b))
        left, right, dtype = self.promoted(a, b)
        chosen, left, right = self.together(self.truth(condition), left, right)
        return Tensor(self.op("arith.select", [chosen.value, left.value, right.value], left.value.type, hint="where"), dtype)

    # Memory

    def load(self, pointer: Tensor, mask: Operand | None, other: Operand | None, hints: dict[str, AttributeValue]) -> Tensor:
        """tl.load. Raises Mistake where pointer, mask and other do not fit."""
        element = pointed_at(pointer)
        if mask is None and other is not None:
            raise Mistake("other-without-mask", argument="other")
        operands = [pointer.value]
        if mask is not None:
            operands.append(self.fit(pointer, self.mask(mask), "mask").value)
        if other is not None:
            fitted = self.fit(pointer, self.tensor(other), "other")
            operands.append(self.to_storage(self.cast(fitted, element)).value)
        storage = int8 if element == int1 else element
        type = with_element(pointer.value.type, storage.ir)
        attributes = {**tt.memory_attributes(load=True, mask=mask is not None, other=other is not None), **hints}
        loaded = Tensor(self.op("tt.load", operands, type, attributes, "load"), storage)
        return self.cast(loaded, int1) if element == int1 else loaded

    def store(self, pointer: Tensor, value: Operand, mask: Operand | None, hints: dict[str, AttributeValue]) -> None:
        """tl.store: the value cast to what the pointer points at and stretched to its shape."""
        element = pointed_at(pointer)
        fitted = self.fit(pointer, self.tensor(value), "value")
        operands = [pointer.value, self.to_storage(self.cast(fitted, element)).value]
        if mask is not None:
            operands.append(self.fit(pointer, self.mask(mask), "mask").value)
        self.count += 1
        self.builder.op("tt.store", operands, [], {**tt.memory_attributes(load=False), **hints})

    def fit(self, pointer: Tensor, part: Tensor, argument: str) -> Tensor:
        """A load's or store's mask, other or value in the pointer's shape."""
        if part.is_block and not pointer.is_block:
            raise Mistake("block-with-scalar-pointer", argument=argument, part=argument, shape=semantics.shape_text(part.shape))
        try:
            stretched = semantics.broadcast_shapes(pointer.shape, part.shape)
        except Mistake:
            stretched = ()
        if stretched != pointer.shape:
            raise Mistake(
                "shape-unlike-pointer",
                argument=argument,
                part=argument,
                shape=semantics.shape_text(part.shape),
                pointer=semantics.shape_text(pointer.shape),
            )
        return self.broadcast(part, pointer.shape)

    def mask(self, mask: Operand) -> Tensor:
        return self.truth(self.tensor(mask))

    def to_storage(self, tensor: Tensor) -> Tensor:
        """Booleans as the bytes they are in memory."""
        return self.cast(tensor, int8) if tensor.scalar == int1 else tensor

    # Reductions and products

    def reduce(self, kind: str, tensor: Tensor, axis: int | None, keep_dims: bool) -> Tensor:
        """A reduction along an axis, or over everything."""
        if not tensor.is_block:
            raise Mistake("reduce-scalar", kind=kind)
        rank = len(tensor.shape)
        if axis is not None and not -rank <= axis < rank:
            raise Mistake("bad-axis", argument="axis", axis=axis, shape=semantics.shape_text(tensor.shape))
        flat = tensor if axis is not None or rank == 1 else self.reshape(tensor, [len_of(tensor.shape)])
        along = 0 if axis is None else axis % rank
        combine = tt.reduction_op(kind, flat.scalar.ir, unsigned=isinstance(flat.scalar, DType) and not flat.scalar.is_signed)
        self.count += 3
        value = tt.reduce(self.builder, flat.value, along, combine, kind)
        self.weak.add(value)
        result = Tensor(value, tensor.scalar)
        if not keep_dims:
            return result
        if axis is None:
            return self.splat(result, [1] * rank)
        return self.expand_dims(result, along)

    def dot(self, a: Tensor, b: Tensor, acc: Tensor | None, out: DType, precision: str) -> Tensor:
        """tl.dot of 2-D (or batched 3-D) blocks."""
        shapes = {"left": semantics.shape_text(a.shape), "right": semantics.shape_text(b.shape)}
        if len(a.shape) != len(b.shape) or len(a.shape) not in (2, 3):
            raise Mistake("dot-rank", **shapes)
        if a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
            raise Mistake("dot-shapes", **shapes, inner=a.shape[-1], outer=b.shape[-2])
        dtype = semantics.dot_type(a.dtype, b.dtype, out)
        shape = (*a.shape[:-1], b.shape[-1])
        if acc is None:
            acc = self.constant(0, dtype, shape)
        elif acc.shape != shape or acc.scalar != dtype:
            raise Mistake("dot-acc", argument="acc", have=str(acc), want=f"<{semantics.shape_text(shape)}, {dtype}>")
        attributes: dict[str, AttributeValue] = {
            "inputPrecision": IntegerAttr(tt.INPUT_PRECISIONS.index(precision), i32),
            "maxNumImpreciseAcc": IntegerAttr(0, i32),
        }
        value = self.op("tt.dot", [a.value, b.value, acc.value], acc.value.type, attributes, "dot")
        return Tensor(value, dtype)


def cast_op(source: DType, target: DType) -> str:
    """The op from one type to another, neither of them a boolean target; "" where only the signedness differs."""
    if source.is_float and target.is_float:
        return "arith.truncf" if source.bits > target.bits else "arith.extf"
    if source.is_float:
        return "arith.fptosi" if target.is_signed else "arith.fptoui"
    if target.is_float:
        return "arith.sitofp" if source.is_signed else "arith.uitofp"
    if source.bits == target.bits:
        return ""
    if source.bits > target.bits:
        return "arith.trunci"
    return "arith.extsi" if source.is_signed else "arith.extui"


def operand_type(operand: Operand) -> DType:
    if isinstance(operand, Tensor):
        return operand.dtype
    if not isinstance(operand.value, bool | int | float):
        raise Mistake("not-a-value", thing=describe(operand))
    return semantics.number_type(operand.value)


def is_pointer(operand: Operand) -> bool:
    return isinstance(operand, Tensor) and operand.is_pointer


def pointed_at(pointer: Tensor) -> DType:
    if not isinstance(pointer.scalar, Pointer):
        raise Mistake("not-a-pointer", argument="pointer", type=str(pointer))
    return pointer.scalar.element


def len_of(shape: Sequence[int]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size
