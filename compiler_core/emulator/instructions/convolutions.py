"""Convolutions of L1 images into L0C."""

from compiler_core.dialects.hivm import group, short
from compiler_core.emulator.convolution import FRACTAL_RANK, convolution
from compiler_core.emulator.instructions.declare import Run
from compiler_core.emulator.lanes import Array, Scalar
from compiler_core.emulator.machine import refuse
from compiler_core.emulator.translator import Translator, translates
from compiler_core.ir import Op
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

    t.instruction(op, [image, weight, *bias], [target], bind, extras=group(op, "init_condition"), weight=None)
