"""Fractal layouts: between a plain matrix and L1's or L0C's [column blocks, row blocks, 16, C0], and products of them.

A matrix of rank 2 (lanes and batches not counted) stands for itself.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from compiler_core.emulator.arrays.narrow import bits_of, is_narrow, widen
from compiler_core.emulator.execution.lanes import Array
from compiler_core.emulator.execution.scratch import scratch

Run = Callable[..., Any]
Pair = tuple[Array, Array]
"""Views of equal shape: a part of the fractals, and the part of the matrix it holds."""

_LEFT, _RIGHT, _LEFT_WIDE, _RIGHT_WIDE, _PRODUCT = 140, 141, 142, 143, 144
"""Scratch of this file."""

SHORT = 64
"""Bytes of a row of a fractal at most."""

EXACT_IN_FP32 = 1024
"""So many products of two bytes add up exactly in fp32: 2^24 / 2^14."""


def panels(blocks: Array) -> Array:
    """[…, n1, m1, 16, c0] as column panels […, n1, m1·16, c0], without a copy.

    Raises ValueError where the rows are not contiguous.
    """
    *lead, n1, m1, rows, c0 = blocks.shape
    return blocks.reshape(*lead, n1, m1 * rows, c0, copy=False)


def columns(matrix: Array, c0: int) -> Array:
    """[…, m, n] as […, n / c0, m, c0], without a copy; n must be a multiple of c0."""
    *lead, m, n = matrix.shape
    split = matrix.reshape(*lead, m, n // c0, c0, copy=False)
    return np.swapaxes(split, -3, -2)


def paired(blocks: Array, matrix: Array, fractal: bool) -> list[Pair]:
    """The parts of fractals (or of a plain matrix) that hold a matrix […, m, n]: whole column blocks, and the rest."""
    *_, m, n = matrix.shape
    if not fractal:
        return [(blocks[..., :m, :n], matrix)]
    target = panels(blocks)
    c0 = target.shape[-1]
    whole, rest = n // c0, n % c0
    if m > target.shape[-2] or -(-n // c0) > target.shape[-3]:
        raise ValueError(f"{m} x {n} does not fit into {' x '.join(map(str, blocks.shape[-4:]))}")
    found: list[Pair] = []
    if whole:
        found.append((target[..., :whole, :m, :], columns(matrix[..., : whole * c0], c0)))
    if rest:
        found.append((target[..., whole, :m, :rest], matrix[..., whole * c0 :]))
    return found


def written(blocks: Array, matrix: Array, *, fractal: bool, fill: bool = False) -> Run:
    """Binds a move of a plain matrix into fractals; `fill` zeroes the rest of the last column block, as nd2nz does."""
    same = blocks.dtype == matrix.dtype
    raw = (bits_of(blocks), bits_of(matrix)) if same else (blocks, matrix)
    moves = [_moved(target, source) for target, source in paired(*raw, fractal)]
    *_, m, n = matrix.shape
    if fill and fractal and n % blocks.shape[-1]:
        rest = panels(raw[0])[..., n // blocks.shape[-1], :m, n % blocks.shape[-1] :]
        moves.append(partial(np.copyto, rest, 0, "unsafe"))
    return in_order(moves)


def read(blocks: Array, matrix: Array, *, fractal: bool) -> Run:
    """Binds a move of fractals into a plain matrix."""
    same = blocks.dtype == matrix.dtype
    raw = (bits_of(blocks), bits_of(matrix)) if same else (blocks, matrix)
    return in_order([_moved(target, source) for source, target in paired(*raw, fractal)])


def _moved(target: Array, source: Array) -> Run:
    """Binds a copy; rows as short as a fractal's are moved as one element each, which numpy does faster."""
    row = target.shape[-1] * target.itemsize
    held = target.strides[-1] == target.itemsize and source.strides[-1] == source.itemsize
    if held and target.dtype == source.dtype and target.shape[-1] == source.shape[-1] and 0 < row <= SHORT:
        target, source = target.view(f"V{row}"), source.view(f"V{row}")
    return partial(np.copyto, target, source, "unsafe")


def in_order(runs: Sequence[Run]) -> Run:
    """One run after the other."""
    if len(runs) == 1:
        return runs[0]

    def run() -> None:
        for each in runs:
            each()

    return run


