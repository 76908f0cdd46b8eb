"""tile: makes every block's tensors fit the core's memories, cutting a kernel into tiles along a dimension where needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from compiler_core.analysis.dimensions import Dimension, DimensionClass, dimension_classes
from compiler_core.analysis.footprint import Peak, own_shape, peaks
from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic, Refused, Span, error
from compiler_core.dialects.builtin import device_functions
from compiler_core.ir import Op, Value
from compiler_core.ir.types import ShapedType, TensorType
from compiler_core.lowering.separation import separate_loads
from compiler_core.lowering.tiling import cut, may_cut
from compiler_core.passes.base import Pass, PassContext

MAX_CUTS = 4
"""Most nested tile loops of one kernel; tensors have few dimensions that can be cut."""
SHORTEST = 16
"""Fewest elements of a tile's last dimension: a row of a fractal, and at least 32 bytes of 16-bit numbers."""
LARGEST_NAMED = 3
"""How many tensors a refusal names."""


@dataclass(frozen=True)
class Tile(Pass):
    name = "tile"
    summary: ClassVar[Mapping[str, str]] = {
        "en": "Cuts blocks that are too large for a core's memories into tiles.",
        "zh": "把超出核内存储的块切分成小块。",
    }
    stage_in = "tensor"
    stage_out = "tile"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            separate_loads(function)
            fit(function, context.chip)


def fit(function: Op, chip: Chip) -> None:
    """Cuts until everything fits. Raises Refused where no cut can make it so."""
    for _ in range(MAX_CUTS):
        if _excess(peaks(function), chip) == 0:
            return
        best = _best_cut(function, chip)
        if best is None:
            break
        cut(function, *best)
    needed = peaks(function, least=True)
    over = [memory for memory, peak in needed.items() if peak.bytes > chip.buffers[memory]]
    if over:
        raise Refused(too_large(function, over[0], needed[over[0]], chip))


def _excess(found: Mapping[str, Peak], chip: Chip) -> int:
    """Bytes beyond the memories' sizes, all together."""
    return sum(max(0, peak.bytes - chip.buffers[memory]) for memory, peak in found.items())


def _best_cut(function: Op, chip: Chip) -> tuple[DimensionClass, int] | None:
    """The largest tile that fits, of the dimension that keeps rows whole if there is one; else what saves most."""
    saving: tuple[DimensionClass, int] | None = None
    least = _excess(peaks(function), chip)
    candidates = [c for c in dimension_classes(function) if may_cut(function, c)]
    for along in sorted(candidates, key=_cuts_rows):
        for tile in _tiles(along):
            excess = _excess(peaks(function, _trial(along, tile)), chip)
            if excess == 0:
                return along, tile
            if excess < least:
                least, saving = excess, (along, tile)
    return saving


def _cuts_rows(along: DimensionClass) -> bool:
    """Whether it is the last dimension of a tensor: shorter rows make worse transfers."""
    return any(isinstance(v.type, ShapedType) and d == v.type.rank - 1 and _is_wide(v) for v, d in along.members)


def _is_wide(value: Value) -> bool:
    return isinstance(value.type, TensorType) and value.type.rank > 1


def _tiles(along: DimensionClass) -> list[int]:
    """Divisors by powers of two, largest first."""
    last = any(isinstance(v.type, TensorType) and d == v.type.rank - 1 for v, d in along.members)
    tiles: list[int] = []
    size = along.size or 1
    while size % 2 == 0 and size // 2 >= (SHORTEST if last else 1):
        size //= 2
        tiles.append(size)
    return tiles


def _trial(along: DimensionClass, tile: int):
    members: set[Dimension] = set(along.members)

    def shape(value: Value) -> tuple[int, ...]:
        return tuple(tile if (value, d) in members else size for d, size in enumerate(own_shape(value)))

    return shape


def too_large(function: Op, memory: str, peak: Peak, chip: Chip) -> Diagnostic:
    """How much is needed of how much, what costs most, and what keeps it from being cut."""
    named = peak.shares[:LARGEST_NAMED]
    places = [_location(share.value) for share in named]
    largest = "; ".join(
        f"%{share.value.name or '?'}: {share.value.type}, {_kib(share.bytes)} KiB" + (f" (line {place.line})" if place else "")
        for share, place in zip(named, places, strict=True)
    )
    blocker = _blocker(function, {share.value for share in named})
    blocked = blocker is not None and bool(blocker.location)
    return error(
        f"tile-too-large-{'vector' if memory == 'UB' else 'cube'}{'-blocked' if blocked else ''}",
        *dict.fromkeys(place for place in places if place),
        memory=memory,
        needed=_kib(peak.bytes),
        capacity=_kib(chip.buffers[memory]),
        chip=chip.name,
        largest=largest,
        line=blocker.location[0].line if blocker is not None and blocker.location else 0,
    )


def _location(value: Value) -> Span | None:
    op = value.op if value.op is not None else value.owner.parent_op if not isinstance(value.owner, Op) else None
    return Span(op.location[0].line, op.location[0].column) if op is not None and op.location else None


def _blocker(function: Op, values: set[Value]) -> Op | None:
    """An op that needs whole a dimension of the largest tensors."""
    for along in dimension_classes(function):
        if along.blockers and (along.size or 0) > 1 and any(v in values for v, _ in along.members):
            return along.blockers[0]
    return None


def _kib(count: int) -> int:
    return -(-count // 1024)
