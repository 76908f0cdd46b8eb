"""MLIR attributes as frozen values; `str(attribute)` is MLIR's text."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import FloatType, IndexType, IntegerType, TensorType, Type, VectorType, i64


@dataclass(frozen=True)
class Attribute:
    """Any attribute."""


@dataclass(frozen=True)
class UnitAttr(Attribute):
    def __str__(self) -> str:
        return "unit"


@dataclass(frozen=True)
class BoolAttr(Attribute):
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True)
class IntegerAttr(Attribute):
    value: int
    type: Type = i64

    def __str__(self) -> str:
        if self.type == IntegerType(1):
            return "true" if self.value else "false"
        return f"{self.value} : {self.type}"


@dataclass(frozen=True)
class FloatAttr(Attribute):
    """A float of its type. Equality and hash go by bits, so that -0.0, inf and nan are safe to compare."""

    value: float
    type: Type

    def __str__(self) -> str:
        return f"{float_text(self.value, self.type)} : {self.type}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FloatAttr) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


@dataclass(frozen=True)
class StringAttr(Attribute):
    value: str

    def __str__(self) -> str:
        return json.dumps(self.value, ensure_ascii=False)


@dataclass(frozen=True)
class SymbolRefAttr(Attribute):
    value: str

    def __str__(self) -> str:
        return f"@{self.value}"


@dataclass(frozen=True)
class TypeAttr(Attribute):
    type: Type

    def __str__(self) -> str:
        return str(self.type)


@dataclass(frozen=True)
class ArrayAttr(Attribute):
    values: tuple[Attribute, ...]

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.values))}]"


@dataclass(frozen=True)
class DenseArrayAttr(Attribute):
    """array<i64: 1, 2>."""

    values: tuple[int, ...]
    type: Type = i64

    def __str__(self) -> str:
        return f"array<{self.type}{': ' + ', '.join(map(str, self.values)) if self.values else ''}>"


@dataclass(frozen=True)
class DictAttr(Attribute):
    entries: tuple[tuple[str, Attribute], ...]

    def __str__(self) -> str:
        return dictionary_text(dict(self.entries))


@dataclass(frozen=True)
class DenseAttr(Attribute):
    """dense<…> : type, for small constants. `values` is flat and row-major; one value stands for a splat."""

    values: tuple[int | float | bool, ...]
    type: TensorType | VectorType

    @property
    def is_splat(self) -> bool:
        return len(self.values) == 1

    def __str__(self) -> str:
        element = self.type.element

        def one(value: int | float | bool) -> str:
            if isinstance(element, FloatType):
                return float_text(float(value), element)
            if element == IntegerType(1):
                return "true" if value else "false"
            return str(int(value))

        if self.is_splat:
            return f"dense<{one(self.values[0])}> : {self.type}"
        texts = [one(v) for v in self.values]
        for size in reversed(self.type.shape):
            texts = [f"[{', '.join(texts[i : i + size])}]" for i in range(0, len(texts), size)] if size else ["[]"]
        return f"dense<{texts[0]}> : {self.type}"


@dataclass(frozen=True, eq=False)
class ResourceAttr(Attribute):
    """dense_resource<name> : type — a large constant (weights), held beside the text. Compared by name."""

    name: str
    type: TensorType
    array: np.ndarray

    def __str__(self) -> str:
        return f"dense_resource<{self.name}> : {self.type}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceAttr) and (self.name, self.type) == (other.name, other.type)

    def __hash__(self) -> int:
        return hash((self.name, self.type))


@dataclass(frozen=True)
class RawAttr(Attribute):
    """Anything else as text: #hivm.pipe<PIPE_V>, affine_map<…>, loc(…)."""

    text: str

    def __str__(self) -> str:
        return self.text


AttributeValue: TypeAlias = "Attribute | bool | int | str | Type | Sequence[AttributeValue]"


def attribute(value: AttributeValue) -> Attribute:
    """The attribute of a plain value: bool, int (i64), str, type, or a sequence of these."""
    if isinstance(value, Attribute):
        return value
    if isinstance(value, bool):
        return BoolAttr(value)
    if isinstance(value, int):
        return IntegerAttr(value)
    if isinstance(value, str):
        return StringAttr(value)
    if isinstance(value, Type):
        return TypeAttr(value)
    return ArrayAttr(tuple(attribute(v) for v in value))


def is_identifier(text: str) -> bool:
    return (
        bool(text) and (text[0].isalpha() or text[0] == "_") and all(c.isalnum() or c in "_$." for c in text) and text.isascii()
    )


def dictionary_text(entries: Mapping[str, Attribute]) -> str:
    parts: list[str] = []
    for key, value in entries.items():
        name = key if is_identifier(key) else json.dumps(key)
        parts.append(name if isinstance(value, UnitAttr) else f"{name} = {value}")
    return "{" + ", ".join(parts) + "}"


def float_text(value: float, type: Type) -> str:
    """MLIR's text of a float: shortest decimal that reads back, or the bits in hex for inf and nan."""
    if math.isinf(value) or math.isnan(value):
        return f"0x{float_bits(value, type):0{getattr(type, 'width', 32) // 4}X}"
    text = repr(float(value))
    mantissa, _, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{exponent}" if exponent else mantissa


_NON_FINITE = {
    # type: (sign bit, infinity, quiet nan); IEEE 754 and the OCP 8-bit formats (e4m3fn has no infinity)
    "f16": (0x8000, 0x7C00, 0x7E00),
    "bf16": (0x8000, 0x7F80, 0x7FC0),
    "f32": (0x80000000, 0x7F800000, 0x7FC00000),
    "f64": (1 << 63, 0x7FF << 52, 0xFFF << 51),
    "f8E5M2": (0x80, 0x7C, 0x7E),
    "f8E4M3FN": (0x80, 0x7F, 0x7F),
}


def float_bits(value: float, type: Type) -> int:
    """The bit pattern of an infinity or nan in `type`."""
    sign, infinity, nan = _NON_FINITE[str(type)]
    if math.isnan(value):
        return nan
    return infinity | (sign if value < 0 else 0)


def float_from_bits(bits: int, type: Type) -> float:
    """The value of a hexadecimal float literal of `type`."""
    dtype = dtype_of(type)
    return float(np.array(bits, np.dtype(f"uint{8 * dtype.itemsize}")).view(dtype))


def integer(value: int, type: Type = i64) -> IntegerAttr:
    return IntegerAttr(value, type)


def scalar_attribute(value: int | float | bool, type: Type) -> IntegerAttr | FloatAttr:
    """The attribute of a number of a scalar type."""
    if isinstance(type, FloatType):
        return FloatAttr(float(value), type)
    if isinstance(type, IntegerType | IndexType):
        return IntegerAttr(int(value), type)
    raise TypeError(f"no number has type {type}")
