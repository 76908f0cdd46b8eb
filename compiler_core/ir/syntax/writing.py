"""Writing ops in their declared custom forms: the form's own text, with what the op has in the places of its elements."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compiler_core.ir.attributes import Attribute, DenseArrayAttr, RawAttr, UnitAttr, dictionary_text
from compiler_core.ir.core import Op, Value
from compiler_core.ir.printer import Printer
from compiler_core.ir.syntax.forms import Form, default_attribute
from compiler_core.ir.types import DYNAMIC

_PLACE = re.compile(r"\(\?|\?\)|[$@%]\w+|\{\}")
Groups = Callable[[Op, str], Sequence[Value]]
"""The operands of an op's group."""


@dataclass(frozen=True)
class _Optional:
    """A part that is written where the first of its elements has something to say."""

    pieces: "tuple[str | _Optional, ...]"


@dataclass(frozen=True)
class Writer:
    """Writes the ops of one form; `printer.write` gets what stands behind the name."""

    form: Form
    pieces: tuple[str | _Optional, ...]
    groups: Groups

    def __call__(self, printer: Printer, op: Op) -> None:
        text = self.text(printer, op, self.pieces)
        text = re.sub(r"\s+", " ", text).replace(" ,", ",").replace(" )", ")").replace(" ]", "]").strip()
        printer.write(text if text.startswith(("[", "(")) else f" {text}" if text else "")

    def text(self, printer: Printer, op: Op, pieces: "Sequence[str | _Optional]") -> str:
        parts: list[str] = []
        for piece in pieces:
            if isinstance(piece, _Optional):
                parts.append(self.text(printer, op, piece.pieces) if self.present(op, piece) else "")
            elif _PLACE.fullmatch(piece):
                parts.append(self.place(printer, op, piece))
            else:
                parts.append(piece)
        return "".join(parts)

    def place(self, printer: Printer, op: Op, piece: str) -> str:
        name = piece[1:]
        if piece == "{}":
            return self.rest(op)
        if piece[0] == "%":
            return self.mixed(printer, op, name)
        if piece[0] == "@":
            values = op.results if name in self.form.results.split() else self.groups(op, name)
            return ", ".join(str(v.type) for v in values)
        if name in self.form.groups:
            return printer.names_of(list(self.groups(op, name)))
        return _written(op.attributes[name], self.form.kinds.get(name, ""))

    def present(self, op: Op, part: _Optional) -> bool:
        for piece in part.pieces:
            if isinstance(piece, str) and piece[0] in "$@%" and len(piece) > 1:
                name = piece[1:]
                if piece[0] == "%":
                    return f"static_{name}" in op.attributes
                if name in self.form.groups:
                    return bool(self.groups(op, name))
                if name in self.form.results.split():
                    return bool(op.results)
                return name in op.attributes and not self.is_default(name, op.attributes[name])
        return False

    def is_default(self, name: str, value: Attribute) -> bool:
        text = self.form.defaults.get(name)
        return text is not None and default_attribute(text) == value

    def mixed(self, printer: Printer, op: Op, name: str) -> str:
        static = op.get(f"static_{name}", DenseArrayAttr)
        values = iter(self.groups(op, name))
        entries = static.values if static is not None else ()
        return f"[{', '.join(printer.name(next(values)) if e == DYNAMIC else str(e) for e in entries)}]"

    def rest(self, op: Op) -> str:
        """The attributes that have no place in the form and do not say what is so anyway."""
        places = {*self.form.kinds, "operandSegmentSizes", *(f"static_{g}" for g in self.form.groups)}
        rest = {k: v for k, v in op.attributes.items() if k not in places and not self.is_default(k, v)}
        return dictionary_text(rest) if rest else ""


def writer(form: Form, groups: Groups) -> Writer:
    """The writer of a form that was declared by its text."""
    pieces = _PLACE.split(form.text)
    places = _PLACE.findall(form.text)
    flat = [pieces[0]]
    for place, literal in zip(places, pieces[1:], strict=True):
        flat += [place, literal]
    return Writer(form, tuple(_nested([p for p in flat if p])), groups)


def _nested(flat: list[str]) -> "list[str | _Optional]":
    """The pieces up to the end of an optional part; takes them off the list."""
    found: list[str | _Optional] = []
    while flat:
        piece = flat.pop(0)
        if piece == "?)":
            break
        found.append(_Optional(tuple(_nested(flat))) if piece == "(?" else piece)
    return found


def _written(value: Attribute, kind: str) -> str:
    if kind.startswith("#") and isinstance(value, RawAttr):
        return value.text.removeprefix(kind)
    if kind == "array" and isinstance(value, DenseArrayAttr):
        return f"[{', '.join(map(str, value.values))}]"
    if kind == "integer":
        return str(value).partition(" : ")[0]
    return "" if isinstance(value, UnitAttr) else str(value)
