"""Op declarations: one line an op in its dialect's file; printing, verifying and folding read them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from compiler_core.ir.attributes import Attribute
from compiler_core.ir.core import Op

Trait = Literal["pure", "terminator", "commutative", "elementwise", "isolated", "allocates", "reads"]
"""pure: no effect on memory or control · terminator: ends its block · commutative: its two operands may swap ·
elementwise: works on scalars and, element by element, on shaped types · isolated: its regions use no value from outside ·
allocates: makes a buffer · reads: reads memory and has no effect, so it may go where unused but not past a write."""

Verify = Callable[[Op], str | None]
"""Tells what is wrong with an op (without naming the op), or None."""

Fold = Callable[[Op, Sequence[Attribute | None]], "Attribute | int | None"]
"""Folds one result, given the operands' constants (None where unknown): a constant, the index of an equal operand, or None."""


@dataclass(frozen=True)
class OpDef:
    """`format` is the pretty form after the op's name; see printer.py for its directives. None prints the plain form."""

    name: str
    summary: str
    format: str | None = None
    traits: frozenset[Trait] = frozenset()
    operands: int | None = None
    """Exact number of operands, or None for any."""
    results: int | None = None
    verify: Verify | None = None
    fold: Fold | None = None


OPS: dict[str, OpDef] = {}
"""Every declared op by its full name."""


class Dialect:
    """Declares the ops of one dialect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def op(
        self,
        name: str,
        summary: str,
        format: str | None = None,
        *traits: Trait,
        operands: int | None = None,
        results: int | None = None,
        verify: Verify | None = None,
        fold: Fold | None = None,
    ) -> OpDef:
        full = f"{self.name}.{name}"
        if full in OPS:
            raise ValueError(f"{full} is declared twice")
        definition = OpDef(full, summary, format, frozenset(traits), operands, results, verify, fold)
        OPS[full] = definition
        return definition


def has_trait(op: Op, trait: Trait) -> bool:
    definition = OPS.get(op.name)
    return definition is not None and trait in definition.traits


def is_pure(op: Op) -> bool:
    """No effect, nor has anything inside it. Undeclared ops count as having effects."""
    if not has_trait(op, "pure"):
        return False
    return all(is_pure(inner) or has_trait(inner, "terminator") for r in op.regions for b in r.blocks for inner in b.ops)
