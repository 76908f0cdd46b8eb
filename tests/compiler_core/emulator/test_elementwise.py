"""Elementwise instructions against numpy: every arithmetic op, comparison and rounding mode, in the types it has."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from compiler_core.dialects.hivm import enum_attribute
from compiler_core.emulator.arrays import tiles
from compiler_core.emulator.arrays.casts import ROUNDINGS, cast
from compiler_core.emulator.arrays.narrow import narrow, widen
from compiler_core.emulator.arrays.special import erf
from compiler_core.ir.attributes import BoolAttr, DenseArrayAttr
from compiler_core.ir.types import f16, f32, i16, i32
from tests.compiler_core.emulator.ops import BF16, BLOCKS, F16, F32, Bench, element, vector

RNG = np.random.default_rng(11)
SHAPE = (BLOCKS, 7, 40)


def floats(dtype: Any, low: float = -4.0, high: float = 4.0) -> np.ndarray:
    return RNG.uniform(low, high, SHAPE).astype(dtype)


def integers(dtype: Any, low: int = -1000, high: int = 1000) -> np.ndarray:
    return RNG.integers(low, high, SHAPE).astype(dtype)


UNARY = {
    "vexp": np.exp,
    "vln": np.log,
    "vabs": np.abs,
    "vrelu": lambda x: np.maximum(x, 0),
    "vrsqrt": lambda x: 1 / np.sqrt(x),
    "vsqrt": np.sqrt,
    "vrec": lambda x: 1 / x,
    "vtanh": np.tanh,
    "vsin": np.sin,
    "vcos": np.cos,
}


@pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_each_element_is_computed_in_fp32_and_rounded_once(name: str, dtype: np.dtype[Any]) -> None:
    x = floats(dtype, 0.1, 4.0) if name in ("vln", "vrsqrt", "vsqrt", "vrec") else floats(dtype)
    out = np.zeros_like(x)
    vector(name, [x], [out])
    expected = UNARY[name](x.astype(np.float32)).astype(dtype)
    np.testing.assert_array_max_ulp(out.astype(np.float32), expected.astype(np.float32), 1)


def test_the_error_function_is_right_to_the_last_place() -> None:
    x = np.concatenate([np.linspace(-5, 5, 4001), [0.0, -0.0, np.inf, -np.inf, 1e-30, 0.46875]]).astype(np.float32)
    np.testing.assert_array_equal(erf(x), np.array([math.erf(v) for v in x.tolist()]).astype(np.float32))
    assert np.isnan(erf(np.array([np.nan], np.float32)))[0]


@pytest.mark.parametrize("dtype", [F32, F16, np.int16, np.int32, np.int64], ids=str)
@pytest.mark.parametrize(
    ("name", "function"),
    [("vadd", np.add), ("vsub", np.subtract), ("vmul", np.multiply), ("vmax", np.maximum), ("vmin", np.minimum)],
)
def test_arithmetic(name: str, function: Any, dtype: Any) -> None:
    make = floats if np.dtype(dtype).kind == "f" else integers
    a, b, out = make(dtype), make(dtype), np.zeros(SHAPE, dtype)
    vector(name, [a, b], [out])
    wide = np.float32 if np.dtype(dtype) == F16 else dtype
    np.testing.assert_array_equal(out, function(a.astype(wide), b.astype(wide)).astype(dtype))


def test_a_scalar_operand_on_either_side() -> None:
    a, out = floats(np.float32), np.zeros(SHAPE, np.float32)
    vector("vsub", [(2.5, f32), a], [out])
    np.testing.assert_array_equal(out, np.float32(2.5) - a)
    vector("vdiv", [a, (2.5, f32)], [out])
    np.testing.assert_array_equal(out, a / np.float32(2.5))


def test_division_and_remainder_of_integers_cut_towards_zero() -> None:
    a = np.broadcast_to(np.array([7, -7, 7, -7, 0, 5], np.int64), (BLOCKS, 6)).copy()
    b = np.broadcast_to(np.array([2, 2, -2, -2, 3, 1], np.int64), (BLOCKS, 6)).copy()
    quotient, rest = np.zeros_like(a), np.zeros_like(a)
    vector("vdiv", [a, b], [quotient])
    vector("vmod", [a, b], [rest])
    assert quotient[1].tolist() == [3, -3, -3, 3, 0, 5]
    assert rest[2].tolist() == [1, -1, 1, -1, 0, 0]


def test_the_remainder_of_floats_has_the_sign_of_the_first() -> None:
    a, b, out = floats(np.float32), floats(np.float32, 0.5, 2.0), np.zeros(SHAPE, np.float32)
    vector("vmod", [a, b], [out])
    np.testing.assert_array_equal(out, np.fmod(a, b))


def test_powers_of_integers() -> None:
    a = np.broadcast_to(np.array([2, -3, 1, -1, -1, 5, 0], np.int32), (BLOCKS, 7)).copy()
    b = np.broadcast_to(np.array([10, 3, -4, -3, -2, -1, 0], np.int32), (BLOCKS, 7)).copy()
    out = np.zeros_like(a)
    vector("vpow", [a, b], [out])
    assert out[0].tolist() == [1024, -27, 1, -1, 1, 0, 1]


@pytest.mark.parametrize(("name", "function"), [("vand", np.bitwise_and), ("vor", np.bitwise_or), ("vxor", np.bitwise_xor)])
def test_bits_of_integers(name: str, function: Any) -> None:
    a, b, out = integers(np.int16), integers(np.int16), np.zeros(SHAPE, np.int16)
    vector(name, [a, b], [out])
    np.testing.assert_array_equal(out, function(a, b))


def test_bits_of_floats_are_the_number_s_own() -> None:
    a, out = floats(F16), np.zeros(SHAPE, F16)
    vector("vnot", [a], [out])
    np.testing.assert_array_equal(out.view(np.uint16), ~a.view(np.uint16))


def test_shifts() -> None:
    a, out = integers(np.int32), np.zeros(SHAPE, np.int32)
    vector("vshl", [a, (5, i32)], [out])
    np.testing.assert_array_equal(out, a << 5)
    vector("vshr", [a, (3, i32)], [out])
    np.testing.assert_array_equal(out, a >> 3)
    narrow, eighths = integers(np.int16), np.zeros(SHAPE, np.int16)
    vector("vshr", [narrow, (3, i16)], [eighths], {"round": BoolAttr(True)})
    np.testing.assert_array_equal(eighths, narrow >> 3)
    unsigned, shifted = integers(np.uint32, 0, 2**32 - 1), np.zeros(SHAPE, np.uint32)
    vector("vshr", [unsigned, (4, element(np.uint32))], [shifted])
    np.testing.assert_array_equal(shifted, unsigned >> 4)


@pytest.mark.parametrize(
    ("name", "dtype", "wide"),
    [("vmulext", np.int32, np.int64), ("vmulextui", np.uint32, np.uint64), ("vmulextended", np.int16, np.int32)],
)
def test_products_in_two_halves(name: str, dtype: Any, wide: Any) -> None:
    info = np.iinfo(dtype)
    a, b = (RNG.integers(info.min, info.max, (BLOCKS, 64), dtype) for _ in range(2))
    signless = np.dtype(f"int{8 * np.dtype(dtype).itemsize}")
    low, high = np.zeros((BLOCKS, 64), signless), np.zeros((BLOCKS, 64), signless)
    vector(name, [a.view(signless), b.view(signless)], [low, high])
    product = a.astype(wide) * b.astype(wide)
    np.testing.assert_array_equal(low, product.astype(dtype).view(signless))
    np.testing.assert_array_equal(high, (product >> (8 * signless.itemsize)).astype(dtype).view(signless))


@pytest.mark.parametrize("dtype", [F32, F16, BF16, np.int32], ids=str)
@pytest.mark.parametrize("mode", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_into_bytes(mode: str, dtype: Any) -> None:
    a, b = RNG.integers(-3, 3, SHAPE).astype(dtype), RNG.integers(-3, 3, SHAPE).astype(dtype)
    out = np.zeros(SHAPE, np.int8)
    vector("vcmp", [a, b], [out], {"compare_mode": enum_attribute("compare_mode", mode)})
    compare = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
    np.testing.assert_array_equal(out, getattr(np, compare[mode])(a.astype(np.float32), b.astype(np.float32)))


def test_nan_compares_unequal() -> None:
    a, out = np.full((BLOCKS, 8), np.nan, np.float32), np.zeros((BLOCKS, 8), np.int8)
    vector("vcmp", [a, a], [out], {"compare_mode": enum_attribute("compare_mode", "eq")})
    assert not out.any()


@pytest.mark.parametrize("dtype", [F32, F16, BF16, np.int64], ids=str)
def test_a_selection_by_bits_may_write_over_an_operand(dtype: Any) -> None:
    flags = RNG.integers(0, 2, SHAPE).astype(np.int32)
    a, b, out = (RNG.integers(-9, 9, SHAPE).astype(dtype) for _ in range(3))
    bench = Bench([flags, a, b], [out])
    bits = bench.bits(0)
    for target in (bench.sources[1], bench.targets[0]):
        bench.op("vsel", [[bits, *bench.sources[1:]], [target]])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out, np.where(flags, a, b))


def test_a_selection_by_bytes() -> None:
    flags = RNG.integers(0, 2, SHAPE).astype(np.int8)
    a, out = floats(F16), np.zeros(SHAPE, F16)
    bench = Bench([flags, a], [out])
    bench.op("vsel", [[*bench.sources, bench.constant(0.5, f16)], bench.targets])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out, np.where(flags, a, F16.type(0.5)))


@pytest.mark.parametrize("dtype", [F16, F32], ids=str)
def test_bits_as_numbers(dtype: Any) -> None:
    flags = RNG.integers(0, 2, SHAPE).astype(np.int32)
    out = np.zeros(SHAPE, dtype)
    bench = Bench([flags], [out])
    bench.op("vcast", [[bench.bits(0)], bench.targets])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out, flags.astype(dtype))


def test_operands_are_repeated_or_transposed_on_the_way() -> None:
    a, row = floats(np.float32), RNG.standard_normal((BLOCKS, 1, 40)).astype(np.float32)
    out, turned = np.zeros(SHAPE, np.float32), np.zeros((BLOCKS, 40, 7), np.float32)
    vector("vadd", [a, row], [out], {"broadcast": DenseArrayAttr((0,)), "transpose": DenseArrayAttr(())})
    np.testing.assert_array_equal(out, a + row)
    vector("vadd", [a, a], [turned], {"broadcast": DenseArrayAttr(()), "transpose": DenseArrayAttr((1, 0))})
    np.testing.assert_array_equal(turned, (a + a).swapaxes(1, 2))


# Conversions


def nearest(x: np.ndarray, mode: str) -> np.ndarray:
    """Whole numbers, by the meaning of each mode."""
    low = np.floor(x)
    even = np.where(low % 2 == 0, low, low + 1)
    tie = np.where(x - low == 0.5, even, np.floor(x + 0.5))
    away = np.where(x >= 0, np.floor(x + 0.5), np.ceil(x - 0.5))
    odd = np.where(x == low, low, np.where(low % 2 == 0, low + 1, low))
    return {"rint": tie, "round": away, "floor": low, "ceil": np.ceil(x), "trunc": np.trunc(x), "odd": odd}[mode]


@pytest.mark.parametrize("target", [np.int8, np.uint8, np.int16, np.int32, np.int64], ids=lambda t: t.__name__)
@pytest.mark.parametrize("source", [F32, F16, BF16], ids=str)
@pytest.mark.parametrize("mode", ["rint", "round", "floor", "ceil", "trunc", "odd"])
def test_floats_to_integers_round_by_mode_and_saturate(mode: str, source: np.dtype[Any], target: Any) -> None:
    x = np.concatenate([RNG.uniform(-300, 300, 500), np.arange(-8, 8) / 2, [1e4, -1e4, np.inf, -np.inf]]).astype(source)
    out, info = np.zeros(x.shape, target), np.iinfo(target)
    with np.errstate(all="ignore"):
        cast(x, out, mode)()
    wide = x.astype(np.float64)
    finite = np.isfinite(wide)
    expected = np.clip(nearest(wide[finite], mode), info.min, info.max).astype(target)
    np.testing.assert_array_equal(out[finite], expected)
    assert out[-2] == info.max and out[-1] == info.min


def test_overflow_is_kept_where_the_mode_says_so() -> None:
    out = np.zeros(3, np.int8)
    cast(np.array([300, -129, 5], np.int32), out, "truncwithoverflow")()
    assert out.tolist() == [44, 127, 5]
    cast(np.array([300.7, -129.2, 5.9], np.float32), out, "truncwithoverflow")()
    assert out.tolist() == [44, 127, 5]
    cast(np.array([300, -129, 5], np.int32), out, "rint")()
    assert out.tolist() == [127, -128, 5]


@pytest.mark.parametrize("target", [F16, BF16], ids=str)
@pytest.mark.parametrize("mode", ["rint", "round", "floor", "ceil", "trunc", "odd"])
def test_wide_floats_to_narrow_ones_round_by_mode(mode: str, target: np.dtype[Any]) -> None:
    """Judged by the neighbours of each number among all of the type's numbers."""
    numbers = np.arange(1 << 16, dtype=np.uint16).view(target)
    with np.errstate(invalid="ignore"):
        wide = numbers.astype(np.float64)
    line = np.unique(wide[np.isfinite(wide)])
    x = np.concatenate([RNG.standard_normal(400) * 100, (line[1000:1100] + line[1001:1101]) / 2]).astype(np.float32)
    out = np.zeros(x.shape, target)
    cast(x, out, mode)()
    exact = x.astype(np.float64)
    above = np.searchsorted(line, exact, "left")
    high, low = line[above], line[np.where(line[above] == exact, above, above - 1)]
    near = np.where(exact - low < high - exact, low, high)
    tie = exact - low == high - exact
    even = np.where(low.astype(target).view(np.uint16) % 2 == 0, low, high)
    inward, outward = np.where(exact >= 0, low, high), np.where(exact >= 0, high, low)
    odd = np.where(low == high, low, np.where(inward.astype(target).view(np.uint16) % 2 == 1, inward, outward))
    expected = {
        "rint": np.where(tie, even, near),
        "round": np.where(tie, outward, near),
        "floor": low,
        "ceil": high,
        "trunc": inward,
        "odd": odd,
    }[mode]
    np.testing.assert_array_equal(out.astype(np.float64), expected)


