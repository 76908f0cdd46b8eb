"""Reading ops in MLIR's generic form, regions and blocks, with the names that are in scope.

An op on one line, as every printer writes it, takes one regular expression, and its dictionary and signature are looked up by
their texts. Whatever is not exactly so is read piece by piece, which also finds what is wrong with it.
"""

import re
from collections.abc import Sequence

from compiler_core.ir.attributes import Attribute
from compiler_core.ir.core import Block, Location, Locations, Op, Region, Value
from compiler_core.ir.syntax.locations import LocationReader
from compiler_core.ir.syntax.scanner import SPACE, STRING
from compiler_core.ir.syntax.types import SIGNATURES
from compiler_core.ir.types import Type

_NAME = r"%[A-Za-z0-9_$.\-]++"
_FLAT = rf'[^{{}}"\n/]++|{STRING}'
_DICTIONARY = rf"\{{(?:{_FLAT}|\{{(?:{_FLAT})*+\}})*+\}}"
_RESULTS = rf"(?:({_NAME}(?::\d++)?+(?:,\ {_NAME}(?::\d++)?+)*+)\ =\ )?+"
_HEAD = rf"""
    "([\w.$]++)"\(((?:{_NAME}(?:\#\d++)?+(?:,\ (?=%))?+)*+)\)
    (?:\ <({_DICTIONARY})>)?+"""
_TAIL = rf"(?:({_DICTIONARY})\ )?+:\ (\([^\n]*+)(?:\n|\Z){SPACE}"
_LINE = re.compile(rf"{_RESULTS}{_HEAD}\ {_TAIL}", re.ASCII | re.VERBOSE)
"""Results, name, operands, properties, other attributes, signature and location."""
_OPENING = re.compile(rf"{_HEAD}\ (?=\()", re.ASCII | re.VERBOSE)
_CLOSING = re.compile(_TAIL, re.ASCII | re.VERBOSE)
_ARGUMENT = re.compile(
    rf"({_NAME}):\ ([a-z]\w*+(?:<(?:[^<>\"/!()]++|<[^<>\"/!()]*+>)*+>)?+)(?:,\ |(?=\)))", re.ASCII | re.VERBOSE
)
"""A block's argument in the printers' own spacing."""
_LOCATION = re.compile(r"(.*) loc\((\#[\w$\-]++)\)\s*", re.ASCII)


