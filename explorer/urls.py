"""Addresses: the interface from its route tables, and the page."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from explorer import health, page, schema
from explorer.api import url_patterns
from explorer.compilations.report import ROUTES as REPORTS
from explorer.compilations.views import ROUTES as COMPILATIONS
from explorer.problems import plain
from explorer.workspaces.views import ROUTES as WORKSPACES


class Hex(StringConverter):
    regex = "[0-9a-f]{64}"


register_converter(Hex, "hex")

ROUTES = (*COMPILATIONS, *REPORTS, *WORKSPACES, *schema.ROUTES, *health.ROUTES)

urlpatterns = [
    *url_patterns(ROUTES),
    path("", page.index),
    path("w/<slug:slug>", page.workspace),
    path("<path:name>", page.file),
]


def handler404(request, exception):
    return plain(404, f"{request.method} {request.path}").response()


def handler500(request):
    return plain(500, "The server's log has the details.").response()
