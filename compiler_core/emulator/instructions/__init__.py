"""The instructions of hivm: which views they use, and what they compute on them. Importing this declares them all."""

from compiler_core.emulator.instructions import (
    between_cores,
    control_unit,
    convolutions,
    cube,
    elementwise,
    moves,
    reductions,
    reinterpret,
    shapes,
    synchronisation,
    updates,
)

__all__ = [
    "between_cores",
    "control_unit",
    "convolutions",
    "cube",
    "elementwise",
    "moves",
    "reductions",
    "reinterpret",
    "shapes",
    "synchronisation",
    "updates",
]
