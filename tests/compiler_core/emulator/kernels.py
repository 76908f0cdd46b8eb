"""Machine code for the tests: three kernels the vendor's compiler made, and a builder of small ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.chips import Chip, chips
from compiler_core.dialects import arith, hivm
from compiler_core.dialects import memref as mem
from compiler_core.dialects.builtin import function
from compiler_core.emulator import Result, run
from compiler_core.ir import Builder, Location, Op, RawAttr, Value, module
from compiler_core.ir.parser import parse_module
from compiler_core.ir.types import DYNAMIC, MemRefType, Type, i32, i64, index
from tests.compiler_core.emulator.vendor import kernels

B3 = chips()["Ascend910B3"]
P3 = chips()["Ascend310P3"]


def vendor(name: str) -> Op:
    """A kernel of `vendor.kernels()` as the vendor compiled it."""
    return parse_module(kernels()[name].text)


def run_add(n: int, module: Op | None = None, **switches: Any) -> tuple[Result, np.ndarray, np.ndarray]:
    """The result, what the kernel computed and what numpy does. A block takes 1024 elements."""
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((2, n)).astype(np.float32)
    out = np.zeros(n, np.float32)
    result = run(module or vendor("add"), None, [x, y, out, n], (-(-n // 1024), 1, 1), B3, **switches)
    return result, out, x + y


def run_softmax(rows: int, columns: int, module: Op | None = None, **switches: Any) -> tuple[Result, np.ndarray, np.ndarray]:
    """As run_add, of a row-wise softmax; a block takes a row of at most 1024 columns."""
    x = np.random.default_rng(rows).standard_normal((rows, columns)).astype(np.float32)
    out = np.zeros_like(x)
    result = run(module or vendor("softmax"), None, [out, x, columns, columns, columns], (rows, 1, 1), B3, **switches)
    powers = np.exp(x - x.max(1, keepdims=True))
    return result, out, powers / powers.sum(1, keepdims=True)


def run_matmul(m: int, n: int, k: int, module: Op | None = None, **switches: Any) -> tuple[Result, np.ndarray, np.ndarray]:
    """As run_add, of an fp16 matrix product; a block makes 64 × 128 of it."""
    rng = np.random.default_rng(m * n + k)
    a, b = rng.standard_normal((m, k)).astype(np.float16), rng.standard_normal((k, n)).astype(np.float16)
    out = np.zeros((m, n), np.float16)
    grid = (-(-m // 64), -(-n // 128), 1)
    result = run(module or vendor("matmul"), None, [a, b, out, m, n, k, k, n, n], grid, B3, **switches)
    return result, out, a.astype(np.float32) @ b.astype(np.float32)


class Kernel:
    """A kernel under construction: `builder` appends to its body; `block` is the block number as an index.

    Each call of `at` moves the source location on, so that findings can be told apart by line.
    """

    def __init__(self, inputs: Sequence[Type], names: Sequence[str], core: str = "AIV") -> None:
        self.function = function("kernel", [*inputs, i32, i32, i32], names=[*names, "grid_x", "grid_y", "grid_z"])
        self.function.attributes["hivm.func_core_type"] = RawAttr(f"#hivm.func_core_type<{core}>")
        self.arguments = dict(zip(names, self.function.body.arguments, strict=False))
        self.builder = Builder.at_end(self.function.body)
        self.at(1)
        self.block = self.builder.value("arith.index_cast", [hivm.get_block_index(self.builder)], index, hint="block")

    def at(self, line: int) -> None:
        self.builder.location = (Location("kernel.py", line),)

    def buffer(self, address: int, shape: Sequence[int], element: Type, space: str = "ub") -> Value:
        return hivm.pointer_cast(
            self.builder, arith.constant(self.builder, address, i64), MemRefType(tuple(shape), element, None, space)
        )

    def part(self, name: str, offset: Value | int, sizes: Sequence[int], strides: Sequence[int]) -> Value:
        """A tile of an argument."""
        return mem.reinterpret_cast(self.builder, self.arguments[name], offset, sizes, strides)

    def load(self, source: Value, target: Value) -> None:
        hivm.instruction(self.builder, "load", [[source], [target]])

    def store(self, source: Value, target: Value, **attributes: Any) -> None:
        hivm.instruction(self.builder, "store", [[source], [target]], attributes)

    def vector(self, name: str, sources: Sequence[Value], target: Value, **attributes: Any) -> None:
        hivm.vector(self.builder, name, sources, target, **attributes)

    def flag(self, first: str, second: str, event: int = 0) -> None:
        """Set and wait at once."""
        hivm.set_flag(self.builder, f"PIPE_{first}", f"PIPE_{second}", event)
        hivm.wait_flag(self.builder, f"PIPE_{first}", f"PIPE_{second}", event)

    def barrier(self, pipe: str = "ALL") -> None:
        hivm.pipe_barrier(self.builder, f"PIPE_{pipe}")

    def finish(self) -> Op:
        self.builder.op("func.return")
        return module([self.function])

    def run(self, *arguments: Any, grid: tuple[int, int, int] = (1, 1, 1), chip: Chip = B3, **switches: Any) -> Result:
        return run(self.finish(), None, arguments, grid, chip, **switches)


def gm(element: Type) -> MemRefType:
    """A pointer argument's type."""
    return MemRefType((DYNAMIC,), element, None, "gm")