def test_a_type_to_itself_rounds_to_whole_numbers() -> None:
    x = floats(np.float32)
    out = np.zeros_like(x)
    vector("vcast", [x], [out], {"round_mode": enum_attribute("round_mode", "ceil")})
    np.testing.assert_array_equal(out, np.ceil(x))


@pytest.mark.parametrize(
    ("source", "target"),
    [(np.int8, F16), (np.uint8, F16), (np.int16, F32), (np.int32, F32), (np.int64, F32), (np.int32, np.int64), (F16, F32)],
    ids=str,
)
def test_conversions_that_lose_nothing(source: Any, target: Any) -> None:
    x = RNG.integers(0, 100, SHAPE).astype(source)
    out = np.zeros(SHAPE, target)
    vector("vcast", [x], [out])
    np.testing.assert_array_equal(out, x.astype(target))


def test_signless_integers_as_unsigned_and_bits_as_they_are() -> None:
    x, out = np.array([-1, 3], np.int8), np.zeros(2, np.int32)
    cast(x, out, "rint", "cast_unsigned")()
    assert out.tolist() == [255, 3]
    bits = np.zeros(2, np.int32)
    cast(np.array([1.0, -0.0], np.float32), bits, "rint", "bitcast")()
    assert bits.tolist() == [0x3F800000, -(2**31)]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2])
