"""MLIR text of the IR, pretty or generic, with the op of every line.

A declared op's `format` is its text after the name, with directives in braces:

    {0} {1}     an operand           {*} {2*}   all operands, or from the third on
    {:0} {:r0}  type of an operand, of a result        {:*} {:r}  types of all operands, of all results
    {key}       an attribute's value; a string is written bare
    {#}         the attributes that no other directive wrote, as ` {…}` where there are any
    {@}         the regions, each ` {…}`

Formats that need more are functions registered with `pretty(name)`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from compiler_core.ir.attributes import Attribute, StringAttr, dictionary_text
from compiler_core.ir.core import Block, Location, Locations, Op, Region, Value
from compiler_core.ir.registry import OPS

Pretty = Callable[["Printer", Op], None]
_PRETTY: dict[str, Pretty] = {}
_UNSAFE = re.compile(r"[^A-Za-z0-9_$.-]")


def pretty(*names: str) -> Callable[[Pretty], Pretty]:
    """Registers the printing function of ops whose form a format cannot say. It writes what follows the op's name."""

    def register(function: Pretty) -> Pretty:
        for name in names:
            _PRETTY[name] = function
        return function

    return register


@dataclass(frozen=True)
class PrintedIR:
    text: str
    ops: tuple[Op | None, ...]
    """The op that starts on each line; None for closing braces and labels."""

    def first_lines(self) -> dict[int, int]:
        """Op id → its first line, from 1."""
        lines: dict[int, int] = {}
        for number, op in enumerate(self.ops, 1):
            if op is not None:
                lines.setdefault(op.id, number)
        return lines


class Printer:
    """Writes ops line by line. `generic` writes MLIR's generic form, which every MLIR tool reads."""

    def __init__(self, *, generic: bool = False, locations: bool = False) -> None:
        self.generic = generic
        self.locations = locations
        self.names: dict[Value, str] = {}
        self.taken: dict[str, int] = {}
        self.counter = 0
        self.depth = 0
        self.lines: list[str] = []
        self.ops: list[Op | None] = []
        self.parts: list[str] = []

    def write(self, text: str) -> None:
        self.parts.append(text)

    def end_line(self, op: Op | None) -> None:
        self.lines.append("  " * self.depth + "".join(self.parts))
        self.ops.append(op)
        self.parts = []

    def name(self, value: Value) -> str:
        """The value's %name, unique in the whole text."""
        known = self.names.get(value)
        if known is not None:
            return known
        hint = _UNSAFE.sub("_", value.name)
        if not hint:
            name = f"%{self.counter}"
            self.counter += 1
        else:
            if hint[0].isdigit():
                hint = f"_{hint}"
            times = self.taken.get(hint, 0)
            self.taken[hint] = times + 1
            name = f"%{hint}" if times == 0 else f"%{hint}_{times}"
            if times:
                # a hint may itself look like a numbered name
                while name[1:] in self.taken:
                    times += 1
                    name = f"%{hint}_{times}"
                self.taken[name[1:]] = 1
        self.names[value] = name
        return name

    def names_of(self, values: "tuple[Value, ...] | list[Value]") -> str:
        return ", ".join([self.name(v) for v in values])

    def op(self, op: Op) -> None:
        """Writes one op, with its regions, as whole lines."""
        self.pending = self.latest = op
        if op.results:
            self.write(self.names_of(op.results) + " = ")
        function = None if self.generic else _PRETTY.get(op.name)
        definition = OPS.get(op.name)
        if self.generic:
            self.generic_form(op)
        elif function is not None:
            self.write(op.name)
            function(self, op)
        elif definition is not None and definition.format is not None:
            self.write(op.name)
            for piece in compile_format(definition.format):
                piece(self, op)
        else:
            self.generic_form(op)
        if self.locations:
            self.write(location_text(op.location))
        self.end_line(self.take_pending())

    def take_pending(self) -> Op | None:
        """The op whose first line is being written; None once that line is out."""
        op, self.pending = self.pending, None
        return op

    pending: Op | None = None
    latest: Op | None = None
    """The op that was begun last: where writing fails, the one that is not of its dialect's form."""

    def region(self, region: Region, *, arguments: bool = False) -> None:
        """Writes `{`, the blocks and the closing brace (left open for what follows). `arguments` writes block labels."""
        self.write("{")
        self.end_line(self.take_pending())
        for i, block in enumerate(region.blocks):
            if (arguments and block.arguments) or i > 0:
                self.label(block, i)
            self.depth += 1
            for op in block.ops:
                self.op(op)
            self.depth -= 1
        self.pending = None
        self.write("}")

    def label(self, block: Block, i: int) -> None:
        arguments = ", ".join(f"{self.name(a)}: {a.type}" for a in block.arguments)
        self.write(f"^bb{i}({arguments}):" if block.arguments else f"^bb{i}:")
        self.end_line(None)

    def attributes(self, op: Op, *without: str) -> None:
        """Writes ` {…}` for the attributes not named, where there are any."""
        rest = {k: v for k, v in op.attributes.items() if k not in without} if without else op.attributes
        if rest:
            self.write(" " + dictionary_text(rest))

    def types(self, op: Op) -> str:
        operands = ", ".join([str(v.type) for v in op.operands])
        results = [str(v.type) for v in op.results]
        return f"({operands}) -> {results[0] if len(results) == 1 else '(' + ', '.join(results) + ')'}"

    def generic_form(self, op: Op) -> None:
        self.write(f'"{op.name}"({self.names_of(op.operands)})')
        if op.regions:
            self.write(" (")
            for i, region in enumerate(op.regions):
                if i:
                    self.write(", ")
                self.region(region, arguments=True)
            self.write(")")
        self.attributes(op)
        self.write(f" : {self.types(op)}")


