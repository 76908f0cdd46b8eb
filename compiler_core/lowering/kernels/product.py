"""Matrix products and convolutions for the cube: tiles from memory, accumulated in float32; bias first, ReLU last.

A bias is a product too, the first one: a column of ones times the bias as a row. In 16 bits it is several rows that add up to
it, so that nothing of its precision is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from compiler_core.chips import Chip
from compiler_core.dialects import linalg
from compiler_core.dialects.graph import Window
from compiler_core.dialects.indices import Mixed
from compiler_core.ir import Locations, Op, Value
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import Type, bf16, byte_width, f16
from compiler_core.lowering.kernels.frame import Kernel, Tiled, pieces, rounded_up

FRACTAL = 16
"""Rows and columns of the blocks in which the cube multiplies."""
LARGEST = 128
"""Most rows and columns of a tile of the result."""
BIAS_ROWS: dict[Type, int] = {f16: 2, bf16: 3}
"""Rows of that type that add up to a float32 bias: 24 bits in pieces of 11 or 8. One row of any wider type."""


@dataclass(frozen=True)
class Ends:
    """What surrounds a product: element types, whether there is a bias, the activation, and where it comes from."""

    name: str
    inputs: Type
    biased: bool
    output: Type
    activation: str | None
    location: Locations
    origin: tuple[int, ...]

    def kernel(self, grid: Sequence[int]) -> Kernel:
        bias = [("ones", self.inputs), ("bias", self.inputs)] if self.biased else []
        buffers = [("x", self.inputs), ("weight", self.inputs), *bias, ("out", self.output)]
        return Kernel(self.name, buffers, grid, self.location, self.origin)


@dataclass(frozen=True)
class Tiles:
    """Elements of a tile: m rows, n columns, k of the inner dimension."""

    m: int
    n: int
    k: int


def choose(chip: Chip, rows: int, columns: int, inner: int, programs: int, type: Type) -> Tiles:
    """Tiles for a product of that size, of which there are `programs`: large, in whole fractals, and enough for all cores.

    Two tiles of A and of B fit L0A and L0B, so that one loads while the other multiplies; two of the result fit L0C.
    """
    m = min(LARGEST, rounded_up(rows, FRACTAL))
    n = min(LARGEST, rounded_up(columns, FRACTAL))
    while 2 * m * n * 4 > chip.l0c:
        n //= 2
    depth = min(chip.l0a // (2 * m), chip.l0b // (2 * n)) // byte_width(type)
    k = min(rounded_up(inner, FRACTAL), max(FRACTAL, depth // FRACTAL * FRACTAL))
    while programs * pieces(rows, m) * pieces(columns, n) < chip.cube_cores and max(m, n) > 2 * FRACTAL:
        m, n = (rounded_up(m // 2, FRACTAL), n) if m >= n else (m, rounded_up(n // 2, FRACTAL))
    return Tiles(m, n, k)


Load = Callable[[Sequence[Mixed], Mixed], Value]
"""Loads a tile, given its place in each inner dimension and how much of it is inside the last."""


def bias_operands(bias: NDArray[np.float64], type: Type) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """The two buffers of a bias: ones [LARGEST, FRACTAL] with as many columns of ones as the bias has rows, and the rows."""
    kind, count = dtype_of(type), BIAS_ROWS.get(type, 1)
    ones = np.zeros((LARGEST, FRACTAL), kind)
    ones[:, :count] = 1
    rows, rest = np.zeros((FRACTAL, bias.size), kind), bias.copy()
    for i in range(count):
        rows[i] = rest.astype(kind)
        rest = rest - rows[i].astype(np.float64)
    return ones, rows


def start(kernel: Kernel, bias: Sequence[Value], size: int, tiles: Tiles, columns: Tiled) -> Value:
    """The accumulator before the first product: zeros, or the bias in every row (its two buffers, and its length)."""
    acc = kernel.full(0.0, (tiles.m, tiles.n), hint="acc")
    if not bias:
        return acc
    ones = kernel.load(bias[0], 0, (tiles.m, FRACTAL), (FRACTAL, 1), hint="ones_tile")
    shape, valid = (FRACTAL, tiles.n), (FRACTAL, columns.inside)
    rows = kernel.load(bias[1], columns.start, shape, (size, 1), valid, hint="bias_tile")
    return linalg.matmul(kernel.builder, ones, rows, acc, "acc")


def accumulate(kernel: Kernel, acc: Value, dimensions: Sequence[tuple[str, int, int]], a: Load, b: Load) -> Value:
    """acc + A · B over the inner dimensions (name, size, step), tile by tile."""
    _, inner, tile = dimensions[-1]

    def step(places: list[Mixed], carried: list[Value]) -> list[Value]:
        inside = kernel.inside(places[-1], inner, tile, "k")
        return [linalg.matmul(kernel.builder, a(places, inside), b(places, inside), carried[0], "acc")]

    return kernel.nest(dimensions, [acc], step)[0]


def finish(kernel: Kernel, ends: Ends, acc: Value, offset: Mixed, stride: int, rows: Tiled, columns: Tiled) -> Op:
    """Activation, rounding and the store of the result's tile."""
    value = kernel.to(kernel.activate(acc, ends.activation), ends.output, "rounded")
    kernel.store(value, kernel.buffers[-1], offset, (stride, 1), (rows.inside, columns.inside))
    return kernel.finish()


