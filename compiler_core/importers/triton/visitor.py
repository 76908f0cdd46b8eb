"""Reads a kernel's tree and makes its tt-stage function: one method per Python construct."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler_core.diagnostics import Diagnostic, LimitHit, Refused
from compiler_core.dialects import builtin as functions
from compiler_core.dialects.scf import for_loop
from compiler_core.importers.triton import builtins, constants
from compiler_core.importers.triton.dtypes import DTYPES, DType, Pointer, int1, int32, int64
from compiler_core.importers.triton.emit import ARITHMETIC, Emitter, Operand, is_pointer
from compiler_core.importers.triton.semantics import promote_integers, short_number
from compiler_core.importers.triton.source import Source, assigned_names, dotted, is_constexpr, parameters
from compiler_core.importers.triton.values import (
    Builtin,
    Const,
    Function,
    Method,
    Mistake,
    Module,
    Poison,
    Poisoned,
    Tensor,
    Thing,
    Tuple,
    describe,
    flatten,
    rebuild,
    same_type,
    same_value,
)
from compiler_core.ir import Block, Builder, Op, Region, Value
from compiler_core.ir.attributes import BoolAttr, IntegerAttr, StringAttr, SymbolRefAttr, UnitAttr
from compiler_core.ir.types import i32

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_OPS = 100_000
"""Most ops that one import may make."""
MAX_UNROLLED = 4096
"""Most iterations of static_range loops together."""
MAX_CALL_DEPTH = 32
"""Deepest nesting of helper calls."""
MAX_DIAGNOSTICS = 20
"""Reading stops after this many mistakes."""

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip

LANGUAGE = "triton.language"
_DEFAULT_MODULES = {"triton": "triton", "tl": LANGUAGE, "libdevice": "triton.language.extra.libdevice"}
"""What these names mean in a file that imports nothing."""
_PYTHON = frozenset(
    ["float", "int", "bool", "abs", "min", "max", "len", "range", "round", "print", "isinstance", "tuple", "list"]
)
_MATH_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan}

Scope = dict[str, Thing]


@dataclass
class Program:
    """What all functions of one import share: the module under way, made helpers, mistakes, limits."""

    source: Source
    module: Op
    helpers: dict[tuple[object, ...], tuple[Op, Thing]] = field(default_factory=dict[tuple[object, ...], tuple[Op, Thing]])
    names: dict[str, int] = field(default_factory=dict[str, int])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    calls: list[str] = field(default_factory=list[str])
    ops: int = 0
    unrolled: int = 0

    def globals(self) -> GlobalReader:
        return GlobalReader(self)

    def report(self, *diagnostics: Diagnostic) -> None:
        """Keeps mistakes, once each. Raises Refused with all of them when there are too many."""
        self.diagnostics.extend(d for d in diagnostics if d not in self.diagnostics)
        if len(self.diagnostics) >= MAX_DIAGNOSTICS:
            raise Refused(*self.diagnostics[:MAX_DIAGNOSTICS])


@dataclass
class GlobalReader:
    """Finds what a module-level name means: an import, a @triton.jit function, a constant."""

    program: Program

    def lookup(self, name: str, node: ast.AST) -> Thing:
        """Raises Mistake where the name means nothing that a kernel may use."""
        source = self.program.source
        if name in source.functions:
            return Function(source.functions[name], name)
        for statement in source.tree.body:
            found = self.statement(statement, name)
            if found is not None:
                return found
        if name in _DEFAULT_MODULES:
            return Module(_DEFAULT_MODULES[name])
        if name in _PYTHON:
            return Builtin(f"python.{name}")
        raise Mistake("unknown-name", name=name)

    def statement(self, statement: ast.stmt, name: str) -> Thing | None:
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
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(t, ast.Name) and t.id == name for t in targets) and statement.value is not None:
                return self.constant(statement, statement.value, name)
        return None

    def constant(self, statement: ast.Assign | ast.AnnAssign, value: ast.expr, name: str) -> Thing:
        """A module-level tl.constexpr, or a name for a type."""
        annotated = isinstance(statement, ast.AnnAssign) and dotted(statement.annotation).endswith("constexpr")
        wrapped = isinstance(value, ast.Call) and dotted(value.func).endswith("constexpr")
        reader = FunctionReader(self.program, Block(), {})
        if not annotated and not wrapped:
            path = dotted(value)
            thing = reader.visit(value) if path.rpartition(".")[2] in DTYPES else None
            if thing is None:
                text = self.program.source.text_of(value)
                raise Mistake("global-variable", name=name, value=text)
            return thing
        thing = reader.visit(value)
        if not isinstance(thing, Const | Tuple):
            raise Mistake("global-variable", name=name, value=self.program.source.text_of(value))
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


class FunctionReader:
    """Reads the body of one function into a block. `scope` holds its parameters and variables."""

    def __init__(self, program: Program, block: Block, scope: Scope, *, kernel: bool = False) -> None:
        self.program = program
        self.source = program.source
        self.emitter = Emitter(Builder(block))
        self.scope = scope
        self.branch_only: dict[str, ast.AST] = {}
        self.loops = 0
        self.kernel = kernel
        self.returned: Thing = Const(None)

    # Walking

    def visit(self, node: ast.expr) -> Thing:
        """The meaning of an expression. Raises Refused with a place, or Poisoned."""
        method: Callable[[ast.expr], Thing] | None = getattr(self, f"visit_{type(node).__name__}", None)
        if method is None:
            raise Refused(self.source.error(*unsupported(node), construct=type(node).__name__))
        builder = self.emitter.builder
        outer = builder.location
        builder.location = (self.source.location(node),)
        try:
            return method(node)
        except Mistake as mistake:
            raise Refused(self.source.diagnose(mistake, node)) from mistake
        finally:
            self.emitter.builder.location = outer
            self.check_limits(node)

    def check_limits(self, node: ast.AST) -> None:
        self.program.ops += self.emitter.count
        self.emitter.count = 0
        if self.program.ops > MAX_OPS:
            raise LimitHit(self.source.error("limit-ops", node, limit=MAX_OPS))

    def value(self, node: ast.expr) -> Operand:
        """An expression that must be a runtime value or a number."""
        thing = self.visit(node)
        if isinstance(thing, Tensor):
            return thing
        if isinstance(thing, Const) and isinstance(thing.value, bool | int | float):
            return thing
        raise Refused(self.source.error("not-a-value", node, thing=describe(thing)))

    def statements(self, statements: Sequence[ast.stmt]) -> None:
        """Reads statements one by one; after a mistake it goes on, with the variables of the failed statement poisoned."""
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        method: Callable[[ast.stmt], None] | None = getattr(self, f"visit_{type(node).__name__}", None)
        builder = self.emitter.builder
        builder.location = (self.source.location(node),)
        try:
            if method is None:
                raise Refused(self.source.error(*unsupported(node), construct=type(node).__name__))
            method(node)
        except LimitHit:
            raise
        except Refused as refused:
            self.poison(node)
            self.program.report(*refused.diagnostics)
        except Poisoned:
            self.poison(node)
        except Mistake as mistake:
            self.poison(node)
            self.program.report(self.source.diagnose(mistake, node))

    def poison(self, node: ast.stmt) -> None:
        for name in assigned_names([node]):
            self.scope[name] = Poison()

    def body(self, statements: Sequence[ast.stmt]) -> bool:
        """Reads a function's statements up to a return; True where one was reached on every path.

        An `if` on a runtime value with a return inside takes the rest of the function into its branches.
        """
        for i, node in enumerate(statements):
            if isinstance(node, ast.Return):
                self.emitter.builder.location = (self.source.location(node),)
                self.returned = self.return_value(node)
                return True
            if isinstance(node, ast.If) and contains_return(node):
                try:
                    return self.branching_return(node, statements[i + 1 :])
                except Mistake as mistake:
                    raise Refused(self.source.diagnose(mistake, node)) from mistake
            self.statement(node)
        return False

    def return_value(self, node: ast.Return) -> Thing:
        if node.value is None:
            return Const(None)
        if self.kernel:
            raise Refused(self.source.error("kernel-returns-value", node))
        return self.visit(node.value)

    def branching_return(self, node: ast.If, rest: Sequence[ast.stmt]) -> bool:
        self.emitter.builder.location = (self.source.location(node),)
        test = self.condition(node.test)
        if not isinstance(test, Tensor):
            return self.body([*(node.body if test else node.orelse), *rest])
        location = self.emitter.builder.location
        returned: list[Thing] = []
        blocks: list[Block] = []
        readers: list[Builder] = []
        for branch in (node.body, node.orelse):
            with self.branch() as block:
                self.returned = Const(None)
                self.body([*branch, *([] if always_returns(branch) else rest)])
                returned.append(self.returned)
                blocks.append(block)
                readers.append(self.emitter.builder)
        results = self.meet(returned, readers, "the returned value", node)
        self.end_branches(node, test.value, readers, results, location)
        self.returned = rebuild(results[0], self.last_if.results) if flatten(results[0]) else results[0]
        return True

    last_if: Op

    def end_branches(self, node: ast.AST, test: Value, builders: list[Builder], values: list[Thing], location: object) -> None:
        """Makes the scf.if of two finished branch blocks that yield `values`."""
        for builder, value in zip(builders, values, strict=True):
            builder.location = (self.source.location(node),)
            builder.op("scf.yield", flatten(value))
        types = [v.type for v in flatten(values[0])]
        names = [v.name for v in flatten(values[0])]
        builder = self.emitter.builder
        builder.location = (self.source.location(node),)
        self.emitter.count += 1
        self.last_if = builder.op("scf.if", [test], types, regions=[Region([b.block]) for b in builders], names=names)

    @contextmanager
    def branch(self, block: Block | None = None) -> Iterator[Block]:
        """Reads into another block with a copy of the scope; both are put back afterwards."""
        block = block or Block()
        outer, scope, returned = self.emitter.builder, self.scope, self.returned
        self.emitter.builder = Builder(block, location=outer.location)
        self.scope = dict(scope)
        try:
            yield block
        finally:
            self.emitter.builder = outer
            self.scope = scope
            self.returned = returned

    def meet(self, values: list[Thing], builders: list[Builder], what: str, node: ast.AST) -> list[Thing]:
        """Two things that meet after branches, made of one type: numbers become runtime values where they differ."""
        a, b = values
        if same_type(a, b) and not (isinstance(a, Poison) or isinstance(b, Poison)):
            return values
        if isinstance(a, Poison) or isinstance(b, Poison):
            raise Poisoned
        if isinstance(a, Tuple) and isinstance(b, Tuple) and len(a.items) == len(b.items):
            pairs = [self.meet(list(p), builders, what, node) for p in zip(a.items, b.items, strict=True)]
            return [Tuple(tuple(p[i] for p in pairs)) for i in (0, 1)]
        made: list[Thing] = []
        for value, other, builder in zip(values, reversed(values), builders, strict=True):
            if isinstance(value, Const) and isinstance(value.value, bool | int | float):
                outer, self.emitter.builder = self.emitter.builder, builder
                builder.location = (self.source.location(node),)
                try:
                    made.append(self.number_like(value, other))
                finally:
                    self.emitter.builder = outer
            else:
                made.append(value)
        if not same_type(made[0], made[1]):
            raise Mistake("branch-types-differ", name=what, then=describe(a), otherwise=describe(b))
        return made

    def number_like(self, number: Const, other: Thing) -> Tensor:
        """A number as the runtime value Triton makes of it."""
        return self.emitter.tensor(number)

    # Statements

    def visit_Pass(self, node: ast.Pass) -> None:
        pass

    def visit_Expr(self, node: ast.Expr) -> None:
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.visit(node.value)

    def visit_Assert(self, node: ast.Assert) -> None:
        test = self.visit(node.test)
        if isinstance(test, Const) and not test.value:
            said = self.visit(node.msg) if node.msg is not None else Const("")
            text = said.value if isinstance(said, Const) else ""
            raise Mistake("static-assert-failed", message=str(text or "no message"))

    def visit_Return(self, node: ast.Return) -> None:
        raise Refused(self.source.error("return-in-loop" if self.loops else "return-in-branch", node))

    def visit_Assign(self, node: ast.Assign) -> None:
        value = self.visit(node.value)
        for target in node.targets:
            self.assign(target, value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is None:
            return
        value = self.visit(node.value)
        if dotted(node.annotation).rpartition(".")[2] == "constexpr":
            if not isinstance(node.target, ast.Name):
                raise Refused(self.source.error("constexpr-target", node.target))
            if not isinstance(value, Const | Tuple) or flatten(value):
                raise Refused(self.source.error("not-constexpr", node.value, name=node.target.id, thing=describe(value)))
            self.scope[node.target.id] = value
        else:
            self.assign(node.target, value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        load = ast.copy_location(as_load(node.target), node.target)
        combined = ast.copy_location(ast.BinOp(load, node.op, node.value), node)
        self.assign(node.target, self.visit(combined))

    def assign(self, target: ast.expr, value: Thing) -> None:
        if isinstance(target, ast.Name):
            self.scope[target.id] = self.variable(value, target.id)
            self.branch_only.pop(target.id, None)
        elif isinstance(target, ast.Tuple | ast.List):
            self.unpack(target, value)
        elif isinstance(target, ast.Subscript):
            raise Refused(self.source.error("subscript-assignment", target))
        else:
            raise Refused(self.source.error("assignment-target", target))

    def unpack(self, target: ast.Tuple | ast.List, value: Thing) -> None:
        if not isinstance(value, Tuple):
            raise Refused(self.source.error("unpack-not-tuple", target, thing=describe(value)))
        if len(value.items) != len(target.elts):
            raise Refused(self.source.error("unpack-count", target, names=len(target.elts), values=len(value.items)))
        for one, item in zip(target.elts, value.items, strict=True):
            self.assign(one, item)

    def variable(self, value: Thing, name: str) -> Thing:
        """A value as a variable holds it: numbers become runtime values, as in Triton."""
        if isinstance(value, Const) and isinstance(value.value, bool | int | float):
            value = self.emitter.tensor(value)
        if isinstance(value, Tuple):
            return Tuple(tuple(self.variable(item, f"{name}_{i}") for i, item in enumerate(value.items)))
        if isinstance(value, Tensor):
            self.emitter.name(value.value, name)
        return value

    def condition(self, node: ast.expr) -> Tensor | bool:
        """A test as a boolean scalar, or decided at compile time."""
        test = self.visit(node)
        if isinstance(test, Tensor):
            if test.is_block:
                raise Refused(self.source.error("if-block", node, shape=str(list(test.shape)), text=self.source.text_of(node)))
            return self.emitter.truth(test)
        if isinstance(test, Tuple):
            return bool(test.items)
        if isinstance(test, Const):
            return bool(test.value)
        raise Refused(self.source.error("not-a-value", node, thing=describe(test)))

    def visit_If(self, node: ast.If) -> None:
        test = self.condition(node.test)
        if not isinstance(test, Tensor):
            self.statements(node.body if test else node.orelse)
            return
        before = dict(self.scope)
        scopes: list[Scope] = []
        builders: list[Builder] = []
        for branch in (node.body, node.orelse):
            with self.branch():
                self.statements(branch)
                scopes.append(self.scope)
                builders.append(self.emitter.builder)
        names = self.merged_names(node, before, scopes)
        merged: list[tuple[str, list[Thing]]] = []
        for name in names:
            values = [s[name] for s in scopes]
            if isinstance(values[0], Poison) or isinstance(values[1], Poison):
                self.scope[name] = Poison()
                continue
            try:
                merged.append((name, self.meet(values, builders, name, node)))
            except Mistake as mistake:
                self.scope[name] = Poison()
                place = assigned_names([*node.orelse]).get(name) or assigned_names([*node.body]).get(name) or node
                self.program.report(self.source.diagnose(mistake, place))
        together = [Tuple(tuple(v[i] for _, v in merged)) for i in (0, 1)]
        self.end_branches(node, test.value, builders, list(together), ())
        results = rebuild(together[0], self.last_if.results)
        assert isinstance(results, Tuple)
        for (name, _), result in zip(merged, results.items, strict=True):
            self.scope[name] = result
            for value in flatten(result):
                value.name = value.name or name

    def merged_names(self, node: ast.If, before: Scope, scopes: list[Scope]) -> list[str]:
        """The variables that an `if` changes or defines on both sides; those defined on one side only are remembered."""
        names: list[str] = []
        for name, place in assigned_names([*node.body, *node.orelse]).items():
            inside = [name in s for s in scopes]
            if all(inside):
                values = [s[name] for s in scopes]
                if name in before and all(same_value(before[name], v) for v in values if not isinstance(v, Poison)):
                    continue
                names.append(name)
            elif any(inside):
                self.branch_only[name] = place
        return names

    def visit_For(self, node: ast.For) -> None:
        if node.orelse:
            raise Refused(self.source.error("loop-else", node.orelse[0]))
        if not isinstance(node.target, ast.Name):
            raise Refused(self.source.error("loop-target", node.target))
        if not isinstance(node.iter, ast.Call):
            raise Refused(self.source.error("loop-iterable", node.iter, text=self.source.text_of(node.iter)))
        iterator = self.visit(node.iter.func)
        name = iterator.name if isinstance(iterator, Builtin) else ""
        if name == "tl.static_range":
            self.static_loop(node, node.iter)
        elif name in ("python.range", "tl.range"):
            self.loop(node, node.iter)
        else:
            raise Refused(self.source.error("loop-iterable", node.iter, text=self.source.text_of(node.iter)))

    def loop_bounds(self, call: ast.Call) -> tuple[list[tuple[Operand, ast.expr]], dict[str, Thing]]:
        """Low, high and step, each with its place, and the other keywords."""
        given = [(self.value(a), a) for a in call.args]
        keywords = {k.arg or "**": self.visit(k.value) for k in call.keywords}
        zero, one = (ast.copy_location(ast.Constant(n), call) for n in (0, 1))
        if not 1 <= len(given) <= 3:
            raise Refused(self.source.error("range-arguments", call, count=len(given)))
        low = (Const(0), zero) if len(given) == 1 else given[0]
        high = given[0] if len(given) == 1 else given[1]
        step = given[2] if len(given) == 3 else (Const(1), one)
        return [low, high, step], keywords

    def static_loop(self, node: ast.For, call: ast.Call) -> None:
        bounds, _ = self.loop_bounds(call)
        numbers: list[int] = []
        for bound, place in bounds:
            if not isinstance(bound, Const) or not isinstance(bound.value, int):
                raise Refused(self.source.error("not-constexpr", place, name="static_range", thing=describe(bound)))
            numbers.append(int(bound.value))
        if numbers[2] == 0:
            raise Refused(self.source.error("range-step-zero", bounds[2][1]))
        assert isinstance(node.target, ast.Name)
        iterations = range(*numbers)
        if (numbers[1] - numbers[0]) // numbers[2] > MAX_UNROLLED:
            raise LimitHit(self.source.error("limit-unrolled", node, limit=MAX_UNROLLED))
        for i in iterations:
            self.program.unrolled += 1
            if self.program.unrolled > MAX_UNROLLED:
                raise LimitHit(self.source.error("limit-unrolled", node, limit=MAX_UNROLLED))
            self.scope[node.target.id] = Const(i)
            self.statements(node.body)

    def loop(self, node: ast.For, call: ast.Call) -> None:
        bounds, keywords = self.loop_bounds(call)
        low, high, step = (b for b, _ in bounds)
        if isinstance(step, Const):
            if step.value == 0:
                raise Refused(self.source.error("range-step-zero", bounds[2][1]))
            if isinstance(step.value, int | float) and step.value < 0:
                raise Refused(self.source.error("range-step-negative", bounds[2][1]))
        tensors: list[Tensor] = []
        for bound, (_, place) in zip((low, high, step), bounds, strict=True):
            tensor = self.emitter.tensor(bound)
            if is_pointer(tensor) or not tensor.dtype.is_int or tensor.is_block:
                raise Refused(self.source.error("range-not-integer", place, type=str(tensor)))
            tensors.append(tensor)
        dtype = promote_integers(promote_integers(tensors[0].dtype, tensors[1].dtype), tensors[2].dtype)
        bounds_values = [self.emitter.cast(t, dtype).value for t in tensors]
        assert isinstance(node.target, ast.Name)
        names, initial = self.carried(node.body, node.target.id)
        start = [v for thing in initial for v in flatten(thing)]
        labels = [v.name for v in start]
        builder = self.emitter.builder
        builder.location = (self.source.location(node),)
        self.emitter.count += 1
        op = for_loop(builder, *bounds_values, start, labels, node.target.id)
        self.loop_hints(op, keywords)
        template = Tuple(tuple(initial))
        inside = rebuild(template, op.body.arguments[1:])
        assert isinstance(inside, Tuple)
        before = dict(self.scope)
        with self.branch(op.body):
            self.scope[node.target.id] = Tensor(op.body.arguments[0], dtype)
            for name, thing in zip(names, inside.items, strict=True):
                self.scope[name] = thing
                for v in flatten(thing):
                    v.name = name if isinstance(thing, Tensor) else v.name or name
            self.loops += 1
            self.statements(node.body)
            self.loops -= 1
            ended = self.scope
            yielded = self.loop_values(node, names, initial, ended)
            self.emitter.builder.location = (self.source.location(node),)
            self.emitter.builder.op("scf.yield", [v for thing in yielded for v in flatten(thing)])
        self.after_loop(node, names, before, ended, rebuild(template, op.results))
        drop_unchanged(op)
        self.scope[node.target.id] = Poison()
        self.branch_only[node.target.id] = node.target
        del self.scope[node.target.id]

    def loop_hints(self, op: Op, keywords: dict[str, Thing]) -> None:
        for key, thing in keywords.items():
            if not isinstance(thing, Const):
                raise Mistake("not-constexpr", name=key, thing=describe(thing))
            if key in ("num_stages", "loop_unroll_factor"):
                if isinstance(thing.value, int):
                    op.attributes[f"tt.{key}"] = IntegerAttr(int(thing.value), i32)
            elif key in ("disallow_acc_multi_buffer", "flatten", "warp_specialize", "disable_licm"):
                if thing.value:
                    op.attributes[f"tt.{key}"] = UnitAttr()
            else:
                raise Mistake("range-keyword", name=key)

    def carried(self, body: list[ast.stmt], index: str) -> tuple[list[str], list[Thing]]:
        """The variables that a loop's body assigns and that exist before it, with their values at the start."""
        names: list[str] = []
        initial: list[Thing] = []
        for name in assigned_names(body):
            thing = self.scope.get(name)
            if thing is None or name == index or isinstance(thing, Poison):
                continue
            if isinstance(thing, Const) and thing.specialised:
                thing = self.scope[name] = self.variable(thing, name)
            if isinstance(thing, Tensor) or (isinstance(thing, Tuple) and flatten(thing)):
                names.append(name)
                initial.append(thing)
        return names, initial

    def loop_values(self, node: ast.For | ast.While, names: list[str], initial: list[Thing], ended: Scope) -> list[Thing]:
        """What the body hands on, of the same types as at the start; a mismatch is told where the variable is assigned."""
        values: list[Thing] = []
        places = assigned_names(node.body)
        for name, first in zip(names, initial, strict=True):
            last = ended.get(name, Poison())
            if isinstance(last, Poison) or same_type(first, last):
                values.append(first if isinstance(last, Poison) else last)
                continue
            shape_only = isinstance(first, Tensor) and isinstance(last, Tensor) and first.scalar == last.scalar
            code = "loop-carried-shape" if shape_only else "loop-carried-type"
            fix = ""
            self.program.report(
                self.source.error(code, places.get(name, node), fix=fix, name=name, first=describe(first), last=describe(last))
            )
            ended[name] = Poison()
            values.append(first)
        return values

    def after_loop(self, node: ast.For | ast.While, names: list[str], before: Scope, ended: Scope, results: Thing) -> None:
        assert isinstance(results, Tuple)
        for name, result in zip(names, results.items, strict=True):
            self.scope[name] = Poison() if isinstance(ended.get(name), Poison) else result
            for value in flatten(result):
                value.name = value.name or name
        for name, place in assigned_names(node.body).items():
            if name in names:
                continue
            if name in before:
                constant = before[name]
                changed = ended.get(name)
                if isinstance(constant, Const) and changed is not None and not same_value(constant, changed):
                    self.program.report(self.source.error("constexpr-reassigned", place, name=name))
                    self.scope[name] = Poison()
            else:
                self.branch_only[name] = place

    def visit_While(self, node: ast.While) -> None:
        if node.orelse:
            raise Refused(self.source.error("loop-else", node.orelse[0]))
        names, initial = self.carried(node.body, "")
        start = [v for thing in initial for v in flatten(thing)]
        template = Tuple(tuple(initial))
        types, labels = [v.type for v in start], [v.name for v in start]
        before_block, after_block = Block(types, labels), Block(types, labels)
        before = dict(self.scope)
        with self.branch(before_block):
            self.bind(names, rebuild(template, before_block.arguments))
            test = self.condition(node.test)
            if not isinstance(test, Tensor):
                if not test:
                    return
                raise Refused(self.source.error("while-forever", node.test))
            self.emitter.builder.op("scf.condition", [test.value, *before_block.arguments])
        with self.branch(after_block):
            self.bind(names, rebuild(template, after_block.arguments))
            self.loops += 1
            self.statements(node.body)
            self.loops -= 1
            ended = self.scope
            yielded = self.loop_values(node, names, initial, ended)
            self.emitter.builder.op("scf.yield", [v for thing in yielded for v in flatten(thing)])
        self.emitter.builder.location = (self.source.location(node),)
        self.emitter.count += 1
        regions = [Region([before_block]), Region([after_block])]
        op = self.emitter.builder.op("scf.while", start, types, regions=regions, names=labels)
        self.after_loop(node, names, before, ended, rebuild(template, op.results))

    def bind(self, names: list[str], things: Thing) -> None:
        assert isinstance(things, Tuple)
        for name, thing in zip(names, things.items, strict=True):
            self.scope[name] = thing

    # Expressions

    def visit_Constant(self, node: ast.Constant) -> Thing:
        if node.value is None or isinstance(node.value, bool | int | float | str):
            return Const(node.value)
        raise Mistake("unsupported-constant", type=type(node.value).__name__)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Thing:
        return Const(self.source.text_of(node))

    def visit_Tuple(self, node: ast.Tuple) -> Thing:
        return Tuple(tuple(self.elements(node.elts)))

    def visit_List(self, node: ast.List) -> Thing:
        return Tuple(tuple(self.elements(node.elts)))

    def elements(self, nodes: list[ast.expr]) -> list[Thing]:
        things: list[Thing] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                spread = self.visit(node.value)
                if not isinstance(spread, Tuple):
                    raise Refused(self.source.error("unpack-not-tuple", node, thing=describe(spread)))
                things.extend(spread.items)
            else:
                things.append(self.visit(node))
        return things

    def visit_Name(self, node: ast.Name) -> Thing:
        thing = self.scope.get(node.id)
        if isinstance(thing, Poison):
            raise Poisoned
        if thing is not None:
            return thing
        if node.id in self.branch_only:
            line = getattr(self.branch_only[node.id], "lineno", 0)
            raise Mistake("defined-in-branch", name=node.id, line=line)
        return self.program.globals().lookup(node.id, node)

    def visit_BinOp(self, node: ast.BinOp) -> Thing:
        a, b = self.visit(node.left), self.visit(node.right)
        symbol = _OPERATORS[type(node.op)]
        if isinstance(a, Tuple) or isinstance(b, Tuple):
            return tuple_operator(symbol, a, b)
        if isinstance(a, Const) and isinstance(b, Const):
            return constants.binary(symbol, a.value, b.value)
        left, right = self.as_operand(a, node.left), self.as_operand(b, node.right)
        if symbol not in ARITHMETIC:
            code = "matmul-operator" if symbol == "@" else "power-operator"
            texts = [self.source.text_of(n) for n in (node.left, node.right)]
            fix = f"tl.dot({texts[0]}, {texts[1]})" if symbol == "@" else power_text(texts[0], b)
            raise Mistake(code, left=texts[0], right=texts[1], fix=fix)
        return self.emitter.binary(symbol, left, right)

    def as_operand(self, thing: Thing, node: ast.expr) -> Operand:
        if isinstance(thing, Tensor):
            return thing
        if isinstance(thing, Const) and isinstance(thing.value, bool | int | float):
            return thing
        raise Refused(self.source.error("not-a-value", node, thing=describe(thing)))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Thing:
        operand = self.visit(node.operand)
        symbol = {ast.USub: "-", ast.UAdd: "+", ast.Not: "not", ast.Invert: "~"}[type(node.op)]
        if isinstance(operand, Const):
            return constants.unary(symbol, operand.value)
        if isinstance(operand, Tuple) and symbol == "not":
            return Const(not operand.items)
        value = self.emitter.tensor(operand)
        if symbol == "-":
            return self.emitter.negate(value)
        if symbol == "+":
            return value
        return self.emitter.invert(self.emitter.truth(value) if symbol == "not" else value)

    def visit_BoolOp(self, node: ast.BoolOp) -> Thing:
        """`and`, `or`: decided early by constants, bitwise on runtime booleans (both sides are computed)."""
        stop = isinstance(node.op, ast.Or)
        result: Thing | None = None
        for part in node.values:
            thing = self.visit(part)
            if result is None or isinstance(result, Const):
                result = thing
            elif isinstance(thing, Const):
                if bool(thing.value) == stop:
                    result = thing
            else:
                sides = [self.emitter.truth(self.emitter.tensor(t)) for t in (result, thing)]
                result = self.emitter.binary("|" if stop else "&", *sides)
            if isinstance(result, Const) and bool(result.value) == stop:
                return result
        assert result is not None
        return result

    def visit_Compare(self, node: ast.Compare) -> Thing:
        if len(node.ops) > 1:
            raise Mistake("chained-comparison", fix=unchained(node, self.source))
        symbol = _COMPARISONS[type(node.ops[0])]
        a, b = self.visit(node.left), self.visit(node.comparators[0])
        if symbol in ("is", "is not"):
            same = isinstance(a, Const) and isinstance(b, Const) and a.value is b.value
            return Const(same == (symbol == "is"))
        if symbol in ("in", "not in"):
            if isinstance(a, Const) and isinstance(b, Tuple) and not flatten(b):
                return Const((a in b.items) == (symbol == "in"))
            raise Mistake("unsupported-construct", construct=f"`{symbol}`")
        if isinstance(a, Const) and isinstance(b, Const):
            return constants.compare(symbol, a.value, b.value)
        if isinstance(a, Tuple) and isinstance(b, Tuple) and not flatten(a) and not flatten(b):
            return Const((a == b) == (symbol == "=="))
        none = next((n for n, t in ((node.left, a), (node.comparators[0], b)) if t == Const(None)), None)
        if none is not None:
            return Const(symbol == "!=")
        return self.emitter.compare(symbol, self.as_operand(a, node.left), self.as_operand(b, node.comparators[0]))

    def visit_IfExp(self, node: ast.IfExp) -> Thing:
        test = self.visit(node.test)
        if isinstance(test, Tensor) and test.is_block:
            texts = [self.source.text_of(n) for n in (node.test, node.body, node.orelse)]
            raise Mistake("ternary-block", fix=f"tl.where({', '.join(texts)})")
        decided = self.condition(node.test) if not isinstance(test, Tensor) else self.emitter.truth(test)
        if not isinstance(decided, Tensor):
            return self.visit(node.body if decided else node.orelse)
        values: list[Thing] = []
        builders: list[Builder] = []
        for side in (node.body, node.orelse):
            with self.branch():
                thing = self.visit(side)
                values.append(self.emitter.tensor(thing) if isinstance(thing, Const) else thing)
                builders.append(self.emitter.builder)
        values = self.meet(values, builders, self.source.text_of(node), node)
        self.end_branches(node, decided.value, builders, values, ())
        for value in self.last_if.results:
            self.emitter.weak.add(value)
        return rebuild(values[0], self.last_if.results)

    def visit_Subscript(self, node: ast.Subscript) -> Thing:
        thing = self.visit(node.value)
        if isinstance(thing, Tuple):
            return self.tuple_item(thing, node)
        if isinstance(thing, Tensor):
            return self.index(thing, node)
        if isinstance(thing, Const) and thing.specialised:
            return self.index(self.emitter.tensor(thing), node)
        raise Mistake("not-subscriptable", thing=describe(thing))

    def tuple_item(self, thing: Tuple, node: ast.Subscript) -> Thing:
        if isinstance(node.slice, ast.Slice):
            parts = [self.visit(p) if p else Const(None) for p in (node.slice.lower, node.slice.upper, node.slice.step)]
            numbers = [p.value if isinstance(p, Const) and isinstance(p.value, int) else None for p in parts]
            if numbers[2] == 0:
                raise Mistake("range-step-zero")
            return Tuple(thing.items[slice(*numbers)])
        at = self.visit(node.slice)
        if not isinstance(at, Const) or not isinstance(at.value, int):
            raise Mistake("not-constexpr", name="index", thing=describe(at))
        if not -len(thing.items) <= at.value < len(thing.items):
            raise Mistake("tuple-index", index=short_number(at.value), length=len(thing.items))
        return thing.items[at.value]

    def index(self, tensor: Tensor, node: ast.Subscript) -> Thing:
        """x[:, None] and the like: full slices keep an axis, None adds one."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if tensor.is_pointer and not tensor.is_block:
            text, at = self.source.text_of(node.value), self.source.text_of(node.slice)
            raise Mistake("pointer-subscript", pointer=text, index=at, fix=f"tl.load({text} + {at})")
        axis = 0
        kept = 0
        for part in parts:
            if isinstance(part, ast.Slice):
                if part.lower is not None or part.upper is not None or part.step is not None:
                    raise Refused(self.source.error("slice-of-block", part, text=self.source.text_of(node)))
                kept += 1
            elif isinstance(part, ast.Constant) and part.value is None:
                tensor = self.emitter.expand_dims(tensor, axis)
            else:
                raise Refused(self.source.error("index-of-block", part, text=self.source.text_of(node)))
            axis += 1
        if kept > len(tensor.shape):
            raise Mistake("too-many-indices", shape=str(list(tensor.shape)), count=kept)
        return tensor

    def visit_Attribute(self, node: ast.Attribute) -> Thing:
        thing = self.visit(node.value)
        if isinstance(thing, Module):
            return self.module_attribute(thing, node.attr)
        if isinstance(thing, Tensor):
            return self.tensor_attribute(thing, node.attr)
        if isinstance(thing, Const):
            return constant_attribute(thing, node.attr)
        if isinstance(thing, Tuple) and node.attr in ("value", "values"):
            return thing
        raise Mistake("no-such-attribute", thing=describe(thing), name=node.attr)

    def module_attribute(self, module: Module, name: str) -> Thing:
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

    def tensor_attribute(self, tensor: Tensor, name: str) -> Thing:
        if name in ("dtype", "type"):
            return Const(tensor.scalar)
        if name == "shape":
            return Tuple(tuple(Const(s) for s in tensor.shape))
        if name == "numel":
            return Const(math.prod(tensor.shape))
        if name == "T":
            return builtins.call("trans", self.emitter, [tensor], {})
        if name == "to" or name in builtins.METHODS:
            return Method(tensor, name)
        raise Mistake("no-such-attribute", thing=describe(tensor), name=name)

    def visit_Call(self, node: ast.Call) -> Thing:
        callee = self.visit(node.func)
        for keyword in node.keywords:
            if keyword.arg is None:
                raise Refused(self.source.error("double-star", keyword.value))
        arguments = self.elements(node.args)
        keywords = {k.arg or "": self.visit(k.value) for k in node.keywords}
        try:
            return self.apply(callee, arguments, keywords, node)
        except Mistake as mistake:
            place = self.argument_node(node, callee, mistake.argument)
            raise Refused(self.source.diagnose(mistake, place)) from mistake

    def argument_node(self, node: ast.Call, callee: Thing, argument: str) -> ast.AST:
        """Where an argument stands in a call; the call itself where it does not stand there."""
        for keyword in node.keywords:
            if keyword.arg == argument:
                return keyword.value
        if isinstance(callee, Builtin) and argument:
            position = builtins.argument_position(callee.name.partition(".")[2], argument)
        elif isinstance(callee, Method) and argument:
            position = builtins.argument_position("cast" if callee.name == "to" else callee.name, argument) - 1
            if position == -1 and isinstance(node.func, ast.Attribute):
                return node.func.value
        else:
            return node
        plain = not any(isinstance(a, ast.Starred) for a in node.args)
        return node.args[position] if plain and 0 <= position < len(node.args) else node

    def apply(self, callee: Thing, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call) -> Thing:
        if isinstance(callee, Function):
            return self.call_helper(callee, arguments, keywords, node)
        if isinstance(callee, Method):
            if isinstance(callee.receiver, Const):
                return self.constant_method(callee, arguments)
            name = "cast" if callee.name == "to" else callee.name
            return builtins.call(name, self.emitter, [callee.receiver, *arguments], keywords)
        if isinstance(callee, Const) and isinstance(callee.value, DType) and len(arguments) == 1:
            return self.emitter.cast(self.emitter.tensor(arguments[0]), callee.value)
        if not isinstance(callee, Builtin):
            raise Mistake("not-callable", thing=describe(callee))
        family, _, name = callee.name.partition(".")
        if family == "python":
            return self.call_python(name, arguments)
        if family == "libdevice":
            return builtins.call_libdevice(name, self.emitter, arguments)
        if family == "tl":
            if name == "constexpr" and len(arguments) == 1:
                return arguments[0]
            if name in ("range", "static_range"):
                raise Mistake("range-outside-for", name=name)
            return builtins.call(name, self.emitter, arguments, keywords)
        raise foreign_call(callee.name, arguments, self.source.text_of(node))

    def constant_method(self, callee: Method, arguments: list[Thing]) -> Thing:
        assert isinstance(callee.receiver, Const)
        value = callee.receiver.value
        if isinstance(value, DType | Pointer):
            answer = builtins.dtype_test(value, callee.name)
            if answer is not None:
                return Const(answer)
        if callee.name == "to" and len(arguments) == 1:
            return self.emitter.cast(self.emitter.tensor(callee.receiver), builtins.dtype_of(arguments[0]))
        raise Mistake("no-such-attribute", thing=describe(callee.receiver), name=callee.name)

    def call_python(self, name: str, arguments: list[Thing]) -> Thing:
        if name == "len" and len(arguments) == 1 and isinstance(arguments[0], Tuple):
            return Const(len(arguments[0].items))
        if name in ("tuple", "list") and len(arguments) == 1 and isinstance(arguments[0], Tuple):
            return arguments[0]
        if name == "print":
            return Const(None)
        if name == "range":
            raise Mistake("range-outside-for", name=name)
        if all(isinstance(a, Const) for a in arguments):
            values = [a.value for a in arguments if isinstance(a, Const)]
            if name == "next_power_of_2" and len(values) == 1 and isinstance(values[0], int):
                return Const(1 << max(0, values[0] - 1).bit_length())
            return constants.python_builtin(name, values)
        replacement = {"min": "minimum", "max": "maximum", "abs": "abs"}.get(name)
        if replacement is not None:
            return builtins.call(replacement, self.emitter, arguments, {})
        raise Mistake("python-function-on-value", name=name, fix="")

    # Helper functions

    def call_helper(self, callee: Function, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call) -> Thing:
        """A call of another @triton.jit function, made once for each combination of constants and types."""
        if callee.name in self.program.calls:
            raise Mistake("recursive-call", name=callee.name, chain=" → ".join([*self.program.calls, callee.name]))
        if len(self.program.calls) >= MAX_CALL_DEPTH:
            raise LimitHit(self.source.error("limit-calls", node, limit=MAX_CALL_DEPTH))
        bound = self.bind_arguments(callee, arguments, keywords)
        key = (callee.name, *(describe(t) if flatten(t) else t for t in bound.values()))
        if key not in self.program.helpers:
            self.program.helpers[key] = make_function(self.program, callee, bound)
        function, template = self.program.helpers[key]
        values = [v for thing in bound.values() for v in flatten(thing)]
        types = functions.function_type(function).results
        self.emitter.count += 1
        call = self.emitter.builder.op(
            "tt.call", values, types, {"callee": SymbolRefAttr(functions.symbol(function))}, names=[callee.name] * len(types)
        )
        self.emitter.weak.update(call.results)
        return rebuild(template, call.results)

    def bind_arguments(self, callee: Function, arguments: list[Thing], keywords: dict[str, Thing]) -> Scope:
        if callee.node.args.vararg is not None or callee.node.args.kwarg is not None:
            raise Mistake("star-parameters", name=callee.name)
        wanted = parameters(callee.node)
        names = [p.arg for p, _ in wanted]
        if len(arguments) > len(callee.node.args.posonlyargs) + len(callee.node.args.args):
            raise Mistake("too-many-arguments", name=callee.name, given=len(arguments), wanted=len(names))
        bound: Scope = dict(zip(names, arguments, strict=False))
        for name, thing in keywords.items():
            if name not in names:
                raise Mistake("no-such-parameter", name=callee.name, parameter=name, parameters=", ".join(names))
            if name in bound:
                raise Mistake("argument-twice", name=callee.name, parameter=name)
            bound[name] = thing
        for parameter, default in wanted:
            if parameter.arg not in bound:
                if default is None:
                    raise Mistake("argument-missing", name=callee.name, parameter=parameter.arg)
                bound[parameter.arg] = FunctionReader(self.program, Block(), {}).visit(default)
            if is_constexpr(parameter) and flatten(bound[parameter.arg]):
                thing = describe(bound[parameter.arg])
                raise Mistake(
                    "constexpr-parameter", argument=parameter.arg, name=callee.name, parameter=parameter.arg, thing=thing
                )
        return {name: bound[name] for name in names}


def make_function(program: Program, callee: Function, bound: Scope) -> tuple[Op, Thing]:
    """The private function of one specialisation of a helper, and what its results stand for."""
    values = [(name, v) for name, thing in bound.items() for v in flatten(thing)]
    times = program.names.get(callee.name, 0)
    program.names[callee.name] = times + 1
    name = callee.name if not times else f"{callee.name}_{times}"
    location = (program.source.location(callee.node),)
    function = functions.function(
        name, [v.type for _, v in values], names=[n for n, _ in values], location=location, kind="tt.func"
    )
    function.attributes["sym_visibility"] = StringAttr("private")
    function.attributes["noinline"] = BoolAttr(False)
    remaining = iter(function.body.arguments)
    scope: Scope = {n: rebuild(t, [next(remaining) for _ in flatten(t)]) for n, t in bound.items()}
    program.calls.append(callee.name)
    before = len(program.diagnostics)
    try:
        template = read_body(program, function, callee.node, scope, kernel=False)
    finally:
        program.calls.pop()
    if len(program.diagnostics) > before:
        raise Poisoned
    program.module.body.append(function)
    return function, template


def read_body(program: Program, function: Op, node: ast.FunctionDef, scope: Scope, *, kernel: bool) -> Thing:
    """Reads a function's body into `function`; gives what it returns, with the types in its signature."""
    reader = FunctionReader(program, function.body, scope, kernel=kernel)
    try:
        reader.body(node.body)
    except LimitHit:
        raise
    except Refused as refused:
        program.report(*refused.diagnostics)
    except Poisoned:
        pass
    if isinstance(reader.returned, Function | Builtin | Module | Method):
        program.report(program.source.error("not-a-value", node, thing=describe(reader.returned)))
    builder = Builder(function.body, location=(program.source.location(node.body[-1]),))
    builder.op("tt.return", flatten(reader.returned))
    functions.update_function_type(function)
    return reader.returned


