"""Launches: which kernel, its constants, its grid as integers; every parameter covered, and mistakes told by name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from math import prod

import msgspec

from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error
from compiler_core.importers.triton.dtypes import DTYPES, FROM_NUMPY, DType
from compiler_core.importers.triton.grid import evaluate
from compiler_core.importers.triton.source import Source, decorators, dotted, is_constexpr, parameters
from compiler_core.importers.triton.values import Const
from compiler_core.request import Constexpr, Launch, TensorArgument

MAX_PROGRAMS = 65_535
"""Most programs of a grid: what an Ascend launch takes."""
MAX_TENSOR_BYTES = 1 << 30
"""Most bytes of all tensor arguments together."""


def resolve(source: Source, launch: Launch) -> Launch:
    """The launch with the kernel named, the grid as integers, and a value for every parameter; see resolve_launch."""
    node = choose_kernel(source, launch)
    constants = constexpr_values(source, node, launch)
    problems = list(_argument_problems(source, node, launch, constants))
    if problems:
        raise Refused(*problems)
    arguments = {p.arg: _argument(launch, p.arg, default) for p, default in parameters(node) if p.arg not in constants}
    _check_tensors(arguments)
    constexprs = {name: _launched(constant) for name, constant in constants.items()}
    return with_grid(Launch(node.name, launch.grid, arguments, constexprs))


def with_grid(launch: Launch) -> Launch:
    """The launch with its grid as integers. Its entries are evaluated with the launch's own scalars and constexprs."""
    scalars = {name: value for name, value in launch.arguments.items() if not isinstance(value, TensorArgument)}
    return msgspec.structs.replace(launch, grid=_grid(launch, {**scalars, **launch.constexprs}))


def _is_number(default: ast.expr | None) -> bool:
    return isinstance(literal_of(default), bool | int | float)


def _argument(launch: Launch, name: str, default: ast.expr | None) -> TensorArgument | bool | int | float:
    """A runtime argument's value, or the number that its parameter defaults to."""
    if name in launch.arguments:
        return launch.arguments[name]
    value = literal_of(default)
    assert isinstance(value, bool | int | float)
    return value


def _grid(launch: Launch, names: Mapping[str, object]) -> tuple[int, ...]:
    if len(launch.grid) > 3:
        raise Refused(error("grid-rank", count=len(launch.grid)))
    grid: list[int] = []
    for axis, entry in enumerate(launch.grid or (1,)):
        size = entry if isinstance(entry, int) else evaluate(entry, names)
        if size < 1:
            raise Refused(error("grid-size", axis=axis, size=size, entry=str(entry)))
        grid.append(size)
    if prod(grid) > MAX_PROGRAMS:
        raise LimitHit(error("limit-grid", grid=" × ".join(map(str, grid)), programs=prod(grid), limit=MAX_PROGRAMS))
    return tuple(grid)


