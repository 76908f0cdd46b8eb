"""Sliding windows on the vector unit, channels last: maximum and mean pools, depthwise convolutions, global means."""

from collections.abc import Callable, Sequence
from math import inf, prod

from compiler_core.dialects import linalg, tensor
from compiler_core.dialects.graph import Window
from compiler_core.dialects.indices import Mixed
from compiler_core.ir import Op, Value
from compiler_core.ir.types import element_of, f32
from compiler_core.lowering.kernels.frame import Kernel, pieces

Make = Callable[[Sequence[int]], Kernel]
"""Starts a kernel with that grid."""
Combine = Callable[[Kernel, Value, Value, Mixed], Value]
"""The accumulator after one more tap: kernel, accumulator, the tap's pixels, and where the tap's weights start."""


def _slide(
    make: Make,
    x: Sequence[int],
    out: Sequence[int],
    window: Window,
    room: int,
    begin: Callable[[Kernel, tuple[int, int], Mixed, Mixed], Value],
    combine: Combine,
    end: Callable[[Kernel, Value], Value],
) -> Op:
    """A tile is a run of pixels of one output row by a run of channels; the window's taps come one after the other."""
    batch, height, width, channels = x
    _, out_height, out_width, _ = out
    across = min(channels, room)
    along = min(out_width, max(1, room // across))
    segments = pieces(out_width, along)
    kernel = make((batch * out_height * segments, pieces(channels, across)))
    image, row, segment = kernel.split(kernel.program(0), (batch, out_height, segments), ("image", "row", "segment"))
    pixels = kernel.tiled(segment, out_width, along, "pixel")
    depth = kernel.tiled(kernel.program(1), channels, across, "channel")
    line, shape, valid = width * channels, (along, across), (pixels.inside, depth.inside)
    steps = (window.strides[0] * line, window.strides[1] * channels)
    corner = kernel.plus(kernel.at((image, height * line), (row, steps[0]), (pixels.start, steps[1])), depth.start)

    def tap(places: list[Mixed], carried: list[Value]) -> list[Value]:
        kh, kw = places
        place = kernel.plus(corner, kernel.at((kh, window.dilations[0] * line), (kw, window.dilations[1] * channels)))
        part = kernel.load(kernel.buffers[0], place, shape, (steps[1], 1), valid, hint="tap")
        number = kernel.at((kh, window.kernel[1] * channels), (kw, channels))
        return [combine(kernel, carried[0], part, kernel.plus(number, depth.start))]

    acc = begin(kernel, shape, depth.start, depth.inside)
    (acc,) = kernel.nest([("kh", window.kernel[0], 1), ("kw", window.kernel[1], 1)], [acc], tap)
    target = kernel.buffers[-1]
    value = kernel.to(end(kernel, acc), element_of(target.type), "rounded")
    place = kernel.at((image, prod(out[1:])), (row, out_width * channels), (pixels.start, channels))
    kernel.store(value, target, kernel.plus(place, depth.start), (channels, 1), valid)
    return kernel.finish()


def max_pool(make: Make, x: Sequence[int], out: Sequence[int], window: Window, room: int) -> Op:
    """The maximum needs no rounding: it is taken in the input's own type."""

    def begin(kernel: Kernel, shape: tuple[int, int], start: Mixed, inside: Mixed) -> Value:
        return kernel.full(-inf, shape, element_of(kernel.buffers[0].type), "most")

    def combine(kernel: Kernel, acc: Value, part: Value, number: Mixed) -> Value:
        return kernel.op("arith.maximumf", acc, part, hint="most")

    return _slide(make, x, out, window, room, begin, combine, lambda kernel, acc: acc)


def average_pool(make: Make, x: Sequence[int], out: Sequence[int], window: Window, room: int, activation: str | None) -> Op:
    def begin(kernel: Kernel, shape: tuple[int, int], start: Mixed, inside: Mixed) -> Value:
        return kernel.full(0.0, shape, hint="sum")

    def combine(kernel: Kernel, acc: Value, part: Value, number: Mixed) -> Value:
        return kernel.op("arith.addf", acc, kernel.to(part, f32), hint="sum")

    def end(kernel: Kernel, acc: Value) -> Value:
        share = kernel.full(1 / prod(window.kernel), tensor.tensor_type(acc).shape, hint="share")
        return kernel.activate(kernel.op("arith.mulf", acc, share, hint="mean"), activation)

    return _slide(make, x, out, window, room, begin, combine, end)


def depthwise(
    make: Make, x: Sequence[int], out: Sequence[int], window: Window, room: int, *, bias: bool, activation: str | None
) -> Op:
    """One filter for each channel: every tap multiplies its pixels by the weights of that tap, one a channel."""

    def spread(kernel: Kernel, buffer: Value, start: Mixed, inside: Mixed, shape: tuple[int, ...], hint: str) -> Value:
        vector = kernel.to(kernel.load(buffer, start, (shape[1],), (1,), (inside,), hint=hint), f32)
        return linalg.broadcast(kernel.builder, vector, tensor.empty(kernel.builder, shape, f32), (0,), hint)

    inside_of: list[Mixed] = []

    def begin(kernel: Kernel, shape: tuple[int, int], start: Mixed, inside: Mixed) -> Value:
        inside_of.append(inside)
        return spread(kernel, kernel.buffers[2], start, inside, shape, "sum") if bias else kernel.full(0.0, shape, hint="sum")

    def combine(kernel: Kernel, acc: Value, part: Value, number: Mixed) -> Value:
        shape = tensor.tensor_type(acc).shape
        weights = spread(kernel, kernel.buffers[1], number, inside_of[0], shape, "weights")
        return kernel.op("arith.addf", acc, kernel.op("arith.mulf", kernel.to(part, f32), weights), hint="sum")

    return _slide(make, x, out, window, room, begin, combine, lambda kernel, acc: kernel.activate(acc, activation))


def global_average(make: Make, x: Sequence[int], room: int) -> Op:
    """The mean over all pixels of each channel: sums of blocks of pixels, added up in float32."""
    batch, height, width, channels = x
    pixels = height * width
    across = min(channels, 128)
    along = min(pixels, max(1, room // across))
    kernel = make((batch, pieces(channels, across)))
    image = kernel.program(0)
    depth = kernel.tiled(kernel.program(1), channels, across, "channel")
    corner = kernel.plus(kernel.at((image, pixels * channels)), depth.start)

    def block(start: Mixed, carried: list[Value]) -> list[Value]:
        valid = (kernel.inside(start, pixels, along, "pixel"), depth.inside)
        place = kernel.plus(corner, kernel.times(start, channels))
        part = kernel.to(kernel.load(kernel.buffers[0], place, (along, across), (channels, 1), valid, hint="pixels"), f32)
        return [linalg.reduce(kernel.builder, "arith.addf", part, carried[0], (0,), "sum")]

    (total,) = kernel.loop(pixels, along, [kernel.full(0.0, (across,), hint="sum")], block, "pixel")
    mean = kernel.op("arith.mulf", total, kernel.full(1 / pixels, (across,), hint="share"), hint="mean")
    target = kernel.buffers[-1]
    value = kernel.to(mean, element_of(target.type), "rounded")
    kernel.store(value, target, kernel.plus(kernel.at((image, channels)), depth.start), (1,), (depth.inside,))
    return kernel.finish()
