"""Conv1dL1 and Conv2dL1: convolutions of L1 images into L0C, with stride and dilation 1.

Layouts, lanes not counted. Plain: input [(N,) C, H, W], weight [O, C/G, KH, KW], output [(N,) O, HO, WO]; one dimension
less for 1-D. Fractal: input [N, C1, H, W, C0], weight [C1, KH, KW, O, C0], output a matrix (plain or in fractals) with a row
for each of HO·WO places and, image after image, O columns; rows and columns padded to 16.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler_core.emulator.arrays.fractals import paired
from compiler_core.emulator.arrays.narrow import widened
from compiler_core.emulator.execution.lanes import Array

Run = Callable[..., Any]

_INPUT, _WEIGHT = 160, 161
"""Scratch of this file."""

FRACTAL_RANK = 5


def convolution(
    image: Array,
    weight: Array,
    bias: Array | None,
    out: Array,
    axes: int,
    padding: tuple[int, int],
    groups: int,
    clear: bool,
) -> Run:
    """Binds a 2-D convolution (1-D ones have H = KH = 1) that adds to the output, or replaces it where it is to be cleared."""
    fractal = image.ndim - axes == FRACTAL_RANK
    if fractal and groups != 1:
        raise ValueError(f"{groups} groups of channels in fractals")

    def run() -> None:
        pixels, kernel = widened(image, _INPUT), widened(weight, _WEIGHT)
        if not fractal:
            pixels, kernel = _channels_last(pixels, kernel, axes, groups)
        found = _convolve(pixels, kernel, padding)
        if bias is not None:
            ranks = (1, 1, 1) if fractal else (groups, 1, 1, 1)
            found = found + bias.astype(np.float32).reshape(*bias.shape[:axes], *ranks, -1)
        (_into_matrix if fractal else _into_images)(found, out, axes, clear, groups)

    return run


def _channels_last(image: Array, weight: Array, axes: int, groups: int) -> tuple[Array, Array]:
    """Plain layouts as [lanes…, G, N, 1, H, W, C] and [lanes…, G, 1, KH, KW, O, C], G for the groups of channels."""
    lead = image.shape[:axes]
    if image.ndim - axes == 3:
        image = image.reshape(*lead, 1, *image.shape[axes:])
    count, channels, height, width = image.shape[axes:]
    split = image.reshape(*lead, count, groups, channels // groups, height, width)
    pixels = np.moveaxis(np.moveaxis(split, axes + 1, axes), axes + 2, -1)
    outputs, depth, rows, columns = weight.shape[axes:]
    kernels = weight.reshape(*weight.shape[:axes], groups, outputs // groups, depth, rows, columns)
    kernel = np.moveaxis(np.moveaxis(kernels, axes + 2, -1), axes + 1, -2)
    return np.expand_dims(pixels, axes + 2), np.expand_dims(kernel, axes + 1)


def _convolve(pixels: Array, kernel: Array, padding: tuple[int, int]) -> Array:
    """[…, N, C1, H, W, C0] with […, C1, KH, KW, O, C0] to […, N, HO, WO, O] in fp32: a product for each place of the kernel."""
    top, left = padding
    if top or left:
        pixels = np.pad(pixels, [(0, 0)] * (pixels.ndim - 3) + [(top, top), (left, left), (0, 0)])
    blocks, rows, columns, outputs, _ = kernel.shape[-5:]
    height, width = pixels.shape[-3] - rows + 1, pixels.shape[-2] - columns + 1
    total = np.zeros((*pixels.shape[:-4], height, width, outputs), np.float32)
    for block in range(blocks):
        for y in range(rows):
            for x in range(columns):
                part = pixels[..., block, y : y + height, x : x + width, :].astype(np.float32)
                factor = np.swapaxes(kernel[..., block, y, x, :, :], -1, -2).astype(np.float32)
                total += np.matmul(part, factor[..., None, None, :, :])
    return total


def _into_images(found: Array, out: Array, axes: int, clear: bool, groups: int) -> None:
    """[…, G, N, HO, WO, O] to [(N,) O, HO, WO]."""
    images = np.moveaxis(found, -1, axes + 2)
    merged = np.moveaxis(images, axes, axes + 1)
    flat = merged.reshape(*merged.shape[: axes + 1], -1, *merged.shape[-2:])
    flat = flat.reshape(out.shape)
    out[...] = flat if clear else flat + out


def _into_matrix(found: Array, out: Array, axes: int, clear: bool, groups: int) -> None:
    """[…, N, HO, WO, O] to a matrix with a row for each place and 16-padded columns for each image."""
    fractal = out.ndim - axes == 4
    places = found.shape[-3] * found.shape[-2]
    outputs = found.shape[-1]
    wide = -(-outputs // 16) * 16
    images = found.shape[-4]
    matrix = np.zeros((*found.shape[:-4], places, images * wide), np.float32)
    for image in range(images):
        matrix[..., image * wide : image * wide + outputs] = found[..., image, :, :, :].reshape(
            *found.shape[:-4], places, outputs
        )
    for target, part in paired(out, matrix, fractal):
        target[...] = part if clear else part + target
