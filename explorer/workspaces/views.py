"""Workspaces over HTTP: keep one, read it. Both the page and its permalink are served by explorer.page."""

import secrets
from typing import Annotated, Any

import msgspec
from django.http import HttpRequest, HttpResponse

from compiler_core.request import MAX_SOURCE_CHARACTERS, CompileRequest, Launch, Options
from explorer.api import Route, answer, decoded, json_body
from explorer.compilations.models import Compilation
from explorer.limits import limits
from explorer.problems import Problem
from explorer.workspaces.models import Workspace

SLUG_BYTES = 9
"""72 random bits, 12 characters: nobody guesses one."""


class WorkspaceContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a permalink opens: the source with its launch and options, its results, and the view. Never changed once kept."""

    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None
    """The compilation whose results are on show."""
    request: CompileRequest | None = None
    """What that compilation answers."""
    source: Annotated[str, msgspec.Meta(max_length=MAX_SOURCE_CHARACTERS)] = ""
    """The editor's text, which may be newer than the request."""
    launch: Launch | None = None
    options: Options | None = None
    view: dict[str, Any] | None = None
    """The page's own: pass, tab, line, zoom. Kept as it is."""


class Link(msgspec.Struct, frozen=True):
    slug: str
    url: str


class WorkspaceRecord(WorkspaceContent, frozen=True, kw_only=True):
    slug: str
    created: str
    """RFC 3339."""


def create(request: HttpRequest) -> HttpResponse:
    """Keeps a workspace; it never changes afterwards."""
    content = decoded(json_body(request), WorkspaceContent)
    size = len(msgspec.json.encode(content.view))
    if size > limits.view_bytes:
        detail = f"It has {size:,} bytes; the limit view_bytes is {limits.view_bytes:,}."
        raise Problem(413, "too-large", "The view is too large", detail, limit={"view_bytes": limits.view_bytes})
    if content.key and not Compilation.objects.filter(key=content.key).exists():
        raise Problem(422, "unknown-compilation", "There is no such compilation", f"No compilation has the key {content.key}.")
    slug = secrets.token_urlsafe(SLUG_BYTES)
    Workspace.objects.create(slug=slug, content=msgspec.json.encode(content).decode())
    return answer(Link(slug, f"/w/{slug}"), 201, Location=f"/api/v1/workspaces/{slug}")


def read(request: HttpRequest, slug: str) -> HttpResponse:
    row = Workspace.objects.filter(slug=slug).first()
    if row is None:
        raise Problem(404, "unknown-workspace", "There is no such workspace", f"No permalink has the slug {slug}.")
    content = msgspec.json.decode(row.content, type=WorkspaceContent)
    record = WorkspaceRecord(slug=slug, created=row.created.isoformat(), **msgspec.structs.asdict(content))
    return answer(record, Cache_Control="public, max-age=31536000, immutable")


ROUTES = (
    Route(
        "POST",
        "api/v1/workspaces",
        create,
        "Keep what a permalink opens",
        WorkspaceContent,
        gives=Link,
        status=201,
        problems=(400, 413, 415, 422),
    ),
    Route("GET", "api/v1/workspaces/<slug:slug>", read, "What a permalink opens", gives=WorkspaceRecord, problems=(404,)),
)
