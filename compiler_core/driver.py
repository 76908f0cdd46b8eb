"""compile(request) -> events: the spine. Also what a source offers before it is compiled, and what there is to choose from."""

from collections.abc import Iterator

from compiler_core.blobs import BlobSink
from compiler_core.catalogue import Catalogue, Inspection
from compiler_core.events import AnyEvent
from compiler_core.request import CompileRequest


def engine_version(engine: str) -> str:
    """The version that is part of a compilation's key. Raises KeyError for an engine there is none of."""
    raise NotImplementedError


def compile(request: CompileRequest, blobs: BlobSink, model: bytes | None = None) -> Iterator[AnyEvent]:
    """Compiles, runs and checks; yields Started, then passes and the rest, ending in Done or Failed.

    Bad input never raises: it yields diagnostics and a Failed with exit status 1, 3 or 4. `seq` is left to who keeps the
    journal; Accepted and Cancelled are the queue's to say.
    """
    raise NotImplementedError


def inspect(source: str) -> Inspection:
    """The kernels of a source text and an inferred launch. Raises Refused with diagnostics where it does not parse."""
    raise NotImplementedError


def catalogue() -> Catalogue:
    raise NotImplementedError
