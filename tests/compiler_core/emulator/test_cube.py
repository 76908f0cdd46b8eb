"""Products, convolutions and what leaves L0C, against numpy: transposes, batches, bias, layouts, quantisation."""

from typing import Any

import numpy as np
import pytest

from compiler_core.diagnostics import Refused
from compiler_core.dialects import arith
from compiler_core.dialects.hivm import block_shape, enum_attribute
from compiler_core.ir import Value
from compiler_core.ir.attributes import AttributeValue, BoolAttr, DenseArrayAttr, IntegerAttr, UnitAttr
from compiler_core.ir.types import f32, i1, i32, index
from tests.compiler_core.emulator.ops import BF16, BLOCKS, F16, F32, Bench

RNG = np.random.default_rng(14)


def small(dtype: Any, *shape: int) -> np.ndarray:
    return RNG.integers(-4, 5, (BLOCKS, *shape)).astype(dtype)


class CubeBench(Bench):
    """Operands go to L1 themselves."""

    def load(self, number: int) -> Value:
        array = self.inputs[number]
        if array.ndim != 3:
            target = self.buffer(array.shape[1:], array.dtype, "cbuf")
            self.op("load", [[self.part(number)], [target]])
            return target
        rows, columns = array.shape[1:]
        target = self.buffer(block_shape(rows, columns, array.dtype.itemsize, "cbuf"), array.dtype, "cbuf")
        self.op("nd2nz", [[self.part(number)], [target]])
        return target

    def size(self, value: int) -> list[Value]:
        return [arith.constant(self.kernel.builder, value, index)]

    def product(self, m: int, k: int, n: int, dtype: Any, clear: bool = True, **extra: Any) -> Value:
        """mmadL1 of the first two operands into a new L0C buffer."""
        c = extra.pop("into", None) or self.buffer(block_shape(m, n, 4, "cc"), dtype, "cc")
        bias: list[Value] = extra.pop("bias", [])
        groups = [[self.sources[0]], [self.sources[1]], [arith.constant(self.kernel.builder, clear, i1)]]
        sizes = [self.size(m), self.size(k), self.size(n)]
        self.op("mmadL1", [*groups, *sizes, [c], [], [], bias], extra)
        return c


def out_of(bench: CubeBench, c: Value, **attributes: AttributeValue) -> None:
    """fixpipe from L0C to the first result in global memory."""
    attributes.setdefault("dma_mode", enum_attribute("dma_mode", "nz2nd"))
    bench.op("fixpipe", [[c], [bench.part(len(bench.inputs))]], attributes)


@pytest.mark.parametrize("dtype", [F16, BF16, F32, np.int8], ids=str)
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_products_of_every_type_and_orientation(transposed: tuple[bool, bool], dtype: Any) -> None:
    m, k, n = 20, 40, 48
    a = small(dtype, *((k, m) if transposed[0] else (m, k)))
    b = small(dtype, *((n, k) if transposed[1] else (k, n)))
    wide = np.int32 if np.dtype(dtype) == np.int8 else np.float32
    out = np.zeros((BLOCKS, m, n), wide)
    bench = CubeBench([a, b], [out], core="AIC")
    named = zip(("a_transpose", "b_transpose"), transposed, strict=True)
    switches: dict[str, Any] = {name: UnitAttr() for name, on in named if on}
    out_of(bench, bench.product(m, k, n, wide, **switches))
    bench.run()
    left, right = (
        x.astype(np.float64).swapaxes(1, 2) if t else x.astype(np.float64) for x, t in zip((a, b), transposed, strict=True)
    )
    np.testing.assert_array_equal(out, left @ right)


def test_a_product_adds_to_what_is_there_unless_it_clears() -> None:
    a, b = small(F16, 16, 32), small(F16, 32, 20)
    out = np.zeros((BLOCKS, 16, 20), np.float32)
    bench = CubeBench([a, b], [out], core="AIC")
    c = bench.product(16, 32, 20, np.float32)
    bench.product(16, 32, 20, np.float32, clear=False, into=c)
    bench.product(16, 16, 20, np.float32, clear=False, into=c)
    out_of(bench, c)
    bench.run()
    x, y = a.astype(np.float32), b.astype(np.float32)
    np.testing.assert_array_equal(out, 2 * (x @ y) + x[:, :, :16] @ y[:, :16])


