"""tensor: making, cutting and reshaping tensors."""

from collections.abc import Callable, Sequence

from compiler_core.dialects.indices import PACKED, Mixed, mixed_text, pack, static_of, unpack
from compiler_core.ir import (
    ArrayAttr,
    Builder,
    DenseArrayAttr,
    Dialect,
    IntegerAttr,
    Op,
    Printer,
    Region,
    Value,
    pretty,
    single_block,
)
from compiler_core.ir.types import DYNAMIC, TensorType, Type, index

tensor = Dialect("tensor")

tensor.op("empty", "A tensor whose elements do not matter.", None, "pure", results=1)
tensor.op("splat", "A tensor of one scalar.", None, "pure", results=1)
tensor.op("generate", "A tensor computed from its indices.", None, "pure", results=1)
tensor.op("pad", "A tensor with a border of a scalar.", None, "pure", results=1)
tensor.op("yield", "Ends a region, handing its value on.", "{0}{#} : {:0}", "terminator", operands=1, results=0)
tensor.op("extract_slice", "A rectangular part.", None, "pure", results=1)
tensor.op("insert_slice", "A tensor with a rectangular part replaced.", None, "pure", results=1)
tensor.op("extract", "One element.", None, "pure", results=1)
tensor.op("from_elements", "A tensor of given scalars.", "{*}{#} : {:r0}", "pure", results=1)
tensor.op("cast", "The same tensor with a more or less static type.", "{0}{#} : {:0} to {:r0}", "pure", operands=1, results=1)
tensor.op("dim", "The size of one dimension.", "{0}, {1}{#} : {:0}", "pure", operands=2, results=1)
tensor.op("expand_shape", "Splits dimensions.", None, "pure", results=1)
tensor.op("collapse_shape", "Joins neighbouring dimensions.", None, "pure", operands=1, results=1)


@pretty("tensor.empty")
def _print_empty(printer: Printer, op: Op) -> None:
    printer.write(f"({printer.names_of(op.operands)})")
    printer.attributes(op)
    printer.write(f" : {op.results[0].type}")


@pretty("tensor.splat")
def _print_splat(printer: Printer, op: Op) -> None:
    scalar, *sizes = op.operands
    printer.write(f" {printer.name(scalar)}" + (f"[{printer.names_of(sizes)}]" if sizes else ""))
    printer.attributes(op)
    printer.write(f" : {op.results[0].type}")


@pretty("tensor.generate")
def _print_generate(printer: Printer, op: Op) -> None:
    printer.write(f" {printer.names_of(op.operands)} " if op.operands else " ")
    printer.region(op.region, arguments=True)
    printer.attributes(op)
    printer.write(f" : {op.results[0].type}")


@pretty("tensor.pad")
def _print_pad(printer: Printer, op: Op) -> None:
    low, high = (mixed_text(printer, unpack(op, k)) for k in ("low", "high"))
    printer.write(f" {printer.name(op.operands[0])} low{low} high{high} ")
    printer.region(op.region, arguments=True)
    printer.attributes(op, *PACKED)
    printer.write(f" : {op.operands[0].type} to {op.results[0].type}")


@pretty("tensor.extract_slice", "tensor.insert_slice")
def _print_slice(printer: Printer, op: Op) -> None:
    lists = " ".join(mixed_text(printer, unpack(op, k)) for k in ("offsets", "sizes", "strides"))
    into = f" into {printer.name(op.operands[1])}" if op.name == "tensor.insert_slice" else ""
    printer.write(f" {printer.name(op.operands[0])}{into}{lists}")
    printer.attributes(op, *PACKED)
    word = "into" if into else "to"
    printer.write(f" : {op.operands[0].type} {word} {op.results[0].type}")


@pretty("tensor.extract")
def _print_extract(printer: Printer, op: Op) -> None:
    source, *indices = op.operands
    printer.write(f" {printer.name(source)}[{printer.names_of(indices)}]")
    printer.attributes(op)
    printer.write(f" : {source.type}")


@pretty("tensor.expand_shape", "memref.expand_shape")
def _print_expand(printer: Printer, op: Op) -> None:
    groups = groups_text(op)
    sizes = iter(op.operands[1:])
    static = op.attributes["static_output_shape"]
    assert isinstance(static, DenseArrayAttr)
    shape = ", ".join(printer.name(next(sizes)) if s == DYNAMIC else str(s) for s in static.values)
    printer.write(f" {printer.name(op.operands[0])} {groups} output_shape [{shape}]")
    printer.attributes(op, "reassociation", "static_output_shape")
    printer.write(f" : {op.operands[0].type} into {op.results[0].type}")


@pretty("tensor.collapse_shape", "memref.collapse_shape")
def _print_collapse(printer: Printer, op: Op) -> None:
    printer.write(f" {printer.name(op.operands[0])} {groups_text(op)}")
    printer.attributes(op, "reassociation")
    printer.write(f" : {op.operands[0].type} into {op.results[0].type}")


def groups_of(op: Op) -> list[list[int]]:
    """The reassociation: for each dimension of the smaller rank, those of the larger."""
    attribute = op.attributes["reassociation"]
    assert isinstance(attribute, ArrayAttr)
    groups: list[list[int]] = []
    for group in attribute.values:
        assert isinstance(group, ArrayAttr)
        groups.append([d.value for d in group.values if isinstance(d, IntegerAttr)])
    return groups


