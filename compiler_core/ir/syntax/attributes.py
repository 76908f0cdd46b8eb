"""Reading attributes and dictionaries of them. Texts that mean the same everywhere are read once."""

import re

from compiler_core.ir.attributes import (
    ArrayAttr,
    Attribute,
    BoolAttr,
    DenseArrayAttr,
    DenseAttr,
    DictAttr,
    FloatAttr,
    IntegerAttr,
    RawAttr,
    StringAttr,
    SymbolRefAttr,
    TypeAttr,
    UnitAttr,
    float_from_bits,
)
from compiler_core.ir.syntax.scanner import NUMBER, STRING, WORD, string_value, token
from compiler_core.ir.syntax.types import TypeReader, remember
from compiler_core.ir.types import FloatType, IntegerType, TensorType, Type, VectorType, i64

_ENTRY = re.compile(
    rf"""({WORD})(?:(?=\s*[,}}])|\ =\ (
        -?\d++(?:\.\d++(?:e[+\-]\d++)?+)?+(?:\ :\ \w++)?+
      | array<\w++(?::[\d,\ \-]*+)?+>
      | \#\w++\.[\w.]++(?:<[\w.]*+>)?+
      | true | false
    )(?=[,}}]))(?:,\ )?+""",
    re.ASCII | re.VERBOSE,
)
"""A key alone, or with a value whose text means the same everywhere (no alias: a dialect's attribute has a dot)."""
_FLAT_DICTIONARY = re.compile(r'\{[^{}"\n/]*+\}')
_NUMBER = token(NUMBER)
_ELEMENT = re.compile(rf"{STRING}|{NUMBER}|true|false|>|//[^\n]*+", re.ASCII)
_SYMBOL = token(rf"@(?:{WORD}|{STRING})(?:::@(?:{WORD}|{STRING}))*+")
_RAW_WORDS = frozenset({"affine_map", "affine_set", "dense_resource", "loc", "distinct", "opaque", "sparse", "strided"})
_ALIAS_LIKE = re.compile(r"[#!][\w$\-]++(?![\w$.\-])", re.ASCII)
_ATTRIBUTES: dict[str, Attribute] = {}
_DICTIONARIES: dict[str, dict[str, Attribute]] = {}
_UNIT = UnitAttr()
_MAX_REMEMBERED_NODES = 1_000
"""A dictionary whose aliases stand for more is read at each use, so that it is counted each time."""


