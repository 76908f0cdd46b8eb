"""The same bytes seen another way: as other elements, or in another layout. No instruction runs."""

from dataclasses import replace

from compiler_core.dialects.hivm import group, numbers
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.execution.memory import GlobalBuffer
from compiler_core.emulator.translation.terms import number
from compiler_core.emulator.translation.translator import TRANSLATORS, Translator, translates
from compiler_core.emulator.translation.views import contiguous, element_of
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.ir import Op
from compiler_core.ir.types import DYNAMIC, MemRefType


@translates("hivm.hir.bitcast")
def _bitcast(t: Translator, op: Op) -> None:
    type = op.result.type
    if not isinstance(type, MemRefType):
        TRANSLATORS["arith.bitcast"](t, op)
        return
    view = t.view(op.operands[0])
    dtype, packed = element_of(t, op, type)
    if packed != view.packed or dtype.itemsize != view.dtype.itemsize:
        refuse(op, "emulator-unsupported", op=op.name, what=f"from {op.operands[0].type} to {type}")
    memory = view.memory.seen_as(dtype) if isinstance(view.memory, GlobalBuffer) else view.memory
    t.define(op.result, replace(view, memory=memory, dtype=dtype))


@translates("hivm.hir.convert_layout")
def _convert_layout(t: Translator, op: Op) -> None:
    """A buffer as a matrix or as its fractals: the bytes stay where they are, so that both must be all of it."""
    view, type = t.view(group(op, "source")[0]), op.result.type
    assert isinstance(type, MemRefType)
    dynamic = iter(group(op, "output_shape"))
    shape = tuple(
        [t.term(next(dynamic)) if d == DYNAMIC else number(d) for d in numbers(op, "static_output_shape") or type.shape]
    )
    t.need(op, *shape)
    t.define(
        op.result,
        ViewTerm(view.memory, view.dtype, view.packed, view.base, view.varying, view.offset, shape, contiguous(t, shape)),
    )
