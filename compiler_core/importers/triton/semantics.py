"""Triton's promotion and broadcasting rules, as pure functions on types and shapes.

The rules are those of triton/language/semantic.py of Triton 3.5 (computation_type, integer_promote, broadcast_impl_value); a
recorded table of what Triton itself answers is checked in the tests.
"""

from collections.abc import Sequence

from compiler_core.importers.triton.dtypes import (
    DType,
    bfloat16,
    float16,
    float32,
    float64,
    int1,
    int32,
    int64,
    representable_in_float32,
    uint32,
    uint64,
)
from compiler_core.importers.triton.values import Mistake

_KIND_RANK = {"bool": 0, "uint": 1, "int": 1, "float": 2}


def number_type(value: bool | int | float) -> DType:
    """The type of a Python number on its own: the smallest of int32, uint32, int64, uint64; fp32, or fp64 out of its range."""
    if isinstance(value, bool):
        return int1
    if isinstance(value, float):
        return float32 if representable_in_float32(value) else float64
    for dtype in (int32, uint32, int64, uint64):
        low, high = dtype.range
        if low <= value <= high:
            return dtype
    raise Mistake("integer-too-large", value=short_number(value))


def promote_integers(a: DType, b: DType) -> DType:
    """C's usual arithmetic conversions without promotion to int. Booleans count as unsigned."""
    if a.is_signed == b.is_signed:
        return a if a.bits > b.bits else b
    unsigned, signed = (b, a) if a.is_signed else (a, b)
    return unsigned if unsigned.bits >= signed.bits else signed


def promote(a: DType, b: DType, *, a_number: bool = False, b_number: bool = False, division: bool = False) -> DType:
    """The type two operands are computed in.

    `a_number` and `b_number` mark Python numbers, which take the other's type unless their kind (bool < integer < float) is
    higher. `division` is true for / // %, which are not computed in 16-bit floats.
    """
    if a_number != b_number:
        number, other = (a, b) if a_number else (b, a)
        if _KIND_RANK[number.kind] <= _KIND_RANK[other.kind]:
            return float32 if division and other in (float16, bfloat16) else other
    for wide in (float64, float32):
        if wide in (a, b):
            return wide
    if float16 in (a, b):
        return float32 if division else float16
    if a == b == bfloat16:
        return float32 if division else bfloat16
    if bfloat16 in (a, b):
        return float32
    if a.is_float and b.is_float:
        return a if a == b else float16
    if a.is_float or b.is_float:
        raise Mistake("operands-do-not-mix", left=str(a), right=str(b))
    if division and a.is_signed != b.is_signed:
        raise Mistake("signedness-differs", left=str(a), right=str(b))
    return promote_integers(a, b)


def check_number_fits(value: bool | int | float, dtype: DType) -> None:
    """Raises Mistake where a Python number cannot be an integer of `dtype`."""
    if dtype.is_float or isinstance(value, float):
        return
    low, high = dtype.range
    if value < 0 and not dtype.is_signed:
        raise Mistake("negative-unsigned", value=short_number(value), type=str(dtype))
    if not low <= value <= high:
        raise Mistake("number-out-of-range", value=short_number(value), type=str(dtype), low=str(low), high=str(high))


def broadcast_shapes(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    """The common shape; the shorter one gets axes of size 1 in front. Raises Mistake where sizes differ and neither is 1."""
    rank = max(len(left), len(right))
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in (left, right)]
    result: list[int] = []
    for axis, (a, b) in enumerate(zip(*padded, strict=True)):
        if a != b and a != 1 and b != 1:
            raise Mistake("shapes-do-not-fit", left=shape_text(left), right=shape_text(right), axis=axis, a=a, b=b)
        result.append(b if a == 1 else a)
    return tuple(result)


MAX_BLOCK_ELEMENTS = 1 << 20
"""Elements of one block; Triton's own limit (TRITON_MAX_TENSOR_NUMEL)."""


def check_block(shape: Sequence[int], argument: str = "") -> None:
    """Raises Mistake (of that argument) where a block's sizes are not powers of two or their product is too large."""
    size = 1
    for axis, extent in enumerate(shape):
        if extent < 1 or extent & (extent - 1):
            raise Mistake(
                "size-not-power-of-two",
                argument=argument,
                axis=axis,
                size=short_number(extent),
                next=short_number(next_power_of_two(extent)),
            )
        size *= extent
    if size > MAX_BLOCK_ELEMENTS:
        raise Mistake("block-too-large", argument=argument, shape=shape_text(shape), limit=MAX_BLOCK_ELEMENTS)


def sum_type(dtype: DType) -> DType:
    """What tl.sum adds in: integers below 32 bits in 32, floats as they are."""
    if dtype.is_float or dtype.bits >= 32:
        return dtype
    return int32 if dtype.is_signed else uint32


def extreme_type(dtype: DType) -> DType:
    """What tl.max and tl.min compare in: everything below 32 bits in fp32 or int32."""
    if dtype.bits >= 32:
        return dtype
    return float32 if dtype.is_float else int32


def dot_type(a: DType, b: DType, out: DType) -> DType:
    """The accumulator type of tl.dot. Raises Mistake where the operands' types differ or have no matrix unit."""
    if a != b:
        raise Mistake("dot-types-differ", left=str(a), right=str(b))
    if a.is_int:
        if a.name != "int8":
            raise Mistake("dot-type", type=str(a))
        return int32
    if out == bfloat16:
        raise Mistake("dot-out-type", argument="out_dtype")
    return out if a == float16 or a.bits == 8 else float64 if a == float64 else float32


def shape_text(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def short_number(value: int | float | bool) -> str:
    """A number for a message; a huge integer by its size only."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    return str(value)


def next_power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()
