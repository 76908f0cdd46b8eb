"""The source text as a tree: parsed with `ast`, never executed; its places, its functions and its module-level names."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property

from compiler_core.diagnostics import Argument, Diagnostic, FixIt, LimitHit, Refused, Span, TextEdit, error, message
from compiler_core.importers.triton.values import Mistake
from compiler_core.ir import Location

MAX_NESTING = 120
"""Deepest accepted nesting of expressions and statements; CPython's own parser stops at about 100 brackets."""
MAX_NODES = 400_000
"""Most syntax nodes of one file."""


@dataclass
class Source:
    """One file. Raises Refused or LimitHit from `parse` where it is no Python or too much of it."""

    text: str
    file: str
    tree: ast.Module
    lines: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.text.splitlines() or [""]

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Functions with @triton.jit, by name."""
        return {f.name: f for f in self.tree.body if isinstance(f, ast.FunctionDef) and is_jit(f)}

    @cached_property
    def kernels(self) -> list[ast.FunctionDef]:
        """Functions with @triton.jit that no other one calls and that return nothing: what can be launched."""
        called = {
            n.func.id
            for f in self.functions.values()
            for n in ast.walk(f)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        plain = [f for f in self.functions.values() if not returns_value(f)]
        return [f for f in plain if f.name not in called] or plain

    def column(self, line: int, offset: int) -> int:
        """The column, from 1, in characters, of a UTF-8 offset into a line."""
        if not 1 <= line <= len(self.lines):
            return offset + 1
        text = self.lines[line - 1]
        return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="ignore")) + 1

    def span(self, node: ast.AST) -> Span:
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end_line, end = getattr(node, "end_lineno", None) or line, getattr(node, "end_col_offset", None) or offset
        return Span(line, self.column(line, offset), end_line, self.column(end_line, end))

    def location(self, node: ast.AST) -> Location:
        line = getattr(node, "lineno", 1)
        return Location(self.file, line, self.column(line, getattr(node, "col_offset", 0)))

    def text_of(self, node: ast.AST) -> str:
        """The text of a node, on one line and not too long."""
        text = " ".join((ast.get_source_segment(self.text, node) or "").split())
        return text if len(text) <= 60 else text[:57] + "…"

    def diagnose(self, mistake: Mistake, node: ast.AST) -> Diagnostic:
        """The diagnostic of a mistake at a node, with its fix where it has one."""
        return self.error(mistake.code, node, fix=mistake.fix, **mistake.arguments)

    def error(self, code: str, node: ast.AST, *, fix: str = "", **arguments: Argument) -> Diagnostic:
        """An error at a node. `fix` is the text that would replace the node; {source} in it is the node's own text."""
        span = self.span(node)
        fixits: tuple[FixIt, ...] = ()
        if fix:
            text = fix.replace("{source}", ast.get_source_segment(self.text, node) or "")
            fixits = (FixIt(message("fix-replace", text=text), (TextEdit(span, text),)),)
        return Diagnostic("error", message(code, **arguments), (span,), None, fixits)


def parse(text: str, file: str = "kernel.py") -> Source:
    """Reads a source text. Raises Refused where it is not Python, LimitHit where it is too deep or too large."""
    try:
        tree = ast.parse(text)
    except SyntaxError as e:
        if "nested" in (e.msg or "") or ("indentation" in (e.msg or "") and "too many" in (e.msg or "")):
            raise LimitHit(error("limit-nesting", Span(e.lineno or 1, e.offset or 1), limit=MAX_NESTING)) from None
        span = Span(e.lineno or 1, max(1, e.offset or 1), e.end_lineno or 0, max(0, e.end_offset or 0))
        raise Refused(error("syntax-error", span, why=(e.msg or "invalid syntax")[:200])) from None
    except ValueError as e:
        raise Refused(error("syntax-error", Span(1), why=str(e)[:200])) from None
    except (RecursionError, MemoryError):
        raise LimitHit(error("limit-nesting", Span(1), limit=MAX_NESTING)) from None
    check_size(tree)
    return Source(text, file, tree)


def check_size(tree: ast.AST) -> None:
    """Raises LimitHit for a tree that is too deep or too large; walks it without recursion."""
    count = 0
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > MAX_NESTING:
            raise LimitHit(error("limit-nesting", Span(getattr(node, "lineno", 1), 1), limit=MAX_NESTING))
        if count > MAX_NODES:
            raise LimitHit(error("limit-nodes", Span(getattr(node, "lineno", 1), 1), limit=MAX_NODES))
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def dotted(node: ast.expr) -> str:
    """`triton.jit` for the expression triton.jit; "" for anything but names and attributes."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def decorators(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """A function's decorators by the last part of their names: jit, autotune, heuristics."""
    found: dict[str, ast.expr] = {}
    for decorator in function.decorator_list:
        name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        found[name.rpartition(".")[2]] = decorator
    return found


def is_jit(function: ast.FunctionDef) -> bool:
    return "jit" in decorators(function)


def returns_value(function: ast.FunctionDef) -> bool:
    return any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(function))


def parameters(function: ast.FunctionDef) -> list[tuple[ast.arg, ast.expr | None]]:
    """Every parameter with its default."""
    positional = [*function.args.posonlyargs, *function.args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(function.args.defaults)) + list(function.args.defaults)
    return [*zip(positional, defaults, strict=True), *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]


def is_constexpr(argument: ast.arg) -> bool:
    """Whether a parameter is annotated tl.constexpr."""
    annotation = argument.annotation
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.rpartition(".")[2] == "constexpr"
    return annotation is not None and dotted(annotation).rpartition(".")[2] == "constexpr"


def assigned_names(statements: list[ast.stmt]) -> dict[str, ast.AST]:
    """The names that statements assign, in order, each with the last place that does."""
    names: dict[str, ast.AST] = {}
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names[node.id] = node
    return names