class OperationReader(LocationReader):
    def __init__(self, text: str, file: str) -> None:
        super().__init__(text, file)
        self.visible: dict[str, Value] = {}
        """Name → value; a result of several also by number (`%3#1`)."""
        self.local: dict[str, Value | None] = {}
        """Names of the innermost scope → what they hide outside."""
        self.line: int = 1
        self.line_start: int = 0

    # names

    def define(self, name: str, value: Value, place: int) -> None:
        if name in self.local:
            raise self.fail(f"{name} is defined twice", place)
        self.local[name] = self.visible.get(name)
        self.visible[name] = value

    def lookup(self, name: str, place: int) -> Value:
        found = self.visible.get(name)
        if found is not None:
            return found
        pack, _, number = name.partition("#")
        first = self.visible.get(pack)
        if first is None:
            raise self.fail(f"{name} is not defined before its use", place)
        if not number.strip("0"):
            return first
        count = 1
        while f"{pack}#{count}" in self.visible:
            count += 1
        raise self.fail(f"{pack} has {count} results", place)

    def operand(self) -> Value:
        """A value's name, looked up."""
        start = self.at
        return self.lookup(self.kind("value"), start)

    def name_results(self, names: list[tuple[str, int]], op: Op, place: int) -> None:
        """Gives an op's results their names; `place` is the op's, for errors."""
        named = sum(count for _, count in names)
        if names and named != len(op.results):
            raise self.fail(f"{op.name} has {len(op.results)} results, but {named} are named", place)
        at = 0
        for name, count in names:
            values = op.results[at : at + count]
            at += count
            hint = "" if name[1:].isdigit() else name[1:]
            for i, value in enumerate(values):
                value.name = hint
                if i == 0:
                    self.define(name, value, place)
                if count > 1:
                    self.define(f"{name}#{i}", value, place)

    def result_names(self) -> list[tuple[str, int]]:
        """`%a, %b:2 =`; empty where an op names no results."""
        names: list[tuple[str, int]] = []
        while self.sees("%"):
            name = self.kind("value")
            names.append((name, self.integer() if self.accept(":") else 1))
            if not self.accept(","):
                self.expect("=")
                break
        return names

    def place(self, start: int) -> Locations:
        """Where in this text something stands; asked in the order of the text."""
        if start >= self.line_start:
            lines = self.text.count("\n", self.line_start, start)
            if lines:
                self.line += lines
                self.line_start = self.text.rindex("\n", 0, start) + 1
        return (Location(self.file, self.line, start - self.line_start + 1),)

    # ops

    def line_ops(self, block: Block) -> None:
        """Reads ops that are one line each in the printers' own spacing, up to the first that is not."""
        visible, local, ops, match_line = self.visible, self.local, block.ops, _LINE.match
        while True:
            start = self.at
            match = match_line(self.text, start)
            if match is None:
                return
            names, name, operand_names, properties, discardable, rest = match.groups()
            alias = None
            if " loc(" in rest:
                split = _LOCATION.fullmatch(rest)
                if split is None:
                    return
                rest, alias = split.groups()
            signature = SIGNATURES.get(rest) or self.signature_of(rest, match.start(6))
            attributes = self.dictionary_of(properties, match.start(4)) if properties else _NONE
            if discardable:
                others = self.dictionary_of(discardable, match.start(5))
                attributes = None if attributes is None or others is None else {**attributes, **others}
            self.at = start
            if signature is None or attributes is None:
                return
            operands = _known(visible, operand_names.split(", "), signature[0]) if operand_names else []
            if operands is None or (not operands and signature[0]):
                return
            location = (self.named_location(alias) if alias else None) or self.place(start)
            op = Op(name, operands, signature[1], attributes, (), location)
            op.parent = block
            ops.append(op)
            if names is None:
                pass
            elif len(op.results) == 1 and names not in local and "," not in names and ":" not in names:
                value = op.results[0]
                if not names[1:].isdigit():
                    value.name = names[1:]
                local[names] = visible.get(names)
                visible[names] = value
            else:
                pairs = [pair.partition(":") for pair in names.split(", ")]
                self.name_results([(n, self.integer_of(c or "1", start)) for n, _, c in pairs], op, match.start(2) - 1)
            self.at = match.end()

    def op(self) -> Op:
        self.deeper()
        start = self.at
        names = self.result_names()
        place = self.at
        op = self.generic_op(start) if self.sees('"') else self.custom_op(start, sum(count for _, count in names))
        if self.sees("loc("):
            op.location = self.location() or op.location
        self.name_results(names, op, place)
        self.depth -= 1
        return op

    def custom_op(self, start: int, count: int) -> Op:
        """An op in another form than the generic one; so many results are named."""
        raise self.unexpected("a string")

    def generic_op(self, start: int) -> Op:
        """An op piece by piece; `start` is where its results' names stand."""
        place = self.at
        location = self.place(start)
        name, operands, attributes = self.head()
        regions: list[Region] = []
        if self.accept("("):
            while not self.accept(")"):
                regions.append(self.region())
                self.accept(",")
        discardable, inputs, results = self.tail(name)
        if len(inputs) != len(operands):
            raise self.fail(f"{name} has {len(operands)} operands and {len(inputs)} operand types", place)
        values = [self.typed(n, at, t) for (n, at), t in zip(operands, inputs, strict=True)]
        return Op(name, values, results, {**attributes, **discardable}, regions, location)

    def head(self) -> tuple[str, list[tuple[str, int]], dict[str, Attribute]]:
        """`"name"(%a, %b) <{properties}>`: the name, the operands' names and places, the properties."""
        start = self.at
        match = _OPENING.match(self.text, start)
        if match is not None:
            name, names, text = match.groups()
            properties = self.dictionary_of(text, match.start(3)) if text else {}
            if properties is not None:
                self.at = match.end()
                return name, [(n, match.start(2)) for n in names.split(", ")] if names else [], properties
            self.at = start
        name = self.string()
        self.expect("(")
        operands: list[tuple[str, int]] = []
        while not self.accept(")"):
            place = self.at
            operands.append((self.kind("value"), place))
            self.accept(",")
        if self.sees("["):
            raise self.fail(f"{name} has successors; only structured control flow is read")
        properties = {}
        if self.accept("<"):
            properties = self.dictionary()
            self.expect(">")
        return name, operands, properties

    def tail(self, name: str) -> tuple[dict[str, Attribute], tuple[Type, ...], tuple[Type, ...]]:
        """`{attributes} : (types) -> types`."""
        start = self.at
        match = _CLOSING.match(self.text, start)
        if match is not None:
            text, rest = match.groups()
            attributes = self.dictionary_of(text, start) if text else {}
            signature = self.signature_of(rest, match.start(2))
            if attributes is not None and signature is not None:
                self.at = match.end()
                return attributes, *signature
            self.at = start
        attributes = self.dictionary() if self.sees("{") else {}
        self.expect(":")
        if not self.sees("("):
            self.type()
            raise self.fail(f"{name} needs a function type")
        return attributes, *self.signature()

    def typed(self, name: str, place: int, type: Type) -> Value:
        """The value of a name, which must have that type."""
        value = self.lookup(name, place)
        if value.type != type:
            raise self.fail(f"{name} has type {value.type}, not {type}", place)
        return value

    # regions

    def region(self, arguments: Sequence[tuple[str, Type]] = (), terminator: str = "") -> Region:
        """`{ blocks }` in a scope of its own.

        `arguments` are those of the first block where its label is not written; `terminator` is the op that ends a block
        whose end is not written.
        """
        self.deeper()
        self.expect("{")
        outer, self.local = self.local, {}
        region = Region()
        block: Block | None = None
        if arguments:
            block = region.append(Block())
            for name, type in arguments:
                self.define(name, block.add_argument(type, "" if name[1:].isdigit() else name[1:]), self.at)
            self.line_ops(block)
        while not self.accept("}"):
            if self.sees("^"):
                block = region.append(self.label())
            elif block is None:
                block = region.append(Block())
            else:
                block.append(self.op())
            self.line_ops(block)
        if terminator:
            block = block or region.append(Block())
            if not block.ops or block.ops[-1].name not in (terminator, "scf.condition"):
                block.append(Op(terminator, location=self.place(self.at)))
        for name, hidden in self.local.items():
            if hidden is None:
                del self.visible[name]
            else:
                self.visible[name] = hidden
        self.local = outer
        self.depth -= 1
        return region

    def label(self) -> Block:
        """`^name(%a: type, …):`."""
        self.kind("block")
        block = Block()
        if self.accept("("):
            while not self.accept(")"):
                place = self.at
                match = self.take(_ARGUMENT)
                if match is not None:
                    name, text = match.groups()
                    argument = block.add_argument(self.type_of(text, match.start(2)), "" if name[1:].isdigit() else name[1:])
                    self.define(name, argument, place)
                    continue
                name = self.kind("value")
                self.expect(":")
                argument = block.add_argument(self.type(), "" if name[1:].isdigit() else name[1:])
                if self.sees("loc"):
                    self.location()
                self.define(name, argument, place)
                self.accept(",")
        self.expect(":")
        return block


_NONE: dict[str, Attribute] = {}


def _known(visible: dict[str, Value], names: Sequence[str], types: tuple[Type, ...]) -> list[Value] | None:
    """The values of these names if all are visible and of these types."""
    if len(names) != len(types):
        return None
    values: list[Value] = []
    for name, type in zip(names, types, strict=True):
        value = visible.get(name)
        if value is None or (value.type is not type and value.type != type):
            return None
        values.append(value)
    return values
