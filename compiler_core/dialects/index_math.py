"""Index arithmetic that folds as it is built: sums, products, bounds over constants and values of type index."""

from compiler_core.dialects.arith import compare, constant, constant_value
from compiler_core.dialects.indices import Mixed
from compiler_core.ir import Builder, Value
from compiler_core.ir.types import IndexType, index


def as_value(builder: Builder, number: Mixed, hint: str = "") -> Value:
    """The number as a value of type index."""
    return number if isinstance(number, Value) else constant(builder, number, index, hint)


def as_index(builder: Builder, scalar: Value, hint: str = "") -> Mixed:
    """A scalar integer of any type as an index; a constant as an int."""
    known = constant_value(scalar)
    if known is not None:
        return int(known)
    if isinstance(scalar.type, IndexType):
        return scalar
    return builder.value("arith.index_cast", [scalar], index, hint=hint or scalar.name)


def _emit(builder: Builder, name: str, a: Mixed, b: Mixed, hint: str) -> Value:
    return builder.value(name, [as_value(builder, a), as_value(builder, b)], index, hint=hint)


def add(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if a == 0:
        return b
    return a if b == 0 else _emit(builder, "arith.addi", a, b, hint)


def subtract(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    if a is b:
        return 0
    return a if b == 0 else _emit(builder, "arith.subi", a, b, hint)


def multiply(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if a == 0 or b == 0:
        return 0
    if a == 1:
        return b
    return a if b == 1 else _emit(builder, "arith.muli", a, b, hint)


def smaller(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    return a if a is b else _emit(builder, "arith.minsi", a, b, hint)


def larger(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    return a if a is b else _emit(builder, "arith.maxsi", a, b, hint)


def quotient(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    """Towards minus infinity."""
    if isinstance(a, int) and isinstance(b, int) and b:
        return a // b
    return a if b == 1 else _emit(builder, "arith.floordivsi", a, b, hint)


def quotient_up(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    """Towards plus infinity."""
    if isinstance(a, int) and isinstance(b, int) and b:
        return -(-a // b)
    return a if b == 1 else _emit(builder, "arith.ceildivsi", a, b, hint)


def remainder(builder: Builder, a: Mixed, b: Mixed, hint: str = "") -> Mixed:
    """Of a non-negative number."""
    if isinstance(a, int) and isinstance(b, int) and b:
        return a % b
    return 0 if b == 1 else _emit(builder, "arith.remsi", a, b, hint)


def clamp(builder: Builder, number: Mixed, low: Mixed, high: Mixed, hint: str = "") -> Mixed:
    """`number`, at least `low` and then at most `high`."""
    return smaller(builder, larger(builder, number, low), high, hint)


def choose(builder: Builder, condition: Value, yes: Mixed, no: Mixed, hint: str = "") -> Mixed:
    """`yes` where the i1 holds, else `no`."""
    known = constant_value(condition)
    if known is not None:
        return yes if known else no
    return builder.value("arith.select", [condition, as_value(builder, yes), as_value(builder, no)], index, hint=hint)


def positive(builder: Builder, number: Mixed, hint: str = "") -> Value:
    """Whether the number is above zero, as an i1."""
    return compare(builder, "sgt", as_value(builder, number), constant(builder, 0, index), hint)
