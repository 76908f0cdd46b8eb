"""Blocks that touch the same bytes of global memory are told; those that touch the same rows or add atomically are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler_core.dialects import arith
from compiler_core.dialects.hivm import enum_attribute
from compiler_core.emulator.checks.conflicts import Runs, clash
from compiler_core.ir import Value
from compiler_core.ir.types import f32
from tests.compiler_core.emulator.kernels import Kernel, gm


def scaled(kernel: Kernel, factor: int) -> Value:
    by = arith.constant(kernel.builder, factor, kernel.block.type)
    return kernel.builder.value("arith.muli", [kernel.block, by], kernel.block.type)


def filled(kernel: Kernel, shape: tuple[int, ...] = (64,)) -> Value:
    """A tile with data that a store may take."""
    tile = kernel.buffer(0, list(shape), f32)
    strides = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
    kernel.load(kernel.part("x", 0, list(shape), strides), tile)
    kernel.flag("MTE2", "MTE3")
    return tile


def copying(apart: int, **attributes: object) -> Kernel:
    """Block b stores 64 elements from element b · apart on."""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    kernel.at(5)
    kernel.store(filled(kernel), kernel.part("out", scaled(kernel, apart), [64], [1]), **attributes)
    return kernel


def codes(kernel: Kernel, out: np.ndarray, blocks: int = 4) -> list[str]:
    result = kernel.run(np.ones(64, np.float32), out, grid=(blocks, 1, 1))
    return [d.message.code for d in result.diagnostics]


def test_two_blocks_that_store_the_same_elements() -> None:
    result = copying(60).run(np.ones(64, np.float32), np.zeros(244, np.float32), grid=(4, 1, 1))
    (found,) = result.diagnostics
    assert (found.severity, found.message.code) == ("warning", "emulator-written-by-two-blocks")
    arguments = found.message.arguments
    first, second = sorted(int(arguments[name]) for name in ("first_block", "second_block"))
    assert second == first + 1
    assert (arguments["memory"], arguments["low"], arguments["high"]) == ("out", 60 * second, 60 * second + 3)
    assert [span.line for span in found.spans] == [5, 5]


def test_blocks_with_a_part_each() -> None:
    assert codes(copying(64), np.zeros(256, np.float32)) == []


def test_atomic_stores_do_not_conflict() -> None:
    assert codes(copying(0, atomic_kind=enum_attribute("atomic_kind", "add")), np.zeros(64, np.float32)) == []


def test_columns_of_the_same_rows() -> None:
    """Tiles side by side in a matrix overlap as ranges, but share no byte."""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    kernel.store(filled(kernel, (4, 16)), kernel.part("out", scaled(kernel, 16), [4, 16], [64, 1]))
    assert codes(kernel, np.zeros(256, np.float32)) == []


def test_columns_one_too_wide() -> None:
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    kernel.store(filled(kernel, (4, 16)), kernel.part("out", scaled(kernel, 15), [4, 16], [64, 1]))
    assert codes(kernel, np.zeros(256, np.float32)) == ["emulator-written-by-two-blocks"]


def test_reading_what_another_block_writes() -> None:
    """Each block reads the element after its own part, which the next block stores."""
    kernel = Kernel([gm(f32)], ["x"])
    tile = kernel.buffer(0, [72], f32)
    kernel.at(3)
    kernel.load(kernel.part("x", scaled(kernel, 64), [72], [1]), tile)
    kernel.flag("MTE2", "MTE3")
    kernel.at(6)
    kernel.store(kernel.buffer(0, [64], f32), kernel.part("x", scaled(kernel, 64), [64], [1]))
    (found,) = kernel.run(np.ones(200, np.float32), grid=(3, 1, 1)).diagnostics
    assert (found.severity, found.message.code) == ("error", "emulator-race-between-blocks")
    assert [span.line for span in found.spans] == [3, 6]
    assert int(found.message.arguments["second_block"]) == int(found.message.arguments["first_block"]) - 1


@pytest.mark.parametrize("mine", [0, 1])
def test_reading_ones_own_part_back(mine: int) -> None:
    kernel = Kernel([gm(f32)], ["x"])
    tile = kernel.buffer(0, [64], f32)
    kernel.load(kernel.part("x", scaled(kernel, 64 * mine), [64], [1]), tile)
    kernel.flag("MTE2", "MTE3")
    kernel.store(tile, kernel.part("x", scaled(kernel, 64), [64], [1]))
    found = [d.message.code for d in kernel.run(np.ones(192, np.float32), grid=(3, 1, 1)).diagnostics]
    assert found == ([] if mine else ["emulator-race-between-blocks"])


runs = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=12)


@given(runs, runs)
def test_a_clash_is_found_where_there_is_one(first: list[tuple[int, int, int]], second: list[tuple[int, int, int]]) -> None:
    """Against every pair looked at one by one."""
    a, b = (Runs(*(np.array(c) for c in zip(*((x, x + n, k, 0) for x, n, k in rows), strict=True))) for rows in (first, second))
    pairs = {
        (i, j)
        for i, (x, n, k) in enumerate(first)
        for j, (y, m, other) in enumerate(second)
        if k != other and x < y + m and y < x + n
    }
    found = clash(a, b)
    assert found in pairs if pairs else found is None
