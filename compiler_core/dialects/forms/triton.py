"""Forms of tt, Triton's dialect, as Triton 3 prints TTIR; its functions read as func's do."""

from compiler_core.dialects.tt import AXES, INPUT_PRECISIONS
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr, IntegerAttr
from compiler_core.ir.core import Value
from compiler_core.ir.syntax.forms import Parts, form, operand_list, read_attributes, reads
from compiler_core.ir.syntax.operations import OperationReader
from compiler_core.ir.types import PointerType, TensorType, Type, i32

CACHE = ("none", "ca", "cg", "wb", "cs", "wt", "cv")
"""Cache modifiers; the attribute counts them from 1."""
EVICTION = ("evict_normal", "evict_first", "evict_last")
"""Eviction policies; the attribute counts them from 1."""

form("tt.make_range", "", "{} : @result")
for _name in ("splat", "expand_dims", "broadcast", "reshape", "trans", "bitcast", "ptr_to_int", "int_to_ptr"):
    form(f"tt.{_name}", "src", "$src {} : @src -> @result")
form("tt.addptr", "ptr offset", "$ptr, $offset {} : @ptr, @offset", results="ptr")
form("tt.clampf", "x low high", "$x, $low, $high {} : @x", results="x")
form("tt.mulhiui", "x y", "$x, $y {} : @x", results="x")
form("tt.precise_sqrt", "x", "$x {} : @x", results="x")
form("tt.precise_divf", "x y", "$x, $y {} : @x", results="x")
form("tt.reduce.return", "values*", "$values {} : @values", results="")
form("tt.scan.return", "values*", "$values {} : @values", results="")


@reads("tt.get_program_id", "tt.get_num_programs")
def _axis(reader: OperationReader, parts: Parts) -> None:
    """`x : i32`."""
    start = reader.at
    word = reader.kind("word")
    if word not in AXES:
        raise reader.fail(f"{parts.name} has no axis {word}", start)
    parts.attributes["axis"] = IntegerAttr(AXES.index(word), i32)
    read_attributes(reader, parts)
    reader.expect(":")
    parts.results = [reader.type()]


@reads("tt.dot", groups="a b c", defaults={"maxNumImpreciseAcc": "0 : i32"})
def _dot(reader: OperationReader, parts: Parts) -> None:
    """`%a, %b, %c, inputPrecision = tf32 {…} : A * B -> C`."""
    for group in ("a", "b", "c"):
        if group != "a":
            reader.expect(",")
        parts.operands[group] = [reader.operand()]
    if reader.accept(","):
        reader.expect_word("inputPrecision")
        reader.expect("=")
        start = reader.at
        word = reader.kind("word")
        if word not in INPUT_PRECISIONS:
            raise reader.fail(f"there is no input precision {word}", start)
        parts.attributes["inputPrecision"] = IntegerAttr(list(INPUT_PRECISIONS).index(word), i32)
    read_attributes(reader, parts)
    reader.expect(":")
    reader.type()
    reader.expect("*")
    reader.type()
    reader.expect("->")
    parts.results = [reader.type()]


@reads("tt.load", groups="ptr mask other", segments=True, defaults={"isVolatile": "false"})
def _load(reader: OperationReader, parts: Parts) -> None:
    """`%p, %mask, %other {…} : pointers`."""
    for group, value in zip(("ptr", "mask", "other"), _memory(reader, parts), strict=False):
        parts.operands[group] = [value]
    pointers = reader.type()
    parts.results = [_pointees(reader, pointers)]


@reads("tt.store", groups="ptr value mask")
def _store(reader: OperationReader, parts: Parts) -> None:
    """`%p, %value, %mask {…} : pointers`."""
    for group, value in zip(("ptr", "value", "mask"), _memory(reader, parts), strict=False):
        parts.operands[group] = [value]
    reader.type()


def _memory(reader: OperationReader, parts: Parts) -> list[Value]:
    """The operands and hints of a load or store, up to its type."""
    values = operand_list(reader)
    for word, names, key in (("cacheModifier", CACHE, "cache"), ("evictionPolicy", EVICTION, "evict")):
        code = 1
        if reader.accept_word(word):
            reader.expect("=")
            start = reader.at
            hint = reader.kind("word")
            if hint not in names:
                raise reader.fail(f"{parts.name} knows no {word} {hint}", start)
            code = names.index(hint) + 1
        parts.attributes[key] = IntegerAttr(code, i32)
    read_attributes(reader, parts)
    reader.expect(":")
    if parts.name == "tt.load":
        parts.attributes.setdefault("isVolatile", BoolAttr(False))
    parts.attributes.setdefault("boundaryCheck", DenseArrayAttr((), i32))
    return values


def _pointees(reader: OperationReader, pointers: Type) -> Type:
    if isinstance(pointers, TensorType) and isinstance(pointers.element, PointerType):
        return TensorType(pointers.shape, pointers.element.pointee, pointers.encoding)
    if isinstance(pointers, PointerType):
        return pointers.pointee
    raise reader.fail(f"{pointers} is no pointer")
