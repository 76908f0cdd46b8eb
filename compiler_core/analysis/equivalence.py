"""Whether two values are the same number because the same pure ops compute them."""

from compiler_core.dialects.indices import Mixed
from compiler_core.ir import Value
from compiler_core.ir.registry import is_pure


def equivalent(a: Mixed, b: Mixed) -> bool:
    """Equal by structure: the same constants, arguments and pure ops. False means not known."""
    if a is b or (isinstance(a, int) and isinstance(b, int)):
        return a == b
    if not isinstance(a, Value) or not isinstance(b, Value) or a.type != b.type:
        return False
    one, other = a.op, b.op
    if one is None or other is None or one.name != other.name or a.index != b.index or one.regions or not is_pure(one):
        return False
    if one.attributes != other.attributes or len(one.operands) != len(other.operands):
        return False
    return all(equivalent(x, y) for x, y in zip(one.operands, other.operands, strict=True))
