"""convert-precision: chooses the element types that the requested precision asks for.

fp16 and bf16: tensors are stored in 16 bits, products take 16-bit operands and accumulate in float32; biases stay float32.
mixed: only the operands of products are 16 bits wide. fp32: nothing is narrowed. Inputs and outputs keep their types.
"""

from dataclasses import dataclass

from compiler_core.diagnostics import Diagnostic, Refused, error, message
from compiler_core.dialects.builtin import function_type, functions
from compiler_core.dialects.graph import array_of, constant, tensor_type
from compiler_core.ir import Builder, Op, Value
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.rewriter import erase_dead
from compiler_core.ir.types import Type, bf16, element_of, f16, f32, with_element
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.eliminate_identities import VIEWS

PRODUCTS = ("graph.conv", "graph.gemm", "graph.matmul")
FOLLOWING = (*VIEWS, "graph.identity")
"""Ops that only look at their operand, and so have its element type."""


def narrow_type(context: PassContext) -> Type | None:
    """What operands of products become; None where they stay float32. Raises Refused for bf16 on a chip without it."""
    if context.precision == "bf16":
        if not context.chip.bf16:
            raise Refused(error("precision-no-bf16", chip=context.chip.name))
        return bf16
    if context.precision == "fp32" and context.chip.split:
        return None
    if context.precision == "fp32":
        # the coupled chips' cube multiplies float16 and int8 alone
        context.notes.append(Diagnostic("note", message("precision-cube-fp16", chip=context.chip.name)))
    return f16


def convert(main: Op, narrow: Type, *, storage: bool) -> None:
    """`storage`: results are narrow too, save those that the model returns."""
    returned = set(main.body.terminator.operands)
    for op in list(main.body.ops):
        if op.name in PRODUCTS:
            for i in (0, 1):
                op.set_operand(i, cast(Builder.before(op), op.operands[i], narrow))
        if op.name in ("graph.constant", "func.return"):
            continue
        if op.name in FOLLOWING:
            element = tensor_type(op.operands[0]).element
        else:
            element = narrow if storage and op.result not in returned else f32
        if tensor_type(op.result).element in (f32, narrow):
            op.result.type = with_element(op.result.type, element)
    terminator = main.body.terminator
    for i, (value, declared) in enumerate(zip(terminator.operands, function_type(main).results, strict=True)):
        terminator.set_operand(i, cast(Builder.before(terminator), value, element_of(declared)))


def cast(builder: Builder, value: Value, element: Type) -> Value:
    """The value in another element type: itself, a rounded constant, an earlier cast of it, or a new one."""
    if tensor_type(value).element == element:
        return value
    array = array_of(value)
    if array is not None:
        return constant(builder, array.astype(dtype_of(element)), value.name)
    type = with_element(value.type, element)
    for user in builder.block.ops[: builder.index]:
        if user.name == "graph.cast" and user.operands == (value,) and user.result.type == type:
            return user.result
    return builder.value("graph.cast", [value], type, hint=f"{value.name}.{element}")


@dataclass(frozen=True)
class ConvertPrecision(Pass):
    name = "convert-precision"
    summary = {"en": "Chooses element types for the requested precision.", "zh": "按所选精度确定元素类型。"}
    stage_in = "graph"
    stage_out = "graph"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        narrow = narrow_type(context)
        if narrow is None:
            return
        for main in functions(module):
            convert(main, narrow, storage=context.precision in ("fp16", "bf16"))
        erase_dead(module)