# Pure helpers


def unsupported(node: ast.AST) -> tuple[str, ast.AST]:
    """The message for a construct that has no meaning in a kernel."""
    codes: dict[type[ast.AST], str] = {
        ast.Break: "unsupported-break",
        ast.Continue: "unsupported-continue",
        ast.Try: "unsupported-try",
        ast.Raise: "unsupported-raise",
        ast.Lambda: "unsupported-lambda",
        ast.ListComp: "unsupported-comprehension",
        ast.GeneratorExp: "unsupported-comprehension",
        ast.SetComp: "unsupported-comprehension",
        ast.DictComp: "unsupported-comprehension",
        ast.Dict: "unsupported-container",
        ast.Set: "unsupported-container",
        ast.With: "unsupported-with",
        ast.FunctionDef: "unsupported-nested-function",
        ast.NamedExpr: "unsupported-walrus",
        ast.Import: "unsupported-import",
        ast.ImportFrom: "unsupported-import",
        ast.Global: "unsupported-global",
        ast.Nonlocal: "unsupported-global",
    }
    return codes.get(type(node), "unsupported-construct"), node


def as_load(target: ast.expr) -> ast.expr:
    """The target of an augmented assignment, to be read."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Subscript):
        return ast.Subscript(target.value, target.slice, ast.Load())
    return target


def contains_return(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Return) for n in ast.walk(node))


def always_returns(statements: Sequence[ast.stmt]) -> bool:
    """Whether statements end in a return on every path."""
    for node in statements:
        if isinstance(node, ast.Return):
            return True
        if isinstance(node, ast.If) and node.orelse and always_returns(node.body) and always_returns(node.orelse):
            return True
    return False


def drop_unchanged(loop: Op) -> None:
    """Takes out the loop-carried values that the body hands on as they came."""
    yielded = loop.body.terminator
    for i in reversed(range(len(loop.results))):
        argument = loop.body.arguments[i + 1]
        if yielded.operands[i] is not argument:
            continue
        initial = loop.operands[i + 3]
        yielded.operands = [v for j, v in enumerate(yielded.operands) if j != i]
        name = initial.name
        argument.replace_all_uses_with(initial)
        loop.results[i].replace_all_uses_with(initial)
        initial.name = name
        loop.body.remove_argument(i + 1)
        loop.operands = [v for j, v in enumerate(loop.operands) if j != i + 3]
        del loop.results[i]
    for i, result in enumerate(loop.results):
        result.index = i


def tuple_operator(symbol: str, a: Thing, b: Thing) -> Thing:
    if symbol == "+" and isinstance(a, Tuple) and isinstance(b, Tuple):
        return Tuple(a.items + b.items)
    if symbol == "*":
        many, times = (a, b) if isinstance(a, Tuple) else (b, a)
        if isinstance(many, Tuple) and isinstance(times, Const) and isinstance(times.value, int) and 0 <= times.value <= 16:
            return Tuple(many.items * times.value)
    raise Mistake("constant-operands", operator=symbol, left=describe(a), right=describe(b))


def power_text(base: str, exponent: Thing) -> str:
    """x * x for x ** 2; "" where there is no short way to write it."""
    if isinstance(exponent, Const) and exponent.value in (2, 3) and base.isidentifier():
        return " * ".join([base] * int(exponent.value))
    return ""


def unchained(node: ast.Compare, source: Source) -> str:
    """(a < b) & (b < c) for a < b < c."""
    parts = [node.left, *node.comparators]
    pairs = zip(parts, node.ops, parts[1:], strict=False)
    return " & ".join(f"({source.text_of(a)} {_COMPARISONS[type(op)]} {source.text_of(b)})" for a, op, b in pairs)


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
