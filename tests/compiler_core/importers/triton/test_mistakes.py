"""Each mistake people make gets one diagnostic: the right message at the right place, in English and Chinese, with a fix where
one is mechanical. The first part is what Triton's own compiler complains about."""

from typing import NamedTuple

import pytest

from compiler_core.diagnostics import Diagnostic, templates
from compiler_core.importers.triton import import_kernel
from tests.compiler_core.importers.triton.kernels import launch, refused, source


class Case(NamedTuple):
    body: str
    code: str
    at: str
    """The text that the span underlines."""
    fix: str | None = None
    """What the fix-it writes there."""
    before: str = ""


LOAD = "r = tl.arange(0, B)\nx = tl.load(x_ptr + r)\n"

CASES = {
    # What Triton's compiler says, too
    "scalar pointer, block mask": Case(
        "tl.load(x_ptr, mask=tl.arange(0, B) < n)", "block-with-scalar-pointer", "tl.arange(0, B) < n"
    ),
    "1-D pointers, 2-D mask": Case(
        LOAD + "tl.store(x_ptr + r, x, mask=r[:, None] < r[None, :])", "shape-unlike-pointer", "r[:, None] < r[None, :]"
    ),
    "arange length": Case("r = tl.arange(0, 100)", "arange-not-power-of-two", "100", "128"),
    "shapes": Case("a = tl.arange(0, 32) + tl.arange(0, 64)", "shapes-do-not-fit", "tl.arange(0, 32) + tl.arange(0, 64)"),
    "math.exp": Case(LOAD + "y = math.exp(x)", "foreign-function-known", "math.exp(x)", "tl.exp(x)"),
    "tl.gelu": Case(LOAD + "y = tl.gelu(x)", "no-such-function-recipe", "tl.gelu(x)"),
    "loop-carried type": Case("acc = 0\nfor i in range(n):\n    acc = acc + 1.5", "loop-carried-type", "acc"),
    "branch types": Case("if n > 3:\n    v = 1\nelse:\n    v = 2.0\nn = v", "branch-types-differ", "v"),
    "shape not constexpr": Case("r = tl.arange(0, n)", "not-constexpr", "n"),
    "shape element not constexpr": Case("z = tl.zeros((n, 4), tl.float32)", "not-constexpr", "(n, 4)"),
    "global variable": Case("z = tl.zeros((SIZE,), tl.float32)", "global-variable", "SIZE", before="SIZE = 64"),
    "break": Case("for i in range(n):\n    break", "unsupported-break", "break"),
    "try": Case("try: pass\nfinally: pass", "unsupported-try", "try: pass\n    finally: pass"),
    "lambda": Case("f = lambda a: a", "unsupported-lambda", "lambda a: a"),
    "if on a block": Case(LOAD + "if x > 0:\n    pass", "if-block", "x > 0"),
    "pointer subscript": Case("v = x_ptr[n]", "pointer-subscript", "x_ptr[n]", "tl.load(x_ptr + n)"),
    "dot types": Case(
        "z = tl.zeros((16, 16), tl.float32)\nh = tl.zeros((16, 16), tl.float16)\nd = tl.dot(z, h)",
        "dot-types-differ",
        "tl.dot(z, h)",
    ),
    # What generated code gets wrong
    "slice of a block": Case(LOAD + "y = x[0:4]", "slice-of-block", "0:4"),
    "element of a block": Case(LOAD + "y = x[3]", "index-of-block", "3"),
    "subscript assignment": Case(LOAD + "x[0] = 1.0", "subscript-assignment", "x[0]"),
    "tl.tanh": Case(LOAD + "y = tl.tanh(x)", "no-such-function-recipe", "tl.tanh(x)"),
    "tl.pow": Case(LOAD + "y = tl.pow(x, 2)", "no-such-function-recipe", "tl.pow(x, 2)"),
    "misspelt": Case("r = tl.arrange(0, B)", "no-such-function-close", "tl.arrange(0, B)"),
    "power": Case(LOAD + "y = x ** 2", "power-operator", "x ** 2", "x * x"),
    "matmul operator": Case(LOAD + "y = x @ x", "matmul-operator", "x @ x", "tl.dot(x, x)"),
    "double star": Case("r = tl.arange(**n)", "double-star", "n"),
    "chained comparison": Case("v = 0 < n < 5", "chained-comparison", "0 < n < 5", "(0 < n) & (n < 5)"),
    "ternary on a block": Case(
        LOAD + "y = x if x > 0 else 0.0", "ternary-block", "x if x > 0 else 0.0", "tl.where(x > 0, x, 0.0)"
    ),
    "continue": Case("for i in range(n):\n    continue", "unsupported-continue", "continue"),
    "comprehension": Case("v = [i for i in range(3)]", "unsupported-comprehension", "[i for i in range(3)]"),
    "half exp": Case("h = tl.load(h_ptr)\ny = tl.exp(h)", "needs-float32", "h", "(h).to(tl.float32)"),
    "other without mask": Case("v = tl.load(x_ptr, other=0.0)", "other-without-mask", "0.0"),
    "unknown name": Case("v = m + 1", "unknown-name", "m"),
    "only in a branch": Case("if n > 3:\n    v = 1\nw = v + 1", "defined-in-branch", "v"),
    "plain function": Case("v = f(n)", "not-jit", "f", before="def f(a):\n    return a\n"),
    "recursion": Case("v = f(n)", "recursive-call", "f(a)", before="@triton.jit\ndef f(a):\n    return f(a)\n"),
    "constexpr parameter": Case(
        "v = f(n)", "constexpr-parameter", "f(n)", before="@triton.jit\ndef f(a: tl.constexpr):\n    return a\n"
    ),
    "missing argument": Case("v = f()", "argument-missing", "f()", before="@triton.jit\ndef f(a):\n    return a\n"),
    "float offset": Case("v = tl.load(x_ptr + 1.0)", "pointer-offset-float", "x_ptr + 1.0"),
    "two pointers": Case("v = x_ptr + y_ptr", "two-pointers", "x_ptr + y_ptr"),
    "times a pointer": Case("v = x_ptr * 2", "pointer-operator", "x_ptr * 2"),
    "load of a number": Case("v = tl.load(n)", "not-a-pointer", "n"),
    "float floor division": Case("v = 1.5 // n", "operator-needs-integers", "1.5 // n"),
    "size of zeros": Case("z = tl.zeros((12,), tl.float32)", "size-not-power-of-two", "(12,)"),
    "block too large": Case("z = tl.zeros((2097152,), tl.float32)", "block-too-large", "(2097152,)"),
    "reduce a scalar": Case("v = tl.sum(n)", "reduce-scalar", "n"),
    "axis": Case(LOAD + "v = tl.sum(x, axis=2)", "bad-axis", "2"),
    "dot of vectors": Case(LOAD + "v = tl.dot(x, x)", "dot-rank", "tl.dot(x, x)"),
    "reshape": Case(LOAD + "v = tl.reshape(x, (8,))", "reshape-size", "tl.reshape(x, (8,))"),
    "attribute": Case(LOAD + "v = x.foo", "no-such-attribute", "x.foo"),
    "unpacking": Case("a, b = n, n, n", "unpack-count", "a, b"),
    "step zero": Case("for i in range(0, n, 0):\n    pass", "range-step-zero", "0"),
    "counting down": Case("for i in range(n, 0, -1):\n    pass", "range-step-negative", "-1"),
    "loop over a block": Case(LOAD + "for i in x:\n    pass", "loop-iterable", "x"),
    "return in a loop": Case("for i in range(n):\n    return", "return-in-loop", "return"),
    "value from a kernel": Case("return n", "kernel-returns-value", "return n"),
    "assertion": Case(
        'tl.static_assert(B == 3, "B must be 3")', "static-assert-failed", 'tl.static_assert(B == 3, "B must be 3")'
    ),
    "atomic": Case("tl.atomic_add(x_ptr, 1.0)", "function-not-supported", "tl.atomic_add(x_ptr, 1.0)"),
    "arguments": Case("v = tl.program_id()", "wrong-arguments", "tl.program_id()"),
    "axis of the grid": Case("v = tl.program_id(5)", "bad-grid-axis", "5"),
    "constexpr in a loop": Case("c: tl.constexpr = 4\nfor i in range(n):\n    c = c + 1", "constexpr-reassigned", "c"),
    "negative unsigned": Case("u = n.to(tl.uint32)\nv = u + -1", "negative-unsigned", "u + -1"),
    "huge constant": Case("v = 2 ** 100000", "constant-too-large", "2 ** 100000"),
    "too large an integer": Case("v = n + 2 ** 80", "integer-too-large", "n + 2 ** 80"),
    "division by zero": Case("v = 1 // 0", "constant-division-by-zero", "1 // 0"),
    "numpy": Case(LOAD + "v = np.foo(x)", "foreign-function", "np.foo(x)", before="import numpy as np"),
    "class": Case("v = C()", "class-in-kernel", "C", before="class C:\n    pass\n"),
    "forever": Case("while True:\n    n += 1", "while-forever", "True"),
    "bad option": Case('v = tl.load(x_ptr, eviction_policy="never")', "unknown-option", '"never"'),
}


