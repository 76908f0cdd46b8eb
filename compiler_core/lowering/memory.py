"""Loads and stores of rectangles: views of flat buffers, their valid part, and padding back to the full shape."""

from collections.abc import Sequence
from dataclasses import dataclass

from compiler_core.analysis.access import Affine, Bounds, Pointer, Wrap, holds
from compiler_core.dialects import bufferization, linalg, memref, tensor
from compiler_core.dialects.arith import constant
from compiler_core.dialects.index_math import (
    add,
    as_value,
    choose,
    clamp,
    multiply,
    quotient_up,
    remainder,
    smaller,
    subtract,
)
from compiler_core.dialects.indices import Mixed
from compiler_core.dialects.scf import for_loop
from compiler_core.ir import Builder, Value
from compiler_core.ir.types import MemRefType, index
from compiler_core.lowering.values import broadcast, transpose, zero


@dataclass(frozen=True)
class Window:
    """The valid part of a shape: where it starts, and its sizes."""

    shape: tuple[int, ...]
    start: tuple[Mixed, ...]
    sizes: tuple[Mixed, ...]

    @property
    def whole(self) -> bool:
        return self.start == (0,) * len(self.shape) and self.sizes == self.shape

    def permuted(self, order: Sequence[int]) -> "Window":
        shape, start, sizes = (
            tuple(self.shape[d] for d in order),
            tuple(self.start[d] for d in order),
            tuple(self.sizes[d] for d in order),
        )
        return Window(shape, start, sizes)


def window_of(builder: Builder, bounds: Bounds, hint: str) -> Window:
    """The bounds clamped into the shape; empty where a condition does not hold."""
    start: list[Mixed] = []
    sizes: list[Mixed] = []
    condition = holds(builder, bounds.when)
    for d, (size, low, high) in enumerate(zip(bounds.shape, bounds.low, bounds.high, strict=True)):
        first = clamp(builder, low, 0, size) if low != 0 else 0
        last = clamp(builder, high, first, size, f"{hint}_end{d}") if high != size else size
        length = subtract(builder, last, first, f"{hint}_size{d}")
        start.append(first)
        sizes.append(choose(builder, condition, length, 0, f"{hint}_size{d}") if condition is not None and d == 0 else length)
    return Window(bounds.shape, tuple(start), tuple(sizes))


def _contiguous_last(terms: Sequence[Mixed], shape: Sequence[int]) -> list[int]:
    """The order of dimensions that puts one of stride 1 last, where another than the last has it."""
    order = list(range(len(shape)))
    moving = [d for d in order if shape[d] != 1 and not (isinstance(terms[d], int) and terms[d] == 0)]
    if moving and terms[moving[-1]] != 1:
        unit = [d for d in moving if terms[d] == 1]
        if unit:
            order.remove(unit[0])
            order.insert(moving[-1], unit[0])
    return order


def _strides(offset: Affine) -> list[Mixed]:
    """Linear terms as strides; those of dimensions of size 1, which move nothing, are written 1 or as contiguous."""
    strides: list[Mixed] = []
    for size, term in zip(offset.shape, offset.terms, strict=True):
        assert not isinstance(term, Wrap)
        strides.append(1 if size == 1 else term)
    return strides


def _inverse(order: Sequence[int]) -> tuple[int, ...]:
    return tuple(order.index(d) for d in range(len(order)))


def load(builder: Builder, pointer: Pointer, bounds: Bounds, other: Value | None, hint: str) -> Value:
    """Reads where the bounds allow; elsewhere the result is the scalar `other` (default 0)."""
    assert isinstance(pointer.buffer.type, MemRefType)
    element = pointer.buffer.type.element
    border = other if other is not None else constant(builder, zero(element), element)
    window = window_of(builder, bounds, hint)
    if any(isinstance(t, Wrap) for t in pointer.offset.terms):
        return _load_wrapped(builder, pointer, window, border, hint)
    return _load_window(builder, pointer, window, border, hint)


def _load_window(builder: Builder, pointer: Pointer, window: Window, border: Value, hint: str) -> Value:
    """Where an address does not move along a dimension, one element is read and repeated along it."""
    offset = pointer.offset
    still = [d for d, (size, term) in enumerate(zip(offset.shape, offset.terms, strict=True)) if size != 1 and term == 0]
    if not still:
        return _load_moving(builder, offset, pointer.buffer, window, border, hint)
    shape = tuple(1 if d in still else s for d, s in enumerate(offset.shape))
    start = tuple(0 if d in still else s for d, s in enumerate(window.start))
    sizes = tuple(smaller(builder, s, 1) if d in still else s for d, s in enumerate(window.sizes))
    once = Affine(shape, offset.base, offset.terms)
    small = _load_moving(builder, once, pointer.buffer, Window(shape, start, sizes), border, hint)
    full = broadcast(builder, small, offset.shape, hint)
    if all(window.start[d] == 0 and window.sizes[d] == offset.shape[d] for d in still):
        return full
    return _padded(builder, tensor.extract_slice(builder, full, window.start, window.sizes, hint=hint), window, border, hint)


