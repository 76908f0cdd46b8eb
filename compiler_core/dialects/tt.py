"""tt: Triton's dialect, the part that kernels for a DaVinci core need; real TTIR that the vendor's adapter reads.

Attribute encodings (`axis` as i32, cache and eviction as i32 enumerations, `operandSegmentSizes`) are those of Triton's
TritonOps.td and TritonAttrDefs.td.
"""

from collections.abc import Sequence

from compiler_core.dialects.arith import constant_attribute, splat
from compiler_core.ir import Attribute, Block, Builder, Dialect, Op, Printer, Region, Value, pretty
from compiler_core.ir.attributes import AttributeValue, BoolAttr, DenseArrayAttr, IntegerAttr
from compiler_core.ir.types import PointerType, ShapedType, TensorType, Type, element_of, i32, is_float

tt = Dialect("tt")

AXES = ("x", "y", "z")
INPUT_PRECISIONS = ("tf32", "tf32x3", "ieee")
"""tt.dot's inputPrecision; the attribute holds the index (i32)."""
ALIGNMENT_HINTS = {"multiple_of": "tt.divisibility", "max_contiguous": "tt.contiguity", "max_constancy": "tt.constancy"}
"""Functions that promise something about a value, and the attribute that keeps the promise."""

tt.op("func", "A kernel, or a helper it calls.", None, "isolated")
tt.op("return", "Ends a function.", None, "terminator")
tt.op("call", "Calls a helper function by name.")


def _fold_splat(op: Op, operands: Sequence[Attribute | None]) -> Attribute | None:
    """A constant number of any shape stays that constant in the result's shape."""
    number = splat(operands[0])
    return None if number is None else constant_attribute(number, op.results[0].type)


def _fold_same_type(op: Op, operands: Sequence[Attribute | None]) -> Attribute | int | None:
    return 0 if op.operands[0].type == op.results[0].type else _fold_splat(op, operands)


def _fold_addptr(op: Op, operands: Sequence[Attribute | None]) -> int | None:
    return 0 if splat(operands[1]) == 0 else None


def _verify_splat(op: Op) -> str | None:
    source, result = op.operands[0].type, op.results[0].type
    return None if element_of(result) == source else f"splats a {source} into {result}"


def _verify_range(op: Op) -> str | None:
    start, end = op.get("start", IntegerAttr), op.get("end", IntegerAttr)
    if start is None or end is None:
        return "needs start and end"
    size = end.value - start.value
    type = op.results[0].type
    return None if isinstance(type, TensorType) and type.shape == (size,) else f"a range of {size} elements has type {type}"


def _verify_broadcast(op: Op) -> str | None:
    source, result = op.operands[0].type, op.results[0].type
    if not isinstance(source, TensorType) or not isinstance(result, TensorType) or source.rank != result.rank:
        return "needs tensors of the same rank"
    if any(a != b and a != 1 for a, b in zip(source.shape, result.shape, strict=True)):
        return f"cannot stretch {source} to {result}"
    return None


def _verify_dot(op: Op) -> str | None:
    a, b, c = (v.type for v in op.operands)
    if not isinstance(a, TensorType) or not isinstance(b, TensorType) or not isinstance(c, TensorType):
        return "needs tensors"
    if a.shape[-1] != b.shape[-2] or c.shape[-2:] != (a.shape[-2], b.shape[-1]):
        return f"shapes do not fit: {a} times {b} into {c}"
    return None


def _verify_addptr(op: Op) -> str | None:
    pointer, offset = op.operands[0].type, op.operands[1].type
    if not isinstance(element_of(pointer), PointerType):
        return f"{pointer} is no pointer"
    shapes = [t.shape if isinstance(t, ShapedType) else () for t in (pointer, offset)]
    return None if shapes[0] == shapes[1] else f"pointer {pointer} and offset {offset} have different shapes"


