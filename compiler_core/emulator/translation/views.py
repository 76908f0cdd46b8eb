"""Views: memref ops and pointer_cast move terms about; nothing of them is left in the program but addresses and sizes."""

from typing import Any

import numpy as np

from compiler_core.dialects.hivm import MEMORY, group
from compiler_core.dialects.indices import unpack
from compiler_core.emulator.execution.lanes import is_vector
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.execution.memory import ALIGNMENT, GlobalBuffer
from compiler_core.emulator.translation import arithmetic as ar
from compiler_core.emulator.translation.terms import CONSTANT, Term, number
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.ir import Op
from compiler_core.ir.attributes import ArrayAttr, DenseArrayAttr, IntegerAttr
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.types import DYNAMIC, FloatType, IntegerType, MemRefType

FP8 = (FloatType("f8E4M3FN"), FloatType("f8E5M2"))


def element_of(t: Translator, op: Op, type: MemRefType) -> tuple[np.dtype[Any], bool]:
    """The dtype, and whether elements are packed bits: i1 outside global memory. Refuses fp8 where the chip has none."""
    if type.element in FP8 and not t.machine.chip.fp8:
        refuse(op, "emulator-no-fp8", type=str(type.element), chip=t.machine.chip.name)
    packed = type.space not in (None, "gm") and isinstance(type.element, IntegerType) and type.element == IntegerType(1)
    return dtype_of(type.element), packed


def contiguous(t: Translator, sizes: tuple[Term, ...]) -> tuple[Term, ...]:
    """Row-major strides in elements."""
    strides: list[Term] = []
    step = number(1)
    for size in reversed(sizes):
        strides.append(step)
        step = ar.exact_multiply(t.writer, step, size)
    return tuple(reversed(strides))


def _shape(t: Translator, type: MemRefType, dynamic: tuple[Term, ...]) -> tuple[Term, ...]:
    given = iter(dynamic)
    return tuple([next(given) if d == DYNAMIC else number(d) for d in type.shape])


@translates("hivm.hir.pointer_cast")
def _pointer_cast(t: Translator, op: Op) -> None:
    address, type = t.term(group(op, "addrs")[0]), op.result.type
    assert isinstance(type, MemRefType)
    space = type.space or ""
    if space not in t.machine.local:
        refuse(op, "emulator-unsupported", op=op.name, what=f"a buffer in {space or 'no'} address space")
    dtype, packed = element_of(t, op, type)
    sizes = tuple([t.term(v) for v in group(op, "sizes")])
    if t.need(op, address, *sizes):
        _check_alignment(t, op, MEMORY[space], address)
    shape = _shape(t, type, sizes)
    t.define(op.result, ViewTerm(t.machine.local[space], dtype, packed, address, None, number(0), shape, contiguous(t, shape)))


def _check_alignment(t: Translator, op: Op, memory: str, address: Term) -> None:
    def check(given: Any) -> None:
        wrong = given[given % ALIGNMENT != 0] if is_vector(given) else [given] if given % ALIGNMENT else []
        if len(wrong):
            refuse(op, "emulator-misaligned", memory=memory, address=int(wrong[0]), alignment=ALIGNMENT)

    if address.kind != CONSTANT or address.value % ALIGNMENT:
        t.writer.do(f"{t.constant(check)}({address.code})", address)


def _mixed(t: Translator, op: Op, name: str) -> list[Term]:
    """A mixed list as terms."""
    static = op.attributes[f"static_{name}"]
    if isinstance(static, DenseArrayAttr) and DYNAMIC not in static.values:
        return list(map(number, static.values))
    return [number(e) if isinstance(e, int) else t.term(e) for e in unpack(op, name)]


def _lists(t: Translator, op: Op) -> tuple[list[Term], list[Term], list[Term]]:
    """Offsets, sizes and strides; where one is not known, the program refuses to go on here."""
    offsets, sizes, strides = _mixed(t, op, "offsets"), _mixed(t, op, "sizes"), _mixed(t, op, "strides")
    t.need(op, *offsets, *sizes, *strides)
    return offsets, sizes, strides


@translates("memref.reinterpret_cast")
def _reinterpret_cast(t: Translator, op: Op) -> None:
    t.scalars += 1
    view = t.view(op.operands[0])
    (offset,), sizes, strides = _lists(t, op)
    varying, shared = ar.parts(offset)
    moved = ViewTerm(view.memory, view.dtype, view.packed, view.base, varying, shared, tuple(sizes), tuple(strides))
    t.define(op.result, moved)


@translates("memref.subview")
def _subview(t: Translator, op: Op) -> None:
    t.scalars += 1
    view, type, w = t.view(op.operands[0]), op.result.type, t.writer
    assert isinstance(type, MemRefType)
    offsets, sizes, steps = _lists(t, op)
    static = op.attributes["static_sizes"]
    assert isinstance(static, DenseArrayAttr)
    kept = range(type.rank) if len(sizes) == type.rank else _kept_dimensions(static.values, type)
    by = ar.ZERO
    for offset, stride in zip(offsets, view.strides, strict=True):
        by = ar.exact_add(w, by, ar.exact_multiply(w, offset, stride))
    varying, shared = (view.varying, view.offset) if by is ar.ZERO else view.moved(w, by)
    strides = [ar.exact_multiply(w, stride, step) for stride, step in zip(view.strides, steps, strict=True)]
    t.define(
        op.result,
        ViewTerm(
            view.memory,
            view.dtype,
            view.packed,
            view.base,
            varying,
            shared,
            tuple([sizes[d] for d in kept]),
            tuple([strides[d] for d in kept]),
        ),
    )