def test_hf32_rounds_operands_to_eleven_bits_and_takes_half_the_time() -> None:
    a, b = RNG.standard_normal((2, BLOCKS, 32, 64)).astype(np.float32)
    b = b.swapaxes(1, 2).copy()
    results = {}
    for hf32 in (False, True):
        out = np.zeros((BLOCKS, 32, 32), np.float32)
        bench = CubeBench([a, b], [out], core="AIC")
        switches: dict[str, Any] = {"enable_HF32": UnitAttr()} if hf32 else {}
        out_of(bench, bench.product(32, 64, 32, np.float32, **switches))
        results[hf32] = (bench.run().pipes["M"], out)

    def rounded(x: np.ndarray) -> np.ndarray:
        fraction, exponent = np.frexp(x.astype(np.float64))
        return np.ldexp(np.rint(fraction * 2**12) / 2**12, exponent).astype(np.float32)

    np.testing.assert_allclose(results[True][1], rounded(a) @ rounded(b), rtol=1e-5, atol=1e-5)
    assert np.abs(results[True][1] - results[False][1]).max() > 1e-4
    assert results[True][0] < 0.7 * results[False][0]


def test_a_bias_is_added_to_each_row() -> None:
    a, b, row = small(F16, 16, 16), small(F16, 16, 32), small(F32, 32)
    out = np.zeros((BLOCKS, 16, 32), np.float32)
    bench = CubeBench([a, b, row], [out], core="AIC")
    out_of(bench, bench.product(16, 16, 32, np.float32, bias=[bench.sources[2]]))
    bench.run()
    np.testing.assert_array_equal(out, a.astype(np.float32) @ b.astype(np.float32) + row[:, None])


def test_a_batch_of_products() -> None:
    """A batch of plain matrices in L1, each of which stands for itself."""
    a, b = small(F16, 3, 16, 32), small(F16, 3, 32, 16)
    out = np.zeros((BLOCKS, 3, 16, 16), np.float32)
    bench = CubeBench([a, b], [out], core="AIC")
    c = bench.buffer((3, 16, 16), np.float32, "cc")
    clear = [arith.constant(bench.kernel.builder, True, i1)]
    sizes = [bench.size(16), bench.size(32), bench.size(16)]
    bench.op("batchMmadL1", [[bench.sources[0]], [bench.sources[1]], clear, *sizes, [c]])
    out_of(bench, c)
    result = bench.run()
    np.testing.assert_array_equal(out, a.astype(np.float32) @ b.astype(np.float32))
    assert result.operations == BLOCKS * 3 * 2 * 16 * 32 * 16


@pytest.mark.parametrize(
    ("mode", "dtype"), [("F322F16", F16), ("F322BF16", BF16), ("NO_QUANT", F32), ("", F16)], ids=lambda x: str(x)
)
@pytest.mark.parametrize("relu", ["NO_RELU", "NORMAL_RELU"])
def test_fixpipe_converts_and_clips(relu: str, mode: str, dtype: Any) -> None:
    a, b = RNG.standard_normal((2, BLOCKS, 32, 32)).astype(np.float16)
    out = np.zeros((BLOCKS, 32, 32), dtype)
    bench = CubeBench([a, b], [out], core="AIC")
    attributes: dict[str, AttributeValue] = {"pre_relu": enum_attribute("fixpipe_pre_relu_mode", relu)}
    if mode:
        attributes["pre_quant"] = enum_attribute("fixpipe_pre_quant_mode", mode)
    out_of(bench, bench.product(32, 32, 32, np.float32), **attributes)
    bench.run()
    product = a.astype(np.float32) @ b.astype(np.float32)
    expected = np.maximum(product, 0) if relu == "NORMAL_RELU" else product
    np.testing.assert_allclose(out.astype(np.float32), expected.astype(dtype).astype(np.float32), atol=1e-5, rtol=0.01)


