"""Seeded inputs for a model, from the shapes it declares."""

import numpy as np
from numpy.typing import NDArray

from compiler_core.dialects.builtin import function_type, functions
from compiler_core.ir import ArrayAttr, Op, StringAttr
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import TensorType


def names_of(main: Op, which: str) -> list[str]:
    """The model's input or output names ("inputs", "outputs"), in order, of @main at any stage."""
    attribute = main.attributes[f"tilescope.{which}"]
    assert isinstance(attribute, ArrayAttr)
    return [name.value for name in attribute.values if isinstance(name, StringAttr)]


def model_inputs(module: Op, seed: int = 0) -> dict[str, NDArray[np.generic]]:
    """Standard normal numbers for each input of a graph-stage module, in its shape and type; the same for the same seed.

    Every input has a generator of its own, so that adding one leaves the others as they were.
    """
    (main,) = functions(module)
    inputs: dict[str, NDArray[np.generic]] = {}
    for i, (name, type) in enumerate(zip(names_of(main, "inputs"), function_type(main).inputs, strict=True)):
        assert isinstance(type, TensorType)
        numbers = np.random.default_rng([seed, i]).standard_normal(type.shape)
        inputs[name] = numbers.astype(dtype_of(type.element))
    return inputs
