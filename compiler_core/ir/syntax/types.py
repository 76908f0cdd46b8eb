"""Reading types. The text of a type is read once: later uses, in this text or another, take the same value."""

import re
from collections.abc import Callable
from typing import TypeVar, cast

from compiler_core.ir.attributes import Attribute
from compiler_core.ir.syntax.scanner import MAX_NODES, Scanner
from compiler_core.ir.types import (
    DYNAMIC,
    FLOAT_WIDTHS,
    FloatType,
    FunctionType,
    IndexType,
    IntegerType,
    MemRefType,
    NoneType,
    OpaqueType,
    PointerType,
    Strided,
    TensorType,
    Type,
    VectorType,
)

T = TypeVar("T")
V = TypeVar("V", bound=Type | Attribute)

REMEMBERED = 20_000
"""Texts a memo holds before it starts anew; bounds its memory."""
MAX_REMEMBERED_LENGTH = 2_000
"""Longer texts are not remembered."""

_TYPE = re.compile(r"([a-z]\w*+(?:<(?:[^<>\"/!]++|!(?=\w++\.)|<[^<>\"/!]*+>)*+>)?+)\s*+", re.ASCII)
"""A type whose text means the same everywhere: without aliases, whose names have no dot. Deeper nesting is not remembered."""
_DIMENSIONS = re.compile(r"(?:(?:\d++|\?)x)++", re.ASCII)
_INTEGER = re.compile(r"(s|u)?i(\d{1,4})", re.ASCII)
_MEMREF = re.compile(
    r"memref<((?:(?:\d{1,18}+|\?)x)*+)([a-z]\w*+)(?:, strided<\[([\d?, \-]*+)\](?:, offset: (-?\d{1,18}+|\?))?+>)?+"
    r"(?:, \#hivm\.address_space<(\w++)>)?+>",
    re.ASCII,
)
"""The usual memref as every printer spaces it."""
_SCALARS: dict[str, Type] = {
    "index": IndexType(),
    "none": NoneType(),
    **{f"{sign}i{width}": IntegerType(width, sign) for sign in ("", "s", "u") for width in (1, 2, 4, 8, 16, 32, 64)},
    **{name: FloatType(name) for name in FLOAT_WIDTHS},
}
_TYPES: dict[str, Type] = dict(_SCALARS)
SIGNATURES: dict[str, tuple[tuple[Type, ...], tuple[Type, ...]]] = {}
"""Signatures by their texts, as far as they were read."""


def remember(memo: dict[str, T], text: str, value: T) -> None:
    """Keeps what a text was read as."""
    if len(text) <= MAX_REMEMBERED_LENGTH:
        if len(memo) >= REMEMBERED:
            memo.clear()
        memo[text] = value