class AttributeReader(TypeReader):
    def __init__(self, text: str, file: str) -> None:
        super().__init__(text, file)
        self.dictionaries: dict[str, dict[str, Attribute]] = {}
        """Dictionary texts of this text that name aliases."""

    def dictionary(self) -> dict[str, Attribute]:
        """`{key = value, key}`."""
        self.expect("{")
        entries: dict[str, Attribute] = {}
        while not self.accept("}"):
            match = self.take(_ENTRY)
            if match is not None:
                text: str | None = match[2]
                value = _UNIT if text is None else _ATTRIBUTES.get(text)
                if text is not None and value is None:
                    start = self.at
                    self.at = match.start(2)
                    value = self.attribute()
                    self.at = start
                    remember(_ATTRIBUTES, text, value)
                entries[match[1]] = value or _UNIT
                if not self.text.startswith((" ", "\n", "/", "\t", "\r"), self.at):
                    continue
                self.go(self.at)
            else:
                key = self.string() if self.sees('"') else self.kind("word") if self.peek("word") else None
                if key is None:
                    raise self.unexpected("an attribute's name")
                entries[key] = self.attribute() if self.accept("=") else _UNIT
            self.accept(",")
        return entries

    def dictionary_of(self, text: str, start: int) -> dict[str, Attribute] | None:
        """The dictionary that `text`, found at `start`, is from its first to its last character; None where it is not one."""
        found = _DICTIONARIES.get(text) or self.dictionaries.get(text)
        if found is None:
            before, self.at = self.nodes, start
            found = self.dictionary()
            if self.text[start : self.at].rstrip() != text:
                return None
            if self.nodes - before <= _MAX_REMEMBERED_NODES:
                remember(self.dictionaries if _ALIAS_LIKE.search(text) else _DICTIONARIES, text, found)
        return found

    def attribute(self) -> Attribute:
        self.nodes += 1
        self.deeper()
        found = self.attribute_body()
        self.depth -= 1
        return found

    def attribute_body(self) -> Attribute:
        mark = self.text[self.at : self.at + 1]
        if mark.isdigit() or mark == "-":
            return self.number()
        if mark == '"':
            text = self.string()
            if self.accept(":"):
                # a typed string is carried, not looked into
                self.type()
            return StringAttr(text)
        if mark == "@":
            return self.symbol()
        if mark == "[":
            self.expect("[")
            values: list[Attribute] = []
            while not self.accept("]"):
                values.append(self.attribute())
                self.accept(",")
            return ArrayAttr(tuple(values))
        if mark == "{":
            start = self.at
            match = _FLAT_DICTIONARY.match(self.text, start)
            found = self.dictionary_of(match[0], start) if match else None
            if match and found is not None:
                self.go(match.end())
                return DictAttr(tuple(found.items()))
            self.at = start
            return DictAttr(tuple(self.dictionary().items()))
        if mark == "#":
            return self.raw("hash")
        return self.worded(self.peek("word"))

    def worded(self, word: str) -> Attribute:
        """An attribute that starts with a word, or with none: a type."""
        if word in ("true", "false"):
            self.kind("word")
            return BoolAttr(word == "true")
        if word == "unit":
            self.kind("word")
            return _UNIT
        if word == "dense":
            return self.dense()
        if word == "array":
            return self.dense_array()
        if word in _RAW_WORDS:
            return self.raw("word")
        return TypeAttr(self.type())

    def symbol(self) -> Attribute:
        match = self.take(_SYMBOL)
        if match is None:
            raise self.unexpected("a symbol's name")
        name = match[1][1:]
        return SymbolRefAttr(string_value(name) if name.startswith('"') and name.count('"') == 2 else name)

    def raw(self, kind: str) -> Attribute:
        """What an alias stands for, or the text of an attribute that is not looked into."""
        start = self.at
        word = self.kind(kind)
        if word in self.aliases:
            return self.alias(word, self.attribute)
        end = start + len(word)
        if self.sees("<") or self.sees("(") or (self.sees("[") and word == "distinct"):
            end = self.balanced()
            if word == "distinct" and self.sees("<"):
                end = self.balanced()
        if word == "dense_resource" and self.accept(":"):
            self.type()
            end = start + len(self.text[start : self.at].rstrip())
        return RawAttr(self.text[start:end])

    def number(self) -> Attribute:
        start = self.at
        match = self.take(_NUMBER)
        if match is None:
            raise self.unexpected("a number")
        text = match[1]
        type: Type | None = self.type() if self.accept(":") else None
        if isinstance(type, FloatType):
            return FloatAttr(self.float_value(text, type, start), type)
        if "." in text and type is None:
            return FloatAttr(float(text), FloatType("f64"))
        return IntegerAttr(self.integer_of(text, start), type or i64)

    def float_value(self, text: str, type: FloatType, at: int) -> float:
        """A decimal, or the bits of a float of that type."""
        if not text.startswith("0x"):
            return float(text)
        bits = int(text, 16)
        if bits >= 1 << type.width:
            raise self.fail(f"{text[:40]} has more than {type.width} bits", at)
        return float_from_bits(bits, type)

    def dense(self) -> Attribute:
        """`dense<…> : type`: numbers row by row, one for all, or the bytes of a large constant, which stay text."""
        self.kind("word")
        self.expect("<")
        parts: list[re.Match[str]] = []
        for match in _ELEMENT.finditer(self.text, self.at):
            if match[0] == ">":
                break
            if match[0][0] != "/":
                parts.append(match)
        else:
            raise self.fail("expected '>' before the end of the text", len(self.text))
        self.go(match.end())
        self.expect(":")
        place = self.at
        type = self.type()
        if not isinstance(type, TensorType | VectorType):
            raise self.fail("dense<…> needs a tensor or vector type", place)
        if parts and parts[0][0][0] == '"':
            return RawAttr(f"dense<{parts[0][0]}> : {type}")
        if not type.is_static or len(parts) not in (1, type.size):
            raise self.fail(f"dense<…> has {len(parts)} values, and {type} has another size", place)
        return DenseAttr(tuple([self.element(m[0], type.element, m.start()) for m in parts]), type)

    def element(self, text: str, type: Type, at: int) -> int | float | bool:
        if text in ("true", "false"):
            return text == "true"
        if isinstance(type, FloatType):
            if text.startswith('"'):
                raise self.fail("expected a number, found a string", at)
            return self.float_value(text, type, at)
        return self.integer_of(text, at)

    def dense_array(self) -> Attribute:
        """`array<i64: 1, 2>`."""
        self.kind("word")
        self.expect("<")
        type = self.type()
        values: list[int] = []
        if self.accept(":"):
            while not self.sees(">"):
                start = self.at
                text = self.kind("word") if self.peek("word") in ("true", "false") else self.kind("number")
                value = self.element(text, type, start)
                if isinstance(value, float) and not value.is_integer():
                    raise self.fail(f"{text} is no integer", start)
                values.append(int(value))
                self.accept(",")
        self.expect(">")
        if not isinstance(type, IntegerType | FloatType):
            raise self.fail("array<…> needs a number's type")
        return DenseArrayAttr(tuple(values), type)
