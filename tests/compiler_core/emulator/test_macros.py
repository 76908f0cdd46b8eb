"""Products of matrices in global memory, written out as a library issues them: against numpy, and what is refused."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.chips import Chip
from compiler_core.diagnostics import Refused
from compiler_core.emulator import Result, run
from compiler_core.ir.parser import parse_module
from tests.compiler_core.emulator.kernels import B3, P3

RNG = np.random.default_rng(21)
NAMES = {"float16": "f16", "float32": "f32", "bfloat16": "bf16", "int8": "i8", "int32": "i32"}
CORE = "hivm.func_core_type = #hivm.func_core_type<AIC>"


def memref(array: np.ndarray) -> str:
    return f"memref<{'x'.join(map(str, array.shape))}x{NAMES[str(array.dtype)]}, #hivm.address_space<gm>>"


def product(
    arrays: dict[str, np.ndarray], rest: str = "", op: str = "matmul", chip: Chip = B3, blocks: int = 4, core: str = CORE
) -> Result:
    """Runs one macro op on arrays a, b and c; `rest` follows its operands, where other arrays have their names."""
    types = {name: memref(array) for name, array in arrays.items()}
    arguments = ", ".join(f"%{name}: {type}" for name, type in types.items())
    constants = "\n".join(f"%c{n} = arith.constant {n} : i64" for n in (0, 1, 2, 3, 16, 32, 48, 64, 128, 256))
    tail = rest.format(**types)
    text = f"""
      func.func @kernel({arguments}, %gx: i32, %gy: i32, %gz: i32) attributes {{{core}}} {{
        {constants}
        hivm.hir.{op} ins(%a, %b : {types["a"]}, {types["b"]}) outs(%c : {types["c"]}) {tail}
        return
      }}"""
    return run(parse_module(f"module {{ {text} }}"), None, list(arrays.values()), (blocks, 1, 1), chip)


def matrices(m: int, k: int, n: int, dtype: Any = np.float16, result: Any = np.float16) -> dict[str, np.ndarray]:
    a, b = RNG.standard_normal((m, k)).astype(dtype), RNG.standard_normal((k, n)).astype(dtype)
    return {"a": a, "b": b, "c": np.zeros((m, n), result)}


def wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64)


SIZES = "block_sizes(%c64, %c64, %c64 : i64, i64, i64) process_sizes(%c32, %c32, %c16 : i64, i64, i64)"


@pytest.mark.parametrize("rest", ["", SIZES, SIZES.replace("%c32, %c32, %c16", "%c64, %c64, %c64")])
@pytest.mark.parametrize("shape", [(16, 16, 16), (200, 150, 300), (65, 129, 33)])
def test_a_product_is_numpys(shape: tuple[int, int, int], rest: str) -> None:
    arrays = matrices(*shape, result=np.float32)
    result = product(arrays, rest)
    assert result.diagnostics == ()
    np.testing.assert_allclose(arrays["c"], wide(arrays["a"]) @ wide(arrays["b"]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("rest", ["a_transpose", "b_transpose", "a_transpose b_transpose " + SIZES])
def test_transposed_operands(rest: str) -> None:
    arrays = matrices(70, 90, 110, result=np.float32)
    expected = wide(arrays["a"]) @ wide(arrays["b"])
    for name in "ab":
        if f"{name}_transpose" in rest:
            arrays[name] = np.ascontiguousarray(arrays[name].T)
    assert product(arrays, rest).diagnostics == ()
    np.testing.assert_allclose(arrays["c"], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("dtype", "result"), [(ml_dtypes.bfloat16, ml_dtypes.bfloat16), (np.float32, np.float32)])
def test_other_types(dtype: Any, result: Any) -> None:
    arrays = matrices(40, 300, 50, dtype, result)
    assert product(arrays).diagnostics == ()
    np.testing.assert_allclose(wide(arrays["c"]), wide(arrays["a"]) @ wide(arrays["b"]), rtol=2e-2, atol=0.1)


def test_integers_are_summed_exactly() -> None:
    a, b = RNG.integers(-128, 128, (40, 700)).astype(np.int8), RNG.integers(-128, 128, (700, 50)).astype(np.int8)
    arrays = {"a": a, "b": b, "c": np.zeros((40, 50), np.int32)}
    assert product(arrays).diagnostics == ()
    np.testing.assert_array_equal(arrays["c"], a.astype(np.int32) @ b.astype(np.int32))


def test_bias_and_descale() -> None:
    """C = descale · (A·B + bias)."""
    arrays = matrices(100, 90, 80, result=np.float32)
    arrays["bias"] = RNG.standard_normal(80).astype(np.float32)
    arrays["d"] = np.array([0.5], np.float32)
    rest = "bias = %bias : {bias} descale = %d : {d} descale_mode = #hivm.descale_mode<DescalePerTensor> "
    assert product(arrays, rest + SIZES).diagnostics == ()
    expected = 0.5 * (wide(arrays["a"]) @ wide(arrays["b"]) + wide(arrays["bias"]))
    np.testing.assert_allclose(arrays["c"], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("offset", [1, 2, 3])
def test_a_swizzle_deals_out_every_tile(offset: int, direction: int) -> None:
    arrays = matrices(300, 32, 200, result=np.float32)
    rest = f"{SIZES} swizzle_offset = %c{offset} : i64 swizzle_direction = %c{direction} : i64"
    assert product(arrays, rest, blocks=3).diagnostics == ()
    np.testing.assert_allclose(arrays["c"], wide(arrays["a"]) @ wide(arrays["b"]), rtol=1e-3, atol=1e-3)


def test_blocks_without_a_tile_do_nothing() -> None:
    arrays = matrices(16, 16, 16)
    assert product(arrays, blocks=5).diagnostics == ()
    np.testing.assert_allclose(wide(arrays["c"]), wide(arrays["a"]) @ wide(arrays["b"]), rtol=1e-2, atol=1e-2)


def test_a_coupled_chip_lets_results_out_by_way_of_ub() -> None:
    arrays = matrices(200, 90, 300)
    assert product(arrays, chip=P3).diagnostics == ()
    np.testing.assert_allclose(wide(arrays["c"]), wide(arrays["a"]) @ wide(arrays["b"]), rtol=1e-2, atol=5e-2)


def test_more_cores_are_faster() -> None:
    one, four = (product(matrices(512, 256, 512), blocks=blocks) for blocks in (1, 4))
    assert one.cycles > 2 * four.cycles


def test_a_mix_product_without_a_vector_function_is_a_product() -> None:
    arrays = matrices(64, 64, 64, result=np.float32)
    assert product(arrays, op="mix_matmul", core="hivm.func_core_type = #hivm.func_core_type<MIX>").diagnostics == ()
    np.testing.assert_allclose(arrays["c"], wide(arrays["a"]) @ wide(arrays["b"]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("op", "rest", "why"),
    [
        ("mix_matmul", "comm_params = %a : {a}", "comm_params"),
        ("matmul", "tiling_params = %a : {a}", "tiling_params without block_sizes"),
        ("matmul", SIZES.replace("process_sizes(%c32", "process_sizes(%c48"), "process sizes"),
        ("matmul", "descale = %a : {a} descale_mode = #hivm.descale_mode<DescalePerChannel>", "DescalePerChannel"),
        ('mix_matmul {{post_vector_func = "epilogue"}}', "", "epilogue"),
    ],
)
def test_what_the_op_does_not_say_is_refused_by_name(op: str, rest: str, why: str) -> None:
    with pytest.raises(Refused) as refused:
        product(matrices(128, 128, 128), rest, op.replace("{{", "{").replace("}}", "}"))
    assert why in str(refused.value.diagnostics[0].message.arguments["what"])


def test_blocks_that_do_not_fit_name_the_memory() -> None:
    rest = "block_sizes(%c256, %c256, %c256 : i64, i64, i64)"
    with pytest.raises(Refused, match="L0C"):
        product(matrices(256, 256, 256), rest)


def test_the_vector_half_of_a_mix_kernel_leaves_the_product_to_the_cube() -> None:
    arrays = matrices(64, 64, 64, result=np.float32)
    arguments = ", ".join(f"%{name}: {memref(array)}" for name, array in arrays.items())
    halves = "".join(
        f"""
        func.func @kernel_mix_{core.lower()}({arguments}, %gx: i32, %gy: i32, %gz: i32)
            attributes {{hivm.func_core_type = #hivm.func_core_type<{core}>, hivm.part_of_mix}} {{
          hivm.hir.mix_matmul ins(%a, %b : {memref(arrays["a"])}, {memref(arrays["b"])}) outs(%c : {memref(arrays["c"])})
          return
        }}"""
        for core in ("AIC", "AIV")
    )
    result = run(parse_module(f"module {{ {halves} }}"), "kernel", list(arrays.values()), (2, 1, 1), B3)
    assert result.diagnostics == ()
    np.testing.assert_allclose(arrays["c"], wide(arrays["a"]) @ wide(arrays["b"]), rtol=1e-3, atol=1e-3)
