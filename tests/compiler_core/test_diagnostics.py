"""Message templates and the code that uses them: none missing, none idle, and both languages name the same facts."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from compiler_core.diagnostics import templates

ROOT = Path(__file__).resolve().parents[2]
TREES = [ast.parse(path.read_text()) for package in ("compiler_core", "explorer") for path in (ROOT / package).rglob("*.py")]
MAKERS = {"error": 0, "warning": 0, "message": 0, "refuse": 1}
"""The functions that make a diagnostic, and which of their arguments is the template's code."""


def pattern(node: ast.expr) -> str | None:
    """The codes a string may be, as a regular expression: an f-string's holes stand for anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(pattern(part) or ".*" for part in node.values)
    return None


def strings() -> set[str]:
    """Patterns of the strings that may be a template's code: words with hyphens, the first of them no hole."""
    found = {pattern(node) for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)}
    return {text for text in found if text and re.fullmatch(r"[a-z0-9]+\\-[a-z0-9.*\\-]+", text)}


def asked_for() -> set[str]:
    """Every code that the code asks for where it makes a diagnostic."""
    codes: set[str] = set()
    for node in (node for tree in TREES for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
            at = MAKERS[node.func.id]
            if len(node.args) > at and (code := pattern(node.args[at])):
                codes.add(code)
    return codes


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_code_asked_for_has_a_template() -> None:
    codes = asked_for()
    assert len(codes) > 100
    assert not [code for code in codes if not any(re.fullmatch(code, known) for known in templates())]


def test_every_template_is_used() -> None:
    used = re.compile("|".join(strings()))
    assert not [code for code in templates() if not used.fullmatch(code)]


@pytest.mark.parametrize("code", templates())
def test_both_languages_name_the_same_facts(code: str) -> None:
    texts = templates()[code]
    assert set(texts) == {"en", "zh"}
    assert placeholders(texts["en"]) == placeholders(texts["zh"])
