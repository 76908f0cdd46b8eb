"""RFC 9457 problem details: what every error of the HTTP interface looks like."""

from typing import Any

import msgspec
from django.http import HttpResponse

from compiler_core.diagnostics import Diagnostic, Span

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:tilescope:problem:"


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error. `limit` names the limit that was hit and its value."""

    type: str
    title: str
    status: int
    detail: str = ""
    span: Span | None = None
    limit: dict[str, int] | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class Problem(Exception):
    """Raised by a view to answer with a problem. `code` ends its type; `headers` go with the response."""

    def __init__(
        self, status: int, code: str, title: str, detail: str = "", headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(title)
        self.details = ProblemDetails(TYPE + code, title, status, detail, **more)
        self.headers = headers or {}

    def response(self) -> HttpResponse:
        return HttpResponse(
            msgspec.json.encode(self.details),
            status=self.details.status,
            content_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", **self.headers},
        )


TITLES = {
    400: ("bad-request", "The request does not make sense"),
    403: ("forbidden", "The request is not allowed"),
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "The method is not allowed here"),
    413: ("too-large", "The request is too large"),
    500: ("internal", "The server failed; this is a bug"),
}


def plain(status: int, detail: str = "", headers: dict[str, str] | None = None) -> Problem:
    """The problem of a status that Django came up with by itself."""
    code, title = TITLES.get(status, ("error", "The request failed"))
    return Problem(status, code, title, detail, headers)


def too_large(name: str, limit: int) -> Problem:
    return Problem(
        413,
        "too-large",
        "The request is too large",
        f"The limit {name} is {limit:,} bytes ({limit >> 20} MiB); the operator can raise it as TILESCOPE_{name.upper()}.",
        limit={name: limit},
    )