def test_widening_is_exact_for_every_number(dtype: Any) -> None:
    size = np.dtype(dtype).itemsize
    numbers = np.arange(1 << (8 * size), dtype=f"u{size}").view(dtype)
    wide = np.zeros(numbers.shape, np.float32)
    widen(numbers, wide)
    np.testing.assert_array_equal(wide, numbers.astype(np.float32))
    finite = np.tile(numbers[np.isfinite(numbers.astype(np.float32))], 4)
    wide = np.zeros(finite.shape, np.float32)
    widen(finite, wide)
    np.testing.assert_array_equal(wide.view(np.uint32), finite.astype(np.float32).view(np.uint32))


def test_narrowing_rounds_as_numpy_does() -> None:
    """Every fp16, what lies half-way to the next, and the neighbours of both; with and without what only numpy converts."""
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    between = (halves[1:] + halves[:-1]) / 2
    near = np.concatenate([halves, between])
    positive = np.concatenate([near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf))])
    numbers = np.concatenate([positive, -positive])
    for given in (numbers, np.append(numbers, [65519.996, 65520, np.inf, np.nan]).astype(np.float32), numbers[::3]):
        found = np.zeros(given.shape, np.float16)
        narrow(given, found)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(found.view(np.uint16), given.astype(np.float16).view(np.uint16))


