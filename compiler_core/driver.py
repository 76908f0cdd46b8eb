"""compile(request) -> events: the spine. Also what a source offers before it is compiled, and what there is to choose from."""

import logging
import traceback
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files

import msgspec
import numpy as np

from compiler_core import __version__
from compiler_core.blobs import BlobSink
from compiler_core.catalogue import Catalogue, ChipEntry, EngineEntry, ExampleEntry, Inspection, PassEntry
from compiler_core.chips import chips
from compiler_core.diagnostics import Diagnostic, LimitHit, Refused, error, templates
from compiler_core.engines import builtin
from compiler_core.engines.emulate import emulate as emulate_text
from compiler_core.events import AnyEvent, DiagnosticEvent, Failed
from compiler_core.importers.mlir import inspect_mlir, is_mlir
from compiler_core.importers.triton import inspect_source
from compiler_core.pipelines import all_passes
from compiler_core.profiling.fidelity import fidelity
from compiler_core.request import CompileRequest, Launch

log = logging.getLogger(__name__)

ENGINES = {"builtin": builtin.run}
"""The engines that are installed, by name."""


def engine_version(engine: str) -> str:
    """The version that is part of a compilation's key. Raises KeyError for an engine there is none of."""
    return {"builtin": __version__, "bisheng": "absent"}[engine]


def compile(
    request: CompileRequest, blobs: BlobSink, model: bytes | None = None, inputs: Mapping[str, np.ndarray] | None = None
) -> Iterator[AnyEvent]:
    """Compiles, runs and checks; yields Started, then passes and the rest, ending in Done or Failed.

    `model` holds an ONNX request's bytes; `inputs` gives tensors by name and wins over fills.

    Bad input never raises: it yields diagnostics and a Failed with exit status 1, 3 or 4. `seq` is left to who keeps the
    journal; Accepted and Cancelled are the queue's to say.
    """
    yield from _ended(_compile(request, blobs, model, inputs or {}))


def emulate(
    text: str,
    launch: Launch | None,
    chip: str,
    blobs: BlobSink,
    inputs: Mapping[str, np.ndarray] | None = None,
    *,
    time_only: bool = False,
) -> Iterator[AnyEvent]:
    """Runs machine-stage text on the emulated chip as it is; yields the same events as `compile`, without passes."""
    yield from _ended(emulate_text(text, launch, chip, blobs, inputs or {}, time_only=time_only))


def _compile(
    request: CompileRequest, blobs: BlobSink, model: bytes | None, inputs: Mapping[str, np.ndarray]
) -> Iterator[AnyEvent]:
    if request.engine not in ENGINES:
        raise Refused(error("engine-absent", name=request.engine))
    yield from ENGINES[request.engine](request, blobs, model, inputs)


def _ended(events: Iterator[AnyEvent]) -> Iterator[AnyEvent]:
    """The events; where they break off, what was wrong and Failed."""
    try:
        yield from events
    except Refused as refused:
        yield from _refusal(refused.diagnostics, 3 if isinstance(refused, LimitHit) else 1)
    except RecursionError:
        yield from _refusal((error("too-deep"),), 3)
    except MemoryError:
        yield from _refusal((error("out-of-memory"),), 3)
    except Exception as bug:
        reference = sha256(traceback.format_exc().encode()).hexdigest()[:12]
        log.exception("internal error, reference %s", reference)
        yield from _refusal((error("compiler-bug", kind=type(bug).__name__, reference=reference),), 4)


def _refusal(diagnostics: tuple[Diagnostic, ...], status: int) -> Iterator[AnyEvent]:
    for diagnostic in diagnostics:
        yield DiagnosticEvent(diagnostic=diagnostic)
    first = next((d for d in diagnostics if d.severity == "error"), diagnostics[0])
    yield Failed(diagnostic=first, status=status)


def inspect(source: str) -> Inspection:
    """The kernels of a source text and an inferred launch. Raises Refused with diagnostics where it does not parse."""
    return inspect_mlir(source) if is_mlir(source) else inspect_source(source)


def catalogue() -> Catalogue:
    """Everything there is to choose from."""
    return Catalogue(
        chips=tuple(
            ChipEntry(c.name, c.summary, c.clock_mhz, c.organisation, c.buffers, tuple(c.pipes)) for c in chips().values()
        ),
        engines=(
            EngineEntry("builtin", __version__, True, {"en": "Tilescope's own passes", "zh": "Tilescope 自有的 pass"}),
            EngineEntry(
                "bisheng",
                "",
                False,
                {
                    "en": "The vendor's compiler is not connected in this version.",
                    "zh": "此版本尚未接入厂商编译器。",
                },
            ),
        ),
        passes=tuple(PassEntry(p.name, dict(p.run.summary), p.stage_in, p.stage_out, p.mandatory) for p in all_passes()),
        examples=examples(),
        messages=templates(),
        fidelity=fidelity(),
    )


class _Title(msgspec.Struct):
    title: dict[str, str]
    summary: dict[str, str]


def examples() -> tuple[ExampleEntry, ...]:
    """The gallery, in the order of examples/examples.toml."""
    folder = files("compiler_core.examples")
    listed = msgspec.toml.decode(folder.joinpath("examples.toml").read_bytes(), type=dict[str, _Title])
    return tuple(
        ExampleEntry(
            name,
            entry.title,
            entry.summary,
            folder.joinpath(f"{name}.py").read_text(encoding="utf-8"),
            msgspec.json.decode(folder.joinpath(f"{name}.launch.json").read_bytes(), type=Launch),
        )
        for name, entry in listed.items()
    )
