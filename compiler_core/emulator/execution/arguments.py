"""Arguments of a launch: the user's arrays and numbers, the grid, and what the vendor's runtime passes without being asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler_core.diagnostics import Refused, error
from compiler_core.dialects.builtin import argument_attributes, functions, symbol
from compiler_core.emulator.execution.lanes import is_vector
from compiler_core.emulator.execution.memory import GlobalBuffer
from compiler_core.emulator.translation.terms import number
from compiler_core.emulator.translation.translator import Known, Translator
from compiler_core.emulator.translation.views import contiguous, element_of
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.ir import Op
from compiler_core.ir.attributes import IntegerAttr
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import DYNAMIC, MemRefType, Type

Argument: TypeAlias = NDArray[Any] | int | float
Grid: TypeAlias = tuple[int, int, int]

WORKSPACE = 1 << 20
"""Bytes of workspace for each block where no host function of the module says how many."""
LOCKS = 1 << 16
"""Bytes for the locks between blocks."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A function's arguments: a buffer for each memref, a number for each scalar."""

    values: tuple[GlobalBuffer | Argument, ...]
    written_back: tuple[tuple[NDArray[Any], NDArray[Any]], ...]
    """Arrays that were not contiguous, with the copies that the kernel works on."""

    def define(self, t: Translator, function: Op) -> None:
        """Tells a translator the arguments."""
        for argument, value in zip(function.body.arguments, self.values, strict=True):
            t.define(argument, _known(t, function, argument.type, value))

    def write_back(self) -> None:
        for original, copy in self.written_back:
            original[...] = copy.reshape(original.shape)


def _known(t: Translator, function: Op, type: Type, value: GlobalBuffer | Argument) -> Known:
    if not isinstance(value, GlobalBuffer):
        return t.literal(value)
    assert isinstance(type, MemRefType)
    dtype, _ = element_of(t, function, type)
    sizes = tuple([number(value.size if d == DYNAMIC else d) for d in type.shape])
    return ViewTerm(value.seen_as(dtype), dtype, False, number(0), None, number(0), sizes, contiguous(t, sizes))


def bind(module: Op, function: Op, arguments: Sequence[Argument], grid: Grid, blocks: int) -> Bound:
    """A value for each of the function's arguments. Raises Refused where the user's do not fit."""
    given = list(arguments)
    formal = function.body.arguments
    hidden = [_hidden(str(dict(a.entries).get("hacc.arg_type", ""))) for a in argument_attributes(function)]
    expected = len(formal) - sum(h != "" for h in hidden) - 3
    if expected != len(given):
        raise Refused(error("emulator-argument-count", function=symbol(function), expected=max(0, expected), given=len(given)))
    visible = iter([*given, *grid])
    values: list[GlobalBuffer | Argument] = []
    written_back: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for i, (argument, kind) in enumerate(zip(formal, hidden, strict=True)):
        name = argument.name or f"arg{i}"
        if not isinstance(argument.type, MemRefType):
            values.append(0 if kind else _number(argument.type, next(visible)))
            continue
        if kind:
            size = workspace_bytes(module, function) * blocks if kind == "workspace" else LOCKS
            values.append(GlobalBuffer(i, kind, np.zeros(-(-size // 64) * 64, np.int8)))
            continue
        value = next(visible)
        flat = _flat(function, i, argument.type, value)
        if is_vector(value) and not np.shares_memory(flat, value) and value.size:
            written_back.append((value, flat))
        values.append(GlobalBuffer(i, name, flat))
    return Bound(tuple(values), tuple(written_back))


def _hidden(text: str) -> str:
    """workspace for #hacc.arg_type<workspace>; empty for an argument of the user's."""
    found = re.search(r"<(\w+)>", text) if text else None
    return found.group(1) if found else text


def workspace_bytes(module: Op, function: Op) -> int:
    """What the module's host function says a block needs. Source: hacc's infer_workspace_shape_function."""
    base = re.sub(r"_mix_ai[cv]$", "", symbol(function))
    for host in functions(module):
        if symbol(host) == f"{base}_infer_workspace_shape_function" and host.body.ops:
            returned = host.body.terminator.operands
            source = returned[0].op if returned else None
            value = source.attributes.get("value") if source is not None else None
            if isinstance(value, IntegerAttr) and 0 <= value.value <= WORKSPACE << 6:
                return value.value
    return WORKSPACE


def _number(type: Type, value: Argument) -> Any:
    """A number as scalar ops hold it: an int, or a numpy number of the argument's own float type."""
    dtype = dtype_of(type)
    return int(value) if dtype.kind in "iub" else dtype.type(value)


def _flat(function: Op, index: int, type: MemRefType, value: Argument) -> NDArray[Any]:
    """An array as the flat one its argument type says. Arrays of 16-bit words stand for bfloat16."""
    dtype = dtype_of(type.element)
    array = np.asarray(value)
    if array.dtype != dtype and array.dtype.itemsize == dtype.itemsize and (array.dtype.kind in "uib" or dtype.kind in "ub"):
        array = array.view(dtype)
    if array.dtype != dtype:
        raise Refused(
            error("emulator-argument-type", index=index, function=symbol(function), expected=str(type), given=str(array.dtype))
        )
    return np.ascontiguousarray(array).reshape(-1)
