"""Diagnostics: what, where, why and what to try, as a template id and its arguments so that zh and en both render.

Templates live in `messages/*.toml`, one table a code:

    [arange-not-power-of-two]
    en = "tl.arange({start}, {end}) has {length} elements; the length must be a power of two."
    zh = "…"
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

Argument = str | int | float


class Span(msgspec.Struct, frozen=True):
    """A range of the source text. Lines and columns count from 1; the end is exclusive."""

    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0


class TextEdit(msgspec.Struct, frozen=True):
    span: Span
    text: str


class Message(msgspec.Struct, frozen=True):
    """A template's code with its arguments, and the English text for those who have no templates."""

    code: str
    arguments: dict[str, Argument] = {}
    text: str = ""


class FixIt(msgspec.Struct, frozen=True):
    label: Message
    edits: tuple[TextEdit, ...]


class Diagnostic(msgspec.Struct, frozen=True):
    """One finding. `node` names an ONNX node where there is no text to point into."""

    severity: Literal["error", "warning", "note"]
    message: Message
    spans: tuple[Span, ...] = ()
    node: str | None = None
    fixits: tuple[FixIt, ...] = ()


class Refused(Exception):
    """The input was refused; `diagnostics` say why. Exit status 1."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message.text for d in diagnostics))
        self.diagnostics = diagnostics


class LimitHit(Refused):
    """A documented limit was hit; the diagnostic names it. Exit status 3."""


@cache
def templates() -> dict[str, dict[str, str]]:
    """Every message template: code → language → text."""
    merged: dict[str, dict[str, str]] = {}
    for entry in sorted(files("compiler_core.messages").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            for code, texts in tomllib.loads(entry.read_text(encoding="utf-8")).items():
                if code in merged:
                    raise ValueError(f"message {code!r} is defined twice; the second time in {entry.name}")
                merged[code] = texts
    return merged


def message(code: str, **arguments: Argument) -> Message:
    """The message of a template. Raises KeyError where the template or one of its arguments is missing."""
    return Message(code, arguments, templates()[code]["en"].format(**arguments))


def error(
    code: str, *spans: Span, node: str | None = None, fixits: tuple[FixIt, ...] = (), **arguments: Argument
) -> Diagnostic:
    return Diagnostic("error", message(code, **arguments), spans, node, fixits)


def warning(
    code: str, *spans: Span, node: str | None = None, fixits: tuple[FixIt, ...] = (), **arguments: Argument
) -> Diagnostic:
    return Diagnostic("warning", message(code, **arguments), spans, node, fixits)
