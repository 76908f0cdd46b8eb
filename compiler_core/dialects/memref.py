"""memref: buffers and views of them."""

from collections.abc import Sequence

from compiler_core.dialects.indices import PACKED, Mixed, mixed_text, pack, static_of, unpack
from compiler_core.ir import Builder, DenseArrayAttr, Dialect, Op, Printer, StringAttr, SymbolRefAttr, Value, pretty
from compiler_core.ir.types import DYNAMIC, MemRefType, Strided, i32

memref = Dialect("memref")


def _verify_view(op: Op) -> str | None:
    type = op.results[0].type
    if not isinstance(type, MemRefType):
        return "makes no memref"
    sizes = static_of(unpack(op, "sizes"))
    if sizes == type.shape:
        return None
    # a subview may leave dimensions of one element out of its type
    left = [s for s in type.shape if s != 1]
    fits = op.name == "memref.subview" and len(sizes) > type.rank and [s for s in sizes if s != 1] == left
    return None if fits else f"sizes {list(sizes)} in a view of type {type}"


memref.op("reinterpret_cast", "A strided view of a base buffer.", None, "pure", results=1, verify=_verify_view)
memref.op("subview", "A rectangular part of a view.", None, "pure", results=1, verify=_verify_view)
memref.op("view", "A buffer of another shape at an offset in bytes.", None, "pure", results=1)
memref.op("extract_strided_metadata", "A view's base, offset, sizes and strides.", None, "pure", operands=1)
memref.op("load", "Reads one element.", None, "reads", results=1)
memref.op("store", "Writes one element.", None, results=0)
memref.op("alloc", "Makes a buffer.", None, "allocates", results=1)
memref.op("copy", "Copies a buffer.", "{0}, {1}{#} : {:0} to {:1}", operands=2, results=0)
memref.op("dim", "The size of one dimension.", "{0}, {1}{#} : {:0}", "pure", operands=2, results=1)
memref.op("cast", "The same view with a more or less static type.", "{0}{#} : {:0} to {:r0}", "pure", operands=1, results=1)
memref.op(
    "collapse_shape",
    "Joins neighbouring dimensions.",
    "{0} {reassociation}{#} : {:0} into {:r0}",
    "pure",
    operands=1,
    results=1,
)
memref.op("expand_shape", "Splits dimensions.", None, "pure", results=1)
memref.op("global", "A constant buffer by name.", None)
memref.op("get_global", "The buffer of a global.", "{name}{#} : {:r0}", "pure", operands=0, results=1)


@pretty("memref.reinterpret_cast")
def _print_reinterpret_cast(printer: Printer, op: Op) -> None:
    offset, sizes, strides = (mixed_text(printer, unpack(op, k)) for k in ("offsets", "sizes", "strides"))
    printer.write(f" {printer.name(op.operands[0])} to offset: {offset}, sizes: {sizes}, strides: {strides}")
    printer.attributes(op, *PACKED)
    printer.write(f" : {op.operands[0].type} to {op.results[0].type}")


@pretty("memref.subview")
def _print_subview(printer: Printer, op: Op) -> None:
    lists = " ".join(mixed_text(printer, unpack(op, k)) for k in ("offsets", "sizes", "strides"))
    printer.write(f" {printer.name(op.operands[0])}{lists}")
    printer.attributes(op, *PACKED)
    printer.write(f" : {op.operands[0].type} to {op.results[0].type}")


@pretty("memref.load")
def _print_load(printer: Printer, op: Op) -> None:
    source, *indices = op.operands
    printer.write(f" {printer.name(source)}[{printer.names_of(indices)}]")
    printer.attributes(op)
    printer.write(f" : {source.type}")


@pretty("memref.store")
def _print_store(printer: Printer, op: Op) -> None:
    value, target, *indices = op.operands
    printer.write(f" {printer.name(value)}, {printer.name(target)}[{printer.names_of(indices)}]")
    printer.attributes(op)
    printer.write(f" : {target.type}")


@pretty("memref.alloc")
def _print_alloc(printer: Printer, op: Op) -> None:
    printer.write(f"({printer.names_of(op.operands)})")
    printer.attributes(op, *PACKED)
    printer.write(f" : {op.results[0].type}")