def _load_moving(builder: Builder, offset: Affine, buffer: Value, window: Window, border: Value, hint: str) -> Value:
    order = _contiguous_last(_strides(offset), offset.shape)
    view = view_of(builder, buffer, offset, window, order)
    piece = bufferization.to_tensor(builder, view, hint)
    full = _padded(builder, piece, window.permuted(order), border, hint)
    return transpose(builder, full, _inverse(order), hint)


def _padded(builder: Builder, piece: Value, window: Window, border: Value, hint: str) -> Value:
    if window.whole:
        return piece
    ends = [
        subtract(builder, size, add(builder, s, n)) for size, s, n in zip(window.shape, window.start, window.sizes, strict=True)
    ]
    return tensor.pad(builder, piece, window.start, ends, border, window.shape, hint)


def view_of(builder: Builder, buffer: Value, offset: Affine, window: Window, order: Sequence[int]) -> Value:
    """The window of the rectangle at `offset`, its dimensions in the given order."""
    strides = _strides(offset)
    whole = memref.reinterpret_cast(
        builder, buffer, offset.base, [offset.shape[d] for d in order], [strides[d] for d in order], f"{buffer.name}_view"
    )
    if window.whole:
        return whole
    part = window.permuted(order)
    return memref.subview(builder, whole, part.start, part.sizes, hint=f"{buffer.name}_part")


def _load_wrapped(builder: Builder, pointer: Pointer, window: Window, border: Value, hint: str) -> Value:
    """One dimension wraps around: a loop over the contiguous pieces, each inserted where it belongs."""
    offset = pointer.offset
    d = next(k for k, t in enumerate(offset.terms) if isinstance(t, Wrap))
    wrap = offset.terms[d]
    assert isinstance(wrap, Wrap)
    first = remainder(builder, wrap.start, wrap.modulus)
    pieces = quotient_up(builder, add(builder, first, offset.shape[d]), wrap.modulus)
    zero_index, one = constant(builder, 0, index), constant(builder, 1, index)
    init = tensor.splat(builder, border, offset.shape, hint)
    loop = for_loop(builder, zero_index, as_value(builder, pieces), one, [init], [hint], index=f"{hint}_piece")
    piece, carried = loop.body.arguments
    inner = Builder(loop.body, 0, builder.location, builder.origin)
    # rows [low, high) of the result come from this period of the buffer
    origin = subtract(inner, multiply(inner, piece, wrap.modulus), first)
    end = add(inner, window.start[d], window.sizes[d])
    low = clamp(inner, origin, window.start[d], end)
    high = clamp(inner, add(inner, origin, wrap.modulus), low, end)
    length = subtract(inner, high, low, f"{hint}_rows")
    row = subtract(inner, low, origin, f"{hint}_row")
    base = add(inner, offset.base, multiply(inner, row, wrap.scale), f"{hint}_at")
    terms = (*offset.terms[:d], wrap.scale, *offset.terms[d + 1 :])
    starts = (*window.start[:d], 0, *window.start[d + 1 :])
    sizes = (*window.sizes[:d], length, *window.sizes[d + 1 :])
    linear = Affine(offset.shape, base, terms)
    order = _contiguous_last(_strides(linear), offset.shape)
    view = view_of(inner, pointer.buffer, linear, Window(offset.shape, starts, sizes), order)
    read = _transpose_piece(inner, bufferization.to_tensor(inner, view, hint), _inverse(order), sizes, hint)
    at = (*window.start[:d], low, *window.start[d + 1 :])
    filled = tensor.insert_slice(inner, read, carried, at, sizes, hint=hint)
    inner.op("scf.yield", [filled])
    return loop.result


def _transpose_piece(builder: Builder, source: Value, order: tuple[int, ...], sizes: Sequence[Mixed], hint: str) -> Value:
    """A transpose of a tensor of dynamic sizes, which `sizes` gives in the result's order."""
    if order == tuple(range(len(order))):
        return source
    out = tensor.empty(builder, sizes, tensor.tensor_type(source).element)
    return linalg.transpose(builder, source, out, order, hint)


def store(builder: Builder, pointer: Pointer, bounds: Bounds, value: Value) -> None:
    """Writes where the bounds allow. No term may wrap, nor any dimension stand still."""
    offset = pointer.offset
    hint = value.name or "stored"
    window = window_of(builder, bounds, hint)
    order = _contiguous_last(_strides(offset), offset.shape)
    view = view_of(builder, pointer.buffer, offset, window, order)
    turned = transpose(builder, value, tuple(order), hint)
    part = window.permuted(order)
    if not part.whole:
        turned = tensor.extract_slice(builder, turned, part.start, part.sizes, hint=f"{hint}_valid")
    bufferization.materialize(builder, turned, view)
