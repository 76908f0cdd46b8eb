"""What only sets up or reports: control bits, caches, debug output; and the ops that are refused, each with its reason."""

import numpy as np

from compiler_core.emulator.execution.issue import Declared
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.instructions.declare import Run
from compiler_core.emulator.translation.scalars import lane_number
from compiler_core.emulator.translation.terms import Term
from compiler_core.emulator.translation.translator import TRANSLATORS, Translator, translates
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.ir import Op
from compiler_core.ir.attributes import BoolAttr, IntegerAttr, StringAttr

SATURATION_BIT = 60
"""The control bit that compilers clear and set around conversions and atomics. Conversions here say themselves what they do."""

REFUSED = {
    "gather_load": "it takes tensors: compilers replace it before buffers have addresses",
    "scatter_store": "it takes tensors: compilers replace it before buffers have addresses",
    "Conv3dL1": "compilers make Conv2dL1 of it before code is generated",
    "mix_group_matmul": "how each expert's part of the result is laid out is not published; use matmul for each expert",
    "get_sys_cnt": "results are computed apart from time, so there is no counter to read",
    "load_scalar": "it reads through an LLVM pointer, which machine-stage code does not have; use memref.load",
    "custom": "it calls a function by name whose code is not in the module",
    "custom_macro": "it calls a function by name whose code is not in the module",
}
"""Why an op of the dialect is not executed."""


def _refused(t: Translator, op: Op) -> None:
    name = op.name.removeprefix("hivm.hir.")
    called = op.get("name", StringAttr)
    what = REFUSED[name] if called is None else f"{REFUSED[name]} ({called.value})"
    refuse(op, "emulator-unsupported", op=op.name, what=what)


for _name in REFUSED:
    TRANSLATORS[f"hivm.hir.{_name}"] = _refused


@translates("hivm.hir.set_atomic", "hivm.hir.dcci", "hivm.hir.init_debug", "hivm.hir.finish_debug")
def _set_up(t: Translator, op: Op) -> None:
    """A scalar instruction: stores look for set_atomic themselves, and the scalar unit's cache is always coherent here."""
    t.scalars += 1


@translates("hivm.hir.set_ctrl")
def _set_control(t: Translator, op: Op) -> None:
    bit = op.get("idx", IntegerAttr)
    if bit is None or bit.value != SATURATION_BIT:
        refuse(op, "emulator-unsupported", op=op.name, what=f"control bit {'?' if bit is None else bit.value}")
    t.scalars += 1


@translates("hivm.hir.debug")
def _debug(t: Translator, op: Op) -> None:
    """Notes what would be printed, or an assertion that does not hold, for each block that comes here."""
    kind, prefix, hexadecimal = op.get("debugtype", StringAttr), op.get("prefix", StringAttr), op.get("hex", BoolAttr)
    machine = t.machine
    note = _Note(
        kind is not None and kind.value == "assert",
        prefix.value if prefix is not None else "",
        hexadecimal is not None and hexadecimal.value,
        machine.printed,
    )
    value = t.values[op.operands[0]]
    shaped = isinstance(value, ViewTerm)
    declared = Declared((shaped, False), 0, note.bind, None)
    scalars: list[Term] = (
        [lane_number(t, "block", machine.blocks)] if shaped else [value, lane_number(t, "block", machine.blocks)]
    )
    t.issue(t.site(op, "debug", "PIPE_S"), [(value, False)] if shaped else [], [], declared, scalars)


class _Note:
    """One debug op."""

    def __init__(self, asserts: bool, prefix: str, hexadecimal: bool, printed: list[str]) -> None:
        self.asserts = asserts
        self.prefix = prefix
        self.hexadecimal = hexadecimal
        self.printed = printed

    def bind(self, given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        tile = given[0]

        def run(*scalars: Scalar) -> None:
            *value, block = scalars
            blocks = np.asarray(block).reshape(-1)
            values = tile.reshape(len(blocks), *tile.shape[axes:]) if tile is not None else np.asarray(value[0]).reshape(-1)
            for i, number in enumerate(blocks.tolist()):
                self.note(number, values[min(i, len(values) - 1)])

        return run

    def note(self, block: int, value: Array) -> None:
        if self.asserts and np.all(value):
            return
        if self.asserts:
            self.printed.append(f"block {block}: assertion failed: {self.prefix}")
            return
        if self.hexadecimal:
            text = np.array2string(np.asarray(value), formatter={"all": lambda x: _hex(x, np.asarray(value).dtype.itemsize)})
        else:
            text = np.array2string(np.asarray(value), threshold=64)
        self.printed.append(f"block {block}: {self.prefix}{text}")


def _hex(value: object, size: int) -> str:
    bits = np.asarray(value).reshape(1).view(f"u{size}")[0]
    return f"{int(bits):#0{2 * size + 2}x}"
