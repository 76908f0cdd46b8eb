"""Moving elements: transposes of any order, and padding of feature maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from compiler_core.dialects import linalg, tensor
from compiler_core.dialects.arith import compare
from compiler_core.dialects.index_math import as_value, subtract
from compiler_core.dialects.indices import Mixed
from compiler_core.dialects.tensor import tensor_type
from compiler_core.ir import Op, Value
from compiler_core.ir.types import FloatType, element_of, i1
from compiler_core.ir.types import contiguous_strides as strides_of
from compiler_core.lowering.kernels.frame import Kernel, Tiled, pieces, rounded_up

Make = Callable[[Sequence[int]], Kernel]
BLOCK = 16
"""The vector unit transposes blocks of 16 by 16 elements."""


@dataclass(frozen=True)
class Order:
    """A transpose without dimensions of size 1, and with those joined that stay side by side."""

    shape: tuple[int, ...]
    permutation: tuple[int, ...]


def collapse(shape: Sequence[int], permutation: Sequence[int]) -> Order:
    order = [d for d in permutation if shape[d] != 1]
    groups: list[list[int]] = []
    for d in order:
        if groups and _next_present(shape, groups[-1][-1]) == d:
            groups[-1].append(d)
        else:
            groups.append([d])
    by_source = sorted(groups)
    sizes = tuple(prod(shape[d] for d in group) for group in by_source)
    return Order(sizes, tuple(by_source.index(group) for group in groups))


def _next_present(shape: Sequence[int], d: int) -> int:
    return next((i for i in range(d + 1, len(shape)) if shape[i] != 1), -1)


def transpose(make: Make, shape: Sequence[int], permutation: Sequence[int], room: int) -> Op:
    """Result dimension i is source dimension `permutation`[i].

    A tile lies along the last dimension of the source and the last of the result, so that both are read and written in runs.
    Where that is the same dimension, rows are copied.
    """
    order = collapse(shape, permutation)
    sources, last = order.shape, len(order.shape) - 1
    results = tuple(sources[d] for d in order.permutation)
    read, written = strides_of(sources), [0] * len(sources)
    for place, d in enumerate(order.permutation):
        written[d] = strides_of(results)[place]
    turned = order.permutation[-1] != last
    other = order.permutation[-1] if turned else order.permutation[-2]
    inner = min(rounded_up(sources[last], BLOCK) if turned else sources[last], room // BLOCK)
    outer = min(rounded_up(sources[other], BLOCK) if turned else sources[other], max(BLOCK, room // inner // BLOCK * BLOCK))
    rest = [d for d in range(len(sources)) if d not in (last, other)]
    grid = (prod(sources[d] for d in rest) * pieces(sources[other], outer), pieces(sources[last], inner))
    kernel = make(grid)
    counts = [*(sources[d] for d in rest), pieces(sources[other], outer)]
    *places, number = kernel.split(kernel.program(0), counts, [*(f"dim_{d}" for d in rest), "row"])
    rows = kernel.tiled(number, sources[other], outer, "row")
    columns = kernel.tiled(kernel.program(1), sources[last], inner, "column")

    def offset(strides: Sequence[int]) -> Mixed:
        terms = [(place, strides[d]) for place, d in zip(places, rest, strict=True)]
        return kernel.at(*terms, (rows.start, strides[other]), (columns.start, strides[last]))

    source, target = kernel.buffers
    tile = kernel.load(
        source, offset(read), (rows.tile, columns.tile), (read[other], 1), (rows.inside, columns.inside), hint="tile"
    )
    if turned:
        _store_turned(kernel, tile, target, offset(written), written[last], rows, columns)
    else:
        value = kernel.to(tile, element_of(target.type), "rounded")
        kernel.store(value, target, offset(written), (written[other], 1), (rows.inside, columns.inside))
    return kernel.finish()


def _store_turned(kernel: Kernel, tile: Value, target: Value, offset: Mixed, stride: int, rows: Tiled, columns: Tiled) -> None:
    """The tile transposed; a conversion happens where fewer bytes are turned."""
    element = element_of(target.type)
    old = tensor_type(tile).element
    assert isinstance(old, FloatType) and isinstance(element, FloatType)
    if element.width < old.width:
        tile = kernel.to(tile, element, "rounded")
    empty = tensor.empty(kernel.builder, (columns.tile, rows.tile), tensor_type(tile).element)
    turned = kernel.to(linalg.transpose(kernel.builder, tile, empty, (1, 0), "turned"), element)
    kernel.store(turned, target, offset, (stride, 1), (columns.inside, rows.inside))


def pad(make: Make, shape: Sequence[int], low: Sequence[int], high: Sequence[int], value: float, room: int) -> Op:
    """A feature map with channels last gets a border of `value` around height and width. One program, one row."""
    batch, height, width, channels = shape
    top, left, right = low[1], low[2] * channels, high[2] * channels
    length, padded = width * channels, left + width * channels + right
    rows = top + height + high[1]
    kernel = make((batch * rows,))
    image, row = kernel.split(kernel.program(0), (batch, rows), ("image", "row"))
    source, target = kernel.buffers
    element = element_of(target.type)
    start = kernel.at((image, rows * padded), (row, padded))
    line = subtract(kernel.builder, row, top, "line")
    inside = kernel.builder.value(
        "arith.andi",
        [
            compare(kernel.builder, "sge", as_value(kernel.builder, line), kernel.constant_index(0)),
            compare(kernel.builder, "slt", as_value(kernel.builder, line), kernel.constant_index(height)),
        ],
        i1,
        hint="inside",
    )

    def border(place: Mixed, size: int) -> None:
        """`size` elements of the border from `place` on."""

        def chunk(at: Mixed, carried: list[Value]) -> list[Value]:
            tile = min(size, room)
            filled = kernel.full(value, (tile,), element, "border")
            kernel.store(filled, target, kernel.plus(place, at), (1,), (kernel.inside(at, size, tile),))
            return []

        if size:
            kernel.loop(size, room, [], chunk, "column")

    def copied() -> None:
        def chunk(at: Mixed, carried: list[Value]) -> list[Value]:
            tile = min(length, room)
            valid = (kernel.inside(at, length, tile, "column"),)
            first = kernel.at((image, height * length), (line, length))
            part = kernel.load(source, kernel.plus(first, at), (tile,), (1,), valid, hint="pixels")
            kernel.store(kernel.to(part, element), target, kernel.plus(start, left, at), (1,), valid)
            return []

        border(start, left)
        kernel.loop(length, room, [], chunk, "column")
        border(kernel.plus(start, left + length), right)

    kernel.when(inside, copied, lambda: border(start, padded))
    return kernel.finish()
