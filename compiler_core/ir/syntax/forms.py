"""The custom forms of ops as data: what stands behind an op's name, in what order, and what it says about the op.

A form is a line of these elements, apart by spaces where they would run together:

    $name          an operand group, or an attribute
    @name          the types of an operand group or of a group of results
    %name          `[%a, 4]`: the operands of the group, and in the attribute static_name the numbers between them
    {}             the attributes that have no place of their own, if any
    fn             `(types) -> types` of all operands and results
    &name          a region
    (? … ?)        may be missing; it is there where its first element is
    anything else  stands for itself

Operand groups are declared as "lhs rhs", with `*` behind the name of a group of any number and `?` behind one that may be
missing. Ops whose form says more than this register a function with `@reads`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compiler_core.ir.attributes import Attribute, DenseArrayAttr, IntegerAttr, RawAttr, TypeAttr, UnitAttr
from compiler_core.ir.core import Region, Value
from compiler_core.ir.syntax.operations import OperationReader
from compiler_core.ir.syntax.scanner import token
from compiler_core.ir.types import DYNAMIC, FunctionType, Type, i32, i64

_ELEMENT = re.compile(r"\(\?|\?\)|[$@%&]\w+|\{\}|->|\w[\w.]*|[^\s\w]")
_ENUM = token(r"<[\w|, .]*+>")


@dataclass(slots=True)
class Parts:
    """What has been read of one op. `types` has the types written for a group of operands or results."""

    name: str
    count: int
    """How many results are named."""
    operands: dict[str, list[Value]] = field(default_factory=dict[str, list[Value]])
    types: dict[str, list[Type]] = field(default_factory=dict[str, list[Type]])
    attributes: dict[str, Attribute] = field(default_factory=dict[str, Attribute])
    regions: list[Region] = field(default_factory=list[Region])
    results: list[Type] | None = None
    """The types of the results, once known."""


Step = Callable[[OperationReader, Parts], None]
AttributeReader = Callable[[OperationReader], Attribute]


@dataclass(frozen=True)
class Form:
    """How one op is read. `groups` are its operand groups in order; `results` the groups of results that `@` names, or an
    operand group whose types they have, or a type. `segments`: whether operandSegmentSizes tells the groups apart. `renamed`:
    an attribute of older texts → the one they mean, and its value.
    """

    name: str
    groups: tuple[str, ...]
    steps: tuple[Step, ...]
    results: str
    segments: bool
    defaults: Mapping[str, str]
    renamed: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    text: str = ""
    """The declaration; empty where a function reads the op."""
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    """How the attributes that have a place in the text are written."""


FORMS: dict[str, Form] = {}
"""Custom forms by the op's full name."""
SHORT_NAMES = {
    "module": "builtin.module",
    "unrealized_conversion_cast": "builtin.unrealized_conversion_cast",
    "return": "func.return",
    "call": "func.call",
}
"""Names that printers shorten, because the op around them has the same dialect."""


def _enum(kind: str) -> AttributeReader:
    """`<value>` as #kind<value>."""

    def read(reader: OperationReader) -> Attribute:
        match = reader.take(_ENUM)
        if match is None:
            return reader.attribute()
        return RawAttr(f"#{kind}{match[1]}")

    return read


def read_integers(reader: OperationReader) -> DenseArrayAttr:
    """`[1, 2]` as array<i64: 1, 2>."""
    reader.expect("[")
    values: list[int] = []
    while not reader.accept("]"):
        values.append(reader.integer())
        reader.accept(",")
    return DenseArrayAttr(tuple(values))


def _unit(reader: OperationReader) -> Attribute:
    return UnitAttr()


def _type(reader: OperationReader) -> Attribute:
    return TypeAttr(reader.type())


def _integer(reader: OperationReader) -> Attribute:
    """`4` as an i64."""
    return IntegerAttr(reader.integer(), i64)


KINDS: dict[str, AttributeReader] = {"array": read_integers, "unit": _unit, "type": _type, "integer": _integer}
"""How the attributes of a form read, besides as any attribute and as an enumeration's value (`#dialect.name`)."""


