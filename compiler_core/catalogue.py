"""What there is to choose from: chips, engines, passes, examples. The page's pickers and the command line's lists read this."""

from typing import Literal

import msgspec

from compiler_core.events import Stage
from compiler_core.request import Launch


class ChipEntry(msgspec.Struct, frozen=True):
    name: str
    summary: dict[str, str]
    """By language: "20 cube + 40 vector cores, 1800 MHz"."""
    clock_mhz: float
    organisation: Literal["split", "coupled"]
    buffers: dict[str, int]
    """Bytes of each on-chip buffer of one core: UB L1 L0A L0B L0C."""
    pipes: tuple[str, ...]


class EngineEntry(msgspec.Struct, frozen=True):
    name: str
    version: str
    available: bool
    hint: dict[str, str]
    """By language: what to install where it is not available; else what it is."""


class PassEntry(msgspec.Struct, frozen=True):
    name: str
    summary: dict[str, str]
    stage_in: Stage
    stage_out: Stage
    mandatory: bool


class ExampleEntry(msgspec.Struct, frozen=True):
    name: str
    title: dict[str, str]
    summary: dict[str, str]
    source: str
    launch: Launch


class FidelityCase(msgspec.Struct, frozen=True):
    """A kernel whose time on silicon was published, beside the emulator's. Times in microseconds, the error in per cent."""

    name: str
    published: float
    emulated: float
    error: float
    source: str
    schedule: str
    chip: str


class FittedParameter(msgspec.Struct, frozen=True):
    parameter: str
    value: float
    to: str
    """The measurement it was fitted to."""


class Fidelity(msgspec.Struct, frozen=True):
    """How far the emulator's times are from published ones: absolute errors in per cent over the cases."""

    median: float
    worst: float
    cases: tuple[FidelityCase, ...]
    fitted: tuple[FittedParameter, ...] = ()


class Catalogue(msgspec.Struct, frozen=True):
    chips: tuple[ChipEntry, ...]
    engines: tuple[EngineEntry, ...]
    passes: tuple[PassEntry, ...]
    examples: tuple[ExampleEntry, ...]
    messages: dict[str, dict[str, str]]
    """Every message template: code → language → text with {arguments}."""
    fidelity: Fidelity | None = None


class Parameter(msgspec.Struct, frozen=True):
    """A kernel parameter as its signature and use tell it."""

    name: str
    kind: Literal["tensor", "scalar", "constexpr"]
    default: bool | int | float | str | None = None
    annotated: str = ""


class KernelEntry(msgspec.Struct, frozen=True):
    name: str
    line: int
    parameters: tuple[Parameter, ...]


class Inspection(msgspec.Struct, frozen=True):
    """What a source text offers before it is compiled: its kernels, and a launch inferred for one of them."""

    kernels: tuple[KernelEntry, ...]
    launch: Launch | None
    assumed: tuple[str, ...]
    """Names of arguments whose values were guessed."""