def _matrix(
    blocks: Array, rows: int, width: int, fractal: bool, dtype: np.dtype[Any], use: tuple[int, int], *, flip: bool = False
) -> tuple[Run, Array]:
    """A run that fetches the matrix of fractals into scratch, converted to `dtype`, and that matrix; `flip` transposes it."""
    *lead, _, _ = blocks.shape if not fractal else blocks.shape[:-2]
    if fractal:
        source = panels(blocks)[..., : -(-width // blocks.shape[-1]), :rows, :]
        padded = source.shape[-3] * source.shape[-1]
    else:
        source, padded = blocks[..., :rows, :width], width
    narrow = is_narrow(source.dtype)
    if flip:
        source = np.swapaxes(source, -1, -2)
        matrix = scratch((*lead, padded, rows), dtype, use[0])
        target = matrix.reshape(source.shape)
        fetch = partial(widen, source, target) if narrow else partial(np.copyto, target, source, "unsafe")
        return fetch, matrix[..., :width, :]
    matrix = scratch((*lead, rows, padded), dtype, use[0])
    if not narrow:
        target = columns(matrix, source.shape[-1]) if fractal else matrix
        return partial(np.copyto, target, source, "unsafe"), matrix[..., :width]
    plain = scratch(matrix.shape, source.dtype, use[1])
    target = columns(plain, source.shape[-1]) if fractal else plain
    return in_order([_moved(bits_of(target), bits_of(source)), partial(widen, plain, matrix)]), matrix[..., :width]


def round_to_hf32(matrix: Array) -> None:
    """Rounds fp32 in place to HF32: 11 fraction bits instead of 23, to nearest, ties to even.

    Source: CANN's documentation, of `allow_hf32` (the format) and of Matmul's SetHF32 (the rounding where none is asked for).
    """
    bits = matrix.view(np.int32)
    finite = np.isfinite(matrix)
    odd = np.bitwise_and(np.right_shift(bits, 12), 1)
    np.add(bits, odd + 0x7FF, out=bits, where=finite)
    np.bitwise_and(bits, -0x1000, out=bits, where=finite)


def product(
    a: Array,
    b: Array,
    c: Array,
    sizes: tuple[int, int, int],
    *,
    clear: bool,
    transposed: tuple[bool, bool],
    fractal: tuple[bool, bool, bool] = (True, True, True),
    hf32: bool = False,
) -> Run:
    """Binds mmadL1: c = [c +] a·b for m, k, n. Floats multiply and add in fp32; bytes exactly. `hf32` rounds fp32 operands.

    Where it can be, the right matrix is multiplied panel by panel, which leaves the product in L0C's own layout. It is
    transposed while it is fetched, because a product with a transposed right operand takes twice as long.
    """
    m, k, n = sizes
    dtype = np.dtype(np.float32 if not (c.dtype.kind in "iu" and k > EXACT_IN_FP32) else np.float64)
    rows, width = (k, m) if transposed[0] else (m, k)
    fetch_a, left = _matrix(a, rows, width, fractal[0], dtype, (_LEFT, _LEFT_WIDE))
    if hf32 and a.dtype == np.float32:
        fetch_a = in_order([fetch_a, partial(round_to_hf32, left)])
    if transposed[0]:
        left = np.swapaxes(left, -1, -2)
    by_panels = fractal[2] and c.dtype == dtype and n % c.shape[-1] == 0
    alike = by_panels and fractal[1] and not transposed[1] and b.shape[-1] == c.shape[-1] and is_narrow(b.dtype)
    if alike:
        source = panels(b)[..., : n // b.shape[-1], :k, :]
        right = scratch(source.shape, np.float32, _RIGHT_WIDE)
        fetch_b: Run = partial(widen, source, right)
    else:
        rows, width = (n, k) if transposed[1] else (k, n)
        fetch_b, right = _matrix(b, rows, width, fractal[1], dtype, (_RIGHT, _RIGHT_WIDE), flip=transposed[1])
        if hf32 and b.dtype == np.float32:
            fetch_b = in_order([fetch_b, partial(round_to_hf32, right)])
        if by_panels:
            right = columns(right, c.shape[-1])
    if by_panels:
        return in_order([fetch_a, fetch_b, *_into_panels(left[..., None, :, :], right, c, m, n, clear)])
    found = scratch((*left.shape[:-2], m, n), dtype, _PRODUCT)
    runs: list[Run] = [fetch_a, fetch_b, partial(np.matmul, left, right, found)]
    for target, part in paired(c, found, fractal[2]):
        if clear:
            runs.append(partial(np.copyto, target, part, "unsafe"))
        else:
            runs.append(partial(np.add, target, part, out=target, casting="unsafe"))
    return in_order(runs)


def _into_panels(left: Array, right: Array, c: Array, m: int, n: int, clear: bool) -> list[Run]:
    """The product panel by panel, straight into L0C's layout."""
    target = panels(c)[..., : n // c.shape[-1], :m, :]
    if clear:
        return [partial(np.matmul, left, right, target)]
    found = scratch(target.shape, target.dtype, _PRODUCT)
    return [partial(np.matmul, left, right, found), partial(np.add, target, found, out=target)]


def bias_added(row: Array, c: Array, m: int, n: int, fractal: bool) -> Run:
    """Binds the addition of a row […, n] to each row of a product."""
    wide = np.broadcast_to(row[..., None, :n], (*row.shape[:-1], m, n))
    held = scratch(wide.shape, c.dtype, _PRODUCT)
    runs: list[Run] = [partial(np.copyto, held, wide, "unsafe")]
    runs += [partial(np.add, target, part, out=target) for target, part in paired(c, held, fractal)]
    return in_order(runs)