def matmul(chip: Chip, ends: Ends, m: int, n: int, k: int, batch: Sequence[int], strides: Sequence[Sequence[int]]) -> Op:
    """[…, m, k] · […, k, n] → […, m, n]. `strides`: of A and of B along the batch dimensions, 0 where one broadcasts."""
    tiles = choose(chip, m, n, k, prod(batch), ends.inputs)
    kernel = ends.kernel((prod(batch) * pieces(m, tiles.m), pieces(n, tiles.n)))
    names = [f"batch_{i}" for i in range(len(batch))]
    *places, row = kernel.split(kernel.program(0), [*batch, pieces(m, tiles.m)], [*names, "row"])
    rows = kernel.tiled(row, m, tiles.m, "m")
    columns = kernel.tiled(kernel.program(1), n, tiles.n, "n")
    x, weight, *bias = kernel.buffers[:-1]
    first = kernel.at(*zip(places, strides[0], strict=True), (rows.start, k))
    second = kernel.at(*zip(places, strides[1], strict=True), (columns.start, 1))

    def a(places: Sequence[Mixed], inside: Mixed) -> Value:
        return kernel.load(x, kernel.plus(first, places[0]), (tiles.m, tiles.k), (k, 1), (rows.inside, inside), hint="a")

    def b(places: Sequence[Mixed], inside: Mixed) -> Value:
        place = kernel.plus(second, kernel.times(places[0], n))
        return kernel.load(weight, place, (tiles.k, tiles.n), (n, 1), (inside, columns.inside), hint="b")

    acc = accumulate(kernel, start(kernel, bias, n, tiles, columns), [("k", k, tiles.k)], a, b)
    whole = [m * n * prod(batch[i + 1 :]) for i in range(len(batch))]
    offset = kernel.at(*zip(places, whole, strict=True), (rows.start, n), (columns.start, 1))
    return finish(kernel, ends, acc, offset, n, rows, columns)


def conv(chip: Chip, ends: Ends, x: Sequence[int], out: Sequence[int], window: Window) -> Op:
    """A convolution with channels last and no padding, as a sum of matrix products over the window's rows (implicit GEMM).

    A tile is a run of pixels of one output row. The taps of a window's row lie side by side in memory, so that they and the
    channels together are the inner dimension; with dilation they do not, and each tap is a product of its own.
    """
    batch, height, width, channels = x
    _, out_height, out_width, filters = out
    (taps_h, taps_w), (stride_h, stride_w), (dilation_h, dilation_w) = window.kernel, window.strides, window.dilations
    joined = dilation_w == 1
    inner, taps = (taps_w * channels, 1) if joined else (channels, taps_w)
    tiles = choose(chip, out_width, filters, inner, batch * out_height, ends.inputs)
    segments = pieces(out_width, tiles.m)
    kernel = ends.kernel((batch * out_height * segments, pieces(filters, tiles.n)))
    image, row, segment = kernel.split(kernel.program(0), (batch, out_height, segments), ("image", "row", "segment"))
    pixels = kernel.tiled(segment, out_width, tiles.m, "pixel")
    columns = kernel.tiled(kernel.program(1), filters, tiles.n, "filter")
    source, weight, *bias = kernel.buffers[:-1]
    line = width * channels
    corner = kernel.at((image, height * line), (row, stride_h * line), (pixels.start, stride_w * channels))

    def a(places: Sequence[Mixed], inside: Mixed) -> Value:
        kh, kw, k = places
        first = kernel.plus(corner, kernel.at((kh, dilation_h * line), (kw, dilation_w * channels)), k)
        strides = (stride_w * channels, 1)
        return kernel.load(source, first, (tiles.m, tiles.k), strides, (pixels.inside, inside), hint="pixels")

    def b(places: Sequence[Mixed], inside: Mixed) -> Value:
        kh, kw, k = places
        offset = kernel.at((kh, taps_w * channels * filters), (kw, channels * filters), (k, filters))
        first = kernel.plus(offset, columns.start)
        return kernel.load(weight, first, (tiles.k, tiles.n), (filters, 1), (inside, columns.inside), hint="taps")

    dimensions = [("kh", taps_h, 1), ("kw", taps, 1), ("k", inner, tiles.k)]
    acc = accumulate(kernel, start(kernel, bias, filters, tiles, columns), dimensions, a, b)
    place = kernel.at((image, out_height * out_width * filters), (row, out_width * filters), (pixels.start, filters))
    return finish(kernel, ends, acc, kernel.plus(place, columns.start), filters, pixels, columns)