@pretty("memref.global")
def _print_global(printer: Printer, op: Op) -> None:
    name, type, visibility = op.attributes["sym_name"], op.attributes["type"], op.get("sym_visibility", StringAttr)
    assert isinstance(name, StringAttr)
    constant = " constant" if "constant" in op.attributes else ""
    value = op.attributes.get("initial_value")
    scope = f' "{visibility.value}"' if visibility else ""
    printer.write(f"{scope}{constant} @{name.value} : {type}" + (f" = {value_text(str(value))}" if value is not None else ""))
    printer.attributes(op, "sym_name", "type", "sym_visibility", "constant", "initial_value")


def value_text(text: str) -> str:
    """A dense attribute's text without its type, which the global's own type already says."""
    return text.rpartition(" : ")[0]


def cast_type(base: MemRefType, offset: Mixed, sizes: Sequence[Mixed], strides: Sequence[Mixed]) -> MemRefType:
    """The type of a reinterpret_cast; the layout is written even where it is the identity, as MLIR does."""
    return MemRefType(static_of(sizes), base.element, Strided(static_of(strides), static_of([offset])[0]), base.space)


def reinterpret_cast(
    builder: Builder, base: Value, offset: Mixed, sizes: Sequence[Mixed], strides: Sequence[Mixed], hint: str = ""
) -> Value:
    """The view `base[offset + Σ index·stride]` of a flat memref, in elements."""
    assert isinstance(base.type, MemRefType)
    packed = pack([base], {"offsets": [offset], "sizes": sizes, "strides": strides})
    type = cast_type(base.type, offset, sizes, strides)
    return builder.value("memref.reinterpret_cast", packed.operands, type, packed.attributes, hint)


def part_type(source: MemRefType, offsets: Sequence[Mixed], sizes: Sequence[Mixed], strides: Sequence[Mixed]) -> MemRefType:
    """The type of a subview."""
    start = source.offset
    result: list[int] = []
    for offset, step, stride in zip(static_of(offsets), static_of(strides), source.strides, strict=True):
        start = DYNAMIC if DYNAMIC in (start, offset) or (offset and stride == DYNAMIC) else start + offset * max(stride, 0)
        result.append(DYNAMIC if DYNAMIC in (step, stride) else step * stride)
    return MemRefType(static_of(sizes), source.element, Strided(tuple(result), start), source.space)


def subview(
    builder: Builder,
    source: Value,
    offsets: Sequence[Mixed],
    sizes: Sequence[Mixed],
    strides: Sequence[Mixed] = (),
    hint: str = "",
) -> Value:
    """The part of a view that starts at `offsets` and has `sizes`; strides default to 1."""
    assert isinstance(source.type, MemRefType)
    steps = list(strides) or [1] * len(sizes)
    packed = pack([source], {"offsets": offsets, "sizes": sizes, "strides": steps})
    type = part_type(source.type, offsets, sizes, steps)
    return builder.value("memref.subview", packed.operands, type, packed.attributes, hint)


def load(builder: Builder, source: Value, indices: Sequence[Value] = (), hint: str = "") -> Value:
    assert isinstance(source.type, MemRefType)
    return builder.value("memref.load", [source, *indices], source.type.element, hint=hint)


def store(builder: Builder, value: Value, target: Value, indices: Sequence[Value] = ()) -> Op:
    return builder.op("memref.store", [value, target, *indices])


def alloc(builder: Builder, type: MemRefType, sizes: Sequence[Value] = (), hint: str = "") -> Value:
    """A buffer; `sizes` are the dynamic dimensions."""
    segments = DenseArrayAttr((len(sizes), 0), i32)
    return builder.value("memref.alloc", sizes, type, {"operandSegmentSizes": segments}, hint)


def get_global(builder: Builder, name: str, type: MemRefType, hint: str = "") -> Value:
    return builder.value("memref.get_global", [], type, {"name": SymbolRefAttr(name)}, hint or name)


def base_of(view: Value) -> Value:
    """The buffer under any chain of views."""
    while view.op is not None and view.op.name in VIEWS:
        view = view.op.operands[0]
    return view


VIEWS = ("memref.reinterpret_cast", "memref.subview", "memref.cast", "memref.collapse_shape", "memref.expand_shape")
