"""The kernels of `data/kernels.py` as the vendor's compiler leaves them for its back end: what each was compiled for; launches.

The texts, `data/NAME.mlir.gz`, and what Triton's interpreter makes of the small launches, `data/NAME.npz`, are recorded by
`make fixtures`. A kernel that upstream Triton says otherwise than the vendor's does has its own `data/NAME.ttir`.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

DATA = Path(__file__).parent / "data"
F16, F32, BF16, I32, I64, I8 = "*fp16", "*fp32", "*bf16", "*i32", "*i64", "*i8"
SOURCE = DATA / "kernels.py"

Argument: TypeAlias = np.ndarray | int | float
Sizes: TypeAlias = tuple[int, ...]
Grid: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class Launch:
    """A grid and the kernel's arguments in order, without its constexprs. bfloat16 is held in words of 16 bits."""

    grid: Grid
    arguments: dict[str, Argument]


@dataclass(frozen=True)
class Kernel:
    """One compilation of a function of `data/kernels.py`, and the sizes at which its results are judged.

    `types` are those of the arguments that are no constexprs. `launch` makes the arguments for given sizes. Results of `small`
    sizes are recorded; those of `large` ones are compared with the interpreter where it runs.
    """

    name: str
    types: tuple[str, ...]
    constexprs: Mapping[str, int | float | bool]
    launch: Callable[..., Launch]
    small: Sequence[Sizes]
    large: Sequence[Sizes] = ()
    function: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", self.function or self.name)

    @property
    def text(self) -> str:
        """Generic MLIR."""
        return gzip.decompress(self.code.read_bytes()).decode()

    @property
    def code(self) -> Path:
        return DATA / f"{self.name}.mlir.gz"

    @property
    def ttir(self) -> Path:
        return DATA / f"{self.name}.ttir"

    @property
    def outputs(self) -> Path:
        return DATA / f"{self.name}.npz"

    def at(self, sizes: Sizes) -> Launch:
        """The launch for these sizes: the same numbers every time."""
        return self.launch(np.random.default_rng((zlib.crc32(self.name.encode()), *sizes)), *sizes)


def shown(sizes: Sizes) -> str:
    return "x".join(map(str, sizes))


