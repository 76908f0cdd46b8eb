"""What a module says, without names and places: for comparing two texts of one program."""

from typing import TypeAlias

from compiler_core.dialects.forms.linalg import HIDDEN_BODIES
from compiler_core.ir import Op, Value

Structure: TypeAlias = "tuple[object, ...]"


def structure(op: Op, numbers: dict[Value, int] | None = None) -> Structure:
    """Name, operands by number, types, attributes and regions of an op. Attributes that a tool only remembers its work in, and
    bodies that only generic text has, are left out."""
    numbers = {} if numbers is None else numbers
    operands = tuple(numbers[v] for v in op.operands)
    regions = () if op.name in HIDDEN_BODIES else tuple(_blocks(op, numbers))
    for result in op.results:
        numbers[result] = len(numbers)
    attributes = {k: str(v) for k, v in op.attributes.items() if not k.endswith(".memoized_indexing_maps")}
    return op.name, operands, tuple(str(r.type) for r in op.results), tuple(sorted(attributes.items())), regions


def _blocks(op: Op, numbers: dict[Value, int]) -> list[Structure]:
    regions: list[Structure] = []
    for region in op.regions:
        blocks: list[Structure] = []
        for block in region.blocks:
            for argument in block.arguments:
                numbers[argument] = len(numbers)
            arguments = tuple(str(a.type) for a in block.arguments)
            blocks.append((arguments, tuple(structure(inner, numbers) for inner in block.ops)))
        regions.append(tuple(blocks))
    return regions
