"""Reductions, running sums and sorts against numpy: every kind, ties, positions, dimensions."""

from typing import Any

import numpy as np
import pytest

from compiler_core.dialects.hivm import enum_attribute, instruction
from compiler_core.emulator.arrays.along import reduce
from compiler_core.ir.attributes import AttributeValue, BoolAttr, DenseArrayAttr, IntegerAttr
from tests.compiler_core.emulator.ops import BF16, BLOCKS, F16, F32, Bench, vector

RNG = np.random.default_rng(12)
SHAPE = (BLOCKS, 6, 48)


def attributes(kind: str, *dims: int) -> dict[str, AttributeValue]:
    return {"arith": enum_attribute("reduce_op", kind), "reduce_dims": DenseArrayAttr(dims)}


@pytest.mark.parametrize("dtype", [F32, F16, BF16, np.int32, np.int16], ids=str)
@pytest.mark.parametrize("dims", [(1,), (0,), (0, 1)])
@pytest.mark.parametrize("kind", ["sum", "prod", "max", "min"])
def test_reductions_keep_dimensions_and_round_once(kind: str, dims: tuple[int, ...], dtype: Any) -> None:
    x = RNG.choice([-1.0, 1.0], SHAPE) * RNG.choice([1.0, 1.5, 2.0] if kind == "sum" else [1.0], SHAPE)
    source = x.astype(dtype) if kind in ("sum", "prod") else RNG.integers(-99, 99, SHAPE).astype(dtype)
    out = np.zeros((BLOCKS, *(1 if d in dims else n for d, n in enumerate(SHAPE[1:]))), dtype)
    vector("vreduce", [source], [out], attributes(kind, *dims))
    wide = source.astype(np.float64 if np.dtype(dtype).kind != "i" else np.int64)
    function = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min}[kind]
    expected = function(wide, axis=tuple(d + 1 for d in dims), keepdims=True)
    np.testing.assert_array_equal(out, expected.astype(np.float32 if np.dtype(dtype).kind != "i" else dtype).astype(dtype))


@pytest.mark.parametrize("kind", ["any", "all", "xori", "ori", "andi"])
def test_reductions_of_bits(kind: str) -> None:
    source = RNG.integers(0, 4, SHAPE).astype(np.int32)
    out = np.zeros((BLOCKS, 6, 1), np.int32)
    vector("vreduce", [source], [out], attributes(kind, 1))
    function = {"any": np.logical_or, "all": np.logical_and, "xori": np.bitwise_xor, "ori": np.bitwise_or}.get(
        kind, np.bitwise_and
    )
    np.testing.assert_array_equal(out, function.reduce(source, axis=2, keepdims=True))


def test_sums_of_integers_wrap() -> None:
    out = np.zeros((BLOCKS, 1), np.int16)
    vector("vreduce", [np.full((BLOCKS, 3), 20000, np.int16)], [out], attributes("sum", 0))
    assert out[:, 0].tolist() == [60000 - 65536] * BLOCKS


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("which", ["max", "min"])
def test_positions_of_extremes_break_ties_to_the_named_side(which: str, side: str, dim: int) -> None:
    source = RNG.integers(0, 5, SHAPE).astype(np.float16)
    kept = tuple(1 if d == dim else n for d, n in enumerate(SHAPE[1:]))
    values, places = np.zeros((BLOCKS, *kept), np.float16), np.zeros((BLOCKS, *kept), np.int32)
    vector("vreduce", [source], [values, places], attributes(f"{which}_with_index_{side}", dim))
    extreme = getattr(source, which)(axis=dim + 1, keepdims=True)
    positions = np.arange(source.shape[dim + 1]).reshape([-1 if d == dim else 1 for d in range(2)])
    where = np.where(source == extreme, positions, 10**6 if side == "left" else -1)
    np.testing.assert_array_equal(values, extreme)
    np.testing.assert_array_equal(places, (where.min if side == "left" else where.max)(axis=dim + 1, keepdims=True))


def test_given_indices_stand_for_positions() -> None:
    source, names = (
        RNG.standard_normal((BLOCKS, 4, 16)).astype(np.float32),
        RNG.integers(0, 999, (BLOCKS, 4, 16)).astype(np.int32),
    )
    values, found = np.zeros((BLOCKS, 4, 1), np.float32), np.zeros((BLOCKS, 4, 1), np.int32)
    bench = Bench([source, names], [values, found])
    bench.op("vreduce", [bench.sources[:1], bench.targets, [], bench.sources[1:]], attributes("max_with_index_left", 1))
    bench.store()
    bench.run()
    at = source.argmax(2, keepdims=True)
    np.testing.assert_array_equal(values, np.take_along_axis(source, at, 2))
    np.testing.assert_array_equal(found, np.take_along_axis(names, at, 2))


