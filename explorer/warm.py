"""Imports everything a compilation needs, so that what is forked afterwards starts at once."""

import os
from importlib import import_module
from importlib.util import find_spec

MODULES = ("numpy", "ml_dtypes", "onnx", "onnxruntime")


def warm() -> None:
    """Threads of linear algebra libraries do not survive a fork, and the emulator batches by itself: one thread each."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    for module in MODULES:
        if find_spec(module):
            import_module(module)
    from explorer.compilations.compiler import compiler

    compiler()
