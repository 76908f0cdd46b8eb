"""fold-constants: graph ops whose operands are all constants are computed now, in double precision, and rounded once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erf

import numpy as np
from numpy.typing import NDArray

from compiler_core.dialects.graph import constant, integers, number, shape_of, tensor_type
from compiler_core.ir import Builder, Op
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.rewriter import apply_patterns
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.graph_rewrites import float64

Array = NDArray[np.float64]
Compute = Callable[[Op, Sequence[Array]], Array]

MAX_ELEMENTS = 1 << 24
"""Larger results stay computations: a constant of 64 MiB costs more to keep than to make."""


def _same(op: Op, operands: Sequence[Array]) -> Array:
    return operands[0].reshape(shape_of(op.result))


def _unary(compute: Callable[[Array], Array]) -> Compute:
    return lambda op, operands: compute(operands[0])


def _binary(compute: Callable[[Array, Array], Array]) -> Compute:
    return lambda op, operands: compute(operands[0], operands[1])


COMPUTE: dict[str, Compute] = {
    **{f"graph.{name}": _same for name in ("identity", "reshape", "flatten", "cast")},
    "graph.transpose": lambda op, operands: operands[0].transpose(integers(op, "permutation")),
    "graph.clip": lambda op, operands: np.clip(operands[0], number(op, "min", -np.inf), number(op, "max", np.inf)),
    "graph.relu": _unary(lambda x: np.maximum(x, 0)),
    "graph.sigmoid": _unary(lambda x: 1 / (1 + np.exp(-x))),
    "graph.tanh": _unary(np.tanh),
    "graph.exp": _unary(np.exp),
    "graph.sqrt": _unary(np.sqrt),
    "graph.neg": _unary(np.negative),
    "graph.abs": _unary(np.abs),
    "graph.erf": _unary(np.vectorize(erf, otypes=[np.float64])),
    "graph.add": _binary(np.add),
    "graph.sub": _binary(np.subtract),
    "graph.mul": _binary(np.multiply),
    "graph.div": _binary(np.divide),
}


def fold(op: Op) -> bool:
    """The pattern: an op of constants becomes a constant. Ops that keep an activation are left alone."""
    arrays = [float64(v) for v in op.operands]
    known = [a for a in arrays if a is not None]
    if len(known) < len(arrays) or tensor_type(op.result).size > MAX_ELEMENTS or "activation" in op.attributes:
        return False
    with np.errstate(all="ignore"):
        result = np.asarray(COMPUTE[op.name](op, known), np.float64)
        rounded = result.astype(dtype_of(tensor_type(op.result).element), order="C")
    op.replace_with(constant(Builder.before(op), rounded, op.result.name))
    return True


@dataclass(frozen=True)
class FoldConstants(Pass):
    name = "fold-constants"
    summary = {"en": "Computes what depends on constants alone.", "zh": "预先算出只依赖常量的部分。"}
    stage_in = "graph"
    stage_out = "graph"
    mandatory = False

    def apply(self, module: Op, context: PassContext) -> None:
        apply_patterns(module, {name: [fold] for name in COMPUTE})
