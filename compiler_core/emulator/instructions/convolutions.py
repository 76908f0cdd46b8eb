"""Convolutions of L1 images into L0C."""

from compiler_core.dialects.hivm import group, short
from compiler_core.emulator.arrays.convolution import FRACTAL_RANK, convolution
from compiler_core.emulator.execution.lanes import Array, Scalar
from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.instructions.cube import multiply_adds
from compiler_core.emulator.instructions.declare import Run
from compiler_core.emulator.translation.terms import number
from compiler_core.emulator.translation.translator import Translator, translates
from compiler_core.ir import Op, Value
from compiler_core.ir.attributes import ArrayAttr, DenseArrayAttr, IntegerAttr
from compiler_core.ir.types import MemRefType


def _padding(op: Op, dimensions: int) -> tuple[int, int]:
    """Zeros above and below, left and right: one number for all, or one a dimension. 1-D has only left and right."""
    found = op.attributes.get("padding")
    if isinstance(found, IntegerAttr):
        numbers = [found.value]
    elif isinstance(found, DenseArrayAttr):
        numbers = list(found.values)
    elif isinstance(found, ArrayAttr):
        numbers = [v.value for v in found.values if isinstance(v, IntegerAttr)]
    else:
        numbers = [0]
    if dimensions == 1:
        return 0, numbers[-1]
    return (numbers[0], numbers[-1])


@translates("hivm.hir.Conv1dL1", "hivm.hir.Conv2dL1")
def _convolution(t: Translator, op: Op) -> None:
    dimensions = 1 if short(op) == "Conv1dL1" else 2
    padding, groups = _padding(op, dimensions), op.get("groups", IntegerAttr)
    count = groups.value if groups is not None else 1
    ((image,), (weight,), bias, (target,)) = (group(op, n) for n in ("input", "weight", "bias", "init"))
    fractal = isinstance(image.type, MemRefType) and image.type.rank == FRACTAL_RANK
    if fractal and count != 1:
        refuse(
            op, "emulator-unsupported", op=op.name, what=f"{count} groups in fractals: how channels are padded is not published"
        )

    def bind(given: list[Array | None], out: list[Array], extras: list[Scalar], axes: int) -> Run:
        pixels, kernel, *rest = given
        assert pixels is not None and kernel is not None
        result = out[0]
        if dimensions == 1 and not fractal:
            pixels, kernel = pixels[..., None, :], kernel[..., None, :]
            result = result[..., None, :]
        return convolution(pixels, kernel, rest[0] if rest else None, result, axes, padding, count, bool(extras[0]))

    sizes = _as_product(op, image, weight, dimensions, padding, fractal)
    sync = [t.term(v) for v in group(op, "sync_related_args")[:4]]
    extras = [*group(op, "init_condition"), *map(number, sizes), *sync]
    t.instruction(op, [image, weight, *bias], [target], bind, extras=extras, weight=multiply_adds)


def _as_product(
    op: Op, image: Value, weight: Value, dimensions: int, padding: tuple[int, int], fractal: bool
) -> tuple[int, int, int]:
    """m, k and n of the matrix product that the cube makes of it: places, channels times places of the kernel, channels out."""
    a, b = image.type, weight.type
    if not isinstance(a, MemRefType) or not isinstance(b, MemRefType) or not (a.is_static and b.is_static):
        refuse(op, "emulator-unsupported", op=op.name, what="operands of unknown size")
    if fractal:
        images, _, height, width, _ = a.shape
        blocks, rows, columns, outputs, depth = b.shape
        depth *= blocks
    else:
        outputs, depth, *window = b.shape
        rows, columns = window if dimensions == 2 else (1, *window)
        *lead, width = a.shape
        height = lead.pop() if dimensions == 2 else 1
        images = lead[0] if len(lead) == 2 else 1
    places = images * (height + 2 * padding[0] - rows + 1) * (width + 2 * padding[1] - columns + 1)
    return places, depth * rows * columns, outputs
