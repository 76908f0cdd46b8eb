"""The verifier: structure (use before definition, terminators, op declarations) and the stages' specs."""

from collections.abc import Iterator
from dataclasses import dataclass

from compiler_core.ir.core import Block, Op, Value
from compiler_core.ir.registry import OPS

STAGE_DIALECTS: dict[str, frozenset[str]] = {
    "graph": frozenset({"builtin", "func", "graph"}),
    "tt": frozenset({"builtin", "tt", "arith", "math", "scf"}),
    "tensor": frozenset({"builtin", "func", "arith", "math", "scf", "tensor", "linalg", "memref", "bufferization"}),
    "tile": frozenset({"builtin", "func", "arith", "math", "scf", "tensor", "linalg", "memref", "bufferization", "hivm"}),
    "machine": frozenset({"builtin", "func", "arith", "math", "scf", "memref", "affine", "hivm"}),
}
"""Which dialects may appear at which stage."""


@dataclass(frozen=True)
class Violation:
    op: Op
    problem: str

    def __str__(self) -> str:
        return f"{self.op.name}: {self.problem}"


class InvalidIR(Exception):
    """A pass or an importer left IR that does not verify: a bug here, never the author's."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("\n".join(str(v) for v in violations[:10]))
        self.violations = violations


MALFORMED = (ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError, StopIteration)
"""What an op's own check may run into where attributes, operands or regions are missing or of another kind."""


def verify(module: Op, stage: str | None = None) -> None:
    """Raises InvalidIR where the module breaks a rule of structure, of an op's declaration, or of the stage."""
    violations = list(_check_op(module, set()))
    if stage is not None:
        allowed = STAGE_DIALECTS[stage]
        violations += [Violation(op, f"not allowed at the {stage} stage") for op in module.walk() if op.dialect not in allowed]
    if violations:
        raise InvalidIR(violations)


def _check_op(op: Op, visible: set[Value]) -> Iterator[Violation]:
    for i, operand in enumerate(op.operands):
        if operand not in visible:
            yield Violation(op, f"operand {i} (%{operand.name or '?'}: {operand.type}) is not defined before its use")
    definition = OPS.get(op.name)
    if definition is None:
        yield Violation(op, "is not declared by any dialect")
        return
    if definition.operands is not None and len(op.operands) != definition.operands:
        yield Violation(op, f"has {len(op.operands)} operands, not {definition.operands}")
    elif definition.results is not None and len(op.results) != definition.results:
        yield Violation(op, f"has {len(op.results)} results, not {definition.results}")
    elif definition.verify is not None:
        try:
            problem = definition.verify(op)
        except MALFORMED as malformed:
            problem = f"is not of the form its dialect expects ({type(malformed).__name__}: {malformed})"
        if problem:
            yield Violation(op, problem)
    for region in op.regions:
        inner = set[Value]() if "isolated" in definition.traits else visible
        for block in region.blocks:
            yield from _check_block(block, inner, op)


def _check_block(block: Block, visible: set[Value], parent: Op) -> Iterator[Violation]:
    added: list[Value] = list(block.arguments)
    visible.update(added)
    last = len(block.ops) - 1
    for i, op in enumerate(block.ops):
        if op.parent is not block:
            yield Violation(op, "does not know its block")
        definition = OPS.get(op.name)
        if definition is not None and "terminator" in definition.traits and i != last:
            yield Violation(op, "ends a block, but is not its last op")
        yield from _check_op(op, visible)
        visible.update(op.results)
        added.extend(op.results)
    if parent.name != "builtin.module" and (not block.ops or not _is_terminator(block.ops[-1])):
        yield Violation(parent, "has a block without a terminator")
    visible.difference_update(added)


def _is_terminator(op: Op) -> bool:
    definition = OPS.get(op.name)
    return definition is not None and "terminator" in definition.traits
