"""Affine maps: from MLIR's text to a function of dimensions and symbols."""

import re
from collections.abc import Callable, Sequence
from functools import cache

from compiler_core.emulator.execution.lanes import Scalar

Expression = Callable[[Sequence[Scalar]], Scalar]

_TOKEN = re.compile(r"\s*(->|floordiv|ceildiv|mod|[A-Za-z_]\w*|\d+|[()\[\],+*-])")
_PRODUCTS = ("*", "floordiv", "ceildiv", "mod")


class _Reader:
    """Recursive descent over the tokens of one map; `names` are its dimensions, then its symbols."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.at = 0
        self.names: list[str] = []

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise ValueError(f"expected {expected or 'more'} in an affine map, found {token or 'its end'}")
        self.at += 1
        return token

    def name_list(self, opening: str, closing: str) -> None:
        if self.peek() != opening:
            return
        self.take(opening)
        while self.peek() != closing:
            self.names.append(self.take())
            if self.peek() == ",":
                self.take()
        self.take(closing)

    def results(self) -> tuple[Expression, ...]:
        self.name_list("(", ")")
        self.name_list("[", "]")
        self.take("->")
        self.take("(")
        found = [self.sum()]
        while self.peek() == ",":
            self.take()
            found.append(self.sum())
        self.take(")")
        return tuple(found)

    def sum(self) -> Expression:
        left = self.product()
        while self.peek() in ("+", "-"):
            left = _combine(self.take(), left, self.product())
        return left

    def product(self) -> Expression:
        left = self.atom()
        while self.peek() in _PRODUCTS:
            left = _combine(self.take(), left, self.atom())
        return left

    def atom(self) -> Expression:
        token = self.take()
        if token == "(":
            inner = self.sum()
            self.take(")")
            return inner
        if token == "-":
            inner = self.atom()
            return lambda values: -inner(values)
        if token.isdigit():
            number = int(token)
            return lambda values: number
        index = self.names.index(token)
        return lambda values: values[index]


def _combine(operator: str, a: Expression, b: Expression) -> Expression:
    if operator == "+":
        return lambda v: a(v) + b(v)
    if operator == "-":
        return lambda v: a(v) - b(v)
    if operator == "*":
        return lambda v: a(v) * b(v)
    if operator == "floordiv":
        return lambda v: a(v) // b(v)
    if operator == "ceildiv":
        return lambda v: -(-a(v) // b(v))
    return lambda v: a(v) % b(v)


@cache
def affine_map(text: str) -> tuple[Expression, ...]:
    """The results of `affine_map<(d0)[s0] -> (…)>`, each a function of the operands.

    Raises ValueError where it does not parse.
    """
    reader = _Reader(text.removeprefix("affine_map<").removesuffix(">"))
    return reader.results()
