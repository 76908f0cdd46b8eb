"""One instruction at a time: operands loaded to UB, the instruction, results stored; three blocks, each on its own part."""

from collections.abc import Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from compiler_core.dialects import arith, hivm
from compiler_core.emulator import Result
from compiler_core.ir import Value
from compiler_core.ir.attributes import AttributeValue
from compiler_core.ir.types import FloatType, IntegerType, Type, index
from tests.compiler_core.emulator.kernels import B3, Kernel, gm

BLOCKS = 3

_FLOATS = {
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float8_e4m3fn": "f8E4M3FN",
    "float8_e5m2": "f8E5M2",
}
F16, F32, BF16 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(ml_dtypes.bfloat16)


def element(dtype: Any) -> Type:
    name = str(np.dtype(dtype))
    if name in _FLOATS:
        return FloatType(_FLOATS[name])
    if name == "bool":
        return IntegerType(1)
    return IntegerType(8 * np.dtype(dtype).itemsize, "u" if name.startswith("u") else "")


class Bench:
    """A kernel with one instruction. Arrays have a leading axis of BLOCKS; each block works on its own part."""

    def __init__(self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], core: str = "AIV") -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        arrays = [*inputs, *outputs]
        self.names = [f"a{i}" for i in range(len(arrays))]
        self.kernel = Kernel([gm(element(a.dtype)) for a in arrays], self.names, core=core)
        self.top = {"ub": 0, "cbuf": 0, "cc": 0}
        self.sources = [self.load(i) for i in range(len(inputs))]
        self.targets = [self.buffer(a.shape[1:], a.dtype) for a in outputs]

    def buffer(self, shape: Sequence[int], dtype: Any, space: str = "ub") -> Value:
        at = self.top[space]
        self.top[space] = -(-(at + int(np.prod(shape)) * np.dtype(dtype).itemsize) // 32) * 32
        return self.kernel.buffer(at, shape, element(dtype), space)

    def part(self, number: int, start: int = 0, sizes: Sequence[int] | None = None) -> Value:
        """A block's part of an argument."""
        array = [*self.inputs, *self.outputs][number]
        shape = array.shape[1:]
        b = self.kernel.builder
        offset = b.value("arith.muli", [self.kernel.block, arith.constant(b, int(np.prod(shape)), index)], index)
        if start:
            offset = b.value("arith.addi", [offset, arith.constant(b, start, index)], index)
        strides = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
        return self.kernel.part(self.names[number], offset, list(sizes or shape), strides)

    def load(self, number: int) -> Value:
        array = self.inputs[number]
        tile = self.buffer(array.shape[1:], array.dtype)
        self.kernel.load(self.part(number), tile)
        return tile

    def bits(self, number: int) -> Value:
        """A loaded tile of 0 and 1 as bits."""
        source = self.sources[number]
        shape = self.inputs[number].shape[1:]
        target = self.kernel.buffer(self.top["ub"], shape, IntegerType(1))
        self.top["ub"] += -(-int(np.prod(shape)) // 256) * 32
        zero = arith.constant(self.kernel.builder, 0, element(self.inputs[number].dtype))
        self.op("vcmp", [[source, zero], [target]], {"compare_mode": hivm.enum_attribute("compare_mode", "ne")})
        return target

    def constant(self, value: Any, type: Type) -> Value:
        return arith.constant(self.kernel.builder, value, type)

    def op(self, name: str, groups: Sequence[Sequence[Value]], attributes: Mapping[str, AttributeValue] | None = None) -> None:
        self.kernel.barrier()
        hivm.instruction(self.kernel.builder, name, groups, attributes)
        self.kernel.barrier()

    def store(self) -> None:
        for i, target in enumerate(self.targets):
            self.kernel.store(target, self.part(len(self.inputs) + i))

    def run(self, **switches: Any) -> Result:
        result = self.kernel.run(*self.inputs, *self.outputs, grid=(BLOCKS, 1, 1), chip=B3, **switches)
        assert result.diagnostics == ()
        return result


def vector(
    name: str,
    inputs: Sequence[np.ndarray | tuple[Any, Type]],
    outputs: Sequence[np.ndarray],
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Result:
    """Runs one vector instruction; a pair of a number and its type is a scalar operand. Results are in `outputs`."""
    bench = Bench([x for x in inputs if isinstance(x, np.ndarray)], outputs)
    tiles = iter(bench.sources)
    operands = [next(tiles) if isinstance(x, np.ndarray) else bench.constant(*x) for x in inputs]
    bench.op(name, [operands, bench.targets], attributes)
    bench.store()
    return bench.run()
