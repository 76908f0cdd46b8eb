"""Evaluates grid expressions such as "cdiv(n, BLOCK)": integers, names, + - * // %, min, max, cdiv, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from compiler_core.diagnostics import Refused, error

MAX_LENGTH = 400
"""Longest grid expression, in characters."""
LARGEST = 2**63 - 1

_FUNCTIONS = ("cdiv", "min", "max", "next_power_of_2")


def evaluate(expression: str, names: Mapping[str, object]) -> int:
    """The integer an expression stands for. Raises Refused for anything but bounded integer arithmetic on known names."""
    shown = expression[:80]
    if len(expression) > MAX_LENGTH:
        raise Refused(error("grid-expression", expression=shown, why=f"longer than {MAX_LENGTH} characters"))
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        return _value(tree, names, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused(error("grid-expression", expression=shown, why="not an arithmetic expression")) from None
    except _Wrong as wrong:
        raise Refused(error(wrong.code, expression=shown, why=wrong.why)) from None


class _Wrong(Exception):
    def __init__(self, why: str, code: str = "grid-expression") -> None:
        super().__init__(why)
        self.why = why
        self.code = code


def _value(node: ast.expr, names: Mapping[str, object], depth: int) -> int:
    if depth > 50:
        raise _Wrong("nested too deeply")
    result = _compute(node, names, depth)
    if abs(result) > LARGEST:
        raise _Wrong("the number does not fit in 64 bits")
    return result


def _compute(node: ast.expr, names: Mapping[str, object], depth: int) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return int(node.value)
    if isinstance(node, ast.Name):
        value = names.get(node.id)
        if not isinstance(value, int):
            raise _Wrong(node.id, "grid-unknown-name")
        return int(value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, names, depth + 1)
    if isinstance(node, ast.BinOp):
        return _arithmetic(node.op, _value(node.left, names, depth + 1), _value(node.right, names, depth + 1))
    if isinstance(node, ast.Call) and not node.keywords:
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        )
        if name in _FUNCTIONS and node.args:
            return _function(name, [_value(a, names, depth + 1) for a in node.args])
    if isinstance(node, ast.Subscript):
        return _looked_up(node, names)
    raise _Wrong(f"{ast.unparse(node)[:40]!r} is not allowed; there are + - * // %, min, max, cdiv, next_power_of_2 and names")


def _looked_up(node: ast.Subscript, names: Mapping[str, object]) -> int:
    """META["BLOCK"], as launch code writes it."""
    if isinstance(node.value, ast.Name) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        value = names.get(node.slice.value)
        if isinstance(value, int):
            return int(value)
        raise _Wrong(node.slice.value, "grid-unknown-name")
    raise _Wrong(f"{ast.unparse(node)[:40]!r} is not allowed")


def _arithmetic(operator: ast.operator, a: int, b: int) -> int:
    if isinstance(operator, ast.Add):
        return a + b
    if isinstance(operator, ast.Sub):
        return a - b
    if isinstance(operator, ast.Mult):
        return a * b
    if isinstance(operator, ast.FloorDiv | ast.Mod):
        if b == 0:
            raise _Wrong("division by zero")
        return a // b if isinstance(operator, ast.FloorDiv) else a % b
    raise _Wrong("of the operators there are + - * // %")


def _function(name: str, values: list[int]) -> int:
    if name == "next_power_of_2" and len(values) == 1:
        return 1 << max(0, values[0] - 1).bit_length()
    if name == "cdiv":
        if len(values) != 2:
            raise _Wrong("cdiv takes two numbers")
        if values[1] == 0:
            raise _Wrong("division by zero")
        return -(-values[0] // values[1])
    if name in ("min", "max"):
        return min(values) if name == "min" else max(values)
    raise _Wrong(f"{name} takes one number")
