"""Forms of memref and bufferization."""

from compiler_core.ir.attributes import UnitAttr
from compiler_core.ir.core import Value
from compiler_core.ir.syntax.forms import Parts, form, operand_list, read_attributes, read_function_type, reads
from compiler_core.ir.syntax.operations import OperationReader
from compiler_core.ir.types import MemRefType, ShapedType, TensorType, Type

form("memref.alloc", "sizes* symbols*", "($sizes) (? [$symbols] ?) {} : @result", segments=True)
form("memref.alloca", "sizes* symbols*", "($sizes) (? [$symbols] ?) {} : @result", segments=True)
form("memref.dealloc", "memref", "$memref {} : @memref")
form("memref.cast", "source", "$source {} : @source to @result")
form("memref.memory_space_cast", "source", "$source {} : @source to @result")
form("memref.copy", "source target", "$source, $target {} : @source to @target")
form("memref.dim", "source index", "{} $source, $index : @source", results="index")
form("memref.rank", "memref", "$memref {} : @memref", results="index")
form("memref.store", "value memref indices*", "$value, $memref[$indices] {} : @memref", results="")
form("memref.collapse_shape", "src", "$src $reassociation {} : @src into @result", {"reassociation": "any"})
form(
    "memref.expand_shape",
    "src output_shape",
    "$src $reassociation output_shape %output_shape {} : @src into @result",
    {"reassociation": "any"},
)
form(
    "memref.subview",
    "source offsets sizes strides",
    "$source %offsets %sizes %strides {} : @source to @result",
    segments=True,
)
form(
    "memref.reinterpret_cast",
    "source offsets sizes strides",
    "$source to offset: %offsets, sizes: %sizes, strides: %strides {} : @source to @result",
    segments=True,
)
form("memref.view", "source shift sizes*", "$source[$shift][$sizes] {} : @source to @result")
form("memref.transpose", "in", "$in $permutation {} : @in to @result", {"permutation": "any"})
form("memref.get_global", "", "$name : @result {}", {"name": "any"})
form("memref.extract_aligned_pointer_as_index", "source", "$source : @source -> @result {}")
form("memref.assume_alignment", "memref", "$memref, $alignment {} : @memref", {"alignment": "any"}, results="")


@reads("memref.load", groups="memref indices")
def _load(reader: OperationReader, parts: Parts) -> None:
    read_element(reader, parts, "memref")


def read_element(reader: OperationReader, parts: Parts, group: str) -> None:
    """`%buffer[%i, %j] {…} : type`: one element of it."""
    parts.operands[group] = [reader.operand()]
    parts.operands["indices"] = bracketed(reader)
    read_attributes(reader, parts)
    reader.expect(":")
    start = reader.at
    written = reader.type()
    if not isinstance(written, ShapedType):
        raise reader.fail(f"{parts.name} reads from a shaped type, not {written}", start)
    parts.results = [written.element]


def bracketed(reader: OperationReader) -> list[Value]:
    """`[%a, %b]`."""
    reader.expect("[")
    values = operand_list(reader)
    reader.expect("]")
    return values


@reads("memref.extract_strided_metadata", groups="source")
def _metadata(reader: OperationReader, parts: Parts) -> None:
    """`%m : type -> base, index, …`."""
    parts.operands["source"] = [reader.operand()]
    reader.expect(":")
    reader.type()
    reader.expect("->")
    types: list[Type] = [reader.type()]
    while reader.accept(","):
        types.append(reader.type())
    parts.results = types
    read_attributes(reader, parts)


@reads("bufferization.to_tensor", groups="buffer")
def _to_tensor(reader: OperationReader, parts: Parts) -> None:
    """`%m restrict writable : memref to tensor`; the tensor may be left out."""
    parts.operands["buffer"] = [reader.operand()]
    for word in ("restrict", "writable"):
        if reader.accept_word(word):
            parts.attributes[word] = UnitAttr()
    read_attributes(reader, parts)
    reader.expect(":")
    buffer = reader.type()
    if reader.accept_word("to"):
        parts.results = [reader.type()]
    elif isinstance(buffer, MemRefType):
        parts.results = [TensorType(buffer.shape, buffer.element)]


form("bufferization.to_memref", "tensor", "$tensor (? read_only $read_only ?) {} : @result", {"read_only": "unit"})
form("bufferization.to_buffer", "tensor", "$tensor (? read_only $read_only ?) {} : @tensor to @result", {"read_only": "unit"})


@reads("bufferization.alloc_tensor", groups="sizes copy size_hint", segments=True)
def _alloc_tensor(reader: OperationReader, parts: Parts) -> None:
    reader.expect("(")
    parts.operands["sizes"] = operand_list(reader)
    reader.expect(")")
    for group in ("copy", "size_hint"):
        if reader.accept_word(group):
            opening, closing = ("(", ")") if group == "copy" else ("=", "")
            reader.expect(opening)
            parts.operands[group] = [reader.operand()]
            if closing:
                reader.expect(closing)
    read_attributes(reader, parts)
    reader.expect(":")
    parts.results = [reader.type()]


@reads("bufferization.materialize_in_destination", groups="source dest")
def _materialize(reader: OperationReader, parts: Parts) -> None:
    parts.operands["source"] = [reader.operand()]
    reader.expect_word("in")
    for word in ("restrict", "writable"):
        if reader.accept_word(word):
            parts.attributes[word] = UnitAttr()
    parts.operands["dest"] = [reader.operand()]
    read_attributes(reader, parts)
    reader.expect(":")
    read_function_type(reader, parts)
