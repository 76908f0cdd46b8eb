"""The Triton door: kernel source text in, the tt stage out. The text is parsed, never executed."""

from compiler_core.importers.triton.kernel import import_kernel
from compiler_core.importers.triton.launch import resolve_launch

__all__ = ["import_kernel", "resolve_launch"]
