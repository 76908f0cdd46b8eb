"""linalg: named operations on whole tensors (or buffers, outside the tensor stage).

Ops take their inputs, then their outputs (`outs`), whose values are where results start from. The named ops' regions, which
follow from their names, are left out; only linalg.reduce has one, its combiner.
"""

from collections.abc import Sequence
from math import inf

from compiler_core.dialects.tensor import tensor_type
from compiler_core.ir import Builder, DenseArrayAttr, Dialect, Op, Printer, Value, pretty, single_block
from compiler_core.ir.types import FloatType, IntegerType, ShapedType, TensorType, Type, i32

linalg = Dialect("linalg")


def _shape(value: Value) -> tuple[int, ...]:
    return value.type.shape if isinstance(value.type, ShapedType) else ()


def _verify_reduce(op: Op) -> str | None:
    source, init = op.operands
    left = tuple(s for d, s in enumerate(_shape(source)) if d not in dimensions_of(op))
    return None if left == _shape(init) else f"reduces {source.type} over {list(dimensions_of(op))} into {init.type}"


def _verify_broadcast(op: Op) -> str | None:
    source, init = op.operands
    left = tuple(s for d, s in enumerate(_shape(init)) if d not in dimensions_of(op))
    return None if left == _shape(source) else f"broadcasts {source.type} along {list(dimensions_of(op))} to {init.type}"


def _verify_transpose(op: Op) -> str | None:
    source, init = op.operands
    order = permutation_of(op)
    fits = sorted(order) == list(range(len(_shape(source)))) and tuple(_shape(source)[d] for d in order) == _shape(init)
    return None if fits else f"transposes {source.type} by {list(order)} into {init.type}"


def _verify_matmul(op: Op) -> str | None:
    a, b, c = (_shape(v)[-2:] for v in op.operands)
    fits = len(a) == len(b) == len(c) == 2 and a[1] == b[0] and c == (a[0], b[1])
    return None if fits else f"multiplies {list(a)} by {list(b)} into {list(c)}"


linalg.op("fill", "Every element one scalar.", None, "pure", operands=2)
linalg.op("broadcast", "Repeats along new dimensions.", None, "pure", operands=2, verify=_verify_broadcast)
linalg.op("transpose", "Permutes dimensions.", None, "pure", operands=2, verify=_verify_transpose)
linalg.op("reduce", "Combines along dimensions, from the init on.", None, "pure", operands=2, verify=_verify_reduce)
linalg.op("matmul", "outs + a · b.", None, "pure", operands=3, verify=_verify_matmul)
linalg.op(
    "batch_matmul", "outs + a · b, for every index of the first dimension.", None, "pure", operands=3, verify=_verify_matmul
)
linalg.op("yield", "Ends a region, handing its value on.", "{*}{#} : {:*}", "terminator", results=0)

_SEGMENTS = ("operandSegmentSizes",)


def _outs(printer: Printer, op: Op) -> str:
    *inputs, out = op.operands
    types = ", ".join(str(v.type) for v in inputs)
    return f" ins({printer.names_of(inputs)} : {types}) outs({printer.name(out)} : {out.type})"


@pretty("linalg.fill", "linalg.matmul", "linalg.batch_matmul")
def _print_named(printer: Printer, op: Op) -> None:
    printer.attributes(op, *_SEGMENTS)
    printer.write(_outs(printer, op))
    if op.results:
        printer.write(f" -> {op.results[0].type}")


@pretty("linalg.broadcast")
def _print_broadcast(printer: Printer, op: Op) -> None:
    printer.write(f"{_outs(printer, op)} dimensions = {list(dimensions_of(op))}")
    printer.attributes(op, "dimensions")


@pretty("linalg.transpose")
def _print_transpose(printer: Printer, op: Op) -> None:
    printer.write(f"{_outs(printer, op)} permutation = {list(permutation_of(op))}")
    printer.attributes(op, "permutation")


@pretty("linalg.reduce")
def _print_reduce(printer: Printer, op: Op) -> None:
    combiner = combiner_of(op)
    if combiner is not None:
        printer.write(f" {{ {combiner.name} }}")
    printer.write(f"{_outs(printer, op)} dimensions = {list(dimensions_of(op))}")
    printer.attributes(op, "dimensions")
    if combiner is None:
        arguments = ", ".join(f"{printer.name(a)}: {a.type}" for a in op.body.arguments)
        printer.write(f" ({arguments}) ")
        printer.region(op.region)


