"""A cursor over MLIR text: marks, words, numbers, strings, bracketed groups, and errors that name the place.

There is no list of tokens. The cursor stands at the start of a token (space and comments are passed with the one before), and
each reader asks for what it wants by one regular expression. All are possessive, so none backtracks on hostile text.
"""

import re

from compiler_core.diagnostics import Refused, Span, error

MAX_DEPTH = 100
"""Deepest nesting of regions, types or attributes; real programs stay under 20."""
MAX_DIGITS = 40
"""Longest integer read, in digits; 64 bits need 20."""
MAX_NODES = 1_000_000
"""Most types and attributes that aliases of aliases may stand for."""

SPACE = r"(?:\s++|//[^\n]*+)*+"
STRING = r'"(?:[^"\\\n]|\\.)*+"'
VALUE = r"%[A-Za-z0-9_$.\-]++(?:\#\d++)?+"
WORD = r"[A-Za-z_][A-Za-z0-9_$.]*+"
NUMBER = r"-?(?:0x[0-9A-Fa-f]++|\d++(?:\.\d*+(?:[eE][-+]?\d++)?+)?+)"


def token(pattern: str) -> re.Pattern[str]:
    """The expression of a token (group 1) and the space behind it."""
    return re.compile(f"({pattern}){SPACE}", re.ASCII)


_SPACE = re.compile(SPACE, re.ASCII)
_SPACES = (" ", "\n", "/", "\t", "\r", "\f", "\v")
_KINDS = {
    "string": token(STRING),
    "number": token(NUMBER),
    "value": token(VALUE),
    "block": token(r"\^[A-Za-z0-9_$.\-]++"),
    "symbol": token(rf"@(?:{WORD}|{STRING})"),
    "hash": token(r"\#[A-Za-z_0-9][A-Za-z0-9_$.\-]*+"),
    "bang": token(r"![A-Za-z_][A-Za-z0-9_$.]*+"),
    "word": token(WORD),
}
_ANY = re.compile(
    rf"{STRING}|->|{NUMBER}|[%^#!@]?[A-Za-z0-9_$][A-Za-z0-9_$.\-]*+|@{STRING}|::|[()\[\]{{}}<>=:,?*+\-/|&;%^#!@]", re.ASCII
)
_BRACKET = re.compile(rf"{STRING}|//[^\n]*+|->|[<>]=|[<>()\[\]{{}}]")
_CLOSE = {"<": ">", "(": ")", "[": "]", "{": "}"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-9A-F]{2}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/"}


def string_value(text: str) -> str:
    r"""What a quoted string says. MLIR escapes a byte by two capital hexadecimal digits; we print JSON's (`\n`, `\u00ff`)."""
    if "\\" not in text:
        return text[1:-1]

    def unescape(match: re.Match[str]) -> str:
        body = match[1]
        if len(body) == 5:
            return chr(int(body[1:], 16)).encode("utf-8", "surrogatepass").decode("latin-1")
        if len(body) == 2:
            return chr(int(body, 16))
        return _ESCAPED.get(body, body)

    # as bytes in a string, so that the escaped bytes of one character join
    raw = text[1:-1].encode("utf-8", "surrogatepass").decode("latin-1")
    return _ESCAPE.sub(unescape, raw).encode("latin-1").decode("utf-8", "replace")


class Scanner:
    """`at` is the start of the next token."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.depth: int = 0
        self.at: int = 0
        self.go(0)

    def go(self, at: int) -> None:
        """Stands at the first token from `at` on."""
        match = _SPACE.match(self.text, at)
        self.at = match.end() if match else at

    # errors

    def fail(self, problem: str, at: int | None = None) -> Refused:
        """The error to raise for a problem at a place, the cursor's if none is given."""
        at = self.at if at is None else at
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        return Refused(error("mlir-syntax", Span(line, column), problem=problem, line=line, column=column))

    def unexpected(self, wanted: str) -> Refused:
        """The error for something else than `wanted` at the cursor."""
        if self.at >= len(self.text):
            return self.fail(f"expected {wanted}, found 'the end of the text'")
        match = _ANY.match(self.text, self.at)
        if match is None:
            return self.fail(f"unexpected character {self.text[self.at]!r}")
        found = match[0] if len(match[0]) <= 40 else match[0][:40] + "…"
        return self.fail(f"expected {wanted}, found {found!r}")

    def deeper(self) -> None:
        """One level further in; who comes back takes it off `depth` again."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"nested deeper than {MAX_DEPTH}")

    # tokens

    def sees(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def accept(self, mark: str) -> bool:
        """Passes a punctuation mark if it stands here."""
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        if self.text.startswith(_SPACES, self.at):
            self.go(self.at)
        return True

    def expect(self, mark: str) -> None:
        if not self.accept(mark):
            raise self.unexpected(repr(mark))

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Passes what matches here, with the space behind it if the expression is a token's."""
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def peek(self, kind: str) -> str:
        """The text of a token of that kind if one stands here, else empty."""
        match = _KINDS[kind].match(self.text, self.at)
        return match[1] if match else ""

    def kind(self, kind: str) -> str:
        """Passes a token of that kind and returns its text."""
        match = _KINDS[kind].match(self.text, self.at)
        if match is None:
            raise self.unexpected(f"a {kind}")
        self.at = match.end()
        return match[1]

    def accept_word(self, word: str) -> bool:
        match = _KINDS["word"].match(self.text, self.at)
        if match is not None and match[1] == word:
            self.at = match.end()
            return True
        return False

    def expect_word(self, word: str) -> None:
        if not self.accept_word(word):
            raise self.unexpected(repr(word))

    def string(self) -> str:
        return string_value(self.kind("string"))

    def integer(self) -> int:
        start = self.at
        return self.integer_of(self.kind("number"), start)

    def integer_of(self, text: str, at: int) -> int:
        try:
            if len(text) <= MAX_DIGITS:
                return int(text, 0) if "x" in text else int(text)
        except ValueError:
            pass
        raise self.fail(f"{text[:MAX_DIGITS]} is no integer", at)

    def balanced(self) -> int:
        """Passes a bracketed group; `->` and comparisons inside close nothing. Returns the end of its text."""
        start = self.at
        first = self.text[start : start + 1]
        if first not in _CLOSE:
            raise self.unexpected("a bracket")
        stack = [_CLOSE[first]]
        for match in _BRACKET.finditer(self.text, start + 1):
            mark = match[0]
            if len(mark) > 1:
                continue
            if mark in _CLOSE:
                stack.append(_CLOSE[mark])
                if len(stack) > MAX_DEPTH:
                    raise self.fail(f"nested deeper than {MAX_DEPTH}", match.start())
            elif mark != stack[-1]:
                raise self.fail(f"expected {stack[-1]!r}, found {mark!r}", match.start())
            else:
                stack.pop()
                if not stack:
                    self.go(match.end())
                    return match.end()
        raise self.fail(f"expected {stack[-1]!r} before the end of the text", len(self.text))
