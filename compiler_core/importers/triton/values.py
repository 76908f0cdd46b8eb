"""What an expression of a kernel stands for while it is read: a runtime value, a constant, a tuple, or something callable."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler_core.importers.triton.dtypes import DType, Pointer, Scalar
from compiler_core.ir import Value
from compiler_core.ir.types import TensorType

Literal = bool | int | float | str | DType | Pointer | None


class Mistake(Exception):
    """A mistake in the source, before it has a place: the code of a message template and its arguments.

    `argument` names the call's argument at fault, `fix` is the text that would replace it (or the whole expression).
    """

    def __init__(self, code: str, *, argument: str = "", fix: str = "", **arguments: str | int | float) -> None:
        super().__init__(code)
        self.code = code
        self.argument = argument
        self.fix = fix
        self.arguments = arguments


class Poisoned(Exception):
    """An expression uses a variable whose definition was refused; its own mistake has been told already."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """A runtime value: a scalar or a block of them."""

    value: Value
    scalar: Scalar

    @property
    def shape(self) -> tuple[int, ...]:
        type = self.value.type
        return type.shape if isinstance(type, TensorType) else ()

    @property
    def is_block(self) -> bool:
        return isinstance(self.value.type, TensorType)

    @property
    def is_pointer(self) -> bool:
        return isinstance(self.scalar, Pointer)

    @property
    def dtype(self) -> DType:
        """The scalar's type. Raises Mistake for a pointer."""
        if isinstance(self.scalar, Pointer):
            raise Mistake("pointer-as-number", type=str(self))
        return self.scalar

    def __str__(self) -> str:
        """The type as Triton's messages write it."""
        return f"<[{', '.join(map(str, self.shape))}], {self.scalar}>" if self.is_block else str(self.scalar)


@dataclass(frozen=True)
class Const:
    """A compile-time constant. `specialised` marks an argument that is constant only because its value is 1."""

    value: Literal
    specialised: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return str(self.value) if isinstance(self.value, DType | Pointer) else repr(self.value)


@dataclass(frozen=True)
class Tuple:
    items: tuple[Thing, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


@dataclass(frozen=True)
class Module:
    """An imported module, by its full name."""

    path: str

    def __str__(self) -> str:
        return f"module {self.path}"


@dataclass(frozen=True)
class Function:
    """A @triton.jit function of the file."""

    node: ast.FunctionDef = field(compare=False)
    name: str

    def __str__(self) -> str:
        return f"function {self.name}"


@dataclass(frozen=True)
class Builtin:
    """A function of triton.language or of Python, by name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Method:
    """A method of a value."""

    receiver: Tensor | Const
    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True)
class Poison:
    """A variable whose definition was refused."""


Thing = Tensor | Const | Tuple | Module | Function | Builtin | Method | Poison


def flatten(thing: Thing) -> list[Value]:
    """The runtime values in a thing, in order."""
    if isinstance(thing, Tensor):
        return [thing.value]
    if isinstance(thing, Tuple):
        return [v for item in thing.items for v in flatten(item)]
    return []


def rebuild(template: Thing, values: Sequence[Value]) -> Thing:
    """`template` with its runtime values replaced, in order."""
    remaining = iter(values)

    def build(thing: Thing) -> Thing:
        if isinstance(thing, Tensor):
            return Tensor(next(remaining), thing.scalar)
        if isinstance(thing, Tuple):
            return Tuple(tuple(build(item) for item in thing.items))
        return thing

    return build(template)


def same_type(a: Thing, b: Thing) -> bool:
    """Whether two things can stand for each other where control flow meets: equal constants, or runtime values of one type."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.value.type == b.value.type and a.scalar == b.scalar
    if isinstance(a, Tuple) and isinstance(b, Tuple):
        return len(a.items) == len(b.items) and all(same_type(x, y) for x, y in zip(a.items, b.items, strict=True))
    return a == b


def same_value(a: Thing, b: Thing) -> bool:
    """Whether two things are the very same values."""
    return same_type(a, b) and all(x is y for x, y in zip(flatten(a), flatten(b), strict=True))


def describe(thing: Thing) -> str:
    """A thing's type for a message."""
    if isinstance(thing, Tensor | Tuple | Module | Function):
        return str(thing)
    if isinstance(thing, Const):
        return f"constexpr[{thing}]"
    return str(thing)
