"""What all functions of one import share: the module under way, helpers made so far, mistakes found, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from compiler_core.diagnostics import Diagnostic, Refused
from compiler_core.importers.triton.source import Source
from compiler_core.importers.triton.values import Function, Thing
from compiler_core.ir import Op

MAX_OPS = 100_000
"""Most ops that one import may make."""
MAX_UNROLLED = 4096
"""Most iterations of static_range loops together."""
MAX_CALL_DEPTH = 32
"""Deepest nesting of helper calls."""
MAX_DIAGNOSTICS = 20
"""Reading stops after this many mistakes."""

Scope = dict[str, Thing]
"""Variables of a function by name."""


@dataclass
class Program:
    source: Source
    module: Op
    make_helper: Callable[[Program, Function, Scope], tuple[Op, Thing]]
    """Makes the function of one specialisation of a helper; gives it with what its results stand for."""
    helpers: dict[tuple[object, ...], tuple[Op, Thing]] = field(default_factory=dict[tuple[object, ...], tuple[Op, Thing]])
    names: dict[str, int] = field(default_factory=dict[str, int])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    calls: list[str] = field(default_factory=list[str])
    """The functions being read, outermost first."""
    ops: int = 0
    unrolled: int = 0

    def report(self, *diagnostics: Diagnostic) -> None:
        """Keeps mistakes, once each. Raises Refused with all of them when there are too many."""
        self.diagnostics.extend(d for d in diagnostics if d not in self.diagnostics)
        if len(self.diagnostics) >= MAX_DIAGNOSTICS:
            raise Refused(*self.diagnostics[:MAX_DIAGNOSTICS])
