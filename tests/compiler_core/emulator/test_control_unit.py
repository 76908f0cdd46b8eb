"""Updates of single places, debug output, and ops that are refused: each says why."""

import numpy as np
import pytest

from compiler_core.diagnostics import Refused
from compiler_core.dialects.hivm import enum_attribute
from compiler_core.emulator.instructions.control_unit import REFUSED
from compiler_core.ir.attributes import BoolAttr, IntegerAttr, StringAttr
from compiler_core.ir.types import f32
from tests.compiler_core.emulator.ops import BLOCKS, Bench

RNG = np.random.default_rng(16)


def test_compare_and_swap_writes_where_memory_is_as_expected() -> None:
    old = RNG.integers(0, 3, (BLOCKS, 8)).astype(np.int32)
    expected, new = RNG.integers(0, 3, (2, BLOCKS, 8)).astype(np.int32)
    memory = old.copy()
    bench = Bench([expected, new], [memory])
    bench.op("atomic_cas", [bench.sources, [bench.part(2)]])
    bench.run()
    np.testing.assert_array_equal(memory, np.where(old == expected, new, old))


def test_exchange_under_a_mask() -> None:
    old, new, flags = RNG.integers(0, 9, (3, BLOCKS, 8)).astype(np.int32)
    memory = old.copy()
    bench = Bench([new, flags % 2], [memory])
    bits = bench.bits(1)
    bench.op("atomic_xchg", [[bench.sources[0]], [bench.part(2)], [bits]])
    bench.run()
    np.testing.assert_array_equal(memory, np.where(flags % 2, new, old))


@pytest.mark.parametrize(("kind", "function"), [("add", np.add), ("max", np.maximum), ("or", np.bitwise_or)])
def test_a_combination_with_memory(kind: str, function: np.ufunc) -> None:
    old, values = RNG.integers(0, 9, (2, BLOCKS, 8)).astype(np.int32)
    memory = old.copy()
    bench = Bench([values], [memory])
    bench.op("atomic_rmw", [bench.sources, [bench.part(1)]], {"atomic_kind": enum_attribute("atomic_kind", kind)})
    bench.run()
    np.testing.assert_array_equal(memory, function(old, values))


def test_debug_output_is_in_the_result_and_names_the_block() -> None:
    source, out = np.arange(BLOCKS * 4, dtype=np.float32).reshape(BLOCKS, 4), np.zeros((BLOCKS, 4), np.float32)
    bench = Bench([source], [out])
    show = {"debugtype": StringAttr("print"), "prefix": StringAttr("x: "), "hex": BoolAttr(False)}
    bench.op("debug", [bench.sources], show)
    bench.op("debug", [[bench.constant(2.5, f32)]], {**show, "hex": BoolAttr(True)})
    bench.op("debug", [bench.sources], {**show, "debugtype": StringAttr("assert"), "prefix": StringAttr("all set")})
    result = bench.run()
    assert result.printed == (
        *(f"block {i}: x: {source[i]}" for i in range(BLOCKS)),
        *(f"block {i}: x: 0x40200000" for i in range(BLOCKS)),
        "block 0: assertion failed: all set",
    )


def test_control_bits_are_known_or_refused() -> None:
    out = np.zeros((BLOCKS, 8), np.float32)
    bench = Bench([], [out])
    bench.op("set_ctrl", [], {"enable": BoolAttr(False), "idx": IntegerAttr(60)})
    bench.op("dcci", [], {"mode": enum_attribute("DCCIMode", "all_cache_lines")})
    bench.run()
    bench = Bench([], [out])
    bench.op("set_ctrl", [], {"enable": BoolAttr(True), "idx": IntegerAttr(3)})
    with pytest.raises(Refused, match="control bit 3"):
        bench.run()


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_op_is_named_with_its_reason_and_line(name: str) -> None:
    bench = Bench([], [np.zeros((BLOCKS, 8), np.float32)])
    bench.kernel.at(77)
    bench.kernel.builder.op(f"hivm.hir.{name}", [], [], {"name": StringAttr("my_function")})
    with pytest.raises(Refused) as refused:
        bench.run()
    (found,) = refused.value.diagnostics
    assert found.message.arguments["op"] == f"hivm.hir.{name}"
    assert str(found.message.arguments["what"]).startswith(REFUSED[name])
    assert found.spans[0].line == 77