def dimensions_of(op: Op) -> tuple[int, ...]:
    """The dimensions that a reduce removes, or that a broadcast adds (of the result)."""
    attribute = op.attributes["dimensions"]
    assert isinstance(attribute, DenseArrayAttr)
    return attribute.values


def permutation_of(op: Op) -> tuple[int, ...]:
    """A transpose's order: result dimension i is source dimension permutation[i]."""
    attribute = op.attributes["permutation"]
    assert isinstance(attribute, DenseArrayAttr)
    return attribute.values


def combiner_of(op: Op) -> Op | None:
    """The one op of a reduce's region, on its two arguments; None where the region is anything else."""
    block = op.body
    if len(block.ops) != 2 or block.terminator.operands != tuple(block.ops[0].results):
        return None
    return block.ops[0] if set(block.ops[0].operands) == set(block.arguments) else None


KINDS = {
    **dict.fromkeys(("arith.addf", "arith.addi"), "sum"),
    **dict.fromkeys(("arith.mulf", "arith.muli"), "prod"),
    **dict.fromkeys(("arith.maximumf", "arith.maxnumf", "arith.maxsi"), "max"),
    **dict.fromkeys(("arith.minimumf", "arith.minnumf", "arith.minsi"), "min"),
    "arith.maxui": "umax",
    "arith.minui": "umin",
    "arith.andi": "and",
    "arith.ori": "or",
    "arith.xori": "xor",
}
"""What a reduction by one op is called."""


def reduction_kind(op: Op) -> str | None:
    """sum, prod, max, min, umax, umin, and, or, xor; None for a combiner of another form."""
    combiner = combiner_of(op)
    return KINDS.get(combiner.name) if combiner is not None else None


def identity(combiner: str, element: Type) -> int | float:
    """The number that an op (`arith.addf`) combines with x to x. Raises KeyError for an op that reduces nothing."""
    kind = KINDS[combiner]
    if isinstance(element, FloatType):
        return {"sum": 0.0, "prod": 1.0, "max": -inf, "min": inf}[kind]
    width = element.width if isinstance(element, IntegerType) else 64
    largest = (1 << (width - 1)) - 1 if width > 1 else 1
    smallest = -largest - 1 if width > 1 else 0
    return {
        "sum": 0,
        "or": 0,
        "xor": 0,
        "umax": 0,
        "prod": 1,
        "and": -1 if width > 1 else 1,
        "umin": -1,
        "max": smallest,
        "min": largest,
    }[kind]


def fill(builder: Builder, scalar: Value, out: Value, hint: str = "") -> Value:
    return builder.value("linalg.fill", [scalar, out], out.type, {"operandSegmentSizes": DenseArrayAttr((1, 1), i32)}, hint)


def broadcast(builder: Builder, source: Value, out: Value, dimensions: Sequence[int], hint: str = "") -> Value:
    """Repeats `source` along `dimensions` of the result, whose shape is `out`'s."""
    return builder.value("linalg.broadcast", [source, out], out.type, {"dimensions": DenseArrayAttr(tuple(dimensions))}, hint)


def transpose(builder: Builder, source: Value, out: Value, permutation: Sequence[int], hint: str = "") -> Value:
    return builder.value("linalg.transpose", [source, out], out.type, {"permutation": DenseArrayAttr(tuple(permutation))}, hint)


def reduce(builder: Builder, combiner: str, source: Value, init: Value, dimensions: Sequence[int], hint: str = "") -> Value:
    """Combines by the named op (`arith.addf`) along `dimensions`; `init` has the shape that is left."""
    element = tensor_type(source).element
    region = single_block([element, element], ["in", "init"])
    inner = Builder(region.blocks[0], 0, builder.location, builder.origin)
    value = inner.value(combiner, region.blocks[0].arguments, element)
    inner.op("linalg.yield", [value])
    attributes = {"dimensions": DenseArrayAttr(tuple(dimensions))}
    return builder.op("linalg.reduce", [source, init], [init.type], attributes, [region], [hint]).result


def matmul(builder: Builder, a: Value, b: Value, out: Value, hint: str = "") -> Value:
    """out + a · b: [m, k] · [k, n] onto [m, n], which accumulates in its own element type."""
    name = "linalg.batch_matmul" if tensor_type(a).rank == 3 else "linalg.matmul"
    return builder.value(name, [a, b, out], out.type, {"operandSegmentSizes": DenseArrayAttr((2, 1), i32)}, hint)


def reduced_type(type: TensorType, dimensions: Sequence[int]) -> TensorType:
    """The type that is left of a tensor reduced along `dimensions`."""
    return TensorType(tuple(s for d, s in enumerate(type.shape) if d not in dimensions), type.element)
