"""Fractal layouts: between a plain matrix and L1's or L0C's [column blocks, row blocks, 16, C0], and the product of
two of them.
"""

import numpy as np

from compiler_core.emulator.lanes import Array


def panels(blocks: Array) -> Array:
    """[…, n1, m1, 16, c0] as column panels […, n1, m1·16, c0], without a copy.

    Raises ValueError where the rows are not contiguous.
    """
    *lead, n1, m1, rows, c0 = blocks.shape
    return blocks.reshape(*lead, n1, m1 * rows, c0, copy=False)


def _columns(matrix: Array, c0: int) -> Array:
    """[…, m, n] as […, n / c0, m, c0], without a copy; n must be a multiple of c0."""
    *lead, m, n = matrix.shape
    split = matrix.reshape(*lead, m, n // c0, c0, copy=False)
    return np.swapaxes(split, -3, -2)


def write_matrix(blocks: Array, matrix: Array, *, fill: bool, accumulate: bool = False) -> None:
    """Writes (or adds) a plain matrix […, m, n] into fractals; `fill` zeroes the rest of the last column block, as nd2nz
    does.
    """
    target = panels(blocks)
    *_, m, n = matrix.shape
    c0 = target.shape[-1]
    whole = n // c0
    rest = n - whole * c0
    if whole:
        part = target[..., :whole, :m, :]
        source = _columns(matrix[..., : whole * c0], c0)
        if accumulate:
            np.add(part, source, out=part)
        else:
            part[...] = source
    if rest:
        part = target[..., whole, :m, :rest]
        if accumulate:
            part += matrix[..., whole * c0 :]
        else:
            part[...] = matrix[..., whole * c0 :]
        if fill:
            target[..., whole, :m, rest:] = 0


def read_matrix(blocks: Array, m: int, n: int, dtype: type[np.generic] | np.dtype[np.generic]) -> Array:
    """The plain matrix […, m, n] of a fractal buffer, converted to `dtype`."""
    source = panels(blocks)
    c0 = source.shape[-1]
    n1 = -(-n // c0)
    *lead, _, _, _ = source.shape
    matrix = np.empty((*lead, m, n1 * c0), dtype)
    _columns(matrix, c0)[...] = source[..., :n1, :m, :]
    return matrix[..., :n]


def multiply(
    a: Array, b: Array, c: Array, m: int, k: int, n: int, *, clear: bool, a_transposed: bool, b_transposed: bool
) -> None:
    """mmadL1: c = [c +] a·b on fractal buffers. Floats accumulate in fp32; int8 exactly in int32."""
    integer = a.dtype.kind in "iu"
    wide = np.float64 if integer else np.float32
    left = np.swapaxes(read_matrix(a, k, m, wide), -1, -2) if a_transposed else read_matrix(a, m, k, wide)
    right = np.swapaxes(read_matrix(b, n, k, wide), -1, -2) if b_transposed else read_matrix(b, k, n, wide)
    product = np.matmul(left, right)
    write_matrix(c, product.astype(c.dtype) if integer else product, fill=False, accumulate=not clear)
