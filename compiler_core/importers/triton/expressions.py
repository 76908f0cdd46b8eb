"""Reads the expressions of a kernel: one method per Python construct."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Generator
from contextlib import contextmanager

from compiler_core.diagnostics import LimitHit, Refused
from compiler_core.dialects import builtin as functions
from compiler_core.importers.triton import builtins, constants
from compiler_core.importers.triton.dtypes import DType, Pointer
from compiler_core.importers.triton.emit import ARITHMETIC, Emitter, Operand
from compiler_core.importers.triton.names import constant_attribute, foreign_call, global_name, module_attribute
from compiler_core.importers.triton.program import MAX_CALL_DEPTH, MAX_OPS, Program, Scope
from compiler_core.importers.triton.semantics import short_number
from compiler_core.importers.triton.source import Source, is_constexpr, parameters
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
)
from compiler_core.ir import Block, Builder, Op, Region, Value
from compiler_core.ir.attributes import SymbolRefAttr

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Not: "not", ast.Invert: "~"}


class ExpressionReader:
    """Reads expressions into a block. `scope` holds the parameters and variables they may use."""

    def __init__(self, program: Program, block: Block, scope: Scope) -> None:
        self.program = program
        self.source = program.source
        self.emitter = Emitter(Builder(block))
        self.scope = scope
        self.branch_only: dict[str, ast.AST] = {}
        """Variables that only some paths assign, with the place."""

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

    def as_operand(self, thing: Thing, node: ast.expr) -> Operand:
        if isinstance(thing, Tensor):
            return thing
        if isinstance(thing, Const) and isinstance(thing.value, bool | int | float):
            return thing
        raise Refused(self.source.error("not-a-value", node, thing=describe(thing)))

    @contextmanager
    def branch(self, block: Block | None = None) -> Generator[Block]:
        """Reads into another block with a copy of the scope; both are put back afterwards."""
        block = block or Block()
        outer, scope = self.emitter.builder, self.scope
        self.emitter.builder = Builder(block, location=outer.location)
        self.scope = dict(scope)
        try:
            yield block
        finally:
            self.emitter.builder = outer
            self.scope = scope

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
        for value, builder in zip(values, builders, strict=True):
            if isinstance(value, Const) and isinstance(value.value, bool | int | float):
                outer, self.emitter.builder = self.emitter.builder, builder
                builder.location = (self.source.location(node),)
                try:
                    made.append(self.emitter.tensor(value))
                finally:
                    self.emitter.builder = outer
            else:
                made.append(value)
        if not same_type(made[0], made[1]):
            raise Mistake("branch-types-differ", name=what, then=describe(a), otherwise=describe(b))
        return made

    def end_branches(self, node: ast.AST, test: Value, builders: list[Builder], values: list[Thing]) -> Op:
        """Makes the scf.if of two finished branch blocks that yield `values`."""
        for builder, value in zip(builders, values, strict=True):
            builder.location = (self.source.location(node),)
            builder.op("scf.yield", flatten(value))
        types = [v.type for v in flatten(values[0])]
        names = [v.name for v in flatten(values[0])]
        builder = self.emitter.builder
        builder.location = (self.source.location(node),)
        self.emitter.count += 1
        return builder.op("scf.if", [test], types, regions=[Region([b.block]) for b in builders], names=names)

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

    def global_name(self, name: str) -> Thing:
        """What a name of the file means; constants are read without the function's variables."""
        return global_name(self.source, name, ExpressionReader(self.program, Block(), {}).visit)

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
        return self.global_name(node.id)

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

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Thing:
        operand = self.visit(node.operand)
        symbol = _UNARY[type(node.op)]
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
        made = self.end_branches(node, decided.value, builders, values)
        self.emitter.weak.update(made.results)
        return rebuild(values[0], made.results)

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
        kept = 0
        for axis, part in enumerate(parts):
            if isinstance(part, ast.Slice):
                if part.lower is not None or part.upper is not None or part.step is not None:
                    raise Refused(self.source.error("slice-of-block", part, text=self.source.text_of(node)))
                kept += 1
            elif isinstance(part, ast.Constant) and part.value is None:
                tensor = self.emitter.expand_dims(tensor, axis)
            else:
                raise Refused(self.source.error("index-of-block", part, text=self.source.text_of(node)))
        if kept > len(tensor.shape):
            raise Mistake("too-many-indices", shape=str(list(tensor.shape)), count=kept)
        return tensor

    def visit_Attribute(self, node: ast.Attribute) -> Thing:
        thing = self.visit(node.value)
        if isinstance(thing, Module):
            return module_attribute(thing, node.attr)
        if isinstance(thing, Tensor):
            return self.tensor_attribute(thing, node.attr)
        if isinstance(thing, Const):
            return constant_attribute(thing, node.attr)
        if isinstance(thing, Tuple) and node.attr in ("value", "values"):
            return thing
        raise Mistake("no-such-attribute", thing=describe(thing), name=node.attr)

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

    def call_helper(self, callee: Function, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call) -> Thing:
        """A call of another @triton.jit function, made once for each combination of constants and types."""
        if callee.name in self.program.calls:
            raise Mistake("recursive-call", name=callee.name, chain=" → ".join([*self.program.calls, callee.name]))
        if len(self.program.calls) >= MAX_CALL_DEPTH:
            raise LimitHit(self.source.error("limit-calls", node, limit=MAX_CALL_DEPTH))
        bound = self.bind_arguments(callee, arguments, keywords)
        key = (callee.name, *(describe(t) if flatten(t) else t for t in bound.values()))
        if key not in self.program.helpers:
            self.program.helpers[key] = self.program.make_helper(self.program, callee, bound)
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
                bound[parameter.arg] = ExpressionReader(self.program, Block(), {}).visit(default)
            if is_constexpr(parameter) and flatten(bound[parameter.arg]):
                thing = describe(bound[parameter.arg])
                raise Mistake(
                    "constexpr-parameter", argument=parameter.arg, name=callee.name, parameter=parameter.arg, thing=thing
                )
        return {name: bound[name] for name in names}


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
        return " * ".join([base] * (2 if exponent.value == 2 else 3))
    return ""


def unchained(node: ast.Compare, source: Source) -> str:
    """(a < b) & (b < c) for a < b < c."""
    parts = [node.left, *node.comparators]
    pairs = zip(parts, node.ops, parts[1:], strict=False)
    return " & ".join(f"({source.text_of(a)} {_COMPARISONS[type(op)]} {source.text_of(b)})" for a, op, b in pairs)
