"""A translated function: its source, compiled once for equal text, and how a batch of lanes runs it.

The text holds names and integers made by translation, and nothing else. What fails while it runs is told with the op that the
failing line came from.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, TracebackType
from typing import Any, NoReturn

import numpy as np

from compiler_core.diagnostics import Diagnostic, LimitHit
from compiler_core.emulator.execution import lanes as la
from compiler_core.emulator.execution.arguments import Bound
from compiler_core.emulator.execution.between import Waiter
from compiler_core.emulator.execution.issue import Issuer
from compiler_core.emulator.execution.machine import MALFORMED, Machine, refuse
from compiler_core.emulator.execution.memory import OutOfBounds, Unsupported
from compiler_core.emulator.translation.translator import TERMINATORS, TRANSLATORS, Translator, column
from compiler_core.emulator.translation.uniformity import kinds_of
from compiler_core.emulator.translation.writer import Writer
from compiler_core.ir import Op
from compiler_core.ir.spans import spans_of

FILE = "<program>"

FUNCTIONS: dict[str, Any] = {
    "__builtins__": {"range": range, "len": len},
    "wrap": la.wrap,
    "floor": la.floored,
    "quotient": la.quotient,
    "remainder": la.remainder,
    "minimum": la.minimum,
    "maximum": la.maximum,
    "select": la.select,
    "merge": la.merge,
    "column": column,
}
"""What a program's text may call, besides the machine and what translation names."""


@lru_cache(maxsize=256)
def _compiled(source: str) -> CodeType:
    return compile(source, FILE, "exec", dont_inherit=True)


@dataclass(slots=True)
class Program:
    """One function for one launch."""

    machine: Machine
    source: str
    ops: list[Op]
    """By line of the source."""
    issuers: list[Issuer]
    names: dict[str, Any]
    """What the source refers to, and the function it defines."""
    lanes: int = 0
    """Lanes of the batch that views were made for."""

    def run(self, first: int, count: int) -> Iterator[Waiter]:
        """Runs blocks from `first` on; gives where the program waits for another core, to go on when that is ready.

        Raises Refused and LimitHit, with the op's place.
        """
        machine = self.machine
        lanes = count * machine.sub_blocks
        if lanes != self.lanes:
            self.lanes = lanes
            for issuer in self.issuers:
                issuer.forget()
        machine.begin(first, lanes)
        sub = machine.sub_blocks
        number: Any = np.arange(first * sub, first * sub + lanes, dtype=np.int64) if lanes > 1 else first * sub
        log = machine.recorder.log
        with self._told():
            block, sub_block = (number, 0) if sub == 1 else (number // sub, number % sub)
            running: Generator[Waiter] | None = self.names["program"](log.append, log, block, sub_block)
            if running is not None:
                yield from running
        machine.end()

    def close(self) -> None:
        """Lets go of what refers to itself, so that the memory of the batches is free at once for the next launch."""
        self.names.clear()
        for issuer in self.issuers:
            issuer.forget()

    @contextmanager
    def _told(self) -> Generator[None]:
        """Tells what goes wrong with the op it happened in."""
        try:
            yield
        except (LimitHit, OutOfBounds, Unsupported, *MALFORMED) as problem:
            self._tell(problem)

    def _tell(self, problem: Exception) -> NoReturn:
        at = self._op(problem.__traceback__)
        if isinstance(problem, LimitHit):
            (found,) = problem.diagnostics
            raise LimitHit(Diagnostic(found.severity, found.message, spans_of(at))) from problem
        if isinstance(problem, OutOfBounds):
            refuse(
                at,
                "emulator-out-of-bounds-chip" if problem.memory.local else "emulator-out-of-bounds",
                op=at.name.removeprefix("hivm.hir."),
                memory=problem.memory.name,
                low=problem.low,
                high=problem.high - 1,
                size=problem.limit,
                block=self.machine.first + problem.lane // self.machine.sub_blocks,
            )
        if isinstance(problem, Unsupported):
            refuse(at, "emulator-unsupported", op=at.name, what=str(problem))
        if isinstance(problem, ZeroDivisionError):
            refuse(at, "emulator-division-by-zero", op=at.name)
        refuse(at, "emulator-malformed-op", op=at.name, what=f"{type(problem).__name__}: {problem}")

    def _op(self, traceback: TracebackType | None) -> Op:
        found = self.ops[0]
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == FILE:
                found = self.ops[min(traceback.tb_lineno, len(self.ops)) - 1]
            traceback = traceback.tb_next
        return found


def translate(function: Op, machine: Machine, bound: Bound, shared: bool = False) -> Program:
    """Translates a function for one launch; what belongs to the machine's kind of core, where others share it.

    Raises Refused for what it cannot mean.
    """
    for op in function.walk():
        if op.name not in TRANSLATORS and op.name not in TERMINATORS and op is not function:
            refuse(op, "emulator-unknown-op", op=op.name)
    kinds = kinds_of(function, lanes=2 if machine.varied else 1, functional=machine.functional)
    t = Translator(machine, Writer(function), kinds, shared=shared)
    bound.define(t, function)
    t.block(function.body)
    source, ops = t.writer.finish("log, issued, block, sub_block")
    names = {**FUNCTIONS, **t.names, "machine": machine}
    try:
        exec(_compiled(source), names)
    except (SyntaxError, RecursionError, MemoryError, OverflowError) as problem:
        refuse(function, "emulator-malformed", what=f"{type(problem).__name__}: {problem}")
    return Program(machine, source, ops, t.issuers, names)
