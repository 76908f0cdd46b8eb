"""The instructions of hivm as steps: which views they use, and what they compute on them. Importing this declares them all."""

from compiler_core.emulator.instructions import cube, elementwise, moves, reductions, shapes, synchronisation

__all__ = ["cube", "elementwise", "moves", "reductions", "shapes", "synchronisation"]
