"""The arguments of a launch as arrays: deterministic fills, strides honoured."""

from math import prod

import ml_dtypes
import numpy as np

from compiler_core.diagnostics import Refused, error
from compiler_core.request import Launch, TensorArgument


def make_inputs(launch: Launch) -> dict[str, np.ndarray | int | float]:
    """Every runtime argument by name, in the launch's order: tensors as arrays of their shape and strides, scalars as they are.

    Random fills come from numpy's PCG64 seeded with the argument's seed. Raises Refused for a dtype or fill there is none of.
    """
    return {
        name: _tensor(name, argument) if isinstance(argument, TensorArgument) else argument
        for name, argument in launch.arguments.items()
    }


def numpy_dtype(name: str) -> np.dtype:
    """The dtype of a launch's name for it; bfloat16 is ml_dtypes'. Raises TypeError where there is none."""
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def flat(array: np.ndarray) -> np.ndarray:
    """The buffer behind an argument as one dimension: from its first element to its last, gaps between strides included."""
    if array.flags.c_contiguous:
        return array.reshape(-1)
    if array.size == 0:
        return np.empty(0, array.dtype)
    extent = 1 + sum((size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True)) // array.itemsize
    return np.lib.stride_tricks.as_strided(array, (extent,), (array.itemsize,))


def _tensor(name: str, argument: TensorArgument) -> np.ndarray:
    try:
        dtype = numpy_dtype(argument.dtype)
    except TypeError:
        known = "float16, bfloat16, float32, float64, int8 … int64, uint8 … uint64, bool"
        raise Refused(error("launch-dtype", name=name, dtype=argument.dtype, known=known)) from None
    values = _filled(name, argument, prod(argument.shape)).astype(dtype).reshape(argument.shape)
    if argument.strides is None:
        return values
    extent = 1 + sum((size - 1) * stride for size, stride in zip(argument.shape, argument.strides, strict=True))
    buffer = np.zeros(max(extent, 1), dtype)
    strides = [stride * dtype.itemsize for stride in argument.strides]
    view = np.lib.stride_tricks.as_strided(buffer, argument.shape, strides)
    view[...] = values
    return view


def _filled(name: str, argument: TensorArgument, size: int) -> np.ndarray:
    """`size` values of a fill, in a wide type."""
    fill, _, rest = argument.fill.partition(":")
    generator = np.random.Generator(np.random.PCG64(argument.seed))
    integers = argument.dtype.startswith(("int", "uint"))
    try:
        if fill == "zeros":
            return np.zeros(size)
        if fill == "ones":
            return np.ones(size)
        if fill == "arange":
            return np.arange(size)
        if fill == "full":
            return np.full(size, int(rest) if integers else float(rest))
        if fill == "randint":
            low, high = (int(part) for part in rest.split(":"))
            return generator.integers(low, high, size)
        if fill == "uniform":
            return generator.integers(0, 100, size) if integers else generator.random(size, np.float32)
        if fill == "normal":
            normal = generator.standard_normal(size, np.float32)
            return (np.abs(normal) if argument.dtype.startswith("u") else normal) * (10 if integers else 1)
    except ValueError:
        pass
    raise Refused(error("launch-fill", name=name, fill=argument.fill))
