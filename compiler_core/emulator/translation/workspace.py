"""Workspace: `memref_ext.alloc_workspace` becomes a part of a block's share of the workspace in global memory."""

from collections.abc import Sequence

from compiler_core.dialects import arith, hivm
from compiler_core.dialects import index_math as im
from compiler_core.dialects.builtin import (
    argument_attributes,
    device_functions,
    set_argument_attributes,
    symbol,
    update_function_type,
)
from compiler_core.dialects.indices import Mixed
from compiler_core.emulator.clock.cores import base_name
from compiler_core.emulator.execution.arguments import workspace_bytes
from compiler_core.emulator.execution.machine import refuse
from compiler_core.ir import Builder, Op, Value
from compiler_core.ir.attributes import DenseArrayAttr, DictAttr, RawAttr
from compiler_core.ir.types import DYNAMIC, IntegerType, MemRefType, bit_width, index

ALLOCATION = "memref_ext.alloc_workspace"
ALIGNMENT = 512
"""Where an allocation without an offset begins: at a line of L2, so that none is shared."""


def placed(module: Op) -> Op:
    """The module with its allocations of workspace placed; the module itself where it has none. Raises Refused.

    An allocation lies at its offset in the block's share, or, without one, after those before it. The halves of a mixed kernel
    make the same allocations in the same order, and so mean the same memory.
    """
    if not any(op.name == ALLOCATION for op in module.walk()):
        return module
    copy = module.clone(keep_ids=True)
    kernels: dict[str, list[Op]] = {}
    for function in device_functions(copy):
        kernels.setdefault(base_name(symbol(function)), []).append(function)
    for halves in kernels.values():
        allocations = [[op for op in half.walk() if op.name == ALLOCATION] for half in halves]
        if any(allocations):
            _check_agreement(allocations)
            for half, found in zip(halves, allocations, strict=True):
                _place(copy, half, found)
    return copy


def _check_agreement(halves: Sequence[Sequence[Op]]) -> None:
    """Allocations without offsets can only be told apart by their order."""
    unplaced = [[op for op in half if not _groups(op)[2]] for half in halves]
    kinds = {tuple([str(op.result.type).partition(", #hivm")[0] for op in half]) for half in unplaced}
    if len(kinds) > 1:
        at = next(op for half in unplaced for op in half)
        refuse(
            at, "emulator-unsupported", op=ALLOCATION, what="a mixed kernel whose halves allocate differently, without offsets"
        )


def _groups(op: Op) -> tuple[Sequence[Value], Sequence[Value], Sequence[Value]]:
    """The workspace, dynamic sizes and offset."""
    sizes = op.get("operandSegmentSizes", DenseArrayAttr)
    first, second = sizes.values[:2] if sizes is not None else (0, len(op.operands))
    return op.operands[:first], op.operands[first : first + second], op.operands[first + second :]


def _place(module: Op, function: Op, allocations: Sequence[Op]) -> None:
    share = workspace_bytes(module, function)
    whole = _argument(function)
    top = 0
    for op in allocations:
        source, sizes, offsets = _groups(op)
        type = op.result.type
        assert isinstance(type, MemRefType)
        builder = Builder.before(op)
        offset: Mixed = offsets[0] if offsets else top
        known = int(arith.constant_value(offsets[0]) or 0) if offsets else top
        if DYNAMIC in type.shape:
            if not offsets:
                refuse(op, "emulator-unsupported", op=op.name, what="a dynamic size without an offset")
        else:
            end = known + -(-type.size * bit_width(type) // 8)
            if end > share:
                refuse(op, "emulator-unsupported", op=op.name, what=f"{end} bytes of workspace: a block has {share}")
            top = top if offsets else -(-end // ALIGNMENT) * ALIGNMENT
        block = builder.value("arith.index_cast", [hivm.get_block_index(builder)], index)
        start = im.add(builder, im.multiply(builder, block, share), offset)
        place = im.as_value(builder, start)
        op.replace_with(builder.value("memref.view", [source[0] if source else whole, place, *sizes], type))


def _argument(function: Op) -> Value:
    """The workspace that the runtime passes; a hidden argument of its own where the function has none."""
    attributes = argument_attributes(function)
    for argument, own in zip(function.body.arguments, attributes, strict=True):
        if "workspace" in str(dict(own.entries).get("hacc.arg_type", "")):
            return argument
    made = function.body.add_argument(MemRefType((DYNAMIC,), IntegerType(8), None, "gm"), "workspace")
    hidden = DictAttr((("hacc.arg_type", RawAttr("#hacc.arg_type<workspace>")),))
    set_argument_attributes(function, [*attributes, hidden])
    update_function_type(function)
    return made
