"""What names mean that a kernel does not assign: imports, @triton.jit functions, file-level constants, module attributes."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable

from compiler_core.importers.triton import builtins
from compiler_core.importers.triton.dtypes import DTYPES, DType, Pointer, int1, int32, int64
from compiler_core.importers.triton.source import Source, dotted
from compiler_core.importers.triton.values import (
    Builtin,
    Const,
    Function,
    Method,
    Mistake,
    Module,
    Thing,
    Tuple,
    describe,
    flatten,
)

LANGUAGE = "triton.language"
_DEFAULT_MODULES = {"triton": "triton", "tl": LANGUAGE, "libdevice": "triton.language.extra.libdevice"}
"""What these names mean in a file that does not define them: snippets often come without their imports."""
_PYTHON = frozenset(("float", "int", "bool", "abs", "min", "max", "len", "range", "round", "print", "tuple", "list"))
_MATH_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan}

Visit = Callable[[ast.expr], Thing]


def global_name(source: Source, name: str, visit: Visit) -> Thing:
    """What a file-level name means; `visit` reads the constant it is assigned.

    Raises Mistake where the name means nothing that a kernel may use.
    """
    if name in source.functions:
        return Function(source.functions[name], name)
    for statement in source.tree.body:
        found = _bound_by(source, statement, name, visit)
        if found is not None:
            return found
    if name in _DEFAULT_MODULES:
        return Module(_DEFAULT_MODULES[name])
    if name in _PYTHON:
        return Builtin(f"python.{name}")
    raise Mistake("unknown-name", name=name)


def _bound_by(source: Source, statement: ast.stmt, name: str, visit: Visit) -> Thing | None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            if (alias.asname or alias.name.partition(".")[0]) == name:
                return Module(alias.name if alias.asname else alias.name.partition(".")[0])
    elif isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            if (alias.asname or alias.name) == name:
                return imported(f"{statement.module or ''}.{alias.name}")
    elif isinstance(statement, ast.FunctionDef) and statement.name == name:
        raise Mistake("not-jit", name=name)
    elif isinstance(statement, ast.ClassDef) and statement.name == name:
        raise Mistake("class-in-kernel", name=name)
    elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return _constant(source, statement, statement.value, name, visit)
    return None


def _constant(source: Source, statement: ast.Assign | ast.AnnAssign, value: ast.expr, name: str, visit: Visit) -> Thing:
    """A file-level tl.constexpr, or another name for a type."""
    annotated = isinstance(statement, ast.AnnAssign) and dotted(statement.annotation).endswith("constexpr")
    wrapped = isinstance(value, ast.Call) and dotted(value.func).endswith("constexpr")
    names_a_type = dotted(value).rpartition(".")[2] in DTYPES
    thing = visit(value) if annotated or wrapped or names_a_type else None
    if not isinstance(thing, Const | Tuple):
        raise Mistake("global-variable", name=name, value=source.text_of(value))
    return thing


def imported(path: str) -> Thing:
    """What `from a.b import c` binds."""
    owner, _, name = path.rpartition(".")
    if owner == LANGUAGE and name in DTYPES:
        return Const(DTYPES[name])
    if owner in (LANGUAGE, f"{LANGUAGE}.math") and (
        name in builtins.BUILTINS or name in ("constexpr", "range", "static_range")
    ):
        return Builtin(f"tl.{name}")
    if "libdevice" in owner:
        return Builtin(f"libdevice.{name}")
    return Module(path)


def module_attribute(module: Module, name: str) -> Thing:
    """What `module.name` is. Functions are looked up only when they are called."""
    path = module.path
    if path == "triton":
        if name in ("cdiv", "next_power_of_2"):
            return Builtin(f"tl.{name}" if name == "cdiv" else "python.next_power_of_2")
        return Module(f"triton.{name}")
    if path in (LANGUAGE, f"{LANGUAGE}.math", f"{LANGUAGE}.standard", f"{LANGUAGE}.core"):
        if name in DTYPES:
            return Const(DTYPES[name])
        if name in ("math", "extra", "standard", "core"):
            return Module(f"{path}.{name}")
        return Builtin(f"tl.{name}")
    if "libdevice" in path:
        return Builtin(f"libdevice.{name}")
    if path.startswith(LANGUAGE):
        return Module(f"{path}.{name}")
    if path == "math" and name in _MATH_CONSTANTS:
        return Const(_MATH_CONSTANTS[name])
    return Builtin(f"{path}.{name}")


def constant_attribute(thing: Const, name: str) -> Thing:
    """An attribute of a constant: `.value`, or a type's."""
    value = thing.value
    if name == "value":
        return thing
    if isinstance(value, DType):
        if name in ("element_ty", "scalar", "dtype"):
            return thing
        if name in ("primitive_bitwidth", "int_bitwidth", "itemsize"):
            return Const(value.bits if name != "itemsize" else value.bits // 8)
        if name == "name":
            return Const(value.short)
    if isinstance(value, Pointer):
        if name == "element_ty":
            return Const(value.element)
        if name in ("scalar", "dtype"):
            return thing
    if name == "to" or (isinstance(value, DType | Pointer) and builtins.dtype_test(value, name) is not None):
        return Method(thing, name)
    if name == "dtype" and isinstance(value, bool | int | float):
        return Const(int1 if isinstance(value, bool) else int32 if -(2**31) <= value < 2**31 else int64)
    raise Mistake("no-such-attribute", thing=describe(thing), name=name)


def foreign_call(path: str, arguments: list[Thing], text: str) -> Mistake:
    """Why a function of another module cannot be called, and what Triton calls it."""
    module, _, name = path.rpartition(".")
    if any(flatten(a) for a in arguments) and module in ("math", "torch", "np", "numpy", "torch.nn.functional"):
        if name in builtins.BUILTINS:
            inner = text.partition("(")[2]
            return Mistake("foreign-function-known", path=path, name=name, fix=f"tl.{name}({inner}")
        if name in builtins.RECIPES:
            return Mistake("foreign-function-recipe", path=path, recipe=builtins.RECIPES[name])
    return Mistake("foreign-function", path=path)
