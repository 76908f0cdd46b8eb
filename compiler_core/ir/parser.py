"""Parser of MLIR's generic form: what `to_text(…, generic=True)` and any MLIR tool's --mlir-print-op-generic write.

Regions hold blocks of structured control flow (no successors). Attribute, type and location aliases (`#map = …`) are followed.
Types and attributes of dialects we do not know are kept as raw text. Nesting is bounded, so hostile text gets an error and
never exhausts the stack.
"""

import json
import re
from dataclasses import dataclass

from compiler_core.diagnostics import Refused, Span, error
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
from compiler_core.ir.core import Block, Location, Locations, Op, Region, Value
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
    i64,
)

MAX_DEPTH = 100
"""Deepest nesting of regions, types or attributes; real programs stay under 20."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<arrow>->)
  | (?P<number>-?(?:0x[0-9A-Fa-f]+|\d+(?:\.\d*(?:[eE][-+]?\d+)?)?))
  | (?P<value>%[A-Za-z0-9_$.\-]+(?:\#\d+)?)
  | (?P<block>\^[A-Za-z0-9_$.\-]+)
  | (?P<symbol>@(?:[A-Za-z_][A-Za-z0-9_$.]*|"(?:[^"\\\n]|\\.)*"))
  | (?P<hash>\#[A-Za-z_0-9][A-Za-z0-9_$.\-]*)
  | (?P<bang>![A-Za-z_][A-Za-z0-9_$.]*)
  | (?P<word>[A-Za-z_][A-Za-z0-9_$.]*)
  | (?P<punctuation>::|[()\[\]{}<>=:,?*+\-/|&;])
    """,
    re.VERBOSE,
)
_DIMENSIONS = re.compile(r"(?:(?:\d+|\?)x)+|x(?:(?:\d+|\?)x)*")
_INTEGER = re.compile(r"(s|u)?i(\d{1,4})$")
_OPEN = {"<": ">", "(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _error(text, at, f"unexpected character {text[at]!r}")
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup or "", match.group(), at, match.end()))
        at = match.end()
    tokens.append(Token("end", "", at, at))
    return tokens


def _error(text: str, at: int, problem: str) -> Refused:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return Refused(error("mlir-syntax", Span(line, column), problem=problem, line=line, column=column))


def parse_module(text: str, *, file: str = "input.mlir") -> Op:
    """The builtin.module of a generic text; a text without one is wrapped. Raises Refused with the place and the problem.

    Ops get the text's own `loc(…)` where it has them, else their place in the text.
    """
    parser = _Parser(text, file)
    ops = parser.top_level()
    if len(ops) == 1 and ops[0].name == "builtin.module" and len(ops[0].regions) == 1:
        if not ops[0].region.blocks:
            ops[0].region.append(Block())
        return ops[0]
    block = Block()
    for op in ops:
        block.append(op)
    return Op("builtin.module", regions=[Region([block])])


