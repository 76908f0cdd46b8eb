"""A profile as a file to keep: the report (HTML) or the tables (CSV, in a zip archive), made from a compilation's record."""

import io
import re
import zipfile
from collections.abc import Iterable
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse

from compiler_core import events
from compiler_core.chips import Chip, chips
from compiler_core.profiling import detail_of, kernel_tables, op_summary, report
from explorer.api import Route
from explorer.compilations import blobs
from explorer.compilations.models import Compilation
from explorer.problems import Problem

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
"""For a browser that shows the file in place of keeping it: nothing in it may run with the page's rights."""


class Kept(NamedTuple):
    """What a record holds of one function's run."""

    profile: events.Profile
    detail: events.ProfileDetail
    trace: bytes
    chip: Chip


def read(request: HttpRequest, key: str) -> HttpResponse:
    """The file that `format` and `scope` ask for."""
    row = Compilation.objects.filter(key=key).first()
    if row is None:
        raise Problem(404, "unknown-compilation", "There is no such compilation", f"No compilation has the key {key}.")
    kept = _kept(map(events.decode, row.events.encode().splitlines()), request.GET.get("scope", ""))
    name = re.sub(r"[^\w.-]", "_", kept.profile.scope, flags=re.ASCII).lstrip(".") or "profile"
    match request.GET.get("format", "html"):
        case "html":
            body, kind, file = report(*kept[:2], kept.chip, kept.trace).encode(), "text/html; charset=utf-8", f"{name}.html"
        case "csv":
            body, kind, file = _tables(kept), "application/zip", f"{name}.zip"
        case other:
            raise Problem(422, "unknown-format", "There is no such format", f"{other!r} is neither html nor csv.")
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Content-Security-Policy": SANDBOX}
    return HttpResponse(body, content_type=kind, headers=headers)


def _kept(journal: Iterable[events.AnyEvent], scope: str) -> Kept:
    """Raises Problem 404 where the record has no such profile, or one from before there were details."""
    chip = profile = trace = None
    for event in journal:
        match event:
            case events.Started():
                chip = chips().get(event.chip)
            case events.Profile() if event.scope == scope:
                profile = event
            case events.Trace() if event.scope == scope:
                trace = event
            case _:
                pass
    body = blobs.get(profile.detail) if profile and profile.detail else None
    if chip is None or profile is None or body is None:
        raise Problem(404, "no-profile", "There is no such profile", f"The compilation has kept no profile of {scope!r}.")
    return Kept(profile, detail_of(body), (blobs.get(trace.blob) if trace else None) or b"", chip)


def _tables(kept: Kept) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("op_summary.csv", op_summary([kept.profile], kept.chip))
        for name, text in kernel_tables(kept.profile, kept.detail, kept.chip).items():
            file.writestr(name, text)
    return archive.getvalue()


ROUTES = (
    Route(
        "GET",
        "api/v1/compilations/<hex:key>/report",
        read,
        "A profile as a file: a report (HTML), or tables (CSV in a zip archive)",
        gives=bytes,
        media_type="application/octet-stream",
        problems=(404, 422),
        query={"scope": str, "format": str},
    ),
)
