"""Short kernels for tests: a body in a standard frame, imported for a standard launch."""

import textwrap

from compiler_core.diagnostics import Diagnostic, Refused
from compiler_core.importers.triton import import_kernel
from compiler_core.ir import Op
from compiler_core.ir.verifier import verify
from compiler_core.request import Constexpr, Launch, TensorArgument

HEADER = "import triton\nimport triton.language as tl\nimport math\n"


def tensor(dtype: str = "float32", shape: tuple[int, ...] = (64,), fill: str = "normal") -> TensorArgument:
    return TensorArgument(dtype, shape, fill)


def source(body: str, before: str = "") -> str:
    """A kernel `k(x_ptr, y_ptr, h_ptr, n, B)` with this body; `before` goes to the file's top level."""
    frame = f"{HEADER}\n{textwrap.dedent(before)}\n@triton.jit\ndef k(x_ptr, y_ptr, h_ptr, n, B: tl.constexpr):\n"
    return frame + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"


def launch(**constexprs: Constexpr) -> Launch:
    arguments = {"x_ptr": tensor(), "y_ptr": tensor("int32"), "h_ptr": tensor("float16"), "n": 50}
    return Launch("k", (2,), arguments, {"B": 16, **constexprs})


def integers(resolved: Launch) -> list[int]:
    """The grid of a resolved launch."""
    return [size for size in resolved.grid if isinstance(size, int)]


def imported(body: str, before: str = "") -> Op:
    """The verified module of a kernel with this body."""
    module = import_kernel(source(body, before), launch())
    verify(module, "tt")
    return module


def refused(text: str, wanted: Launch | None = None) -> tuple[Diagnostic, ...]:
    """The diagnostics of a source that is refused; fails where it is not."""
    try:
        import_kernel(text, wanted or launch())
    except Refused as refusal:
        return refusal.diagnostics
    raise AssertionError("the source was accepted")
