"""Compilations over HTTP: ask, read, cancel; bodies by hash; the catalogue; a look at a source."""

import gzip
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from compiler_core import events
from compiler_core.catalogue import Catalogue, Inspection
from compiler_core.request import MAX_SOURCE_CHARACTERS, CompileRequest
from explorer.api import Route, answer, decoded, json_body, not_modified
from explorer.compilations import blobs
from explorer.compilations.compiler import compiler
from explorer.compilations.inspector import inspector
from explorer.compilations.models import Blob, Compilation
from explorer.compilations.queue import Queue
from explorer.compilations.record import Record, fold
from explorer.compilations.run import store
from explorer.compilations.tasks import call_a_worker
from explorer.limits import limits
from explorer.problems import Problem, too_large
from explorer.redis_clients import client


class Receipt(msgspec.Struct, frozen=True):
    """Where to follow a compilation that was asked for."""

    key: str
    url: str
    stream: str
    known: bool
    """Whether it was asked for before: its results, or the run under way, answer this request too."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str


def _unknown(key: str) -> Problem:
    return Problem(404, "unknown-compilation", "There is no such compilation", f"No compilation has the key {key}.")


def _asked(request: HttpRequest) -> tuple[CompileRequest, bytes | None]:
    """The request and, where one was uploaded, the model."""
    if request.content_type != "multipart/form-data":
        return decoded(json_body(request), CompileRequest), None
    if "request" not in request.POST:
        raise Problem(
            400,
            "invalid-request",
            "The form lacks its field `request`",
            "It holds the request as JSON; `model` holds the file.",
        )
    asked = decoded(request.POST["request"].encode(), CompileRequest)
    upload = request.FILES.get("model")
    if upload is None:
        return asked, None
    if upload.size is None or upload.size > limits.model_bytes:
        raise too_large("model_bytes", limits.model_bytes)
    return asked, upload.read()


def _with_model(asked: CompileRequest, model: bytes | None) -> CompileRequest:
    """The request naming its model, which is kept. Raises Problem 422 where kind and model do not go together."""
    if asked.kind != "onnx":
        if model is not None or asked.model_sha256:
            raise Problem(422, "model-unexpected", "Only a request of kind onnx has a model")
        return asked
    if model is None:
        if not asked.model_sha256 or not blobs.known(asked.model_sha256):
            raise Problem(422, "model-missing", "The model is missing", "Send it as the form field `model`, beside `request`.")
        return asked
    name = blobs.sha256(model)
    if asked.model_sha256 not in (None, name):
        raise Problem(422, "model-mismatch", "The model is not the one the request names", f"Its sha256 is {name}.")
    blobs.put_all({name: model})
    return msgspec.structs.replace(asked, model_sha256=name)


def _engine_version(engine: str) -> str:
    try:
        return compiler().engine_version(engine)
    except KeyError:
        raise Problem(422, "engine-unavailable", f"The engine {engine} is not installed here") from None


def create(request: HttpRequest) -> HttpResponse:
    """Queues a compilation, unless its result is known or it is under way."""
    asked = _with_model(*_asked(request))
    version = _engine_version(asked.engine)
    key = asked.key(version)
    row, new = Compilation.objects.get_or_create(
        key=key, defaults={"request": asked.canonical_json().decode(), "engine_version": version}
    )
    known = row.answered or not _enqueue(key, new)
    url = f"/api/v1/compilations/{key}"
    return answer(Receipt(key, url, f"/ws/compilations/{key}", known), 202, Location=url)


def _enqueue(key: str, new: bool) -> bool:
    """Queues the compilation and calls a worker; False where it is live already. Raises Problem 503 where the queue is full."""
    queue = Queue(client())
    if not new and queue.status(key) != "running":
        Compilation.objects.filter(key=key, answered=False).update(ended=None, status="", events="")
    match queue.submit(key, limits.queued):
        case "queued":
            call_a_worker()
            return True
        case "live":
            return False
        case "full":
            Compilation.objects.filter(key=key, ended=None).delete()
    raise Problem(
        503,
        "queue-full",
        "Too many compilations are waiting",
        f"The limit queued is {limits.queued}. Try again in a few seconds.",
        {"Retry-After": "5"},
        limit={"queued": limits.queued},
    )


def read(request: HttpRequest, key: str) -> HttpResponse:
    """The whole record; folding the events of the stream gives the same."""
    row = Compilation.objects.filter(key=key).first()
    lines: Any = () if row is None else row.events.encode().splitlines() or Queue(client()).lines(key)
    if row is None or not lines:
        raise _unknown(key)
    record = fold(msgspec.json.decode(row.request, type=CompileRequest), map(events.decode, lines))
    etag = f'"{key[:16]}-{len(record.events)}-{record.status}"'
    if not_modified(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    return answer(record, ETag=etag, Cache_Control="no-cache")


def cancel(request: HttpRequest, key: str) -> HttpResponse:
    """Cancels a compilation that waits or runs. The stream ends in `cancelled`."""
    if not Compilation.objects.filter(key=key).exists():
        raise _unknown(key)
    queue = Queue(client())
    outcome = queue.cancel(key, "user")
    if outcome == "ended":
        raise Problem(409, "already-ended", "The compilation has ended already")
    if outcome == "cancelled":
        store(key, [events.decode(line) for line in queue.lines(key)])
    return HttpResponse(status=204)


def blob(request: HttpRequest, sha256: str) -> HttpResponse:
    """A body by its hash, for ever the same."""
    headers = {"ETag": f'"{sha256}"', "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if not_modified(request, headers["ETag"]) and blobs.known(sha256):
        return HttpResponse(status=304, headers=headers)
    row = Blob.objects.filter(sha256=sha256).first()
    if row is None:
        raise Problem(404, "unknown-blob", "There is no such blob", f"Nothing kept has the sha256 {sha256}.")
    data = bytes(row.data)
    if row.encoding == "gzip" and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
    elif row.encoding == "gzip":
        data = gzip.decompress(data)
    return HttpResponse(data, content_type=row.media_type, headers=headers)


def catalogue(request: HttpRequest) -> HttpResponse:
    """Chips, engines, passes, examples and message templates."""
    body = msgspec.json.encode(compiler().catalogue())
    etag = f'"{blobs.sha256(body)[:32]}"'
    if not_modified(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    return HttpResponse(body, content_type="application/json", headers={"ETag": etag, "Cache-Control": "no-cache"})


def inspect(request: HttpRequest) -> HttpResponse:
    """The kernels of a source and a launch inferred for one of them; diagnostics where it does not parse."""
    asked = decoded(json_body(request), Source)
    if len(asked.source) > MAX_SOURCE_CHARACTERS:
        raise Problem(
            413, "too-large", "The source is too long", f"The limit is {MAX_SOURCE_CHARACTERS:,} characters.",
            limit={"source_characters": MAX_SOURCE_CHARACTERS},
        )  # fmt: skip
    outcome = inspector().inspect(asked.source)
    if isinstance(outcome, Inspection):
        return answer(outcome, Cache_Control="no-store")
    first = outcome.diagnostics[0]
    raise Problem(
        422,
        first.message.code,
        "The source was refused"
        if outcome.status == 1
        else "A limit was hit"
        if outcome.status == 3
        else "The server failed; this is a bug",
        first.message.text,
        span=first.spans[0] if first.spans else None,
        diagnostics=outcome.diagnostics,
    )


ROUTES = (
    Route(
        "POST",
        "api/v1/compilations",
        create,
        "Ask for a compilation",
        CompileRequest,
        True,
        Receipt,
        202,
        problems=(400, 413, 415, 422, 503),
    ),
    Route("GET", "api/v1/compilations/<hex:key>", read, "The whole record", gives=Record, problems=(404,)),
    Route("DELETE", "api/v1/compilations/<hex:key>", cancel, "Cancel", status=204, problems=(404, 409)),
    Route(
        "GET",
        "api/v1/blobs/<hex:sha256>",
        blob,
        "A body by its sha256",
        gives=bytes,
        media_type="application/octet-stream",
        problems=(404,),
    ),
    Route("GET", "api/v1/catalogue", catalogue, "What there is to choose from", gives=Catalogue),
    Route("POST", "api/v1/inspect", inspect, "What a source offers", Source, gives=Inspection, problems=(400, 413, 415, 422)),
)