def test_fixpipe_scales_rounds_and_saturates_to_bytes() -> None:
    a, b = small(np.int8, 32, 64), small(np.int8, 64, 32)
    out = np.zeros((BLOCKS, 32, 32), np.int8)
    bench = CubeBench([a, b], [out], core="AIC")
    c = bench.product(32, 64, 32, np.int32)
    scale = bench.constant(0.75, f32)
    attributes = {
        "dma_mode": enum_attribute("dma_mode", "nz2nd"),
        "pre_quant": enum_attribute("fixpipe_pre_quant_mode", "S322I8"),
    }
    bench.op("fixpipe", [[c], [bench.part(2)], [], [scale]], attributes)
    bench.run()
    product = (a.astype(np.int32) @ b.astype(np.int32)).astype(np.float32) * np.float32(0.75)
    np.testing.assert_array_equal(out, np.clip(np.rint(product), -128, 127))


def test_fixpipe_turns_a_matrix_and_adds_atomically() -> None:
    a, b = small(F16, 16, 16), small(F16, 16, 48)
    out = np.ones((BLOCKS, 48, 16), np.float32)
    bench = CubeBench([a, b], [out], core="AIC")
    c = bench.product(16, 16, 48, np.float32)
    out_of(bench, c, dma_mode=enum_attribute("dma_mode", "nz2dn"))
    bench.run()
    product = (a.astype(np.float32) @ b.astype(np.float32)).swapaxes(1, 2)
    np.testing.assert_array_equal(out, product)
    total = np.ones((BLOCKS, 16, 48), np.float32)
    bench = CubeBench([a, b], [total], core="AIC")
    c = bench.product(16, 16, 48, np.float32)
    bench.op("set_atomic", [], {"kind": enum_attribute("atomic_kind", "add")})
    out_of(bench, c)
    bench.op("set_atomic", [], {"kind": enum_attribute("atomic_kind", "none")})
    bench.run()
    np.testing.assert_array_equal(total, 1 + product.swapaxes(1, 2))


def test_fixpipe_splits_channels_for_an_fp32_operand() -> None:
    """L0C's 16 columns become two fractals of 8; read back by nz2nd."""
    a, b = small(F16, 32, 16), small(F16, 16, 32)
    out = np.zeros((BLOCKS, 32, 32), np.float32)
    bench = CubeBench([a, b], [out], core="AIC")
    c = bench.product(32, 16, 32, np.float32)
    fractals = bench.buffer(block_shape(32, 32, 4, "cbuf"), np.float32, "cbuf")
    split = {"dma_mode": enum_attribute("dma_mode", "normal"), "channel_split": BoolAttr(True)}
    bench.op("fixpipe", [[c], [fractals]], split)
    bench.op("nz2nd", [[fractals], [bench.part(2)]])
    bench.run()
    np.testing.assert_array_equal(out, a.astype(np.float32) @ b.astype(np.float32))


@pytest.mark.parametrize(
    ("attribute", "kind", "value"),
    [("pre_relu", "fixpipe_pre_relu_mode", "LEAKY_RELU"), ("dual_dst_mode", "fixpipe_dual_dst_mode", "ROW_SPLIT")],
)
def test_what_fixpipe_cannot_know_is_refused_by_name(attribute: str, kind: str, value: str) -> None:
    a, out = small(F16, 16, 16), np.zeros((BLOCKS, 16, 16), np.float32)
    bench = CubeBench([a, a], [out], core="AIC")
    c = bench.product(16, 16, 16, np.float32)
    out_of(bench, c, **{attribute: enum_attribute(kind, value)})
    with pytest.raises(Refused) as refused:
        bench.run()
    assert value in str(refused.value.diagnostics[0].message.arguments["what"])


# Convolutions


