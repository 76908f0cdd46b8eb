"""Moves between memories: padding, initialised buffers, atomics of every kind, layouts, views of other types."""

from typing import Any

import numpy as np
import pytest

from compiler_core.diagnostics import Refused
from compiler_core.dialects import arith, hivm
from compiler_core.dialects import memref as mem
from compiler_core.dialects.hivm import block_shape, enum_attribute
from compiler_core.emulator.arrays.atomics import KINDS
from compiler_core.ir import Value
from compiler_core.ir.attributes import BoolAttr
from compiler_core.ir.types import f16, f32, i1, index
from tests.compiler_core.emulator.kernels import Kernel, gm
from tests.compiler_core.emulator.ops import BF16, BLOCKS, F16, F32, Bench, element

RNG = np.random.default_rng(15)


class PadBench(Bench):
    """The operand stays in global memory; the load under test brings it."""

    def load(self, number: int) -> Value:
        return self.part(number)

    def number(self, value: int) -> list[Value]:
        return [arith.constant(self.kernel.builder, value, index)]


@pytest.mark.parametrize("dtype", [F32, F16, BF16, np.int8, np.uint16], ids=str)
@pytest.mark.parametrize("left", [0, 3])
def test_a_load_pads_on_both_sides(left: int, dtype: Any) -> None:
    source = RNG.integers(0, 99, (BLOCKS, 4, 10)).astype(dtype)
    out = np.zeros((BLOCKS, 4, 16), dtype)
    bench = PadBench([source], [out])
    pad = [bench.constant(7, element(dtype))]
    mode = {"pad_mode": enum_attribute("padmode", "PadValue")}
    bench.op("load", [bench.sources, bench.targets, pad, bench.number(left)], mode)
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out, np.pad(source, [(0, 0), (0, 0), (left, 6 - left)], constant_values=7))


def test_a_load_leaves_what_lies_behind_its_right_padding() -> None:
    source = RNG.integers(0, 99, (BLOCKS, 4, 10)).astype(np.float32)
    out = np.zeros((BLOCKS, 4, 16), np.float32)
    bench = PadBench([source], [out])
    bench.op("vbrc", [[bench.constant(-1.0, f32)], bench.targets])
    pad = [bench.constant(7.0, f32)]
    mode = {"pad_mode": enum_attribute("padmode", "PadValue")}
    bench.op("load", [bench.sources, bench.targets, pad, bench.number(2), bench.number(1)], mode)
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out[:, :, :13], np.pad(source, [(0, 0), (0, 0), (2, 1)], constant_values=7))
    assert (out[:, :, 13:] == -1).all()


def test_a_load_pads_with_the_first_element() -> None:
    source = RNG.standard_normal((BLOCKS, 4, 13)).astype(np.float32)
    out = np.zeros((BLOCKS, 4, 16), np.float32)
    bench = PadBench([source], [out])
    bench.op("load", [bench.sources, bench.targets], {"pad_mode": enum_attribute("padmode", "PadFirstElem")})
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out[:, :, :13], source)
    np.testing.assert_array_equal(out[:, :, 13:], np.repeat(source[:, :, :1], 3, 2))


@pytest.mark.parametrize("condition", [None, True, False])
def test_a_load_may_fill_the_whole_buffer_before_a_part_of_it(condition: bool | None) -> None:
    """The buffer that the target is a part of; a condition that does not hold leaves it as it was."""
    source = RNG.standard_normal((BLOCKS, 3, 8)).astype(np.float32)
    out = np.zeros((BLOCKS, 5, 16), np.float32)
    bench = PadBench([source], [out])
    bench.op("vbrc", [[bench.constant(-1.0, f32)], bench.targets])
    part = mem.subview(bench.kernel.builder, bench.targets[0], [1, 0], [3, 8], [1, 1])
    when = [] if condition is None else [bench.constant(condition, i1)]
    bench.op("load", [bench.sources, [part], [bench.constant(5.0, f32)], [], [], when], {"init_out_buffer": BoolAttr(True)})
    bench.store()
    bench.run()
    expected = np.full_like(out, -1.0 if condition is False else 5.0)
    expected[:, 1:4, :8] = source
    np.testing.assert_array_equal(out, expected)


def test_fractals_with_initial_padding() -> None:
    source, out = RNG.integers(-9, 9, (BLOCKS, 20, 24)).astype(np.float16), np.zeros((BLOCKS, 32, 32), np.float16)
    bench = PadBench([source], [out], core="AIC")
    fractals = bench.buffer(block_shape(32, 32, 2, "cbuf"), np.float16, "cbuf")
    initial = {"init_out_buffer": BoolAttr(True)}
    bench.op("nd2nz", [bench.sources, [fractals], [bench.constant(3.0, f16)]], initial)
    bench.op("nz2nd", [[fractals], [bench.part(1)]])
    bench.run()
    np.testing.assert_array_equal(out, np.pad(source, [(0, 0), (0, 12), (0, 8)], constant_values=3.0))


