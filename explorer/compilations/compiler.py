"""The compiler the service runs: the module that settings.COMPILER names."""

from collections.abc import Iterator
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings

from compiler_core.blobs import BlobSink
from compiler_core.catalogue import Catalogue, Inspection
from compiler_core.events import AnyEvent
from compiler_core.request import CompileRequest


class Compiler(Protocol):
    """What compiler_core.driver offers; see there."""

    def compile(self, request: CompileRequest, blobs: BlobSink, model: bytes | None = None) -> Iterator[AnyEvent]: ...

    def inspect(self, source: str) -> Inspection: ...

    def catalogue(self) -> Catalogue: ...

    def engine_version(self, engine: str) -> str: ...


def compiler() -> Compiler:
    return cast(Compiler, import_module(settings.COMPILER))