class TypeReader(Scanner):
    def __init__(self, text: str, file: str) -> None:
        super().__init__(text, file)
        self.aliases: dict[str, int] = {}
        """`#map`, `!type` → where its definition stands."""
        self.aliased: dict[str, tuple[Type | Attribute, int]] = {}
        """What an alias stands for, and how many types and attributes that are."""
        self.nodes: int = 0

    def type(self) -> Type:
        match = _TYPE.match(self.text, self.at)
        if match is None:
            return self.unremembered_type()
        text = match[1]
        found = _TYPES.get(text) or _usual_memref(text)
        if found is None:
            found = self.unremembered_type()
            if self.at != match.end():
                return found
        else:
            self.at = match.end()
            if self.sees("/"):
                self.go(self.at)
        if text not in _TYPES:
            remember(_TYPES, text, found)
        return found

    def alias(self, name: str, read: Callable[[], V]) -> V:
        """What an alias stands for, read where it is defined. Its size is counted: few lines can stand for billions."""
        known = self.aliased.get(name)
        if known is None:
            before, resume = self.nodes, self.at
            self.go(self.aliases[name])
            found = read()
            self.at = resume
            self.aliased[name] = (found, self.nodes - before)
        else:
            found = cast(V, known[0])
            self.nodes += known[1]
        if self.nodes > MAX_NODES:
            raise self.fail(f"the aliases stand for more than {MAX_NODES} types and attributes")
        return found

    def type_of(self, text: str, start: int) -> Type:
        """The type that `text`, found at `start`, is from its first to its last character."""
        found = _TYPES.get(text)
        if found is None:
            resume, self.at = self.at, start
            found = self.type()
            if self.text[start : self.at].rstrip(", ") != text:
                raise self.unexpected("the type's end")
            self.at = resume
        return found

    def unremembered_type(self) -> Type:
        self.nodes += 1
        self.deeper()
        if self.sees("("):
            inputs, results = self.signature()
            found = FunctionType(inputs, results)
        elif self.sees("!"):
            found = self.dialect_type()
        else:
            start = self.at
            found = self.named_type(self.kind("word"), start)
        self.depth -= 1
        return found

    def type_list(self) -> list[Type]:
        """Types in parentheses."""
        self.expect("(")
        types: list[Type] = []
        while not self.accept(")"):
            types.append(self.type())
            self.accept(",")
        return types

    def signature(self) -> tuple[tuple[Type, ...], tuple[Type, ...]]:
        """`(inputs) -> results`."""
        inputs = self.type_list()
        self.expect("->")
        return tuple(inputs), tuple(self.type_list() if self.sees("(") else [self.type()])

    def signature_of(self, text: str, start: int) -> tuple[tuple[Type, ...], tuple[Type, ...]] | None:
        """The signature that `text`, found at `start`, is from its first to its last character; None where it is not one."""
        found = SIGNATURES.get(text)
        if found is None:
            if not text.startswith("("):
                return None
            self.at = start
            found = self.signature()
            if self.text[start : self.at].rstrip() != text.rstrip():
                return None
            if "!" not in text:
                remember(SIGNATURES, text, found)
        return found

    def named_type(self, word: str, start: int) -> Type:
        if word in _SCALARS:
            return _SCALARS[word]
        match = _INTEGER.fullmatch(word)
        if match:
            return IntegerType(int(match[2]), match[1] or "")
        if word == "memref":
            return self.memref()
        if word == "tensor":
            return self.tensor()
        if word == "vector":
            self.expect("<")
            shape = self.dimensions()
            element = self.type()
            self.expect(">")
            return VectorType(shape, element)
        raise self.fail(f"unknown type {word!r}", start)

    def dialect_type(self) -> Type:
        start = self.at
        word = self.kind("bang")
        if word in self.aliases:
            return self.alias(word, self.type)
        if word == "!tt.ptr":
            self.expect("<")
            pointee = self.type()
            space = self.integer() if self.accept(",") else 1
            self.expect(">")
            return PointerType(pointee, space)
        if self.sees("<"):
            return OpaqueType(self.text[start : self.balanced()])
        return OpaqueType(word)

    def tensor(self) -> Type:
        self.expect("<")
        shape = self.dimensions()
        element = self.type()
        encoding = ""
        if self.accept(","):
            start = self.at
            encoding = self.text[start : self.raw_attribute()]
        self.expect(">")
        return TensorType(shape, element, encoding)

    def raw_attribute(self) -> int:
        """Passes a dialect's attribute, `#name` or `#name<…>`, or a plain one. Returns the end of its text."""
        start = self.at
        word = self.peek("hash") or self.peek("number") or self.peek("string") or self.peek("word")
        if not word and not self.sees("{") and not self.sees("["):
            raise self.unexpected("an attribute")
        self.go(start + len(word))
        if self.sees("<") or not word:
            return self.balanced()
        return start + len(word)

    def memref(self) -> Type:
        self.expect("<")
        shape = self.dimensions()
        element = self.type()
        layout: Strided | None = None
        space: str | None = None
        while self.accept(","):
            if self.accept_word("strided"):
                layout = self.strided()
            elif self.peek("hash") == "#hivm.address_space":
                self.kind("hash")
                self.expect("<")
                space = self.kind("word")
                self.expect(">")
            elif self.peek("number"):
                space = self.kind("number")
            else:
                raise self.fail("only strided layouts and hivm address spaces are read in a memref")
        self.expect(">")
        return MemRefType(shape, element, layout, space)

    def dimensions(self) -> tuple[int, ...]:
        """`4x?x16x`, which runs into the element type's word."""
        start = self.at
        match = self.take(_DIMENSIONS)
        if match is None:
            return ()
        return tuple(DYNAMIC if d == "?" else self.integer_of(d, start) for d in match[0].split("x")[:-1])

    def strided(self) -> Strided:
        self.expect("<")
        self.expect("[")
        strides: list[int] = []
        while not self.accept("]"):
            strides.append(self.integer_or_dynamic())
            self.accept(",")
        offset = 0
        if self.accept(","):
            self.expect_word("offset")
            self.expect(":")
            offset = self.integer_or_dynamic()
        self.expect(">")
        return Strided(tuple(strides), offset)

    def integer_or_dynamic(self) -> int:
        return DYNAMIC if self.accept("?") else self.integer()


def _usual_memref(text: str) -> Type | None:
    """A memref in the printers' own spacing, of a scalar type and a strided layout; None for anything else."""
    match = _MEMREF.fullmatch(text)
    if match is None:
        return None
    dimensions, word, strides, offset, space = match.groups()
    element = _SCALARS.get(word)
    if element is None:
        return None
    shape = tuple([DYNAMIC if d == "?" else int(d) for d in dimensions.split("x")[:-1]])
    layout = None
    if strides is not None:
        try:
            steps = tuple([DYNAMIC if s == "?" else int(s) for s in strides.split(", ")] if strides else ())
        except ValueError:
            return None
        layout = Strided(steps, 0 if offset is None else DYNAMIC if offset == "?" else int(offset))
    return MemRefType(shape, element, layout, space)