tt.op("get_program_id", "Which program of the grid this is, along one axis.", None, "pure", operands=0, results=1)
tt.op("get_num_programs", "How many programs the grid has along one axis.", None, "pure", operands=0, results=1)
tt.op("make_range", "start, start + 1, …, end - 1.", "{#} : {:r0}", "pure", operands=0, results=1, verify=_verify_range)
tt.op(
    "splat", "One scalar in every element.", "{0}{#} : {:0} -> {:r0}", "pure",
    operands=1, results=1, verify=_verify_splat, fold=_fold_splat,
)  # fmt: skip
tt.op("expand_dims", "Adds an axis of size 1.", "{0}{#} : {:0} -> {:r0}", "pure", operands=1, results=1, fold=_fold_splat)
tt.op(
    "broadcast", "Stretches axes of size 1.", "{0}{#} : {:0} -> {:r0}", "pure",
    operands=1, results=1, verify=_verify_broadcast, fold=_fold_same_type,
)  # fmt: skip
tt.op(
    "reshape",
    "The same elements, row-major, in another shape.",
    "{0}{#} : {:0} -> {:r0}",
    "pure",
    operands=1,
    results=1,
    fold=_fold_same_type,
)
tt.op("trans", "Permutes axes.", "{0}{#} : {:0} -> {:r0}", "pure", operands=1, results=1, fold=_fold_splat)
tt.op(
    "addptr", "A pointer moved by elements.", "{0}, {1}{#} : {:0}, {:1}", "pure", "elementwise",
    operands=2, results=1, verify=_verify_addptr, fold=_fold_addptr,
)  # fmt: skip
tt.op("bitcast", "The same bits as another type.", "{0}{#} : {:0} -> {:r0}", "pure", "elementwise", operands=1, results=1)
tt.op("clampf", "Clamped between two floats.", "{0}, {1}, {2}{#} : {:r0}", "pure", "elementwise", operands=3, results=1)
tt.op("dot", "Matrix product added to an accumulator.", None, "pure", operands=3, results=1, verify=_verify_dot)
tt.op("load", "Reads what pointers point at, where the mask allows.", None, results=1)
tt.op("store", "Writes to where pointers point, where the mask allows.", None, results=0)
tt.op("reduce", "Combines the elements along one axis.", None, "pure")
tt.op("reduce.return", "Ends a combiner.", "{*} : {:*}", "terminator")


@pretty("tt.get_program_id", "tt.get_num_programs")
def _print_axis(printer: Printer, op: Op) -> None:
    printer.write(f" {AXES[axis_of(op)]}")
    printer.attributes(op, "axis")
    printer.write(f" : {op.results[0].type}")


@pretty("tt.dot")
def _print_dot(printer: Printer, op: Op) -> None:
    a, b, c = op.operands
    precision = op.get("inputPrecision", IntegerAttr)
    printer.write(f" {printer.names_of(op.operands)}")
    if precision is not None:
        printer.write(f", inputPrecision = {INPUT_PRECISIONS[precision.value]}")
    zero = op.get("maxNumImpreciseAcc", IntegerAttr)
    printer.attributes(op, "inputPrecision", *(["maxNumImpreciseAcc"] if zero is not None and zero.value == 0 else []))
    printer.write(f" : {a.type} * {b.type} -> {c.type}")


_DEFAULTS: dict[str, Attribute] = {
    "boundaryCheck": DenseArrayAttr((), i32),
    "cache": IntegerAttr(1, i32),
    "evict": IntegerAttr(1, i32),
    "isVolatile": BoolAttr(False),
}


@pretty("tt.load", "tt.store")
def _print_memory(printer: Printer, op: Op) -> None:
    printer.write(f" {printer.names_of(op.operands)}")
    usual = [key for key, value in _DEFAULTS.items() if op.attributes.get(key) == value]
    printer.attributes(op, "operandSegmentSizes", *usual)
    printer.write(f" : {op.operands[0].type}")


