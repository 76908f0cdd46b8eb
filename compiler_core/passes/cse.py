"""cse: computes equal things once, where the first dominates the rest."""

from dataclasses import dataclass

from compiler_core.ir import Block, Op, Value, fuse_locations, has_trait
from compiler_core.ir.types import Type
from compiler_core.passes.base import Pass, PassContext

Key = tuple[str, tuple[int, ...], tuple[tuple[str, str], ...], tuple[Type, ...], tuple[object, ...]]


@dataclass(frozen=True)
class Cse(Pass):
    """Works on any stage. Two pure ops are equal by name, operands, attributes, result types and regions."""

    name = "cse"
    summary = {"en": "Computes equal expressions once.", "zh": "相同的表达式只计算一次。"}
    stage_in = "tt"
    stage_out = "tt"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        for region in module.regions:
            for block in region.blocks:
                eliminate(block, {})


def eliminate(block: Block, known: dict[Key, Op]) -> None:
    """Drops the ops of a block that `known` (what dominates it) or an earlier op already computes."""
    known = dict(known)
    for op in list(block.ops):
        inner: dict[Key, Op] = {} if has_trait(op, "isolated") else known
        for region in op.regions:
            for nested in region.blocks:
                eliminate(nested, inner)
        if not op.results or not has_trait(op, "pure") or has_trait(op, "allocates"):
            continue
        key = key_of(op)
        if key is None:
            continue
        first = known.get(key)
        if first is None:
            known[key] = op
            continue
        first.location = fuse_locations(first.location, op.location)
        for mine, other in zip(first.results, op.results, strict=True):
            mine.name = mine.name or other.name
        op.replace_with(*first.results)


def key_of(op: Op) -> Key | None:
    """What tells whether two ops compute the same; None for ops with nested control flow, which are left alone."""
    operands = [id(v) for v in op.operands]
    if has_trait(op, "commutative"):
        operands.sort()
    body = region_key(op)
    if body is None:
        return None
    attributes = attributes_key(op)
    return op.name, tuple(operands), attributes, tuple(r.type for r in op.results), body


def region_key(op: Op) -> tuple[object, ...] | None:
    """The regions of a small op such as a reduction, with values numbered; None where they hold effects or regions."""
    parts: list[object] = []
    numbers: dict[Value, int] = {}
    for region in op.regions:
        for block in region.blocks:
            for argument in block.arguments:
                numbers[argument] = len(numbers)
            for inner in block.ops:
                if inner.regions or not (has_trait(inner, "pure") or has_trait(inner, "terminator")):
                    return None
                operands = tuple((numbers[v],) if v in numbers else id(v) for v in inner.operands)
                attributes = attributes_key(inner)
                parts.append((inner.name, operands, attributes, tuple(r.type for r in inner.results)))
                for result in inner.results:
                    numbers[result] = len(numbers)
    return tuple(parts)


def attributes_key(op: Op) -> tuple[tuple[str, str], ...]:
    """Attributes as text: 0.0 and -0.0 compare equal as numbers, and a nan not even with itself."""
    return tuple(sorted((k, str(v)) for k, v in op.attributes.items()))
