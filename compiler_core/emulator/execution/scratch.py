"""Room for what an instruction needs while it runs: one piece of memory for each use, shared by a thread's instructions."""

import threading
from math import prod
from typing import Any

import numpy as np

from compiler_core.emulator.execution.lanes import Array


class _Room(threading.local):
    def __init__(self) -> None:
        self.bytes: dict[int, Array] = {}


_room = _Room()


def scratch(shape: tuple[int, ...], dtype: np.dtype[Any] | type[np.generic], use: int = 0) -> Array:
    """An array with arbitrary contents, valid for one run of one instruction.

    A binding may keep it: other instructions write over it between two runs. Arrays that one instruction needs at the same time
    take different `use` numbers.
    """
    dtype = np.dtype(dtype)
    size = prod(shape) * dtype.itemsize
    held = _room.bytes.get(use)
    if held is None or held.size < size:
        held = _room.bytes[use] = np.empty(max(size, 1 << 16), np.uint8)
    return held[:size].view(dtype).reshape(shape)