Piece = Callable[[Printer, Op], None]
_DIRECTIVE = re.compile(r"\{([^{}]+)\}")


@cache
def compile_format(format: str) -> tuple[Piece, ...]:
    directives = _DIRECTIVE.findall(format)
    written = tuple(d for d in directives if d.isidentifier())
    pieces: list[Piece] = []
    at = 0
    for match in _DIRECTIVE.finditer(format):
        if match.start() > at:
            pieces.append(_literal(format[at : match.start()]))
        pieces.append(_directive(match.group(1), written))
        at = match.end()
    if at < len(format):
        pieces.append(_literal(format[at:]))
    return tuple(pieces) if format.startswith(("{#}", "{@}")) else (_literal(" "), *pieces)


def _literal(text: str) -> Piece:
    return lambda printer, op: printer.write(text)


def _directive(text: str, written: tuple[str, ...]) -> Piece:
    if text == "#":
        return lambda printer, op: printer.attributes(op, *written)
    if text == "@":
        return _regions
    if text == "*":
        return lambda printer, op: printer.write(printer.names_of(op.operands))
    if text.isdigit():
        position = int(text)
        return lambda printer, op: printer.write(printer.name(op.operands[position]))
    if text.endswith("*") and text[:-1].isdigit():
        first = int(text[:-1])
        return lambda printer, op: printer.write(printer.names_of(op.operands[first:]))
    if text == ":*":
        return lambda printer, op: printer.write(", ".join(str(v.type) for v in op.operands))
    if text == ":r":
        return lambda printer, op: printer.write(", ".join(str(v.type) for v in op.results))
    if text.startswith(":r"):
        position = int(text[2:])
        return lambda printer, op: printer.write(str(op.results[position].type))
    if text.startswith(":"):
        position = int(text[1:])
        return lambda printer, op: printer.write(str(op.operands[position].type))
    return lambda printer, op: printer.write(_bare(op.attributes.get(text)))


def _regions(printer: Printer, op: Op) -> None:
    for region in op.regions:
        printer.write(" ")
        printer.region(region, arguments=True)


def _bare(attribute: Attribute | None) -> str:
    if attribute is None:
        return ""
    return attribute.value if isinstance(attribute, StringAttr) else str(attribute)


def location_text(locations: Locations) -> str:
    """loc(…) as MLIR writes it, with a leading space."""
    if not locations:
        return " loc(unknown)"
    texts = [_one_location(loc) for loc in locations]
    return f" loc({texts[0]})" if len(texts) == 1 else f" loc(fused[{', '.join(texts)}])"


def _one_location(location: Location) -> str:
    place = f'"{location.file}":{location.line}:{location.column}'
    return f'"{location.name}"({place})' if location.name else place


def print_ir(op: Op, *, generic: bool = False, locations: bool = False) -> PrintedIR:
    """The text of an op (usually a module), and which op starts on each line."""
    printer = Printer(generic=generic, locations=locations)
    printer.op(op)
    return PrintedIR("\n".join(printer.lines) + "\n", tuple(printer.ops))


def to_text(op: Op, *, generic: bool = False, locations: bool = False) -> str:
    return print_ir(op, generic=generic, locations=locations).text