def form(
    name: str,
    groups: str,
    text: str,
    attributes: Mapping[str, str] | None = None,
    *,
    results: str = "result",
    segments: bool = False,
    defaults: Mapping[str, str] | None = None,
    renamed: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Declares the form of an op. `attributes` say how those that `$` names are written: a key of KINDS, `#dialect.name` of an
    enumeration, or "any". `defaults` are the attributes, as text, of an op that does not write them."""
    kinds = {part.rstrip("*?"): part[len(part.rstrip("*?")) :] for part in groups.split()}
    readers = {
        key: _enum(kind[1:]) if kind.startswith("#") else KINDS.get(kind, OperationReader.attribute)
        for key, kind in (attributes or {}).items()
    }
    elements = _ELEMENT.findall(text)
    steps = _compile(elements, kinds, readers, results)
    FORMS[name] = Form(
        name, tuple(kinds), tuple(steps), results, segments, defaults or {}, renamed or {}, text, attributes or {}
    )


def reads(*names: str, groups: str = "", results: str = "", segments: bool = False, defaults: Mapping[str, str] | None = None):
    """Registers a function that reads what stands behind the names of these ops."""

    def register(step: Step) -> Step:
        for name in names:
            FORMS[name] = Form(name, tuple(groups.split()), (step,), results, segments, defaults or {})
        return step

    return register


def _compile(elements: list[str], kinds: Mapping[str, str], readers: Mapping[str, AttributeReader], results: str) -> list[Step]:
    """The steps of the elements up to the end of an optional group; takes them off the list."""
    steps: list[Step] = []
    while elements:
        element = elements.pop(0)
        if element == "?)":
            break
        if element == "(?":
            starts = _presence(elements[0], readers)
            steps.append(_optional(starts, _compile(elements, kinds, readers, results)))
        elif element == "{}":
            steps.append(read_attributes)
        elif element == "fn":
            steps.append(read_function_type)
        elif element[0] == "&":
            steps.append(_read_region)
        elif element[0] == "%":
            steps.append(_mixed(element[1:]))
        elif element[0] == "@":
            steps.append(_types(element[1:], kinds.get(element[1:], "")))
        elif element[0] == "$" and element[1:] in kinds:
            steps.append(_operands(element[1:], kinds[element[1:]]))
        elif element[0] == "$":
            steps.append(_attribute(element[1:], readers[element[1:]]))
        else:
            steps.append(_literal(element))
    return steps


def _presence(element: str, readers: Mapping[str, AttributeReader]) -> Callable[[OperationReader], bool]:
    if element[0] == "$":
        mark = "<" if element[1:] in readers else "%"
        return lambda reader: reader.sees(mark)
    if element[0].isalpha():
        return lambda reader: reader.peek("word") == element
    return lambda reader: reader.sees(element)


def _optional(starts: Callable[[OperationReader], bool], steps: list[Step]) -> Step:
    def read(reader: OperationReader, parts: Parts) -> None:
        if starts(reader):
            for step in steps:
                step(reader, parts)

    return read


def _literal(text: str) -> Step:
    if text[0].isalpha():
        return lambda reader, parts: reader.expect_word(text)
    return lambda reader, parts: reader.expect(text)


def _operands(name: str, kind: str) -> Step:
    if kind == "*":

        def read_all(reader: OperationReader, parts: Parts) -> None:
            parts.operands[name] = operand_list(reader)

        return read_all

    def read(reader: OperationReader, parts: Parts) -> None:
        parts.operands[name] = [reader.operand()]

    return read


def operand_list(reader: OperationReader) -> list[Value]:
    """`%a, %b`, possibly none."""
    values: list[Value] = []
    while reader.sees("%"):
        values.append(reader.operand())
        if not reader.accept(","):
            break
    return values


def _types(name: str, kind: str) -> Step:
    def read(reader: OperationReader, parts: Parts) -> None:
        start = reader.at
        types = [reader.type()]
        while (kind == "*" or name not in parts.operands) and reader.accept(","):
            types.append(reader.type())
        parts.types[name] = types
        values = parts.operands.get(name)
        if values is not None and [v.type for v in values] != types:
            written = ", ".join(map(str, types))
            raise reader.fail(f"the operands have types {', '.join(str(v.type) for v in values)}, not {written}", start)

    return read


def _attribute(name: str, read_attribute: AttributeReader) -> Step:
    def read(reader: OperationReader, parts: Parts) -> None:
        parts.attributes[name] = read_attribute(reader)

    return read


def read_attributes(reader: OperationReader, parts: Parts) -> None:
    """`{…}` if there."""
    if reader.sees("{"):
        parts.attributes.update(reader.dictionary())


def read_function_type(reader: OperationReader, parts: Parts) -> None:
    """`(types) -> types`: checks the operands read so far and gives the results' types."""
    start = reader.at
    inputs, results = reader.signature()
    values = [v for group in parts.operands.values() for v in group]
    if tuple(v.type for v in values) != inputs:
        written = ", ".join(str(v.type) for v in values)
        raise reader.fail(f"{parts.name} has operands of types ({written}), not {FunctionType(inputs, ()).text[:-6]}", start)
    parts.results = list(results)


def _read_region(reader: OperationReader, parts: Parts) -> None:
    parts.regions.append(reader.region())


def _mixed(name: str) -> Step:
    def read(reader: OperationReader, parts: Parts) -> None:
        parts.operands[name], numbers = mixed_list(reader)
        parts.attributes[f"static_{name}"] = DenseArrayAttr(tuple(numbers), i64)

    return read


def mixed_list(reader: OperationReader, brackets: str = "[]") -> tuple[list[Value], list[int]]:
    """`[%a, 4]`: the operands, and all entries as numbers, DYNAMIC where an operand stands."""
    values: list[Value] = []
    numbers: list[int] = []
    reader.expect(brackets[0])
    while not reader.accept(brackets[1]):
        if reader.sees("%"):
            values.append(reader.operand())
            numbers.append(DYNAMIC)
        else:
            numbers.append(reader.integer())
        reader.accept(",")
    return values, numbers


def finish(found: Form, parts: Parts) -> tuple[list[Value], list[Type]]:
    """The operands in the order of their groups and the results' types; adds sizes of groups and defaults to the attributes."""
    groups = [parts.operands.get(name, []) for name in found.groups] if found.groups else list(parts.operands.values())
    if found.segments:
        parts.attributes.setdefault("operandSegmentSizes", DenseArrayAttr(tuple(len(g) for g in groups), i32))
    for key, (meant, text) in found.renamed.items():
        if parts.attributes.pop(key, None) is not None:
            parts.attributes[meant] = default_attribute(text)
    for key, text in found.defaults.items():
        if key not in parts.attributes:
            parts.attributes[key] = default_attribute(text)
    return [v for g in groups for v in g], _results(found, parts)


def _results(found: Form, parts: Parts) -> list[Type]:
    if parts.results is not None:
        return parts.results
    names = found.results.split()
    written = [t for name in names for t in parts.types.get(name, [])]
    if written:
        return written
    if names and names[0] in parts.operands:
        return [v.type for name in names for v in parts.operands[name][:1]]
    if len(names) == 1 and names[0] not in ("result",):
        return [default_type(names[0])]
    return []


_DEFAULTS: dict[str, Attribute] = {}
_DEFAULT_TYPES: dict[str, Type] = {}


def default_attribute(text: str) -> Attribute:
    """The attribute of a declaration's text."""
    if text not in _DEFAULTS:
        _DEFAULTS[text] = OperationReader(text, "form").attribute()
    return _DEFAULTS[text]


def default_type(text: str) -> Type:
    """The type of a declaration's text."""
    if text not in _DEFAULT_TYPES:
        _DEFAULT_TYPES[text] = OperationReader(text, "form").type()
    return _DEFAULT_TYPES[text]