def test_a_sum_gives_the_same_bits_however_blocks_are_batched() -> None:
    source = RNG.standard_normal((BLOCKS, 5, 1000)).astype(np.float32)
    together, alone = np.zeros((BLOCKS, 5, 1), np.float32), np.zeros((BLOCKS, 5, 1), np.float32)
    vector("vreduce", [source], [together], attributes("sum", 1))
    for block in range(BLOCKS):
        copies = np.repeat(source[block : block + 1], BLOCKS, 0)
        part = np.zeros((BLOCKS, 5, 1), np.float32)
        vector("vreduce", [copies], [part], attributes("sum", 1))
        alone[block] = part[0]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("dtype", [F32, F16, np.int32, np.int64], ids=str)
def test_running_sums_and_products(dtype: Any, dim: int, reverse: bool) -> None:
    source = RNG.integers(1, 3, (BLOCKS, 6, 8)).astype(dtype)
    switches = {"cum_dims": DenseArrayAttr((dim,)), "reverse": BoolAttr(reverse)}
    for name, function in (("vcumsum", np.cumsum), ("vcumprod", np.cumprod)):
        out = np.zeros_like(source)
        vector(name, [source], [out], switches)
        seen = np.flip(source, dim + 1) if reverse else source
        expected = function(seen.astype(np.int64), axis=dim + 1)
        np.testing.assert_array_equal(out, np.flip(expected, dim + 1) if reverse else expected)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", [F32, F16, np.int32], ids=str)
def test_sorts_are_stable_and_give_positions(dtype: Any, descending: bool) -> None:
    source = RNG.integers(-9, 9, (BLOCKS, 3, 32)).astype(dtype)
    values, places = np.zeros_like(source), np.zeros(source.shape, np.int32)
    vector("vsort", [source], [values, places], {"descending": BoolAttr(descending), "sort_axis": IntegerAttr(-1)})
    keys = -source.astype(np.float64) if descending else source.astype(np.float64)
    order = np.argsort(keys, axis=-1, kind="stable")
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(values, np.take_along_axis(source, order, -1))


def test_reductions_of_one_bit_flags() -> None:
    """any over bits that a comparison made."""
    flags = RNG.integers(0, 2, (BLOCKS, 64)).astype(np.int32)
    flags[1] = 0
    out = np.zeros((BLOCKS, 1), np.int32)
    bench = Bench([flags], [out])
    bits = bench.bits(0)
    one = bench.kernel.buffer(8192, [1], bits.type.element)  # type: ignore[attr-defined]
    bench.op("vreduce", [[bits], [one], [], []], attributes("any", 0))
    bench.kernel.barrier()
    instruction(bench.kernel.builder, "vcast", [[one], [bench.targets[0]], []])
    bench.kernel.barrier()
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out[:, 0], flags.any(1))


def test_steps_that_wait_for_each_other_take_their_time() -> None:
    """A running sum does a row after another; a sort passes over its elements again and again."""

    def busy(name: str, *shape: int) -> int:
        source = RNG.standard_normal((BLOCKS, *shape)).astype(np.float32)
        switches = {"cum_dims": DenseArrayAttr((0,))} if name == "vcumsum" else {"sort_axis": IntegerAttr(-1)}
        outputs = [np.zeros_like(source)] + ([np.zeros(source.shape, np.int32)] if name == "vsort" else [])
        return vector(name, [source], outputs, switches).pipes["V"] // BLOCKS

    assert busy("vcumsum", 32, 64) > 3 * busy("vcumsum", 8, 64) > 8 * 20
    assert busy("vsort", 2048) > 2 * busy("vsort", 512) > 2 * busy("vsort", 32)


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("width", [1, 2, 24, 32, 64, 128])
@pytest.mark.parametrize("gap", [0, 8])
def test_extremes_of_many_short_rows(kind: str, width: int, gap: int) -> None:
    """Whichever way they are found, nan is handed on; rows may lie apart, and other memory is left alone."""
    lanes, rows = 8, 64
    memory = RNG.standard_normal((lanes, rows * (width + gap) + 16)).astype(np.float32)
    source = memory[:, : rows * (width + gap)].reshape(lanes, rows, width + gap, copy=False)[..., :width]
    source[3, 5, width // 2] = np.nan
    results = np.full((lanes, rows + 16), 7, np.float32)
    out = results[:, :rows].reshape(lanes, rows, 1, copy=False)
    with np.errstate(invalid="ignore"):
        reduce(kind, source, [out], [1], axes=1)()
    np.testing.assert_array_equal(out[..., 0], (np.max if kind == "max" else np.min)(source, axis=2))
    assert (results[:, rows:] == 7).all()