ATOMICS = {
    "add": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


def meeting(kind: str, values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Every block stores its row of values to the same place."""
    kernel = Kernel([gm(element(values.dtype)), gm(element(values.dtype))], ["x", "out"])
    b = kernel.builder
    columns = values.shape[1]
    tile = kernel.buffer(0, [columns], element(values.dtype))
    offset = b.value("arith.muli", [kernel.block, arith.constant(b, columns, index)], index)
    kernel.load(kernel.part("x", offset, [columns], [1]), tile)
    kernel.flag("MTE2", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [columns], [1]), atomic_kind=enum_attribute("atomic_kind", kind))
    kernel.barrier()
    found = start.copy()
    assert kernel.run(values, found, grid=(len(values), 1, 1)).diagnostics == ()
    return found


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        *((kind, dtype) for kind in ("add", "max", "min") for dtype in (F32, F16, BF16)),
        *((kind, dtype) for kind in ATOMICS for dtype in (np.int8, np.int16, np.int32)),
    ],
    ids=str,
)
def test_atomic_stores_of_many_blocks_to_one_place(kind: str, dtype: Any) -> None:
    values = RNG.integers(-3, 4, (9, 32)).astype(dtype)
    start = RNG.integers(-3, 4, 32).astype(dtype)
    wide = np.float32 if np.dtype(dtype).kind != "i" else dtype
    expected = start.astype(wide)
    for row in values:
        expected = ATOMICS[kind](expected, row.astype(wide)).astype(dtype).astype(wide)
    np.testing.assert_array_equal(meeting(kind, values, start).astype(wide), expected)


def test_unsigned_extremes_look_at_the_bits() -> None:
    values = np.array([[-1, 3], [5, -7]], np.int32)
    assert meeting("umax", values, np.zeros(2, np.int32)).tolist() == [-1, -7]
    assert meeting("umin", values, np.full(2, 100, np.int32)).tolist() == [5, 3]


def test_an_atomic_store_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="atomic cas"):
        meeting("cas", np.zeros((2, 8), np.int32), np.zeros(8, np.int32))
    assert "cas" not in KINDS


def test_what_set_atomic_says_holds_until_it_is_unset() -> None:
    source = RNG.integers(0, 9, (BLOCKS, 16)).astype(np.float32)
    out, plain = np.ones((BLOCKS, 16), np.float32), np.ones((BLOCKS, 16), np.float32)
    bench = Bench([source], [out, plain])
    bench.op("set_atomic", [], {"kind": enum_attribute("atomic_kind", "add")})
    bench.kernel.store(bench.sources[0], bench.part(1))
    bench.op("set_atomic", [], {"kind": enum_attribute("atomic_kind", "none")})
    bench.kernel.store(bench.sources[0], bench.part(2))
    bench.kernel.barrier()
    bench.run()
    np.testing.assert_array_equal(out, 1 + source)
    np.testing.assert_array_equal(plain, source)


def test_a_copy_moves_between_strided_buffers_and_pads() -> None:
    source = RNG.integers(-9, 9, (BLOCKS, 4, 8)).astype(np.int16)
    out = np.zeros((BLOCKS, 4, 16), np.int16)
    bench = Bench([source], [out])
    bench.op("copy", [bench.sources, bench.targets, [bench.constant(4, element(np.int16))]])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out, np.pad(source, [(0, 0), (0, 0), (0, 8)], constant_values=4))


def test_each_element_to_an_offset_of_its_own() -> None:
    values = RNG.standard_normal((BLOCKS, 2, 16)).astype(np.float32)
    places = np.stack([RNG.permutation(32).reshape(2, 16) + 32 * i for i in range(BLOCKS)]).astype(np.int64)
    flags = RNG.integers(0, 2, (BLOCKS, 2, 16)).astype(np.int32)
    out = np.zeros((BLOCKS, 32), np.float32)
    bench = Bench([values, places, flags], [out])
    bits = bench.bits(2)
    whole = bench.kernel.part(bench.names[3], 0, [BLOCKS * 32], [1])
    bench.op("indirect_store", [[whole], [bench.sources[1]], [bench.sources[0]], [bits]])
    bench.kernel.run(*bench.inputs, out, grid=(BLOCKS, 1, 1))
    expected = np.zeros(BLOCKS * 32, np.float32)
    expected[places[flags != 0]] = values[flags != 0]
    np.testing.assert_array_equal(out.reshape(-1), expected)


@pytest.mark.parametrize("form", ["buffer", "number"])
def test_a_bitcast_reads_the_same_bits(form: str) -> None:
    source = RNG.standard_normal((BLOCKS, 16)).astype(np.float32)
    out = np.zeros((BLOCKS, 16), np.int32)
    bench = Bench([source], [out])
    b = bench.kernel.builder
    if form == "buffer":
        seen = hivm.instruction(b, "bitcast", [[bench.sources[0]]], results=[bench.targets[0].type]).result
        bench.op("copy", [[seen], bench.targets])
    else:
        number = bench.constant(1.0, f32)
        cast = hivm.instruction(b, "bitcast", [[number]], results=[element(np.int32)]).result
        bench.op("vbrc", [[cast], bench.targets])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out, source.view(np.int32) if form == "buffer" else np.full_like(out, 0x3F800000))


def test_a_buffer_in_another_layout_is_the_same_bytes() -> None:
    source = RNG.integers(-9, 9, (BLOCKS, 16, 32)).astype(np.float16)
    out = np.zeros((BLOCKS, 2, 1, 16, 16), np.float16)
    bench = Bench([source], [out])
    from compiler_core.ir.attributes import DenseArrayAttr, RawAttr

    shape = (2, 1, 16, 16)
    attributes = {
        "static_output_shape": DenseArrayAttr(shape),
        "srcLayout": RawAttr("#hivm.data_layout<ND>"),
        "dstLayout": RawAttr("#hivm.data_layout<zN>"),
    }
    seen = hivm.instruction(bench.kernel.builder, "convert_layout", [bench.sources], attributes, [bench.targets[0].type]).result
    bench.op("copy", [[seen], bench.targets])
    bench.store()
    bench.run()
    np.testing.assert_array_equal(out.reshape(BLOCKS, -1), source.reshape(BLOCKS, -1))