def underlined(text: str, diagnostic: Diagnostic) -> str:
    """The text that a diagnostic's first span covers."""
    span = diagnostic.spans[0]
    lines = text.splitlines()[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize("name", CASES)
def test_says_what_and_where(name: str) -> None:
    case = CASES[name]
    text = source(case.body, case.before)
    diagnostics = refused(text)
    assert [d.message.code for d in diagnostics] == [case.code]
    assert underlined(text, diagnostics[0]) == case.at
    assert templates()[case.code]["zh"].format(**diagnostics[0].message.arguments) != diagnostics[0].message.text
    fixes = [edit.text for fixit in diagnostics[0].fixits for edit in fixit.edits]
    assert fixes == ([] if case.fix is None else [case.fix])


MECHANICAL = [
    name for name, case in CASES.items() if case.fix is not None and name not in ("matmul operator", "pointer subscript")
]


@pytest.mark.parametrize("name", MECHANICAL)
def test_applying_the_fix_makes_the_kernel_compile(name: str) -> None:
    case = CASES[name]
    text = source(case.body, case.before)
    (edit,) = refused(text)[0].fixits[0].edits
    lines = text.splitlines()
    line = lines[edit.span.line - 1]
    lines[edit.span.line - 1] = line[: edit.span.column - 1] + edit.text + line[edit.span.end_column - 1 :]
    import_kernel("\n".join(lines), launch())


def test_every_independent_mistake_is_told_once() -> None:
    text = source(
        "a = tl.arange(0, 100)\nb = a + 1\nc = tl.gelu(b)\nd = missing\nfor i in range(n):\n    e = tl.zeros((3,), tl.float32)"
    )
    assert [d.message.code for d in refused(text)] == ["arange-not-power-of-two", "unknown-name", "size-not-power-of-two"]


def test_a_mistake_in_a_helper_is_told_once_for_all_its_calls() -> None:
    text = source("a = f(n)\nb = f(n)\nc = f(n * 2)", "@triton.jit\ndef f(a):\n    return tl.arange(0, 3)\n")
    assert [d.message.code for d in refused(text)] == ["arange-not-power-of-two"]


def test_columns_count_characters_not_bytes() -> None:
    text = source('tl.static_assert(True, "温度"); r = tl.arange(0, 100)')
    assert underlined(text, refused(text)[0]) == "100"