@pretty("tt.reduce")
def _print_reduce(printer: Printer, op: Op) -> None:
    printer.parts[-1] = '"tt.reduce"'
    printer.write(f"({printer.names_of(op.operands)}) ")
    printer.write("(")
    printer.region(op.region, arguments=True)
    printer.write(")")
    printer.attributes(op)
    printer.write(f" : {printer.types(op)}")


def axis_of(op: Op) -> int:
    """The `axis` of a program id, expand_dims or reduce."""
    axis = op.get("axis", IntegerAttr)
    if axis is None:
        raise ValueError(f"{op.name} has no axis")
    return axis.value


def mask_of(op: Op) -> Value | None:
    """The mask of a tt.load or tt.store, where it has one."""
    position = 1 if op.name == "tt.load" else 2
    return op.operands[position] if len(op.operands) > position else None


def other_of(op: Op) -> Value | None:
    """What a masked tt.load gives where it reads nothing."""
    return op.operands[2] if len(op.operands) > 2 else None


_KINDS = {
    "arith.addf": "sum",
    "arith.addi": "sum",
    "arith.maxnumf": "max",
    "arith.maximumf": "max",
    "arith.maxsi": "max",
    "arith.maxui": "max",
    "arith.minnumf": "min",
    "arith.minimumf": "min",
    "arith.minsi": "min",
    "arith.minui": "min",
    "arith.mulf": "prod",
    "arith.muli": "prod",
    "arith.xori": "xor",
    "arith.ori": "or",
    "arith.andi": "and",
}


def reduction_kind(op: Op) -> str | None:
    """sum, max, min, prod, xor, or, and: what a tt.reduce with one operand and a one-op combiner does; None for any other."""
    body = op.body
    if len(op.operands) != 1 or len(body.ops) != 2:
        return None
    combine, end = body.ops
    if set(combine.operands) != set(body.arguments) or end.operands != tuple(combine.results):
        return None
    return _KINDS.get(combine.name)


def memory_attributes(*, load: bool, mask: bool = False, other: bool = False) -> dict[str, AttributeValue]:
    """The attributes that TTIR wants on a tt.load (or tt.store) without hints."""
    attributes: dict[str, AttributeValue] = {k: v for k, v in _DEFAULTS.items() if load or k != "isVolatile"}
    if load:
        attributes["operandSegmentSizes"] = DenseArrayAttr((1, int(mask), int(other)), i32)
    return attributes


def reduce(builder: Builder, operand: Value, axis: int, combine: str, hint: str = "") -> Value:
    """A tt.reduce along `axis` whose combiner is the one op named `combine`. A 1-D operand gives a scalar."""
    type = operand.type
    assert isinstance(type, TensorType)
    body = Block([type.element, type.element], ["a", "b"])
    inner = Builder(body, location=builder.location, origin=builder.origin)
    inner.op("tt.reduce.return", [inner.value(combine, body.arguments, type.element, hint="combined")])
    shape = type.shape[:axis] + type.shape[axis + 1 :]
    result: Type = TensorType(shape, type.element) if shape else type.element
    op = builder.op("tt.reduce", [operand], [result], {"axis": IntegerAttr(axis, i32)}, [Region([body])], [hint])
    return op.result


def reduction_op(kind: str, element: Type, *, unsigned: bool = False) -> str:
    """The arith op that combines two elements for a kind of reduction. nan is ignored by max and min, as in Triton."""
    if is_float(element):
        return {"sum": "arith.addf", "max": "arith.maxnumf", "min": "arith.minnumf", "prod": "arith.mulf"}[kind]
    sign = "u" if unsigned else "s"
    integer = {
        "sum": "addi",
        "max": f"max{sign}i",
        "min": f"min{sign}i",
        "prod": "muli",
        "xor": "xori",
        "or": "ori",
        "and": "andi",
    }
    return f"arith.{integer[kind]}"


def pointee(type: Type) -> Type:
    """What a pointer, or each pointer of a tensor, points at. Raises TypeError for anything else."""
    element = element_of(type)
    if not isinstance(element, PointerType):
        raise TypeError(f"{type} is no pointer")
    return element.pointee