def cdiv(a: int, b: int) -> int:
    return -(-a // b)


def normal(rng: Generator, *shape: int, dtype: type = np.float32) -> np.ndarray:
    return rng.standard_normal(shape, np.float32).astype(dtype)


def bf16(array: np.ndarray) -> np.ndarray:
    """fp32 numbers as bfloat16 words, rounded to nearest even."""
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def _add(rng: Generator, n: int) -> Launch:
    x, y = normal(rng, 2, n)
    return Launch((cdiv(n, 1024), 1, 1), {"x_ptr": x, "y_ptr": y, "out_ptr": np.zeros_like(x), "n": n})


def _add_bf16(rng: Generator, n: int) -> Launch:
    x, y = (bf16(v) for v in normal(rng, 2, n))
    return Launch((cdiv(n, 1024), 1, 1), {"x_ptr": x, "y_ptr": y, "out_ptr": np.zeros_like(x), "n": n})


def _softmax(rng: Generator, rows: int, columns: int) -> Launch:
    x = normal(rng, rows, columns)
    strides = {"in_stride": columns, "out_stride": columns, "columns": columns}
    return Launch((rows, 1, 1), dict(out_ptr=np.zeros_like(x), in_ptr=x, **strides))


def _softmax_rows(rng: Generator, rows: int, columns: int) -> Launch:
    x = bf16(normal(rng, rows, columns))
    return Launch((cdiv(rows, 8), 1, 1), {"out_ptr": np.zeros_like(x), "in_ptr": x, "rows": rows, "columns": columns})


def _layer_norm(rng: Generator, rows: int, columns: int) -> Launch:
    x = normal(rng, rows, columns, dtype=np.float16)
    weight, bias = normal(rng, 2, columns, dtype=np.float16)
    tensors = {"x_ptr": x, "y_ptr": np.zeros_like(x), "weight_ptr": weight, "bias_ptr": bias}
    told = {"mean_ptr": np.zeros(rows, np.float32), "rstd_ptr": np.zeros(rows, np.float32)}
    return Launch((rows, 1, 1), tensors | told | {"stride": columns, "columns": columns, "eps": 1e-5})


def _rms_norm(rng: Generator, rows: int, columns: int) -> Launch:
    x, weight = normal(rng, rows, columns, dtype=np.float16), normal(rng, columns, dtype=np.float16)
    return Launch(
        (rows, 1, 1), {"x_ptr": x, "weight_ptr": weight, "out_ptr": np.zeros_like(x), "columns": columns, "eps": 1e-6}
    )


def _unary(rng: Generator, n: int) -> Launch:
    x = 3 * normal(rng, n)
    return Launch((cdiv(n, 1024), 1, 1), {"x_ptr": x, "out_ptr": np.zeros_like(x), "n": n})


def _unary_half(rng: Generator, n: int) -> Launch:
    x = 3 * normal(rng, n, dtype=np.float16)
    return Launch((cdiv(n, 1024), 1, 1), {"x_ptr": x, "out_ptr": np.zeros_like(x), "n": n})


def _swiglu(rng: Generator, n: int) -> Launch:
    gate, up = (bf16(v) for v in normal(rng, 2, n))
    return Launch((cdiv(n, 1024), 1, 1), {"gate_ptr": gate, "up_ptr": up, "out_ptr": np.zeros_like(gate), "n": n})


def _matmul(rng: Generator, m: int, n: int, k: int) -> Launch:
    a, b = normal(rng, m, k, dtype=np.float16), normal(rng, k, n, dtype=np.float16)
    tensors = {"a_ptr": a, "b_ptr": b, "c_ptr": np.zeros((m, n), np.float16)}
    return Launch(
        (cdiv(m, 64), cdiv(n, 128), 1), tensors | {"M": m, "N": n, "K": k, "stride_am": k, "stride_bk": n, "stride_cm": n}
    )


def _matmul_large(rng: Generator, m: int, n: int, k: int) -> Launch:
    """Tiles of 128 × 256."""
    small = _matmul(rng, m, n, k)
    return Launch((cdiv(m, 128), cdiv(n, 256), 1), small.arguments)


def _matmul_bf16(rng: Generator, m: int, n: int, k: int) -> Launch:
    a, b = bf16(normal(rng, m, k)), bf16(normal(rng, k, n))
    tensors = {"a_ptr": a, "b_ptr": b, "c_ptr": np.zeros((m, n), np.float32)}
    return Launch(
        (cdiv(m, 64), cdiv(n, 64), 1), tensors | {"M": m, "N": n, "K": k, "stride_am": k, "stride_bk": n, "stride_cm": n}
    )


def _matmul_fp32(rng: Generator, m: int, n: int, k: int) -> Launch:
    a, b = normal(rng, m, k), normal(rng, k, n)
    tensors = {"a_ptr": a, "b_ptr": b, "c_ptr": np.zeros((m, n), np.float32)}
    return Launch(
        (cdiv(m, 64), cdiv(n, 64), 1), tensors | {"M": m, "N": n, "K": k, "stride_am": k, "stride_bk": n, "stride_cm": n}
    )


def _matmul_epilogue(rng: Generator, m: int, n: int, k: int) -> Launch:
    a, b = normal(rng, m, k, dtype=np.float16), normal(rng, k, n, dtype=np.float16)
    tensors = {"a_ptr": a, "b_ptr": b, "bias_ptr": normal(rng, n), "c_ptr": np.zeros((m, n), np.float16)}
    return Launch((cdiv(m, 64), cdiv(n, 128), 1), tensors | {"M": m, "N": n, "K": k})


def _linear(rng: Generator, m: int, n: int, k: int) -> Launch:
    a, b = normal(rng, m, k), normal(rng, k, n)
    tensors = {"a_ptr": a, "b_ptr": b, "bias_ptr": normal(rng, n), "c_ptr": np.zeros((m, n), np.float32)}
    return Launch((cdiv(m, 32), cdiv(n, 32), 1), tensors | {"M": m, "N": n, "K": k})


def _matmul_int8(rng: Generator, m: int, n: int, k: int) -> Launch:
    a, b = (rng.integers(-128, 128, shape, np.int8) for shape in ((m, k), (k, n)))
    return Launch(
        (cdiv(m, 64), cdiv(n, 64), 1), {"a_ptr": a, "b_ptr": b, "c_ptr": np.zeros((m, n), np.int32), "M": m, "N": n, "K": k}
    )


def _matmul_batched(rng: Generator, batch: int, m: int, n: int, k: int) -> Launch:
    a, b = normal(rng, batch, m, k, dtype=np.float16), normal(rng, batch, n, k, dtype=np.float16)
    tensors = {"a_ptr": a, "b_ptr": b, "c_ptr": np.zeros((batch, m, n), np.float32)}
    return Launch((cdiv(m, 32), cdiv(n, 64), batch), tensors | {"M": m, "N": n, "K": k})


def _attention(rng: Generator, batch: int, heads: int, length: int) -> Launch:
    q, k, v = normal(rng, 3, batch * heads, length, 64, dtype=np.float16)
    tensors = {"q_ptr": q, "k_ptr": k, "v_ptr": v, "out_ptr": np.zeros_like(q)}
    return Launch((length // 64, batch * heads, 1), tensors | {"scale": 0.125, "length": length})


def _sum_atomic(rng: Generator, n: int) -> Launch:
    return Launch((cdiv(n, 1024), 1, 1), {"x_ptr": normal(rng, n), "out_ptr": np.zeros(1, np.float32), "n": n})


def _columns_atomic(rng: Generator, rows: int, columns: int) -> Launch:
    x = rng.integers(-1000, 1000, (rows, columns), np.int32)
    told = {name: np.zeros(columns, np.int32) for name in ("total_ptr", "highest_ptr", "lowest_ptr")}
    return Launch((rows, 1, 1), dict(x_ptr=x, **told, columns=columns))


def _sort_rows(rng: Generator, rows: int) -> Launch:
    x = normal(rng, rows, 64)
    return Launch((rows, 1, 1), {"x_ptr": x, "out_ptr": np.zeros_like(x)})


def _sort_network(rng: Generator, rows: int) -> Launch:
    x = normal(rng, rows, 16)
    return Launch((rows, 1, 1), {"x_ptr": x, "out_ptr": np.zeros_like(x)})


def _cumsum(rng: Generator, rows: int, columns: int) -> Launch:
    x = normal(rng, rows, columns)
    return Launch((cdiv(rows, 4), 1, 1), {"x_ptr": x, "out_ptr": np.zeros_like(x), "rows": rows, "columns": columns})


def _cumprod(rng: Generator, rows: int, columns: int) -> Launch:
    x = rng.uniform(0.9, 1.1, (rows, columns)).astype(np.float32)
    return Launch((rows, 1, 1), {"x_ptr": x, "out_ptr": np.zeros_like(x), "columns": columns})


def _ragged_sum(rng: Generator, rows: int) -> Launch:
    starts = np.concatenate([[0], np.cumsum(rng.integers(0, 700, rows))]).astype(np.int32)
    return Launch(
        (rows, 1, 1), {"x_ptr": normal(rng, int(starts[-1]) + 1), "starts_ptr": starts, "out_ptr": np.zeros(rows, np.float32)}
    )


def _embedding(rng: Generator, tokens: int, columns: int) -> Launch:
    table = normal(rng, 50, columns, dtype=np.float16)
    ids = rng.integers(0, 50, tokens, np.int64)
    out = np.zeros((tokens, columns), np.float16)
    return Launch((tokens, 1, 1), {"ids_ptr": ids, "table_ptr": table, "out_ptr": out, "columns": columns})


def _gather(rng: Generator, n: int) -> Launch:
    ids = rng.integers(0, 300, n, np.int32)
    tensors = {"ids_ptr": ids, "table_ptr": normal(rng, 300), "out_ptr": np.zeros(n, np.float32)}
    return Launch((cdiv(n, 128), 1, 1), tensors | {"n": n})


def _rope(rng: Generator, tokens: int, heads: int) -> Launch:
    angles = np.outer(np.arange(tokens), 10_000.0 ** (-np.arange(32) / 32))
    x = normal(rng, tokens, heads, 64, dtype=np.float16)
    tables = {"cos_ptr": np.cos(angles).astype(np.float32), "sin_ptr": np.sin(angles).astype(np.float32)}
    return Launch((tokens, 1, 1), dict(x_ptr=x, **tables, out_ptr=np.zeros_like(x), heads=heads))


def _cross_entropy(rng: Generator, rows: int, columns: int) -> Launch:
    labels = rng.integers(0, columns, rows, np.int32)
    tensors = {"logits_ptr": normal(rng, rows, columns), "labels_ptr": labels, "loss_ptr": np.zeros(rows, np.float32)}
    return Launch((rows, 1, 1), tensors | {"columns": columns})


def _transpose(rng: Generator, m: int, n: int) -> Launch:
    x = normal(rng, m, n, dtype=np.float16)
    return Launch((cdiv(m, 64), cdiv(n, 32), 1), {"x_ptr": x, "out_ptr": np.zeros((n, m), np.float16), "M": m, "N": n})


def _argmax(rng: Generator, rows: int, columns: int) -> Launch:
    told = {"at_ptr": np.zeros(rows, np.int32), "best_ptr": np.zeros(rows, np.float32)}
    return Launch((rows, 1, 1), dict(x_ptr=normal(rng, rows, columns), **told, columns=columns))


def _reductions(rng: Generator, rows: int) -> Launch:
    x = rng.integers(-(2**20), 2**20, (rows, 256), np.int32)
    return Launch((rows, 1, 1), {"x_ptr": x, "out_ptr": np.zeros((rows, 4), np.int32)})


def _integers(rng: Generator, n: int) -> Launch:
    x, y = rng.integers(-5000, 5000, (2, n), np.int32)
    return Launch((cdiv(n, 512), 1, 1), {"x_ptr": x, "y_ptr": y, "out_ptr": np.zeros_like(x), "n": n})


def _casts(rng: Generator, n: int) -> Launch:
    x = rng.uniform(-120, 120, n).astype(np.float32)
    told = {"half_ptr": np.zeros(n, np.float16), "whole_ptr": np.zeros(n, np.int32), "byte_ptr": np.zeros(n, np.int8)}
    return Launch((cdiv(n, 512), 1, 1), dict(x_ptr=x, **told, n=n))


def _strided_copy(rng: Generator, n: int, step: int) -> Launch:
    x = normal(rng, n * step)
    return Launch((cdiv(n, 256), 1, 1), {"x_ptr": x, "out_ptr": np.zeros(n, np.float32), "n": n, "step": step})


def _interleave(rng: Generator, blocks: int) -> Launch:
    x, y = normal(rng, 2, blocks * 256)
    return Launch((blocks, 1, 1), {"x_ptr": x, "y_ptr": y, "out_ptr": np.zeros(blocks * 512, np.float32)})


def _reverse(rng: Generator, blocks: int) -> Launch:
    x = normal(rng, blocks * 128)
    return Launch((blocks, 1, 1), {"x_ptr": x, "out_ptr": np.zeros_like(x)})


def _histogram(rng: Generator, blocks: int) -> Launch:
    x = rng.integers(0, 16, blocks * 256, np.int32)
    return Launch((blocks, 1, 1), {"x_ptr": x, "out_ptr": np.zeros((blocks, 16), np.int32), "n": blocks * 256})


PRODUCT = ((1, 1, 1), (65, 130, 67))
TILE = {"BM": 64, "BN": 128, "BK": 64}

_KERNELS: Sequence[Kernel] = (
    Kernel("add", (F32, F32, F32, "i32"), {"BLOCK": 1024}, _add, [(1,), (31,), (1023,), (1025,)], [(98_432,)]),
    Kernel("add_bf16", (BF16, BF16, BF16, "i32"), {"BLOCK": 1024}, _add_bf16, [(1,), (1025,)]),
    Kernel("softmax", (F32, F32, "i32", "i32", "i32"), {"BLOCK": 1024}, _softmax, [(1, 1), (2, 1024), (5, 33)], [(1823, 781)]),
    Kernel("softmax_rows", (BF16, BF16, "i32", "i32"), {"ROWS": 8, "BLOCK": 64}, _softmax_rows, [(8, 64), (13, 37)]),
    Kernel(
        "layer_norm",
        (F16, F16, F16, F16, F32, F32, "i32", "i32", "fp32"),
        {"BLOCK": 8192},
        _layer_norm,
        [(1, 1000)],
        [(1151, 8192)],
    ),
    Kernel(
        "layer_norm_blocks",
        (F16, F16, F16, F16, F32, F32, "i32", "i32", "fp32"),
        {"BLOCK": 1024},
        _layer_norm,
        [(2, 2500)],
        [(60, 8192)],
        "layer_norm",
    ),
    Kernel(
        "layer_norm_small",
        (F16, F16, F16, F16, F32, F32, "i32", "i32", "fp32"),
        {"BLOCK": 128},
        _layer_norm,
        [(3, 128), (5, 301), (2, 1)],
        function="layer_norm",
    ),
    Kernel("rms_norm", (F16, F16, F16, "i32", "fp32"), {"BLOCK": 512}, _rms_norm, [(3, 512), (4, 77)]),
    Kernel("gelu", (F32, F32, "i32"), {"BLOCK": 1024}, _unary, [(1,), (1500,)]),
    Kernel("gelu_tanh", (F16, F16, "i32"), {"BLOCK": 1024}, _unary_half, [(1,), (1500,)]),
    Kernel("swiglu", (BF16, BF16, BF16, "i32"), {"BLOCK": 1024}, _swiglu, [(33,), (1500,)]),
    Kernel("matmul", (F16, F16, F16, *["i32"] * 6), TILE, _matmul, PRODUCT, [(512, 512, 512)]),
    Kernel(
        "matmul_large",
        (F16, F16, F16, *["i32"] * 6),
        {"BM": 128, "BN": 256, "BK": 64},
        _matmul_large,
        [(33, 260, 65)],
        [(512, 512, 512)],
        "matmul",
    ),
    Kernel(
        "matmul_bf16",
        (BF16, BF16, F32, *["i32"] * 6),
        {"BM": 64, "BN": 64, "BK": 64},
        _matmul_bf16,
        [],
        function="matmul",
    ),
    Kernel(
        "matmul_fp32", (F32, F32, F32, *["i32"] * 6), {"BM": 64, "BN": 64, "BK": 32}, _matmul_fp32, [(65, 70, 45)], [], "matmul"
    ),
    Kernel("matmul_epilogue", (F16, F16, F32, F16, "i32", "i32", "i32"), TILE, _matmul_epilogue, PRODUCT, [(512, 512, 512)]),
    Kernel("linear", (F32, F32, F32, F32, "i32", "i32", "i32"), {"BM": 32, "BN": 32, "BK": 64}, _linear, [(48, 33, 50)]),
    Kernel("matmul_int8", (I8, I8, I32, "i32", "i32", "i32"), {"BM": 64, "BN": 64, "BK": 64}, _matmul_int8, [(65, 70, 90)]),
    Kernel(
        "matmul_batched",
        (F16, F16, F32, "i32", "i32", "i32"),
        {"BM": 32, "BN": 64, "BK": 32},
        _matmul_batched,
        [(2, 33, 65, 24)],
    ),
    Kernel(
        "attention",
        (F16, F16, F16, F16, "fp32", "i32"),
        {"BM": 64, "BN": 64, "D": 64, "CAUSAL": False},
        _attention,
        [(1, 1, 128)],
        [(1, 2, 1024)],
    ),
    Kernel(
        "attention_causal",
        (F16, F16, F16, F16, "fp32", "i32"),
        {"BM": 64, "BN": 64, "D": 64, "CAUSAL": True},
        _attention,
        [(1, 1, 128)],
        [(1, 2, 1024)],
        "attention",
    ),
    Kernel("sum_atomic", (F32, F32, "i32"), {"BLOCK": 1024}, _sum_atomic, [(1,), (5000,)]),
    Kernel("columns_atomic", (I32, I32, I32, I32, "i32"), {"BLOCK": 128}, _columns_atomic, [(9, 128), (5, 77)]),
    Kernel("sort_rows", (F32, F32), {"BLOCK": 64}, _sort_rows, [(3,)]),
    Kernel("sort_network", (F32, F32), {"BLOCK": 16}, _sort_network, [(3,)], function="sort_rows"),
    Kernel("cumsum", (F32, F32, "i32", "i32"), {"ROWS": 4, "BLOCK": 64}, _cumsum, [(4, 64), (5, 33)]),
    Kernel("cumprod", (F32, F32, "i32"), {"BLOCK": 64}, _cumprod, [(3, 50)]),
    Kernel("ragged_sum", (F32, I32, F32), {"BLOCK": 256}, _ragged_sum, [(1,), (23,)]),
    Kernel("embedding", (I64, F16, F16, "i32"), {"BLOCK": 256}, _embedding, [(7, 256), (9, 75)]),
    Kernel("gather", (I32, F32, F32, "i32"), {"BLOCK": 128}, _gather, [(300,)]),
    Kernel("rope", (F16, F32, F32, F16, "i32"), {"HALF": 32}, _rope, [(5, 3)]),
    Kernel("cross_entropy", (F32, I32, F32, "i32"), {"BLOCK": 256}, _cross_entropy, [(3, 256), (4, 777)]),
    Kernel("transpose", (F16, F16, "i32", "i32"), {"BM": 64, "BN": 32}, _transpose, [(64, 32), (77, 45)]),
    Kernel("argmax", (F32, I32, F32, "i32"), {"BLOCK": 256}, _argmax, [(3, 256), (2, 100)]),
    Kernel("reductions", (I32, I32), {"BLOCK": 256}, _reductions, [(3,)]),
    Kernel("integers", (I32, I32, I32, "i32"), {"BLOCK": 512}, _integers, [(700,)]),
    Kernel("mathematics", (F32, F32, "i32"), {"BLOCK": 1024}, _unary, [(1100,)]),
    Kernel("casts", (F32, F16, I32, I8, "i32"), {"BLOCK": 512}, _casts, [(700,)]),
    Kernel("strided_copy", (F32, F32, "i32", "i32"), {"BLOCK": 256}, _strided_copy, [(300, 3)]),
    Kernel("interleave", (F32, F32, F32), {"BLOCK": 256}, _interleave, [(3,)]),
    Kernel("reverse", (F32, F32), {"BLOCK": 128}, _reverse, [(3,)]),
    Kernel("histogram", (I32, I32, "i32"), {"BLOCK": 256, "BINS": 16}, _histogram, [(2,)]),
)


@cache
def kernels() -> dict[str, Kernel]:
    return {kernel.name: kernel for kernel in _KERNELS}
