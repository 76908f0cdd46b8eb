"""inline: puts the bodies of helper functions where they are called, and removes the helpers."""

from dataclasses import dataclass

from compiler_core.diagnostics import LimitHit, Span, error
from compiler_core.dialects.builtin import called, functions
from compiler_core.ir import Op, fuse_locations
from compiler_core.ir.attributes import StringAttr
from compiler_core.ir.core import Location, Value
from compiler_core.passes.base import Pass, PassContext

MAX_OPS = 200_000
"""Most ops that inlining may leave; nested helpers can multiply."""


@dataclass(frozen=True)
class Inline(Pass):
    """An inlined op keeps its own place and is followed by the place of the call."""

    name = "inline"
    summary = {"en": "Puts helper functions where they are called.", "zh": "把辅助函数内联到调用处。"}
    stage_in = "tt"
    stage_out = "tt"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        left = MAX_OPS - sum(1 for _ in module.walk())
        for function in functions(module):
            if is_private(function):
                continue
            while calls := [op for op in function.walk() if op.name == "tt.call"]:
                for call in calls:
                    left -= inline_call(call, called(call, module))
                    if left < 0:
                        raise LimitHit(error("limit-inlined", *spans(call.location[:1]), limit=MAX_OPS))
        for function in functions(module):
            if is_private(function):
                function.detach().drop_uses()


def is_private(function: Op) -> bool:
    visibility = function.get("sym_visibility", StringAttr)
    return visibility is not None and visibility.value == "private"


def inline_call(call: Op, callee: Op) -> int:
    """Replaces a call by a copy of the callee's body. Returns how many ops that made."""
    mapping: dict[Value, Value] = dict(zip(callee.body.arguments, call.operands, strict=True))
    block = call.parent
    assert block is not None
    at = block.ops.index(call)
    made = 0
    *body, end = callee.body.ops
    for i, op in enumerate(body):
        copy = block.insert(at + i, op.clone(mapping))
        for inner in copy.walk():
            inner.location = fuse_locations(inner.location, call.location)
            made += 1
    results = [mapping.get(v, v) for v in end.operands]
    for result, value in zip(call.results, results, strict=True):
        if isinstance(value.owner, Op) and value.owner.parent is block and result.name:
            value.name = result.name
    call.replace_with(*results)
    return made


def spans(locations: tuple[Location, ...]) -> tuple[Span, ...]:
    return tuple(Span(location.line, location.column) for location in locations)