def groups_text(op: Op) -> str:
    return "[" + ", ".join("[" + ", ".join(map(str, group)) + "]" for group in groups_of(op)) + "]"


def tensor_type(value: Value) -> TensorType:
    """The value's type, which must be a tensor's."""
    assert isinstance(value.type, TensorType), f"{value} is no tensor"
    return value.type


def empty(builder: Builder, sizes: Sequence[Mixed], element: Type, hint: str = "") -> Value:
    dynamic = [s for s in sizes if isinstance(s, Value)]
    return builder.value("tensor.empty", dynamic, TensorType(static_of(sizes), element), hint=hint)


def splat(builder: Builder, scalar: Value, sizes: Sequence[Mixed], hint: str = "") -> Value:
    dynamic = [s for s in sizes if isinstance(s, Value)]
    return builder.value("tensor.splat", [scalar, *dynamic], TensorType(static_of(sizes), scalar.type), hint=hint)


def generate(
    builder: Builder, shape: Sequence[Mixed], element: Type, body: Callable[[Builder, list[Value]], Value], hint: str = ""
) -> Value:
    """A tensor whose elements `body` builds from the indices (type index)."""
    dynamic = [s for s in shape if isinstance(s, Value)]
    region = _region([index] * len(shape), builder, body)
    op = builder.op("tensor.generate", dynamic, [TensorType(static_of(shape), element)], regions=[region], names=[hint])
    return op.result


def pad(
    builder: Builder,
    source: Value,
    low: Sequence[Mixed],
    high: Sequence[Mixed],
    value: Value,
    shape: Sequence[int],
    hint: str = "",
) -> Value:
    """`source` with a border of the scalar `value`; `shape` is the result's, DYNAMIC where unknown."""
    packed = pack([source], {"low": low, "high": high})
    region = _region([index] * len(shape), builder, lambda inner, indices: value)
    type = TensorType(tuple(shape), tensor_type(source).element)
    return builder.op("tensor.pad", packed.operands, [type], packed.attributes, [region], [hint]).result


def pad_value(op: Op) -> Value:
    """The scalar of a pad's border. Raises ValueError where it is computed inside the region."""
    value = op.body.terminator.operands[0]
    if value.op is not None and value.op.parent is op.body:
        raise ValueError("a border that depends on the index")
    return value


def _region(arguments: list[Type], builder: Builder, body: Callable[[Builder, list[Value]], Value]) -> Region:
    region = single_block(arguments, [f"i{k}" for k in range(len(arguments))])
    block = region.blocks[0]
    inner = Builder(block, 0, builder.location, builder.origin)
    value = body(inner, block.arguments)
    inner.op("tensor.yield", [value])
    return region


def extract_slice(
    builder: Builder,
    source: Value,
    offsets: Sequence[Mixed],
    sizes: Sequence[Mixed],
    strides: Sequence[Mixed] = (),
    hint: str = "",
) -> Value:
    packed = pack([source], {"offsets": offsets, "sizes": sizes, "strides": list(strides) or [1] * len(sizes)})
    type = TensorType(static_of(sizes), tensor_type(source).element)
    return builder.value("tensor.extract_slice", packed.operands, type, packed.attributes, hint)


def insert_slice(
    builder: Builder,
    source: Value,
    into: Value,
    offsets: Sequence[Mixed],
    sizes: Sequence[Mixed],
    strides: Sequence[Mixed] = (),
    hint: str = "",
) -> Value:
    packed = pack([source, into], {"offsets": offsets, "sizes": sizes, "strides": list(strides) or [1] * len(sizes)})
    return builder.value("tensor.insert_slice", packed.operands, into.type, packed.attributes, hint)


def extract(builder: Builder, source: Value, indices: Sequence[Value] = (), hint: str = "") -> Value:
    return builder.value("tensor.extract", [source, *indices], tensor_type(source).element, hint=hint)


def reassociation(small: Sequence[int], large: Sequence[int]) -> list[list[int]]:
    """Groups of `large`'s dimensions whose products are `small`'s. Raises ValueError where there are none."""
    groups: list[list[int]] = []
    at = 0
    for i, size in enumerate(small):
        group: list[int] = []
        product = 1
        while at < len(large) and (product != size or not group):
            product *= large[at]
            group.append(at)
            at += 1
        while at < len(large) and large[at] == 1 and len(large) - at > len(small) - i - 1:
            group.append(at)
            at += 1
        if product != size:
            raise ValueError(f"{tuple(large)} is no split of {tuple(small)}")
        groups.append(group)
    if at != len(large):
        raise ValueError(f"{tuple(large)} is no split of {tuple(small)}")
    return groups


def expand_shape(
    builder: Builder, source: Value, groups: Sequence[Sequence[int]], shape: Sequence[int], hint: str = ""
) -> Value:
    """A static split of dimensions."""
    attributes = {"reassociation": [list(g) for g in groups], "static_output_shape": DenseArrayAttr(tuple(shape))}
    return builder.value(
        "tensor.expand_shape", [source], TensorType(tuple(shape), tensor_type(source).element), attributes, hint
    )


def collapse_shape(
    builder: Builder, source: Value, groups: Sequence[Sequence[int]], shape: Sequence[int], hint: str = ""
) -> Value:
    """A static join of dimensions."""
    attributes = {"reassociation": [list(g) for g in groups]}
    return builder.value(
        "tensor.collapse_shape", [source], TensorType(tuple(shape), tensor_type(source).element), attributes, hint
    )
