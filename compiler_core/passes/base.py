"""What a pass is: a frozen dataclass with a name, a one-line summary, options as fields, stages, and `apply`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from compiler_core.chips import Chip
from compiler_core.diagnostics import Diagnostic
from compiler_core.events import Stage
from compiler_core.ir import Op


@dataclass
class PassContext:
    """What passes know besides the IR. `notes` collects warnings for the author of the source."""

    chip: Chip
    precision: str = "fp16"
    programs: int | None = None
    """How many programs the launch has in all; None where it is not known, or a model's kernels say it themselves."""
    notes: list[Diagnostic] = field(default_factory=list[Diagnostic])


@dataclass(frozen=True)
class Pass(ABC):
    """Rewrites a builtin.module in place. Raises Refused where the source asks for what cannot be compiled.

    `mandatory` passes are lowerings: without them the program does not reach the machine. The others are optimisations: leaving
    one out changes cycles, never results.
    """

    name: ClassVar[str]
    summary: ClassVar[Mapping[str, str]]
    """One line by language: en, zh."""
    stage_in: ClassVar[Stage]
    stage_out: ClassVar[Stage]
    mandatory: ClassVar[bool]

    @abstractmethod
    def apply(self, module: Op, context: PassContext) -> None: ...
