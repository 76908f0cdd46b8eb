"""Reads the statements of a kernel and of its helpers, and makes their tt-stage functions: one method per Python construct."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from compiler_core.diagnostics import LimitHit, Refused
from compiler_core.dialects import builtin as functions
from compiler_core.dialects.scf import for_loop
from compiler_core.importers.triton.emit import Operand, is_pointer
from compiler_core.importers.triton.expressions import ExpressionReader, unsupported
from compiler_core.importers.triton.program import MAX_UNROLLED, Program, Scope
from compiler_core.importers.triton.semantics import promote_integers
from compiler_core.importers.triton.source import assigned_names, dotted
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
from compiler_core.ir import Block, Builder, Op, Region
from compiler_core.ir.attributes import BoolAttr, IntegerAttr, StringAttr, UnitAttr
from compiler_core.ir.types import i32


class FunctionReader(ExpressionReader):
    """Reads the body of one function into a block."""

    def __init__(self, program: Program, block: Block, scope: Scope, *, kernel: bool) -> None:
        super().__init__(program, block, scope)
        self.loops = 0
        self.kernel = kernel
        self.returned: Thing = Const(None)

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
        returned: list[Thing] = []
        builders: list[Builder] = []
        for branch in (node.body, node.orelse):
            with self.branch():
                self.returned = Const(None)
                self.body([*branch, *([] if always_returns(branch) else rest)])
                returned.append(self.returned)
                builders.append(self.emitter.builder)
        results = self.meet(returned, builders, "the returned value", node)
        made = self.end_branches(node, test.value, builders, results)
        self.returned = rebuild(results[0], made.results)
        return True

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
        made = self.end_branches(node, test.value, builders, list(together))
        results = rebuild(together[0], made.results)
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
        first, last, by = (self.emitter.cast(t, dtype).value for t in tensors)
        assert isinstance(node.target, ast.Name)
        names, initial = self.carried(node.body, node.target.id)
        start = [v for thing in initial for v in flatten(thing)]
        labels = [v.name for v in start]
        builder = self.emitter.builder
        builder.location = (self.source.location(node),)
        self.emitter.count += 1
        op = for_loop(builder, first, last, by, start, labels, node.target.id)
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
