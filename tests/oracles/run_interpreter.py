"""Runs one kernel in Triton's interpreter; started with the interpreter environment's Python, which has no PyTorch.

run_interpreter.py SOURCE.py '{"kernel": …, "grid": […], "arguments": {…}}' IN.npz OUT.npz
"""

import json
import os
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np


class Storage:
    """The part of a tensor's storage that the interpreter asks for. Host memory: copying to and from is nothing to do."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def data_ptr(self) -> int:
        return self.array.ctypes.data

    def cpu(self) -> "Storage":
        return self

    def copy_(self, other: "Storage") -> None:
        pass


class Tensor:
    """A numpy array as the interpreter sees a tensor argument: an address and a dtype's name."""

    def __init__(self, array: np.ndarray, dtype: str) -> None:
        self.array = array
        self.dtype = dtype

    def data_ptr(self) -> int:
        return self.array.ctypes.data

    def untyped_storage(self) -> Storage:
        return Storage(self.array)

    def new_empty(self, *_: object, **__: object) -> "Tensor":
        return Tensor(self.array, self.dtype)

    def set_(self, *_: object) -> None:
        pass

    def storage_offset(self) -> int:
        return 0

    def size(self) -> tuple[int, ...]:
        return self.array.shape

    def stride(self) -> tuple[int, ...]:
        return tuple(step // self.array.itemsize for step in self.array.strides)


def main(source: str, call: str, given: str, told: str) -> None:
    request = json.loads(call)
    with np.load(given) as stored:
        arrays = {name: stored[name].copy() for name in stored.files}
    loader = SourceFileLoader("kernels", source)
    module = ModuleType(loader.name)
    loader.exec_module(module)
    arguments = dict(request["arguments"])
    for name, array in arrays.items():
        plain, _, mark = name.partition(":")
        arguments[plain] = Tensor(array, "bfloat16" if mark == "bf16" else str(array.dtype))
    getattr(module, request["kernel"])[tuple(request["grid"])](**arguments)
    np.savez(told, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
