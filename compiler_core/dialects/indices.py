"""Mixed indices: MLIR's lists of offsets, sizes and strides in which each entry is a constant or an operand.

Such an op holds the constants in an attribute `static_<list>` (DYNAMIC where an operand stands) and the operands, list after
list, after its plain operands; `operandSegmentSizes` says how many each list has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler_core.ir import Attribute, DenseArrayAttr, Op, Printer, Value
from compiler_core.ir.types import DYNAMIC, IndexType, IntegerType

Mixed = int | Value
"""A constant, or a value of type index. An int may be DYNAMIC only in types, never here."""


@dataclass(frozen=True)
class MixedLists:
    """The operands and attributes of an op made from mixed lists."""

    operands: list[Value]
    attributes: dict[str, Attribute]


def pack(plain: Sequence[Value], lists: Mapping[str, Sequence[Mixed]]) -> MixedLists:
    """Packs the lists, by the names MLIR gives them without `static_`, behind the plain operands (one segment each)."""
    operands = list(plain)
    segments = [1] * len(plain)
    attributes: dict[str, Attribute] = {}
    for name, entries in lists.items():
        dynamic = [e for e in entries if isinstance(e, Value)]
        assert all(isinstance(v.type, IndexType) for v in dynamic), f"{name} of a type other than index"
        operands += dynamic
        segments.append(len(dynamic))
        attributes[f"static_{name}"] = DenseArrayAttr(static_of(entries))
    attributes["operandSegmentSizes"] = DenseArrayAttr(tuple(segments), IntegerType(32))
    return MixedLists(operands, attributes)


def unpack(op: Op, name: str) -> list[Mixed]:
    """One list of an op made by `pack`: constants where it has them, values elsewhere. Raises ValueError where too few."""
    static = _static(op, name)
    if DYNAMIC not in static:
        return list(static)
    segments = op.attributes["operandSegmentSizes"]
    assert isinstance(segments, DenseArrayAttr)
    order = [key for key in _ORDER if key in op.attributes]
    plain = len(segments.values) - len(order)
    before = sum(segments.values[: plain + order.index(f"static_{name}")])
    operands = op.operands
    if static.count(DYNAMIC) > len(operands) - before:
        raise ValueError(f"{name} needs more operands")
    dynamic = iter(operands[before:])
    return [next(dynamic) if entry == DYNAMIC else entry for entry in static]


_ORDER = ("static_offsets", "static_sizes", "static_strides", "static_low", "static_high")
"""The order of the lists' operands in every op that has them; an attribute dictionary's own order may be another."""


def _static(op: Op, name: str) -> tuple[int, ...]:
    attribute = op.attributes[f"static_{name}"]
    assert isinstance(attribute, DenseArrayAttr)
    return attribute.values


def static_of(entries: Sequence[Mixed]) -> tuple[int, ...]:
    """The entries as a type says them: DYNAMIC for values."""
    return tuple(e if isinstance(e, int) else DYNAMIC for e in entries)


def mixed_text(printer: Printer, entries: Sequence[Mixed]) -> str:
    """[%a, 4]"""
    return "[" + ", ".join(str(e) if isinstance(e, int) else printer.name(e) for e in entries) + "]"


PACKED = ("operandSegmentSizes", *_ORDER)
"""The attributes that pretty forms write as lists."""
