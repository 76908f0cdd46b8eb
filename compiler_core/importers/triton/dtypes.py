"""Triton's scalar types, with the signedness that MLIR's types do not carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from compiler_core.ir.types import FloatType, IntegerType, PointerType, Type

Kind = Literal["bool", "uint", "int", "float"]


@dataclass(frozen=True)
class DType:
    """A scalar type by its name in triton.language; `short` is what Triton's messages call it."""

    name: str
    short: str
    kind: Kind
    bits: int

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_int(self) -> bool:
        """Integers of any signedness, and booleans."""
        return self.kind != "float"

    @property
    def is_signed(self) -> bool:
        return self.kind == "int"

    @property
    def ir(self) -> Type:
        return FloatType(_FLOATS[self.name]) if self.is_float else IntegerType(self.bits)

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        if self.is_signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1

    def __str__(self) -> str:
        return self.short


@dataclass(frozen=True)
class Pointer:
    """A pointer type. A pointer to booleans points at bytes in the IR, as Triton's loads see them."""

    element: DType

    @property
    def ir(self) -> Type:
        return PointerType(IntegerType(8) if self.element == int1 else self.element.ir)

    def __str__(self) -> str:
        return f"pointer<{self.element}>"


Scalar = DType | Pointer

_FLOATS = {
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float64": "f64",
    "float8e5": "f8E5M2",
    "float8e4nv": "f8E4M3FN",
}

int1 = DType("int1", "int1", "bool", 1)
int8, int16, int32, int64 = (DType(f"int{w}", f"int{w}", "int", w) for w in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (DType(f"uint{w}", f"uint{w}", "uint", w) for w in (8, 16, 32, 64))
float16 = DType("float16", "fp16", "float", 16)
bfloat16 = DType("bfloat16", "bf16", "float", 16)
float32 = DType("float32", "fp32", "float", 32)
float64 = DType("float64", "fp64", "float", 64)
float8e5 = DType("float8e5", "fp8e5", "float", 8)
float8e4nv = DType("float8e4nv", "fp8e4nv", "float", 8)

DTYPES: dict[str, DType] = {
    d.name: d
    for d in (
        int1,
        int8,
        int16,
        int32,
        int64,
        uint8,
        uint16,
        uint32,
        uint64,
        float16,
        bfloat16,
        float32,
        float64,
        float8e5,
        float8e4nv,
    )
}
"""Every scalar type by its name in triton.language."""

FROM_NUMPY = {**{k: v for k, v in DTYPES.items() if k not in ("int1", "float8e5", "float8e4nv")}, "bool": int1}
"""Every dtype a launch's tensor may have: numpy's names, and bfloat16."""


def representable_in_float32(value: float) -> bool:
    """Whether a Python float is an fp32 to Triton: finite ones that are neither subnormal nor too large, 0, inf and nan."""
    magnitude = abs(value)
    limits = np.finfo(np.float32)
    return not np.isfinite(value) or magnitude == 0.0 or float(limits.tiny) <= magnitude <= float(limits.max)
