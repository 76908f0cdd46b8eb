"""The built page: its files by name, and index.html for the addresses that the page itself understands."""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from explorer.api import not_modified
from explorer.problems import plain
from explorer.workspaces.models import Workspace

HASHED = re.compile(r"[-.][\w-]{8,}\.\w+$")
"""Vite's names: index-BFG3kq0a.js."""
COMPRESSIBLE = ("text/", "application/json", "application/manifest+json", "image/svg+xml", "application/javascript")

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tilescope</title>
<body style="font: 16px/1.5 sans-serif; max-width: 40em; margin: 4em auto; padding: 0 1em">
<h1>Tilescope is running, but its page is not built</h1>
<p>Run <code>make run</code> in the repository: it builds the page (frontend/dist) and starts everything.</p>
<p>在仓库中运行 <code>make run</code>：它会构建页面 (frontend/dist) 并启动所有服务。</p>
<p>The HTTP interface works meanwhile: <a href="/api/v1/schema">/api/v1/schema</a></p>
"""


@dataclass(frozen=True)
class Asset:
    data: bytes
    zipped: bytes | None
    media_type: str
    etag: str
    immutable: bool


@lru_cache(maxsize=512)
def _asset(path: Path, modified_ns: int) -> Asset:
    data = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    zipped = gzip.compress(data, 9, mtime=0) if media_type.startswith(COMPRESSIBLE) else None
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    return Asset(data, zipped, media_type, etag, path.parent.name == "assets" and bool(HASHED.search(path.name)))


def _find(name: str) -> Asset | None:
    """The file of that name under the built page, which no name leads out of."""
    root: Path = settings.PAGE_DIR.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        return None
    return _asset(path, path.stat().st_mtime_ns)


def _response(request: HttpRequest, asset: Asset, status: int = 200) -> HttpResponse:
    headers = {
        "ETag": asset.etag,
        "Cache-Control": "public, max-age=31536000, immutable" if asset.immutable else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Page": "1",
    }
    if status == 200 and not_modified(request, asset.etag):
        return HttpResponse(status=304, headers=headers)
    data = asset.data
    if asset.zipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        data = asset.zipped
    return HttpResponse(data, status=status, content_type=asset.media_type, headers=headers)


def index(request: HttpRequest) -> HttpResponse:
    return _index(request, 200)


def workspace(request: HttpRequest, slug: str) -> HttpResponse:
    """The page, which fetches the workspace by itself; 404 (and still the page, to say so) where there is none."""
    return _index(request, 200 if Workspace.objects.filter(slug=slug).exists() else 404)


def _index(request: HttpRequest, status: int) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return plain(405, f"{request.method} {request.path}; allowed: GET, HEAD", {"Allow": "GET, HEAD"}).response()
    found = _find("index.html")
    if found is None:
        return HttpResponse(NOT_BUILT, status=503, content_type="text/html; charset=utf-8", headers={"X-Page": "1"})
    return _response(request, found, status)


def file(request: HttpRequest, name: str) -> HttpResponse:
    """A file of the built page."""
    found = _find(name) if request.method in ("GET", "HEAD") else None
    if found is None:
        return plain(404, f"{request.method} {request.path}").response()
    return _response(request, found)