def _kept_dimensions(sizes: tuple[int, ...], type: MemRefType) -> list[int]:
    """The source's dimensions that a (rank-reducing) subview keeps: some of size 1 are dropped, from the left."""
    surplus = len(sizes) - type.rank
    kept: list[int] = []
    for d, size in enumerate(sizes):
        wanted = type.shape[len(kept)] if len(kept) < type.rank else None
        if surplus and size == 1 and wanted != 1:
            surplus -= 1
        else:
            kept.append(d)
    return kept[: type.rank] if not surplus else [d for d in kept if sizes[d] != 1][: type.rank]


@translates("memref.cast", "memref.memory_space_cast")
def _cast_view(t: Translator, op: Op) -> None:
    t.define(op.result, t.view(op.operands[0]))


@translates("memref.extract_strided_metadata")
def _metadata(t: Translator, op: Op) -> None:
    """The buffer itself, then the offset, sizes and strides of a view of it."""
    view, w = t.view(op.operands[0]), t.writer
    buffer, *numbers = op.results
    t.define(buffer, ViewTerm(view.memory, view.dtype, view.packed, view.base, None, number(0), (), ()))
    for result, term in zip(numbers, (view.whole_offset(w), *view.sizes, *view.strides), strict=True):
        t.define(result, term)


@translates("memref.view")
def _typed_view(t: Translator, op: Op) -> None:
    """Bytes of global memory as elements of another type."""
    view, type, w = t.view(op.operands[0]), op.result.type, t.writer
    assert isinstance(type, MemRefType)
    shift, sizes = t.term(op.operands[1]), tuple([t.term(v) for v in op.operands[2:]])
    t.need(op, shift, *sizes)
    memory, (dtype, packed) = view.memory, element_of(t, op, type)
    if not isinstance(memory, GlobalBuffer) or view.dtype.itemsize != 1:
        refuse(op, "emulator-unsupported", op=op.name, what="a view of bytes on the chip")
    varying, shared = view.moved(w, shift)

    def elements(given: Any) -> Any:
        if np.any(np.asarray(given) % dtype.itemsize):
            refuse(op, "emulator-misaligned", memory=memory.name, address=int(np.max(given)), alignment=dtype.itemsize)
        return given // dtype.itemsize

    def counted(part: Term) -> Term:
        if dtype.itemsize == 1 or (part.kind == CONSTANT and part.value % dtype.itemsize == 0):
            return ar.floor_divide(w, part, number(dtype.itemsize))
        return w.let(f"{t.constant(elements)}({part.code})", part)

    shape = _shape(t, type, sizes)
    t.define(
        op.result,
        ViewTerm(
            memory.seen_as(dtype),
            dtype,
            packed,
            number(0),
            None if varying is None else counted(varying),
            counted(shared),
            shape,
            contiguous(t, shape),
        ),
    )


def _reassociation(op: Op) -> list[list[int]]:
    groups = op.attributes["reassociation"]
    assert isinstance(groups, ArrayAttr)
    found: list[list[int]] = []
    for entry in groups.values:
        assert isinstance(entry, ArrayAttr)
        found.append([d.value for d in entry.values if isinstance(d, IntegerAttr)])
    return found


def reshaped(view: ViewTerm, sizes: list[Term], strides: list[Term]) -> ViewTerm:
    return ViewTerm(view.memory, view.dtype, view.packed, view.base, view.varying, view.offset, tuple(sizes), tuple(strides))


@translates("memref.collapse_shape")
def _collapse_shape(t: Translator, op: Op) -> None:
    view = t.view(op.operands[0])
    sizes: list[Term] = []
    strides: list[Term] = []
    for dims in _reassociation(op):
        size = number(1)
        for d in dims:
            size = ar.exact_multiply(t.writer, size, view.sizes[d])
        sizes.append(size)
        inner = [d for d in dims if not (view.sizes[d].kind == CONSTANT and view.sizes[d].value == 1)] or dims[-1:]
        strides.append(view.strides[inner[-1]])
    t.define(op.result, reshaped(view, sizes, strides))


@translates("memref.expand_shape")
def _expand_shape(t: Translator, op: Op) -> None:
    view, type, w = t.view(op.operands[0]), op.result.type, t.writer
    assert isinstance(type, MemRefType)
    given = iter([t.term(v) for v in op.operands[1:]])
    shape: list[Term | None] = [number(d) if d != DYNAMIC else next(given, None) for d in type.shape]
    strides: list[Term] = [number(0)] * len(shape)
    for outer, dims in enumerate(_reassociation(op)):
        known = number(1)
        for d in dims:
            size = shape[d]
            known = known if size is None else ar.exact_multiply(w, known, size)
        stride = view.strides[outer]
        for d in reversed(dims):
            size = shape[d]
            if size is None:
                size = shape[d] = ar.floor_divide(w, view.sizes[outer], known)
            strides[d] = stride
            stride = ar.exact_multiply(w, stride, size)
    t.define(op.result, reshaped(view, [s for s in shape if s is not None], strides))


@translates("memref.dim")
def _dim(t: Translator, op: Op) -> None:
    view, which = t.view(op.operands[0]), t.term(op.operands[1])
    if which.kind != CONSTANT or not 0 <= which.value < len(view.sizes):
        refuse(op, "emulator-unsupported", op=op.name, what="a dimension that is not a constant")
    t.define(op.result, view.sizes[int(which.value)])
