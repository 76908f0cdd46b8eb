"""The Triton door: kernel source text in, the tt stage out. The text is parsed, never executed."""

from compiler_core.importers.triton.inference import infer_launch, inspect_source
from compiler_core.importers.triton.kernel import import_kernel
from compiler_core.importers.triton.launch import choose_kernel, resolve, with_grid
from compiler_core.importers.triton.source import parse
from compiler_core.request import Launch

__all__ = ["import_kernel", "inspect_source", "resolve_launch", "with_grid"]


def resolve_launch(source: str, launch: Launch | None = None, *, file: str = "kernel.py") -> Launch:
    """The launch with the kernel named, the grid as integers, and a value for every parameter; inferred where there is none.

    Grid entries may be expressions over arguments and constexprs. Constexprs missing from the launch come from the parameters'
    defaults, else from the first @triton.autotune configuration; runtime parameters with a default take it. Raises Refused
    naming each argument that is missing, unknown or of the wrong kind, LimitHit for a grid or tensors that are too large.
    """
    text = parse(source, file)
    return resolve(text, launch or infer_launch(text, choose_kernel(text, Launch())))
