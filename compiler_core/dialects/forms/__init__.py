"""The custom (pretty) forms of ops as MLIR's and the vendor's tools print them, a group of dialects a file."""

from compiler_core.dialects.forms import arithmetic, control, hivm, linalg, memory, scalars, tensors, triton

__all__ = ["arithmetic", "control", "hivm", "linalg", "memory", "scalars", "tensors", "triton"]