def _check_tensors(arguments: dict[str, TensorArgument | bool | int | float]) -> None:
    total = 0
    for name, argument in arguments.items():
        if not isinstance(argument, TensorArgument):
            continue
        if argument.dtype not in FROM_NUMPY:
            raise Refused(error("launch-dtype", name=name, dtype=argument.dtype, known=", ".join(sorted(FROM_NUMPY))))
        if argument.strides is not None and (
            len(argument.strides) != len(argument.shape) or min(argument.strides, default=0) < 0
        ):
            raise Refused(
                error("launch-strides", name=name, strides=str(list(argument.strides)), shape=str(list(argument.shape)))
            )
        total += extent(argument) * max(1, FROM_NUMPY[argument.dtype].bits // 8)
    if total > MAX_TENSOR_BYTES:
        raise LimitHit(error("limit-tensors", bytes=total, limit=MAX_TENSOR_BYTES))


def extent(argument: TensorArgument) -> int:
    """Elements of the flat buffer that holds a tensor: from its first element to its last, strides counted."""
    if 0 in argument.shape:
        return 0
    if argument.strides is None:
        return prod(argument.shape)
    return 1 + sum((size - 1) * stride for size, stride in zip(argument.shape, argument.strides, strict=True))


def choose_kernel(source: Source, launch: Launch) -> ast.FunctionDef:
    """The kernel a launch names, or the file's only one, or its first. Raises Refused where there is none."""
    if launch.kernel:
        node = source.functions.get(launch.kernel)
        if node is None:
            known = ", ".join(f.name for f in source.kernels) or "–"
            raise Refused(error("launch-kernel", name=launch.kernel, known=known))
        return node
    if not source.kernels:
        raise Refused(source.error("no-jit-kernel", source.tree.body[0] if source.tree.body else source.tree))
    return source.kernels[0]


def constexpr_values(source: Source, node: ast.FunctionDef, launch: Launch) -> dict[str, Const]:
    """The compile-time parameters: tl.constexpr ones, others that the launch gives as constexprs, and those left at None."""
    configured = first_configuration(source, node)
    values: dict[str, Const] = {}
    problems: list[Diagnostic] = []
    for parameter, default in parameters(node):
        name = parameter.arg
        given = launch.arguments.get(name)
        if name in launch.constexprs:
            values[name] = _constant(launch.constexprs[name])
        elif is_constexpr(parameter):
            if isinstance(given, TensorArgument):
                problems.append(source.error("launch-constexpr-tensor", parameter, name=name))
            elif given is not None:
                values[name] = Const(given)
            elif name in configured:
                values[name] = Const(configured[name])
            elif is_literal(default):
                values[name] = Const(literal_of(default))
            else:
                problems.append(source.error("launch-constexpr-missing", parameter, name=name))
        elif given is None and isinstance(default, ast.Constant) and default.value is None:
            values[name] = Const(None)
    if problems:
        raise Refused(*problems)
    return values


def _launched(constant: Const) -> Constexpr:
    """A constant as a launch writes it; types as "tl.float16"."""
    value = constant.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return f"tl.{value.name if isinstance(value, DType) else value}"


def _constant(value: Constexpr) -> Const:
    """A launch's constexpr; "tl.float16" and "float16" name types."""
    if isinstance(value, str) and value.startswith("tl.") and value[3:] in DTYPES:
        return Const(DTYPES[value[3:]])
    return Const(value)


def literal_of(node: ast.expr | None) -> bool | int | float | str | None:
    """The value of a literal (with its sign); None for `None` and for anything that is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, int | float) else None
    return None


def is_literal(node: ast.expr | None) -> bool:
    return literal_of(node) is not None or (isinstance(node, ast.Constant) and node.value is None)


def first_configuration(source: Source, node: ast.FunctionDef) -> dict[str, Constexpr]:
    """The constants of the first triton.Config of a kernel's @triton.autotune; empty where there is none to be read."""
    decorator = decorators(node).get("autotune")
    if not isinstance(decorator, ast.Call):
        return {}
    for call in ast.walk(decorator):
        if isinstance(call, ast.Call) and dotted(call.func).rpartition(".")[2] == "Config" and call.args:
            table = call.args[0]
            if isinstance(table, ast.Dict):
                pairs = zip(table.keys, table.values, strict=True)
                return {
                    str(key.value): literal_of(value)
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and is_literal(value)
                }
    return {}


def _argument_problems(source: Source, node: ast.FunctionDef, launch: Launch, constants: dict[str, Const]) -> list[Diagnostic]:
    names = [p.arg for p, _ in parameters(node)]
    known = ", ".join(names)
    problems = [
        source.error("launch-argument-unknown", node, name=name, kernel=node.name, known=known)
        for name in [*launch.arguments, *launch.constexprs]
        if name not in names
    ]
    problems += [
        source.error("launch-argument-missing", parameter, name=parameter.arg, kernel=node.name)
        for parameter, default in parameters(node)
        if parameter.arg not in constants and parameter.arg not in launch.arguments and not _is_number(default)
    ]
    return problems
