"""Instructions that move elements about, against numpy."""

from typing import Any

import numpy as np
import pytest

from compiler_core.dialects import arith
from compiler_core.dialects.hivm import enum_attribute
from compiler_core.ir.attributes import DenseArrayAttr, IntegerAttr
from compiler_core.ir.types import DYNAMIC, f32, i32, index
from tests.compiler_core.emulator.ops import BF16, BLOCKS, F16, F32, Bench, vector

RNG = np.random.default_rng(13)
TYPES = [F32, F16, BF16, np.int8, np.int64]


def numbers(dtype: Any, *shape: int) -> np.ndarray:
    return RNG.integers(-99, 99, (BLOCKS, *shape)).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1)])
def test_a_broadcast_repeats_dimensions_of_size_one(dims: tuple[int, ...], dtype: Any) -> None:
    source = numbers(dtype, *(1 if d in dims else 16 for d in range(2)))
    out = np.zeros((BLOCKS, 16, 16), dtype)
    vector("vbrc", [source], [out], {"broadcast_dims": DenseArrayAttr(dims)})
    np.testing.assert_array_equal(out, np.broadcast_to(source, out.shape))


def test_a_scalar_fills() -> None:
    out = np.zeros((BLOCKS, 5, 8), np.float32)
    vector("vbrc", [(-1.5, f32)], [out])
    assert (out == -1.5).all()


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (2, 0, 1)])
def test_a_transposition_permutes(order: tuple[int, ...], dtype: Any) -> None:
    source = numbers(dtype, 4, 8, 16)
    out = np.zeros((BLOCKS, *(source.shape[1 + p] for p in order)), dtype)
    vector("vtranspose", [source], [out], {"permutation": DenseArrayAttr(order)})
    np.testing.assert_array_equal(out, source.transpose(0, *(1 + p for p in order)))


@pytest.mark.parametrize("dtype", [F32, F16, np.int32], ids=str)
def test_arange_counts_by_a_stride_for_each_dimension(dtype: Any) -> None:
    out = np.zeros((BLOCKS, 4, 8), dtype)
    bench = Bench([], [out])
    offset, *strides = (arith.constant(bench.kernel.builder, n, index) for n in (1, 100, 2))
    bench.op("varange", [bench.targets, [offset], strides])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out[2], 1 + 100 * np.arange(4)[:, None] + 2 * np.arange(8))


def test_interleaving_and_back() -> None:
    a, b, out = numbers(F16, 3, 16), numbers(F16, 3, 16), np.zeros((BLOCKS, 3, 32), F16)
    vector("vinterleave", [a, b], [out], {"interleave_channel_nums": IntegerAttr(2)})
    np.testing.assert_array_equal(out, np.stack([a, b], -1).reshape(out.shape))
    first, second = np.zeros_like(a), np.zeros_like(b)
    vector("vdeinterleave", [out], [first, second], {"index_mode": enum_attribute("deinterleave_mode", "ALL_CHANNELS")})
    np.testing.assert_array_equal(first, a)
    np.testing.assert_array_equal(second, b)
    vector("vdeinterleave", [out], [first], {"index_mode": enum_attribute("deinterleave_mode", "CHANNEL_1")})
    np.testing.assert_array_equal(first, b)
    many = numbers(np.int8, 64)
    fourth = np.zeros((BLOCKS, 16), np.int8)
    channel = {"index_mode": enum_attribute("deinterleave_mode", "CHANNEL_0"), "channel_num": IntegerAttr(4)}
    vector("vdeinterleave", [many], [fourth], channel)
    np.testing.assert_array_equal(fourth, many[:, ::4])


@pytest.mark.parametrize("axis", [0, 1])
def test_a_flip(axis: int) -> None:
    source, out = numbers(F32, 4, 8), np.zeros((BLOCKS, 4, 8), np.float32)
    vector("vflip", [source], [out], {"flip_axis": IntegerAttr(axis)})
    np.testing.assert_array_equal(out, np.flip(source, axis + 1))


@pytest.mark.parametrize("dim", [0, 1])
def test_a_concatenation(dim: int) -> None:
    shapes = [(2, 8), (3, 8), (1, 8)] if dim == 0 else [(4, 8), (4, 16), (4, 24)]
    parts = [numbers(F16, *s) for s in shapes]
    expected = np.concatenate(parts, dim + 1)
    out = np.zeros_like(expected)
    vector("vconcat", parts, [out], {"dim": IntegerAttr(dim)})
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(("low", "high"), [((1, 2), (3, 4)), ((0, -2), (1, 4)), ((-1, 0), (0, -3))])
def test_padding_surrounds_or_cuts(low: tuple[int, int], high: tuple[int, int]) -> None:
    source = numbers(F32, 4, 8)
    out = np.zeros((BLOCKS, *(n + a + b for n, a, b in zip((4, 8), low, high, strict=True))), np.float32)
    bench = Bench([source], [out])
    b = bench.kernel.builder
    moving = arith.constant(b, low[0], index)
    static = {"static_low": DenseArrayAttr((DYNAMIC, low[1])), "static_high": DenseArrayAttr(high)}
    bench.op("vpad", [bench.sources, bench.targets, [arith.constant(b, 9.0, f32)], [moving], []], static)
    bench.store()
    bench.run()
    inner = source[:, max(0, -low[0]) : 4 + min(0, high[0]), max(0, -low[1]) : 8 + min(0, high[1])]
    widths = [(0, 0), *((max(0, a), max(0, b)) for a, b in zip(low, high, strict=True))]
    np.testing.assert_array_equal(out, np.pad(inner, widths, constant_values=9.0))


@pytest.mark.parametrize("dtype", [F32, F16, BF16, np.int32], ids=str)
def test_a_gather_takes_from_the_last_dimension(dtype: Any) -> None:
    source, places = numbers(dtype, 3, 32), RNG.integers(0, 32, (BLOCKS, 3, 16)).astype(np.int32)
    out = np.zeros((BLOCKS, 3, 16), dtype)
    bench = Bench([source, places], [out])
    bench.op("vgather", [[bench.sources[0]], [bench.sources[1]], bench.targets])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out, np.take_along_axis(source, places, -1))


def test_a_gather_by_mask_packs_and_counts() -> None:
    source, flags = numbers(F16, 64), RNG.integers(0, 2, (BLOCKS, 64)).astype(np.int32)
    out, count = np.zeros((BLOCKS, 64), F16), np.zeros((BLOCKS, 1), np.int64)
    bench = Bench([source, flags], [out, count])
    bits = bench.bits(1)
    bench.op("vbrc", [[arith.constant(bench.kernel.builder, 0, i32)], [bench.sources[1]]])
    bench.op("vgathermask", [[bench.sources[0]], [bits], bench.targets])
    bench.store()
    bench.run()
    for block in range(BLOCKS):
        kept = source[block][flags[block] != 0]
        assert count[block, 0] == len(kept)
        np.testing.assert_array_equal(out[block, : len(kept)], kept)
