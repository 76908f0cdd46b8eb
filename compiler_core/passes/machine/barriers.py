"""Synchronisation by draining: a barrier of all pipes before every instruction that depends on one still under way.

For loops that flags cannot be planned for: those without a counter.
"""

from compiler_core.dialects import hivm
from compiler_core.ir import Builder, Op
from compiler_core.ir.core import Block
from compiler_core.passes.machine.regions import Use, conflict, uses_of


def drain_block(block: Block, pending: list[Use]) -> list[Use]:
    """Inserts barriers; `pending` is what may be under way before the block. Returns what may be under way behind it."""
    for op in list(block.ops):
        if op.name in ("scf.for", "scf.while"):
            pending = synchronise_loop(op, pending)
        elif op.name == "scf.if":
            after = [drain_block(inner, list(pending)) for region in op.regions for inner in region.blocks]
            pending = list(dict.fromkeys([*pending, *(use for uses in after for use in uses)]))
        elif op.name == "hivm.hir.pipe_barrier":
            pending = []
        else:
            uses = uses_of(op)
            if any(conflict(a, b) for a in pending for b in uses):
                hivm.pipe_barrier(Builder.before(op), "PIPE_ALL")
                pending = []
            pending = [*pending, *uses]
    return pending


def synchronise_loop(op: Op, pending: list[Use]) -> list[Use]:
    """The pipes are empty whenever an iteration begins, and behind the loop: what came before it is drained there."""
    inside = [use for inner in op.walk() for use in uses_of(inner)]
    if not inside:
        return pending
    if pending:
        hivm.pipe_barrier(Builder.before(op), "PIPE_ALL")
    for region in op.regions:
        for block in region.blocks:
            if drain_block(block, []):
                hivm.pipe_barrier(Builder.before(block.terminator), "PIPE_ALL")
    return []
