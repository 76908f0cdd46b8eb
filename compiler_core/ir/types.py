"""MLIR types as frozen values; `str(type)` is MLIR's text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

DYNAMIC = -(2**63)
"""A dimension, offset or stride known only at run time; MLIR's ShapedType::kDynamic."""


@dataclass(frozen=True)
class Type:
    """Any type. Subclasses say what MLIR writes in `text`."""

    @cached_property
    def text(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class IntegerType(Type):
    """i1 … i64; `signedness` is "" (signless), "s" or "u"."""

    width: int
    signedness: str = ""

    @cached_property
    def text(self) -> str:
        return f"{self.signedness}i{self.width}"


@dataclass(frozen=True)
class FloatType(Type):
    """f16, bf16, f32, f64, f8E4M3FN, f8E5M2."""

    name: str

    @cached_property
    def text(self) -> str:
        return self.name

    @property
    def width(self) -> int:
        return FLOAT_WIDTHS[self.name]


FLOAT_WIDTHS = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64, "f8E4M3FN": 8, "f8E5M2": 8}


@dataclass(frozen=True)
class IndexType(Type):
    @cached_property
    def text(self) -> str:
        return "index"


@dataclass(frozen=True)
class NoneType(Type):
    @cached_property
    def text(self) -> str:
        return "none"


@dataclass(frozen=True)
class PointerType(Type):
    """!tt.ptr<pointee>, optionally in an address space (Triton's default is 1 and not written)."""

    pointee: Type
    address_space: int = 1

    @cached_property
    def text(self) -> str:
        space = "" if self.address_space == 1 else f", {self.address_space}"
        return f"!tt.ptr<{self.pointee}{space}>"


def dimension_text(size: int) -> str:
    return "?" if size == DYNAMIC else str(size)


@dataclass(frozen=True)
class ShapedType(Type):
    shape: tuple[int, ...]
    element: Type

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_static(self) -> bool:
        return DYNAMIC not in self.shape

    @property
    def size(self) -> int:
        """Number of elements. Raises ValueError where a dimension is dynamic."""
        if not self.is_static:
            raise ValueError(f"{self} has no static size")
        return prod(self.shape)

    @cached_property
    def shape_text(self) -> str:
        return "".join(f"{dimension_text(d)}x" for d in self.shape) + str(self.element)


@dataclass(frozen=True)
class TensorType(ShapedType):
    """A ranked tensor; `encoding` is raw attribute text, empty where there is none."""

    encoding: str = ""

    @cached_property
    def text(self) -> str:
        return f"tensor<{self.shape_text}{', ' + self.encoding if self.encoding else ''}>"


@dataclass(frozen=True)
class VectorType(ShapedType):
    @cached_property
    def text(self) -> str:
        return f"vector<{self.shape_text}>"


@dataclass(frozen=True)
class Strided:
    """strided<[strides], offset: …> in elements."""

    strides: tuple[int, ...]
    offset: int = 0

    def __str__(self) -> str:
        offset = f", offset: {dimension_text(self.offset)}" if self.offset else ""
        return f"strided<[{', '.join(map(dimension_text, self.strides))}]{offset}>"


@dataclass(frozen=True)
class MemRefType(ShapedType):
    """A buffer view. `layout` is None for the identity; `space` is one of gm ub cbuf ca cb cc, or None before placement."""

    layout: Strided | None = None
    space: str | None = None

    @cached_property
    def text(self) -> str:
        layout = f", {self.layout}" if self.layout else ""
        space = f", #hivm.address_space<{self.space}>" if self.space else ""
        return f"memref<{self.shape_text}{layout}{space}>"

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides in elements, DYNAMIC where unknown."""
        if self.layout is not None:
            return self.layout.strides
        return contiguous_strides(self.shape)

    @property
    def offset(self) -> int:
        return self.layout.offset if self.layout else 0


@dataclass(frozen=True)
class FunctionType(Type):
    inputs: tuple[Type, ...]
    results: tuple[Type, ...]

    @cached_property
    def text(self) -> str:
        inputs = ", ".join(map(str, self.inputs))
        if len(self.results) == 1 and not isinstance(self.results[0], FunctionType):
            return f"({inputs}) -> {self.results[0]}"
        return f"({inputs}) -> ({', '.join(map(str, self.results))})"


@dataclass(frozen=True)
class OpaqueType(Type):
    """A dialect type we carry but do not look into, as raw text: `!tt.tensordesc<…>`."""

    raw: str

    @cached_property
    def text(self) -> str:
        return self.raw


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides in elements; DYNAMIC outside a dynamic dimension."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step = DYNAMIC if DYNAMIC in (step, size) else step * size
    return tuple(reversed(strides))


i1, i8, i16, i32, i64 = (IntegerType(w) for w in (1, 8, 16, 32, 64))
f16, bf16, f32, f64 = (FloatType(n) for n in ("f16", "bf16", "f32", "f64"))
index = IndexType()


def element_of(type: Type) -> Type:
    """The element type of a shaped type; the type itself otherwise."""
    return type.element if isinstance(type, ShapedType) else type


def with_element(type: Type, element: Type) -> Type:
    """The same shape (or scalar) with another element type. Layout and space of a memref are kept."""
    if isinstance(type, TensorType):
        return TensorType(type.shape, element, type.encoding)
    if isinstance(type, MemRefType):
        return MemRefType(type.shape, element, type.layout, type.space)
    if isinstance(type, VectorType):
        return VectorType(type.shape, element)
    return element


def bit_width(type: Type) -> int:
    """Bits of one element; index and pointers count as 64."""
    element = element_of(type)
    if isinstance(element, IntegerType | FloatType):
        return element.width
    if isinstance(element, IndexType | PointerType):
        return 64
    raise TypeError(f"{element} has no bit width")


def byte_width(type: Type) -> int:
    """Bytes of one element in memory; an i1 takes one."""
    return max(1, bit_width(type) // 8)


def is_float(type: Type) -> bool:
    return isinstance(element_of(type), FloatType)