def test_every_rounding_mode_of_the_dialect_is_there() -> None:
    assert set(ROUNDINGS) == {"rint", "round", "floor", "ceil", "trunc", "odd", "truncwithoverflow"}


@pytest.mark.parametrize("blocks", [1, 40])
def test_a_result_may_lie_where_its_operand_does(blocks: int) -> None:
    """fp16 widened, and put through a function, in the very bytes it comes from; enough of it for several pieces."""
    memory = np.zeros((blocks, 4096 * 4 + 64), np.uint8)
    lane = memory.shape[1]
    source = np.ndarray((blocks, 4096), np.float16, memory, 0, (lane, 2))
    wide = np.ndarray((blocks, 4096), np.float32, memory, 0, (lane, 4))
    source[...] = RNG.standard_normal(source.shape)
    kept = source.copy()
    tiles.elementwise("vexp", [source], source)()
    np.testing.assert_array_equal(source, np.exp(kept.astype(np.float32)).astype(np.float16))
    kept = source.copy()
    cast(source, wide, "rint")()
    np.testing.assert_array_equal(wide, kept.astype(np.float32))
    wide *= np.float32(1.001)
    rounded = wide.astype(np.float16)
    cast(wide, source, "rint")()
    np.testing.assert_array_equal(source, rounded)
    later = np.ndarray((blocks, 4096), np.float16, memory, 64, (lane, 2))
    wide[...] = RNG.standard_normal(wide.shape)
    rounded = wide.astype(np.float16)
    cast(wide, later, "rint")()
    np.testing.assert_array_equal(later, rounded)