def parse_type(text: str) -> Type:
    """A type from its text. Raises Refused."""
    return _Parser(text, "type").type()


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.scopes: list[dict[str, list[Value]]] = [{}]
        self.aliases: dict[str, tuple[int, int]] = {}
        self.location_aliases: dict[str, Locations] = {}
        self.pending_locations: list[tuple[Op, str]] = []
        self.line_starts = [0] + [m.end() for m in re.finditer("\n", text)]

    # tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def fail(self, problem: str, token: Token | None = None) -> Refused:
        return _error(self.text, (token or self.token).start, problem)

    def next(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, text: str) -> bool:
        if self.tokens[self.at].text == text and self.tokens[self.at].kind != "string":
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> Token:
        if self.token.text != text:
            raise self.fail(f"expected {text!r}, found {self.token.text or 'the end of the text'!r}")
        return self.next()

    def kind(self, kind: str) -> Token:
        if self.token.kind != kind:
            raise self.fail(f"expected a {kind}, found {self.token.text or 'the end of the text'!r}")
        return self.next()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"nested deeper than {MAX_DEPTH}")

    # structure

    def top_level(self) -> list[Op]:
        self.collect_aliases()
        ops: list[Op] = []
        while self.token.kind != "end":
            if self.token.kind in ("hash", "bang") and self.tokens[self.at + 1].text == "=":
                self.skip_alias()
            else:
                ops.append(self.op())
        for op, name in self.pending_locations:
            op.location = self.location_aliases.get(name, op.location)
        return ops

    def collect_aliases(self) -> None:
        """Notes where each alias's definition stands; it is parsed at each use, and locations once all are known."""
        depth = 0
        for i, token in enumerate(self.tokens[:-2]):
            if token.kind == "punctuation":
                depth += (token.text in "([{") - (token.text in ")]}")
            if depth == 0 and token.kind in ("hash", "bang") and self.tokens[i + 1].text == "=":
                self.aliases[token.text] = (i + 2, i)
        resume = self.at
        for name, (start, _) in self.aliases.items():
            if self.tokens[start].text == "loc":
                self.at = start
                self.resolve_location(name, set())
        self.at = resume

    def resolve_location(self, name: str, visiting: set[str]) -> Locations:
        if name in self.location_aliases:
            return self.location_aliases[name]
        if name not in self.aliases or name in visiting:
            return ()
        resume, self.at = self.at, self.aliases[name][0]
        self.location_aliases[name] = self.location(visiting | {name})
        self.at = resume
        return self.location_aliases[name]

    def skip_alias(self) -> None:
        self.at += 2
        if self.token.text == "loc":
            self.next()
            self.balanced()
        elif self.token.kind == "bang" or (
            self.token.kind == "word" and self.token.text not in ("affine_map", "affine_set", "dense")
        ):
            self.type()
        else:
            self.attribute()

    def op(self) -> Op:
        self.deeper()
        start = self.token
        names: list[tuple[str, int]] = []
        if start.kind == "value":
            names = self.result_names()
            self.expect("=")
        name_token = self.kind("string")
        name = json.loads(name_token.text)
        self.expect("(")
        operand_names: list[Token] = []
        while not self.accept(")"):
            operand_names.append(self.kind("value"))
            self.accept(",")
        if self.token.text == "[":
            raise self.fail(f"{name} has successors; only structured control flow is read")
        attributes: dict[str, Attribute] = {}
        if self.accept("<"):
            attributes.update(self.dictionary())
            self.expect(">")
        regions: list[Region] = []
        if self.accept("("):
            while not self.accept(")"):
                regions.append(self.region())
                self.accept(",")
        if self.token.text == "{":
            attributes.update(self.dictionary())
        self.expect(":")
        signature = self.type()
        if not isinstance(signature, FunctionType):
            raise self.fail(f"{name} needs a function type")
        if len(signature.inputs) != len(operand_names):
            raise self.fail(f"{name} has {len(operand_names)} operands and {len(signature.inputs)} operand types", name_token)
        operands = [self.lookup(t, type) for t, type in zip(operand_names, signature.inputs, strict=True)]
        op = Op(name, operands, signature.results, attributes, regions, self.place(start))
        if self.token.text == "loc":
            self.op_location(op)
        self.define(names, op, name_token)
        self.depth -= 1
        return op

    def place(self, token: Token) -> Locations:
        from bisect import bisect_right

        line = bisect_right(self.line_starts, token.start)
        return (Location(self.file, line, token.start - self.line_starts[line - 1] + 1),)

    def op_location(self, op: Op) -> None:
        if self.tokens[self.at + 2].kind == "hash" and self.tokens[self.at + 3].text == ")":
            self.pending_locations.append((op, self.tokens[self.at + 2].text))
            self.at += 4
        else:
            op.location = self.location(set()) or op.location

    def result_names(self) -> list[tuple[str, int]]:
        names: list[tuple[str, int]] = []
        while True:
            token = self.kind("value")
            count = 1
            if self.accept(":"):
                count = int(self.kind("number").text)
            names.append((token.text, count))
            if not self.accept(","):
                return names

    def define(self, names: list[tuple[str, int]], op: Op, token: Token) -> None:
        if sum(count for _, count in names) != len(op.results) and names:
            raise self.fail(f"{op.name} has {len(op.results)} results, but {sum(c for _, c in names)} are named", token)
        at = 0
        for name, count in names:
            values = op.results[at : at + count]
            at += count
            if not name[1:].isdigit():
                for value in values:
                    value.name = name[1:]
            if name in self.scopes[-1]:
                raise self.fail(f"{name} is defined twice", token)
            self.scopes[-1][name] = values

    def lookup(self, token: Token, type: Type) -> Value:
        name, _, number = token.text.partition("#")
        for scope in reversed(self.scopes):
            if name in scope:
                values = scope[name]
                index = int(number or 0)
                if index >= len(values):
                    raise self.fail(f"{name} has {len(values)} results", token)
                if values[index].type != type:
                    raise self.fail(f"{token.text} has type {values[index].type}, not {type}", token)
                return values[index]
        raise self.fail(f"{token.text} is not defined before its use", token)

    def region(self) -> Region:
        self.deeper()
        self.expect("{")
        self.scopes.append({})
        region = Region()
        block: Block | None = None
        while not self.accept("}"):
            if self.token.kind == "block":
                block = region.append(self.label())
            else:
                if block is None:
                    block = region.append(Block())
                block.append(self.op())
        self.scopes.pop()
        self.depth -= 1
        return region

    def label(self) -> Block:
        self.next()
        block = Block()
        if self.accept("("):
            while not self.accept(")"):
                name = self.kind("value")
                self.expect(":")
                hint = "" if name.text[1:].isdigit() else name.text[1:]
                argument = block.add_argument(self.type(), hint)
                if self.token.text == "loc":
                    self.location(set())
                if name.text in self.scopes[-1]:
                    raise self.fail(f"{name.text} is defined twice", name)
                self.scopes[-1][name.text] = [argument]
                self.accept(",")
        self.expect(":")
        return block

    # locations

    def location(self, visiting: set[str]) -> Locations:
        """loc(…): file positions, names, fused lists and call sites; anything else is unknown."""
        self.expect("loc")
        self.expect("(")
        found = self.location_body(visiting)
        self.expect(")")
        return found

    def skip_range_end(self) -> None:
        """`line:column` or `:column` after `to`; only where a location starts is kept."""
        while self.token.text not in (",", ")", "]", ""):
            self.next()

    def location_body(self, visiting: set[str]) -> Locations:
        self.deeper()
        found: Locations = ()
        if self.token.kind == "hash":
            found = self.resolve_location(self.next().text, visiting)
        elif self.token.kind == "string":
            name = json.loads(self.next().text)
            if self.accept(":"):
                line = int(self.kind("number").text)
                self.expect(":")
                found = (Location(name, line, int(self.kind("number").text)),)
                if self.accept("to"):
                    self.skip_range_end()
            elif self.accept("("):
                inner = self.location_body(visiting)
                self.expect(")")
                found = tuple(Location(loc.file, loc.line, loc.column, name) for loc in inner) or (Location("", 0, 1, name),)
            else:
                found = (Location("", 0, 1, name),)
        elif self.accept("fused"):
            if self.token.text == "<":
                self.balanced()
            self.expect("[")
            parts: list[Location] = []
            while not self.accept("]"):
                parts.extend(self.location_body(visiting))
                self.accept(",")
            found = tuple(dict.fromkeys(parts))
        elif self.accept("callsite"):
            self.expect("(")
            found = self.location_body(visiting)
            self.expect("at")
            self.location_body(visiting)
            self.expect(")")
        elif self.token.text == "loc":
            found = self.location(visiting)
        else:
            self.kind("word")
        self.depth -= 1
        return found

    # types

    def type(self) -> Type:
        self.deeper()
        token = self.token
        if token.text == "(":
            found = self.function_type()
        elif token.kind == "bang":
            found = self.dialect_type()
        else:
            self.kind("word")
            found = self.named_type(token)
        self.depth -= 1
        return found

    def function_type(self) -> Type:
        inputs = self.type_list()
        self.expect("->")
        results = self.type_list() if self.token.text == "(" else [self.type()]
        return FunctionType(tuple(inputs), tuple(results))

    def type_list(self) -> list[Type]:
        self.expect("(")
        types: list[Type] = []
        while not self.accept(")"):
            types.append(self.type())
            self.accept(",")
        return types

    def named_type(self, token: Token) -> Type:
        word = token.text
        match = _INTEGER.match(word)
        if match:
            return IntegerType(int(match.group(2)), match.group(1) or "")
        if word in FLOAT_WIDTHS:
            return FloatType(word)
        if word == "index":
            return IndexType()
        if word == "none":
            return NoneType()
        if word in ("tensor", "vector", "memref"):
            return self.shaped(word)
        raise self.fail(f"unknown type {word!r}", token)

    def dialect_type(self) -> Type:
        token = self.next()
        if token.text in self.aliases:
            resume, self.at = self.at, self.aliases[token.text][0]
            found = self.type()
            self.at = resume
            return found
        if token.text == "!tt.ptr":
            self.expect("<")
            pointee = self.type()
            space = int(self.kind("number").text) if self.accept(",") else 1
            self.expect(">")
            return PointerType(pointee, space)
        if self.token.text == "<":
            start = token.start
            end = self.balanced()
            return OpaqueType(self.text[start:end])
        return OpaqueType(token.text)

    def shaped(self, word: str) -> Type:
        self.expect("<")
        shape = self.dimensions()
        element = self.type()
        if word == "vector":
            self.expect(">")
            return VectorType(shape, element)
        if word == "tensor":
            encoding = ""
            if self.accept(","):
                start = self.token.start
                self.attribute()
                encoding = self.text[start : self.tokens[self.at - 1].end]
            self.expect(">")
            return TensorType(shape, element, encoding)
        layout: Strided | None = None
        space: str | None = None
        while self.accept(","):
            if self.token.text == "strided":
                layout = self.strided()
            elif self.token.text == "#hivm.address_space":
                self.next()
                self.expect("<")
                space = self.kind("word").text
                self.expect(">")
            elif self.token.kind == "number":
                space = self.next().text
            else:
                raise self.fail("only strided layouts and hivm address spaces are read in a memref")
        self.expect(">")
        return MemRefType(shape, element, layout, space)

    def dimensions(self) -> tuple[int, ...]:
        """`4x?x16x`: they run into the element type's word, so they are taken from the text and the rest is tokenized again."""
        start = self.token.start
        match = _DIMENSIONS.match(self.text, start)
        if match is None or match.group()[0] == "x":
            return ()
        shape = tuple(DYNAMIC if d == "?" else int(d) for d in match.group().split("x")[:-1])
        self.retokenize(match.end())
        return shape

    def retokenize(self, at: int) -> None:
        """Makes the token list go on at a position inside a token."""
        i = self.at
        while self.tokens[i].end <= at and self.tokens[i].kind != "end":
            i += 1
        if self.tokens[i].start < at:
            match = _TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                raise _error(self.text, at, "expected a type")
            fresh: list[Token] = [Token(match.lastgroup, match.group(), at, match.end())]
            old_end = self.tokens[i].end
            while fresh[-1].end < old_end:
                more = _TOKEN.match(self.text, fresh[-1].end)
                if more is None or more.lastgroup is None:
                    raise _error(self.text, fresh[-1].end, "expected a type")
                fresh.append(Token(more.lastgroup, more.group(), fresh[-1].end, more.end()))
            self.tokens[i] = fresh[0]
            self.tokens[i + 1 : i + 1] = fresh[1:]
        self.at = i

    def strided(self) -> Strided:
        self.next()
        self.expect("<")
        self.expect("[")
        strides: list[int] = []
        while not self.accept("]"):
            strides.append(self.integer_or_dynamic())
            self.accept(",")
        offset = 0
        if self.accept(","):
            self.expect("offset")
            self.expect(":")
            offset = self.integer_or_dynamic()
        self.expect(">")
        return Strided(tuple(strides), offset)

    def integer_or_dynamic(self) -> int:
        return DYNAMIC if self.accept("?") else self.integer()

    def integer(self) -> int:
        token = self.kind("number")
        try:
            return int(token.text, 0)
        except ValueError:
            raise self.fail(f"expected an integer, found {token.text!r}", token) from None

    # attributes

    def dictionary(self) -> dict[str, Attribute]:
        self.expect("{")
        entries: dict[str, Attribute] = {}
        while not self.accept("}"):
            token = self.next()
            if token.kind not in ("word", "string"):
                raise self.fail("expected an attribute's name", token)
            key = json.loads(token.text) if token.kind == "string" else token.text
            entries[key] = self.attribute() if self.accept("=") else UnitAttr()
            self.accept(",")
        return entries

    def attribute(self) -> Attribute:
        self.deeper()
        found = self.attribute_body()
        self.depth -= 1
        return found

    def attribute_body(self) -> Attribute:
        token = self.token
        if token.kind == "string":
            self.next()
            return StringAttr(json.loads(token.text))
        if token.kind == "number":
            return self.number()
        if token.kind == "symbol":
            self.next()
            text = token.text[1:]
            return SymbolRefAttr(json.loads(text) if text[0] == '"' else text)
        if token.text == "[":
            self.next()
            values: list[Attribute] = []
            while not self.accept("]"):
                values.append(self.attribute())
                self.accept(",")
            return ArrayAttr(tuple(values))
        if token.text == "{":
            return DictAttr(tuple(self.dictionary().items()))
        if token.text in ("true", "false"):
            self.next()
            return BoolAttr(token.text == "true")
        if token.text == "unit":
            self.next()
            return UnitAttr()
        if token.text == "dense":
            return self.dense()
        if token.text == "array":
            return self.dense_array()
        if token.kind == "hash" or token.text in (
            "affine_map",
            "affine_set",
            "dense_resource",
            "loc",
            "distinct",
            "opaque",
            "sparse",
        ):
            return self.raw()
        return TypeAttr(self.type())

    def raw(self) -> Attribute:
        token = self.next()
        if token.text in self.aliases:
            resume, self.at = self.at, self.aliases[token.text][0]
            found = self.attribute()
            self.at = resume
            return found
        end = token.end
        if self.token.text in ("<", "(", "[") and (self.token.text != "[" or token.text == "distinct"):
            end = self.balanced()
            if token.text == "distinct" and self.token.text == "<":
                end = self.balanced()
        if token.text == "dense_resource" and self.accept(":"):
            self.type()
            end = self.tokens[self.at - 1].end
        return RawAttr(self.text[token.start : end])

    def balanced(self) -> int:
        """Skips a bracketed group; `->` inside does not close a `<`. Returns the end of its text."""
        stack = [_OPEN[self.next().text]]
        while stack:
            token = self.next()
            if token.kind == "end":
                raise self.fail(f"expected {stack[-1]!r} before the end of the text", token)
            if token.kind == "string":
                continue
            if token.text in _OPEN and not (token.text == "<" and stack[-1] in ")" and self.token.text == "="):
                stack.append(_OPEN[token.text])
            elif token.text == stack[-1]:
                stack.pop()
            if len(stack) > MAX_DEPTH:
                raise self.fail(f"nested deeper than {MAX_DEPTH}", token)
        return self.tokens[self.at - 1].end

    def number(self) -> Attribute:
        token = self.next()
        type: Type | None = self.type() if self.accept(":") else None
        if isinstance(type, FloatType):
            return FloatAttr(self.float_value(token, type), type)
        if "." in token.text and type is None:
            return FloatAttr(float(token.text), FloatType("f64"))
        try:
            return IntegerAttr(int(token.text, 0), type or i64)
        except ValueError:
            raise self.fail(f"{token.text} is no integer", token) from None

    def float_value(self, token: Token, type: FloatType) -> float:
        if token.text.startswith("0x"):
            bits = int(token.text, 16)
            if bits >= 1 << type.width:
                raise self.fail(f"{token.text} has more than {type.width} bits", token)
            return float_from_bits(bits, type)
        return float(token.text)

    def dense(self) -> Attribute:
        self.next()
        self.expect("<")
        tokens: list[Token] = []
        hexadecimal = self.token.kind == "string"
        while not self.accept(">"):
            token = self.next()
            if token.kind == "end":
                raise self.fail("expected '>' before the end of the text", token)
            if token.kind in ("number", "string") or token.text in ("true", "false"):
                tokens.append(token)
        self.expect(":")
        type = self.type()
        if not isinstance(type, TensorType | VectorType):
            raise self.fail("dense<…> needs a tensor or vector type")
        if hexadecimal:
            return RawAttr(f"dense<{tokens[0].text}> : {type}")
        return DenseAttr(tuple(self.element(t, type.element) for t in tokens), type)

    def element(self, token: Token, type: Type) -> int | float | bool:
        if token.text in ("true", "false"):
            return token.text == "true"
        if isinstance(type, FloatType):
            return self.float_value(token, type)
        try:
            return int(token.text, 0)
        except ValueError:
            raise self.fail(f"{token.text} is no integer", token) from None

    def dense_array(self) -> Attribute:
        self.next()
        self.expect("<")
        type = self.type()
        values: list[int] = []
        if self.accept(":"):
            while self.token.text != ">":
                token = self.next()
                values.append(int(self.element(token, type)))
                self.accept(",")
        self.expect(">")
        return DenseArrayAttr(tuple(values), type)
