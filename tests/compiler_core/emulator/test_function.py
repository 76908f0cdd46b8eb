"""What instructions compute: rounding, packing, reductions, layouts, control flow over lanes."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from compiler_core.dialects import arith, hivm, scf
from compiler_core.dialects import memref as mem
from compiler_core.emulator.arrays.along import reduce_with_index
from compiler_core.emulator.arrays.casts import cast
from compiler_core.ir import Builder, DenseArrayAttr
from compiler_core.ir.attributes import RawAttr
from compiler_core.ir.types import Type, bf16, f16, f32, i1, i32, i64, index
from tests.compiler_core.emulator.kernels import P3, Kernel, gm

RNG = np.random.default_rng(7)


def through(
    name: str, element: Type, dtype: Any, *inputs: np.ndarray, out: Type | None = None, **attributes: Any
) -> np.ndarray:
    """One vector instruction over a block of 48 elements, for 3 blocks."""
    types = [gm(element)] * len(inputs)
    kernel = Kernel([*types, gm(out or element)], [*"abc"[: len(inputs)], "out"])
    tiles = [kernel.buffer(1024 * i, [48], element) for i in range(len(inputs))]
    offset = kernel.builder.value("arith.muli", [kernel.block, arith.constant(kernel.builder, 48, index)], index)
    for source, tile in zip("abc", tiles, strict=False):
        kernel.load(kernel.part(source, offset, [48], [1]), tile)
    kernel.flag("MTE2", "V")
    target = kernel.buffer(8192, [48], out or element)
    kernel.vector(name, tiles, target, **attributes)
    kernel.flag("V", "MTE3")
    kernel.store(target, kernel.part("out", offset, [48], [1]))
    kernel.barrier()
    found = np.zeros(144, dtype)
    result = kernel.run(*inputs, found, grid=(3, 1, 1))
    assert result.diagnostics == ()
    return found


@pytest.mark.parametrize(("element", "dtype"), [(f16, np.float16), (bf16, ml_dtypes.bfloat16)])
def test_narrow_floats_round_once(element: Type, dtype: Any) -> None:
    a, b = RNG.standard_normal((2, 144)).astype(dtype)
    expected = (a.astype(np.float32) * b.astype(np.float32)).astype(dtype)
    np.testing.assert_array_equal(through("vmul", element, dtype, a, b), expected)


def test_integers_wrap() -> None:
    a = np.full(144, 2**31 - 1, np.int32)
    np.testing.assert_array_equal(through("vadd", i32, np.int32, a, np.ones(144, np.int32)), np.full(144, -(2**31)))


def test_a_comparison_packs_bits_that_a_selection_reads() -> None:
    kernel = Kernel([gm(f32), gm(f32), gm(f32)], ["a", "b", "out"])
    a, b, out = (kernel.buffer(1024 * i, [100], f32) for i in range(3))
    bits = kernel.buffer(4096, [100], i1)
    kernel.load(kernel.part("a", 0, [100], [1]), a)
    kernel.load(kernel.part("b", 0, [100], [1]), b)
    kernel.flag("MTE2", "V")
    hivm.instruction(
        kernel.builder,
        "vcmp",
        [[a, b], [bits]],
        {"compare_mode": RawAttr("#hivm.compare_mode<lt>"), "operandSegmentSizes": DenseArrayAttr((2, 1, 0), i32)},
    )
    kernel.barrier("V")
    kernel.vector("vsel", [bits, a, b], out)
    kernel.flag("V", "MTE3")
    kernel.store(out, kernel.part("out", 0, [100], [1]))
    kernel.barrier()
    x, y = RNG.standard_normal((2, 100)).astype(np.float32)
    found = np.zeros(100, np.float32)
    assert kernel.run(x, y, found).diagnostics == ()
    np.testing.assert_array_equal(found, np.minimum(x, y))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("rint", [2, -2, 4, 127, 0]), ("floor", [2, -3, 3, 127, 0]), ("ceil", [3, -2, 4, 127, 0]), ("trunc", [2, -2, 3, 127, 0])],
)
def test_casts_to_integers_round_by_mode_and_saturate(mode: str, expected: list[int]) -> None:
    out = np.zeros(5, np.int8)
    cast(np.array([2.5, -2.5, 3.5, 1e9, np.nan], np.float32), out, mode)()
    assert out.tolist() == expected


@pytest.mark.parametrize("kind", ["max_with_index_left", "max_with_index_right"])
def test_reductions_with_positions_break_ties(kind: str) -> None:
    values, places = np.zeros((2, 1), np.float32), np.zeros((2, 1), np.int32)
    source = np.array([[1, 5, 5], [7, 7, 2]], np.float32)
    reduce_with_index(kind, source, None, [values, places], 0, axes=1, leftmost=True)()
    assert values.tolist() == [[5], [7]]
    assert places.tolist() == ([[1], [0]] if kind.endswith("left") else [[2], [1]])


def test_lanes_that_branch_apart_each_take_their_side() -> None:
    """Odd blocks double, even blocks negate; the scalar that the branch yields differs too."""
    kernel = Kernel([gm(f32)], ["out"])
    b = kernel.builder
    two = arith.constant(b, 2, index)
    odd = arith.compare(b, "ne", b.value("arith.remsi", [kernel.block, two], index), arith.constant(b, 0, index))
    tile = kernel.buffer(0, [8], f32)
    branch = b.op("scf.if", [odd], [f32], regions=[_side(tile, 2.0), _side(tile, -1.0)])
    kernel.barrier("V")
    kernel.vector("vmul", [tile, branch.result], tile)
    kernel.flag("V", "MTE3")
    offset = b.value("arith.muli", [kernel.block, arith.constant(b, 8, index)], index)
    kernel.store(tile, kernel.part("out", offset, [8], [1]))
    kernel.barrier()
    out = np.zeros(40, np.float32)
    result = kernel.run(out, grid=(5, 1, 1))
    np.testing.assert_array_equal(out.reshape(5, 8)[:, 0], [1, 4, 1, 4, 1])
    assert result.diagnostics == ()


def _side(tile: Any, number: float) -> Any:
    from compiler_core.ir import single_block

    region = single_block()
    inner = Builder.at_end(region.blocks[0])
    value = arith.constant(inner, number, f32)
    hivm.instruction(inner, "vbrc", [[value], [tile]])
    inner.op("scf.yield", [value])
    return region


def test_loops_of_different_lengths() -> None:
    """Block i adds 1 i times."""
    kernel = Kernel([gm(f32)], ["out"])
    b = kernel.builder
    zero, one = arith.constant(b, 0, index), arith.constant(b, 1, index)
    tile = kernel.buffer(0, [8], f32)
    hivm.instruction(b, "vbrc", [[arith.constant(b, 0.0, f32)], [tile]])
    loop = scf.for_loop(b, zero, kernel.block, one)
    inner = Builder.at_end(loop.body)
    hivm.pipe_barrier(inner, "PIPE_V")
    hivm.vector(inner, "vadd", [tile, arith.constant(inner, 1.0, f32)], tile)
    inner.op("scf.yield")
    kernel.flag("V", "MTE3")
    offset = b.value("arith.muli", [kernel.block, arith.constant(b, 8, index)], index)
    kernel.store(tile, kernel.part("out", offset, [8], [1]))
    kernel.barrier()
    out = np.zeros(48, np.float32)
    result = kernel.run(out, grid=(6, 1, 1))
    np.testing.assert_array_equal(out.reshape(6, 8)[:, 7], np.arange(6))
    assert result.diagnostics == ()
    assert len({end for end in result.cores if end}) == 6


def test_atomic_adds_of_many_blocks_to_one_place() -> None:
    kernel = Kernel([gm(f32)], ["out"])
    tile = kernel.buffer(0, [4], f32)
    hivm.instruction(kernel.builder, "vbrc", [[arith.constant(kernel.builder, 1.5, f32)], [tile]])
    kernel.flag("V", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [4], [1]), atomic_kind=RawAttr("#hivm.atomic_kind<add>"))
    kernel.barrier()
    out = np.zeros(4, np.float32)
    kernel.run(out, grid=(10, 1, 1))
    np.testing.assert_array_equal(out, np.full(4, 15.0))


def test_an_array_that_is_not_contiguous_is_written_through() -> None:
    kernel = Kernel([gm(f32)], ["out"])
    tile = kernel.buffer(0, [6], f32)
    hivm.instruction(kernel.builder, "vbrc", [[arith.constant(kernel.builder, 3.0, f32)], [tile]])
    kernel.flag("V", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [6], [1]))
    kernel.barrier()
    backing = np.zeros((6, 2), np.float32)
    kernel.run(backing[:, 0])
    np.testing.assert_array_equal(backing, [[3, 0]] * 6)


def test_a_scalar_read_from_memory_decides_the_path() -> None:
    """Without data such a kernel is refused, and told why."""
    from compiler_core.diagnostics import Refused

    def build() -> Kernel:
        kernel = Kernel([gm(i32), gm(i32)], ["n", "out"])
        b = kernel.builder
        count = mem.load(b, kernel.arguments["n"], [arith.constant(b, 0, index)])
        loop = scf.for_loop(b, arith.constant(b, 0, i32), count, arith.constant(b, 1, i32), index="i")
        inner = Builder.at_end(loop.body)
        at = inner.value("arith.index_cast", [loop.body.arguments[0]], index)
        mem.store(inner, loop.body.arguments[0], kernel.arguments["out"], [at])
        inner.op("scf.yield")
        return kernel

    out = np.zeros(5, np.int32)
    build().run(np.array([4], np.int32), out)
    assert out.tolist() == [0, 1, 2, 3, 0]
    with pytest.raises(Refused) as refused:
        build().run(np.array([4], np.int32), out, functional=False)
    assert refused.value.diagnostics[0].message.code == "emulator-needs-data"


def test_a_coupled_chip_takes_products_out_through_the_vector_unit() -> None:
    """Ascend 310P: L0C to UB by a copy, then a store; one core has every pipe."""
    kernel = Kernel([gm(f16), gm(f16), gm(f32)], ["a", "b", "out"], core="MIX")
    b = kernel.builder
    left = kernel.buffer(0, hivm.block_shape(20, 24, 2, "cbuf"), f16, "cbuf")
    right = kernel.buffer(4096, hivm.block_shape(24, 36, 2, "cbuf"), f16, "cbuf")
    product = kernel.buffer(0, hivm.block_shape(20, 36, 4, "cc"), f32, "cc")
    tile = kernel.buffer(0, [20, 36], f32)
    hivm.instruction(b, "nd2nz", [[kernel.part("a", 0, [20, 24], [24, 1])], [left]])
    hivm.instruction(b, "nd2nz", [[kernel.part("b", 0, [24, 36], [36, 1])], [right]])
    kernel.flag("MTE2", "MTE1")
    sizes = [[arith.constant(b, size, index)] for size in (20, 24, 36)]
    hivm.instruction(b, "mmadL1", [[left], [right], [arith.constant(b, True, i1)], *sizes, [product]])
    kernel.flag("M", "V")
    hivm.instruction(b, "copy", [[product], [tile]])
    kernel.flag("V", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [20, 36], [36, 1]))
    kernel.barrier()
    x, y = RNG.standard_normal((20, 24)).astype(np.float16), RNG.standard_normal((24, 36)).astype(np.float16)
    out = np.zeros((20, 36), np.float32)
    result = kernel.run(x, y, out, chip=P3)
    np.testing.assert_allclose(out, x.astype(np.float32) @ y.astype(np.float32), atol=1e-5)
    assert result.diagnostics == ()
    assert result.traffic["L0C->UB"] == 20 * 36 * 4


def test_sixty_four_bit_addresses_are_numbers_too() -> None:
    """An address that arithmetic computes finds its buffer all the same."""
    kernel = Kernel([gm(f32)], ["out"])
    b = kernel.builder
    address = b.value("arith.muli", [arith.constant(b, 64, i64), arith.constant(b, 3, i64)], i64)
    tile = hivm.pointer_cast(b, address, kernel.buffer(0, [8], f32).type)  # type: ignore[arg-type]
    hivm.instruction(b, "vbrc", [[arith.constant(b, 4.0, f32)], [tile]])
    kernel.flag("V", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [8], [1]))
    kernel.barrier()
    out = np.zeros(8, np.float32)
    result = kernel.run(out)
    assert out.tolist() == [4.0] * 8
    assert result.memory["UB"] == 192 + 32
