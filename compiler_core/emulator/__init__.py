"""The emulator: runs hivm on a chip, for its results, its time and its faults."""

from compiler_core.emulator.execution.machine import Limits
from compiler_core.emulator.result import Result
from compiler_core.emulator.run import run

__all__ = ["Limits", "Result", "run"]
