"""Turns the IR after each pass into a pass event: text and line map as blobs, op counts, the diff by identity."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from compiler_core.blobs import BlobSink
from compiler_core.diagnostics import Diagnostic, Message
from compiler_core.events import Change, Cycles, Diff, Pass, Stage, Verification
from compiler_core.ir import Op, PrintedIR
from compiler_core.ir.diff import Snapshot, compare, counts, origins, snapshot

_NOT_COUNTED = frozenset({"builtin.module", "func.func", "tt.func", "func.return", "tt.return", "scf.yield"})


@dataclass(frozen=True)
class Measured:
    """What the emulator told of the finished program, or why it told nothing."""

    cycles: Cycles | None = None
    reason: Message | None = None
    memory: dict[str, int] = field(default_factory=dict[str, int])
    verification: Verification | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def line_map(printed: PrintedIR) -> bytes:
    """JSON: for each line of the text null, or [op id, [source lines]]."""
    entries = [None if op is None else (op.id, sorted({loc.line for loc in op.location if loc.line})) for op in printed.ops]
    return msgspec.json.encode(entries)


class Recorder:
    """Remembers the IR before a pass; makes the event after it. One recorder follows one module through its passes."""

    def __init__(self, blobs: BlobSink, module: Op) -> None:
        self.blobs = blobs
        self.before: Snapshot = snapshot(module)

    def event(
        self,
        module: Op,
        *,
        index: int,
        name: str,
        scope: str,
        stages: tuple[Stage, Stage],
        mandatory: bool,
        ms: float,
        measured: Measured,
    ) -> Pass:
        """The event of a pass that has just changed `module`; the IR it left is what the next pass is compared with."""
        after = snapshot(module)
        changed = after.printed.text != self.before.printed.text
        event = Pass(
            index=index,
            name=name,
            scope=scope,
            stage_in=stages[0],
            stage_out=stages[1],
            mandatory=mandatory,
            ms=round(ms, 3),
            changed=changed,
            ops=dict(Counter(op.name for op in module.walk() if op.name not in _NOT_COUNTED).most_common()),
            ir=self.blobs.put(after.printed.text.encode()),
            lines=self.blobs.put(line_map(after.printed)),
            diff=self._diff(module, after) if changed else None,
            cycles=measured.cycles,
            cycles_reason=measured.reason,
            memory=measured.memory,
            verification=measured.verification,
            diagnostics=measured.diagnostics,
        )
        self.before = after
        return event

    def _diff(self, module: Op, after: Snapshot) -> Diff:
        entries = compare(self.before, after, origins(module))
        changes = tuple(Change(e.kind, e.before, e.after) for e in entries if e.kind != "kept")
        return Diff(counts(entries), changes)
