"""The route table: one declaration per operation, from which come the URLs, the dispatch by method, and the OpenAPI schema."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from explorer.problems import Problem, plain

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Route:
    """One method of one path. `path` is Django's; types are msgspec's; `problems` are the statuses it may answer with."""

    method: str
    path: str
    view: View
    summary: str
    takes: type | None = None
    takes_file: bool = False
    gives: type | None = None
    status: int = 200
    media_type: str = "application/json"
    problems: tuple[int, ...] = ()
    query: dict[str, type] = field(default_factory=dict)


def answer(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    """A struct as JSON. Header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json", headers=named)


T = TypeVar("T")


def decoded(request_body: bytes, kind: type[T]) -> T:
    """The body as a struct. Raises Problem 400 that names the field which does not fit."""
    try:
        return msgspec.json.decode(request_body, type=kind)
    except msgspec.ValidationError as invalid:
        raise Problem(
            400, "invalid-request", "The request does not fit its schema", f"{invalid}. GET /api/v1/schema tells it."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise Problem(400, "invalid-json", "The request is not JSON", str(broken)) from None


def json_body(request: HttpRequest) -> bytes:
    """The body of a request that says it is JSON. Raises Problem 415."""
    if request.content_type != "application/json":
        raise Problem(415, "not-json", "The body must be JSON", "Send Content-Type: application/json.")
    return request.body


def not_modified(request: HttpRequest, etag: str) -> bool:
    return etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]


def url_patterns(routes: tuple[Route, ...]) -> list[URLPattern]:
    """One pattern a path, which dispatches by method. HEAD is GET without its body; the server drops that."""
    by_path: dict[str, dict[str, View]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route.view
    return [path(template, _dispatch(views)) for template, views in by_path.items()]


def _dispatch(views: dict[str, View]) -> View:
    allowed = ", ".join(sorted({*views, *(["HEAD"] if "GET" in views else [])}))

    def view(request: HttpRequest, **arguments: str) -> HttpResponse:
        chosen = views.get("GET" if request.method == "HEAD" else request.method or "")
        try:
            if chosen is None:
                raise plain(405, f"{request.method} {request.path}; allowed: {allowed}", {"Allow": allowed})
            return chosen(request, **arguments)
        except Problem as problem:
            return problem.response()

    return view
