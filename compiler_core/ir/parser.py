"""MLIR text to IR: modules and types, in the generic form or in the ops' own forms.

Regions hold blocks of structured control flow (no successors). Attribute, type and location aliases (`#map = …`) are followed.
Types and attributes of dialects we do not know are kept as raw text. Nesting is bounded, so hostile text gets an error and
never exhausts the stack.
"""

from compiler_core.ir.core import Block, Op, Region
from compiler_core.ir.syntax.custom import CustomReader
from compiler_core.ir.syntax.scanner import MAX_DEPTH
from compiler_core.ir.types import Type

__all__ = ["MAX_DEPTH", "parse_module", "parse_type"]


def parse_module(text: str, *, file: str = "input.mlir") -> Op:
    """The builtin.module of a text; a text without one is wrapped. Raises Refused with the place and the problem.

    Ops get the text's own `loc(…)` where it has them, else their place in the text.
    """
    ops = _Parser(text, file).top_level()
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


class _Parser(CustomReader):
    def top_level(self) -> list[Op]:
        """The ops of the text. What a tool wrote behind its module, say its messages, is no op and ends the reading."""
        block = Block()
        while self.at < len(self.text):
            if self.sees("#") or self.sees("!"):
                self.alias_definition()
                continue
            self.line_ops(block)
            if self.at >= len(self.text) or self.sees("#") or self.sees("!"):
                continue
            if block.ops and block.ops[-1].name == "builtin.module" and not self.starts_op():
                break
            block.append(self.op())
        for op in block.ops:
            op.parent = None
        return block.ops

    def alias_definition(self) -> None:
        """`#name = attribute`, `!name = type` or `#name = loc(…)`; read here so that what is wrong with it is told."""
        kind = "hash" if self.sees("#") else "bang"
        name = self.kind(kind)
        if "." in name:
            raise self.fail(f"an alias has no dot in its name, {name} has")
        self.expect("=")
        if self.sees("loc("):
            self.known.setdefault(name, self.location())
        else:
            before, start = self.nodes, self.at
            found = self.type() if kind == "bang" else self.attribute()
            if self.aliases.setdefault(name, start) == start:
                self.aliased[name] = (found, self.nodes - before)