def convolved(x: np.ndarray, w: np.ndarray, padding: tuple[int, int], groups: int) -> np.ndarray:
    """[N, C, H, W] with [O, C / groups, KH, KW], by the sum that defines it."""
    count, channels, height, width = x.shape
    outputs, depth, rows, columns = w.shape
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    out = np.zeros((count, outputs, height + 2 * padding[0] - rows + 1, width + 2 * padding[1] - columns + 1))
    for o in range(outputs):
        first = o // (outputs // groups) * depth
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                part = x[:, first : first + depth, i : i + rows, j : j + columns]
                out[:, o, i, j] = (part * w[o]).sum((1, 2, 3))
    assert channels == depth * groups
    return out


@pytest.mark.parametrize(("groups", "padding"), [(1, (0, 0)), (1, (1, 2)), (2, (1, 1))])
def test_convolutions_of_images(groups: int, padding: tuple[int, int]) -> None:
    x, w = small(F16, 2, 4, 6, 7), small(F16, 6, 4 // groups, 3, 2)
    row = small(F32, 6)
    expected = np.stack([convolved(x[i].astype(float), w[i].astype(float), padding, groups) for i in range(BLOCKS)])
    expected += row[:, None, :, None, None]
    out = np.zeros(expected.shape, np.float32)
    bench = CubeBench([x, w, row], [out], core="AIC")
    c = bench.buffer(expected.shape[1:], np.float32, "cc")
    clear = [arith.constant(bench.kernel.builder, True, i1)]
    attributes = {"padding": DenseArrayAttr(padding), "groups": IntegerAttr(groups, i32)}
    image, weight, bias = bench.sources
    bench.op("Conv2dL1", [[image], [weight], [bias], [c], clear], attributes)
    out_of(bench, c)
    bench.run()
    np.testing.assert_array_equal(out, expected)


def test_a_convolution_of_rows() -> None:
    x, w = small(F16, 2, 4, 20), small(F16, 8, 2, 5)
    expected = np.stack(
        [convolved(x[i].astype(float)[:, :, None], w[i].astype(float)[:, :, None], (0, 1), 2)[:, :, 0] for i in range(BLOCKS)]
    )
    out = np.zeros(expected.shape, np.float32)
    bench = CubeBench([x, w], [out], core="AIC")
    c = bench.buffer(expected.shape[1:], np.float32, "cc")
    clear = [arith.constant(bench.kernel.builder, True, i1)]
    attributes = {"padding": IntegerAttr(1, i32), "groups": IntegerAttr(2, i32)}
    bench.op("Conv1dL1", [[bench.sources[0]], [bench.sources[1]], [], [c], clear], attributes)
    out_of(bench, c)
    bench.run()
    np.testing.assert_array_equal(out, expected)


def test_a_convolution_in_fractals_writes_a_row_for_each_place() -> None:
    """Input [N, C1, H, W, C0], weight [C1, KH, KW, O, C0]; 16 columns for each image's channels."""
    x, w = small(F16, 1, 2, 5, 6, 16), small(F16, 2, 3, 3, 16, 16)
    plain = x.transpose(0, 1, 2, 5, 3, 4).reshape(BLOCKS, 1, 32, 5, 6).astype(float)
    kernel = w.transpose(0, 4, 1, 5, 2, 3).reshape(BLOCKS, 16, 32, 3, 3).astype(float)
    expected = np.stack([convolved(plain[i], kernel[i], (1, 1), 1) for i in range(BLOCKS)])
    matrix = expected[:, 0].reshape(BLOCKS, 16, 30).swapaxes(1, 2)
    out = np.zeros((BLOCKS, 30, 16), np.float32)
    bench = CubeBench([x, w], [out], core="AIC")
    c = bench.buffer(block_shape(30, 16, 4, "cc"), np.float32, "cc")
    clear = [arith.constant(bench.kernel.builder, True, i1)]
    attributes = {"padding": IntegerAttr(1, i32), "groups": IntegerAttr(1, i32)}
    bench.op("Conv2dL1", [[bench.sources[0]], [bench.sources[1]], [], [c], clear], attributes)
    out_of(bench, c)
    result = bench.run()
    np.testing.assert_array_equal(out, matrix)
    assert result.pipes["M"] > 0 and result.operations == BLOCKS * 2 * 30 * 288 * 16
