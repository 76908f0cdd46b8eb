"""import_kernel: one launch of a kernel's source text as a module at the tt stage."""

from __future__ import annotations

import ast

from compiler_core.diagnostics import LimitHit, Refused, error
from compiler_core.dialects import builtin as functions
from compiler_core.importers.triton.dtypes import DTYPES, FROM_NUMPY, DType, Pointer, Scalar
from compiler_core.importers.triton.launch import choose_kernel, constexpr_values, resolve
from compiler_core.importers.triton.program import Program, Scope
from compiler_core.importers.triton.semantics import number_type
from compiler_core.importers.triton.source import MAX_NESTING, Source, decorators, dotted, is_constexpr, parameters, parse
from compiler_core.importers.triton.values import Const, Mistake, Tensor
from compiler_core.importers.triton.visitor import make_function, read_body
from compiler_core.ir import Op, module
from compiler_core.ir.attributes import BoolAttr, DictAttr, IntegerAttr, StringAttr
from compiler_core.ir.types import i32
from compiler_core.request import Launch, TensorArgument

DIVISIBLE = 16
"""Triton promises the compiler that pointers, and integers that are, are multiples of this."""


def import_kernel(source: str, launch: Launch, *, file: str = "kernel.py") -> Op:
    """The kernel that `launch` names (or the file's only one), specialised to its constexprs and argument types.

    A builtin.module with one public tt.func and the private helpers it calls. The function takes the launch's runtime
    arguments in the order of the parameters, and its block arguments have their names. As in Triton, an integer argument that
    is 1 is a constant inside; it stays in the signature, unused, so that a launch fits every stage. Raises Refused with every
    mistake found, LimitHit where a limit is hit.
    """
    text = parse(source, file)
    launch = resolve(text, launch)
    node = choose_kernel(text, launch)
    try:
        return _import(text, node, launch)
    except RecursionError:
        raise LimitHit(error("limit-nesting", text.span(node), limit=MAX_NESTING)) from None


def _import(source: Source, node: ast.FunctionDef, launch: Launch) -> Op:
    made = module()
    made.location = (source.location(node),)
    program = Program(source, made, make_function)
    runtime, scope = _parameters(source, node, launch)
    function = functions.function(
        node.name,
        [scalar.ir for _, scalar, _ in runtime],
        names=[name for name, _, _ in runtime],
        location=(source.location(node),),
        kind="tt.func",
    )
    function.attributes["sym_visibility"] = StringAttr("public")
    function.attributes["noinline"] = BoolAttr(False)
    promised = DictAttr((("tt.divisibility", IntegerAttr(DIVISIBLE, i32)),))
    functions.set_argument_attributes(function, [promised if divisible else DictAttr(()) for _, _, divisible in runtime])
    for (name, scalar, _), argument in zip(runtime, function.body.arguments, strict=True):
        scope.setdefault(name, Tensor(argument, scalar))
    program.calls.append(node.name)
    read_body(program, function, node, scope, kernel=True)
    if program.diagnostics:
        raise Refused(*program.diagnostics)
    made.body.insert(0, function)
    function.parent = made.body
    return made


def _parameters(source: Source, node: ast.FunctionDef, launch: Launch) -> tuple[list[tuple[str, Scalar, bool]], Scope]:
    """The runtime parameters with their types and whether they are multiples of 16, and the constant ones."""
    constants = constexpr_values(source, node, launch)
    unspecialised = _unspecialised(node)
    runtime: list[tuple[str, Scalar, bool]] = []
    scope: Scope = {}
    for parameter, _ in parameters(node):
        name = parameter.arg
        if name in constants:
            scope[name] = constants[name]
            continue
        value = launch.arguments[name]
        if isinstance(value, TensorArgument):
            runtime.append((name, Pointer(_element(source, parameter, value)), True))
            continue
        if not is_constexpr(parameter) and _is_one(value) and name not in unspecialised:
            scope[name] = Const(1, specialised=True)
        integer = isinstance(value, int) and not isinstance(value, bool)
        runtime.append(
            (name, _scalar_type(source, parameter, value), integer and value % DIVISIBLE == 0 and name not in unspecialised)
        )
    return runtime, scope


def _is_one(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == 1


def _element(source: Source, parameter: ast.arg, argument: TensorArgument) -> DType:
    dtype = FROM_NUMPY.get(argument.dtype)
    if dtype is None:
        known = ", ".join(sorted(FROM_NUMPY))
        raise Refused(source.error("launch-dtype", parameter, name=parameter.arg, dtype=argument.dtype, known=known))
    return dtype


def _scalar_type(source: Source, parameter: ast.arg, value: bool | int | float) -> DType:
    """The annotation's type (`n: tl.int64`) or the number's."""
    annotation = parameter.annotation
    if annotation is not None:
        name = annotation.value if isinstance(annotation, ast.Constant) else dotted(annotation).rpartition(".")[2]
        if isinstance(name, str) and name in DTYPES:
            return DTYPES[name]
    try:
        return number_type(value)
    except Mistake as mistake:
        raise Refused(source.diagnose(mistake, parameter)) from mistake


def _unspecialised(node: ast.FunctionDef) -> set[str]:
    """The parameters named in @triton.jit(do_not_specialize=[…])."""
    decorator = decorators(node).get("jit")
    names: set[str] = set()
    positional = [p.arg for p, _ in parameters(node)]
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else []:
        if keyword.arg == "do_not_specialize" and isinstance(keyword.value, ast.List | ast.Tuple):
            for element in keyword.value.elts:
                if isinstance(element, ast.Constant) and isinstance(element.value, str):
                    names.add(element.value)
                elif (
                    isinstance(element, ast.Constant)
                    and isinstance(element.value, int)
                    and 0 <= element.value < len(positional)
                ):
                    names.add(positional[element.value])
    return names
