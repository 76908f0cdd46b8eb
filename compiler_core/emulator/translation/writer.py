"""Writing a program's source: lines in nested blocks, each expression once, pure ones as far out as they can go, none unused.

Every name in the text is made here; nothing of a user's program is ever part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from compiler_core.emulator.translation.terms import HIGH, LOW, NOTHING, UNKNOWN, VARYING, Term
from compiler_core.ir import Op


@dataclass(slots=True)
class Line:
    """`target` is empty where the line must run; else it is pure, and goes where nobody uses the name."""

    indent: int
    text: str
    target: str
    uses: Sequence[Term]
    op: Op


class Block:
    """Lines being written at one depth, and the expressions they already hold."""

    __slots__ = ("known", "lines")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.known: dict[str, Term] = {}


class Writer:
    """`op` is what lines belong to: what fails in them is told with its place."""

    def __init__(self, op: Op) -> None:
        self.op = op
        self.blocks = [Block()]
        self.names = 0

    @property
    def depth(self) -> int:
        return len(self.blocks) - 1

    def name(self, letter: str = "v") -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def open(self) -> Block:
        block = Block()
        self.blocks.append(block)
        return block

    def close(self, header: str, uses: Sequence[Term] = ()) -> list[Line]:
        """The finished block behind its header."""
        block = self.blocks.pop()
        lines = block.lines
        for line in lines:
            line.indent += 1
        return [Line(0, header, "", uses, self.op), *(lines or [Line(1, "pass", "", (), self.op)])]

    def append(self, lines: list[Line]) -> None:
        self.blocks[-1].lines += lines

    def do(self, text: str, *uses: Term) -> None:
        """A line that has an effect."""
        self.blocks[-1].lines.append(Line(0, text, "", uses, self.op))

    def let(self, text: str, *uses: Term, low: int = LOW, high: int = HIGH, kind: int = -1, may_fail: bool = False) -> Term:
        """The value of a pure expression over `uses`, computed in the outermost block that has them; here, if it may fail."""
        depth = found_kind = 0
        for term in uses:
            if term.depth > depth:
                depth = term.depth
            if term.kind > found_kind:
                found_kind = term.kind
        if found_kind == UNKNOWN:
            return NOTHING
        if may_fail:
            depth = self.depth
        for block in self.blocks[: depth + 1]:
            known = block.known.get(text)
            if known is not None:
                return known
        self.names += 1
        target = f"v{self.names}"
        term = Term(target, max(found_kind, 1) if kind < 0 else kind, depth, None, low, high)
        block = self.blocks[depth]
        block.lines.append(Line(0, f"{target} = {text}", "" if may_fail else target, uses, self.op))
        block.known[text] = term
        return term

    def fresh(self, kind: int, low: int = LOW, high: int = HIGH) -> Term:
        """A new name for a value that effectful lines assign."""
        return Term(self.name(), kind, self.depth, None, low, high)

    def finish(self, parameters: str) -> tuple[str, list[Op]]:
        """The source of `def program(…)`, and the op behind each of its lines."""
        needed: set[str] = set()
        kept: list[Line] = []
        for line in reversed(self.blocks[0].lines):
            if not line.target or line.target in needed:
                for term in line.uses:
                    needed.add(term.code)
                kept.append(line)
        kept.reverse()
        body = [" " * (line.indent + 1) + line.text for line in kept] or [" pass"]
        return f"def program({parameters}):\n" + "\n".join(body) + "\n", [self.op, *(line.op for line in kept)]


def is_unknown(*terms: Term) -> bool:
    return UNKNOWN in [t.kind for t in terms]


def is_varying(*terms: Term) -> bool:
    return VARYING in [t.kind for t in terms]
