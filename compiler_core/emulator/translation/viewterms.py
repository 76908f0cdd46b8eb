"""Memrefs while translating: a memory, and terms for where a tile lies in it. Views cost nothing while a program runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler_core.emulator.execution.memory import Memory
from compiler_core.emulator.translation.arithmetic import exact_add, exact_multiply, floor_divide, parts
from compiler_core.emulator.translation.terms import Term, number
from compiler_core.emulator.translation.writer import Writer


@dataclass(slots=True, eq=False)
class ViewTerm:
    """`base` is a byte address on the chip (0 in global memory); the rest counts elements.

    What varies of the offset is held apart (None for nothing) from what all lanes share.
    """

    memory: Memory
    dtype: np.dtype[Any]
    packed: bool
    """Whether eight elements share a byte: i1 on the chip."""
    base: Term
    varying: Term | None
    offset: Term
    sizes: tuple[Term, ...]
    strides: tuple[Term, ...]

    def whole_offset(self, w: Writer) -> Term:
        return self.offset if self.varying is None else exact_add(w, self.varying, self.offset)

    def moved(self, w: Writer, by: Term) -> tuple[Term | None, Term]:
        """What varies and what is shared of the offset plus `by`."""
        varying, shared = parts(by)
        if varying is None or self.varying is None:
            return varying or self.varying, exact_add(w, self.offset, shared)
        return parts(exact_add(w, exact_add(w, self.varying, self.offset), by))

    def address(self, w: Writer) -> Term:
        """The first byte, on the chip."""
        offset = self.whole_offset(w)
        if self.packed:
            return exact_add(w, self.base, floor_divide(w, offset, number(8)))
        return exact_add(w, self.base, exact_multiply(w, offset, number(self.dtype.itemsize)))
