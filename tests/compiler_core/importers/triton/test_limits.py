"""Hostile sources get a clear answer, soon: too deep, too large, too many, not Python, endless."""

import pytest

from compiler_core.diagnostics import LimitHit, Refused
from compiler_core.importers.triton import import_kernel, inspect_source
from tests.compiler_core.importers.triton.kernels import launch, source

DEEP = 5000
HELPERS = (
    "\n".join(f"@triton.jit\ndef f{i}(a):\n    return f{i + 1}(a) + f{i + 1}(a)\n" for i in range(40))
    + "\n@triton.jit\ndef f40(a):\n    return a\n"
)

LIMITED = {
    "nested parentheses": ("v = " + "(" * 90 + "-" * DEEP + "n" + ")" * 90, "limit-nesting"),
    "a long chain of operators": ("v = " + "-" * DEEP + "n", "limit-nesting"),
    "a long sum": ("v = n" + " + n" * DEEP, "limit-nesting"),
    "an unrolled loop": ("for i in tl.static_range(1000000000):\n    n += i", "limit-unrolled"),
    "unrolled loops inside each other": (
        "for i in tl.static_range(1000):\n    for j in tl.static_range(1000):\n        n += j",
        "limit-unrolled",
    ),
    "too many ops": (
        "for i in tl.static_range(1000):\n" + "\n".join(f"    v{j} = n * {j} + n * n - n" for j in range(100)),
        "limit-ops",
    ),
}


@pytest.mark.parametrize("name", LIMITED)
def test_a_limit_names_itself(name: str) -> None:
    body, code = LIMITED[name]
    with pytest.raises(LimitHit) as hit:
        import_kernel(source(body), launch())
    assert [d.message.code for d in hit.value.diagnostics] == [code]
    assert any(c.isdigit() for c in hit.value.diagnostics[0].message.text)


def test_helpers_that_nest_too_deeply() -> None:
    with pytest.raises(LimitHit) as hit:
        import_kernel(source("v = f0(n)", HELPERS), launch())
    assert hit.value.diagnostics[0].message.code == "limit-calls"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\x00", "def", "@triton.jit\ndef k(:", "é = ‮1", "class A: pass", "(" * 300, "x = " + "[" * 300, "9" * 5000,
     "\\", "'", '"""', "@triton.jit\nasync def k(x): pass", "if 1:\n" * 200 + "pass", "\ud800"],
)  # fmt: skip
def test_what_is_no_kernel_is_refused_or_empty(text: str) -> None:
    with pytest.raises(Refused):
        import_kernel(text, launch())
    try:
        assert inspect_source(text).kernels == ()
    except Refused as refusal:
        assert refusal.diagnostics


@pytest.mark.parametrize(
    "body",
    [
        "v = __import__('os').system('true')",
        "v = n.__class__.__mro__",
        "v = tl.__dict__",
        "v = open('/etc/passwd')",
        "exec('1')",
        "v = getattr(n, 'x')",
        "v = (1).__class__",
        "v = triton.runtime.driver.active.utils",
        "v = 'a' * 10 ** 9",
        "v = (1,) * 10 ** 9",
        "v = f'{n!r:>999999999}'",
    ],
)
def test_nothing_of_python_is_reached(body: str) -> None:
    with pytest.raises(Refused):
        import_kernel(source(body + "\ntl.store(x_ptr, v + 1)"), launch())


def test_any_unicode_name_is_a_name() -> None:
    import_kernel(source("変数 = n + 1\nтест = 変数 * 2\ntl.store(x_ptr, тест)"), launch())
