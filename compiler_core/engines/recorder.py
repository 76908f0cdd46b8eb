"""Turns the IR after each pass into a pass event: text and line map as blobs, op counts, the diff by identity."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from compiler_core.blobs import BlobSink
from compiler_core.diagnostics import Diagnostic, Message
from compiler_core.events import Change, Cycles, Diff, Pass, Stage, Verification
from compiler_core.ir import Op, PrintedIR
from compiler_core.ir.diff import Snapshot, compare, counts, origins, snapshot
from compiler_core.pipelines import Step

_NOT_COUNTED = frozenset({"builtin.module", "func.func", "tt.func", "func.return", "tt.return", "scf.yield"})


@dataclass(frozen=True)
class Measured:
    """What the emulator told of the finished program, or why it told nothing."""

    cycles: Cycles | None = None
    reason: Message | None = None
    memory: dict[str, int] = field(default_factory=dict[str, int])
    verification: Verification | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


Measure = Callable[[], Measured]
"""Measures the module as a pass left it. Not called where the program finishes as it did before: where nothing changed, and
after a lowering, since what came before it was finished by that same lowering."""


def line_map(printed: PrintedIR) -> bytes:
    """JSON: for each line of the text null, or [op id, [source lines]]."""
    entries = [None if op is None else (op.id, sorted({loc.line for loc in op.location if loc.line})) for op in printed.ops]
    return msgspec.json.encode(entries)


class Recorder:
    """Remembers the IR before a pass; makes the event after it. One recorder follows one module through its passes.

    `scope` names the function the passes run on, "" for the whole module; `number` gives each event its index.
    """

    def __init__(self, blobs: BlobSink, module: Op, scope: str, number: Callable[[], int]) -> None:
        self.blobs = blobs
        self.scope = scope
        self.number = number
        self.before = snapshot(module)
        self.last = Measured()

    def imported(self, module: Op, stage: Stage, ms: float, measure: Measure) -> Pass:
        """The event of the import, which made the module."""
        return self._event(module, "import", (stage, stage), True, ms, measure)

    def after(self, step: Step, module: Op, ms: float, measure: Measure) -> Pass:
        """The event of a pass that has just run; the IR it left is what the next pass is compared with."""
        return self._event(module, step.name, (step.stage_in, step.stage_out), step.mandatory, ms, measure)

    def _event(self, module: Op, name: str, stages: tuple[Stage, Stage], mandatory: bool, ms: float, measure: Measure) -> Pass:
        after = snapshot(module)
        changed = after.printed.text != self.before.printed.text
        if (changed and not mandatory) or self.last.cycles is None:
            self.last = measure()
        measured = self.last
        event = Pass(
            index=self.number(),
            name=name,
            scope=self.scope,
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
