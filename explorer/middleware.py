"""What holds for every response: security headers, and errors as problem details."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from explorer.problems import MEDIA_TYPE, Problem, plain

View = Callable[[HttpRequest], HttpResponse]

# style-src: CodeMirror and the panes write style elements and attributes; scripts come from files of ours alone.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def security_headers(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def problems(get_response: View) -> View:
    """Turns errors that are not problem details yet into such. The page's own answers (HTML) stay as they are."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code < 400 or response.headers.get("X-Page") or response.headers["Content-Type"] == MEDIA_TYPE:
            return response
        kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
        return plain(response.status_code, f"{request.method} {request.path}", kept).response()

    return middleware


def refuse_foreign_writes(get_response: View) -> View:
    """Other sites' pages may not write here.

    There are no cookies and no sessions, so a forged request has no rights to borrow, and Django's CSRF token would
    guard nothing. What is left to refuse is a foreign page that makes the browser of a local user queue work; browsers
    name such requests (Sec-Fetch-Site, Fetch Metadata).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "OPTIONS") and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return Problem(403, "foreign-site", "Another site's page may not write here").response()
        return get_response(request)

    return middleware


class Compress(GZipMiddleware):
    """Compresses answers on the way out, but for immutable ones: those are kept in the encoding that pays."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if "immutable" in response.get("Cache-Control", ""):
            return response
        return super().process_response(request, response)
