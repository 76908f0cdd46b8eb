"""OpenAPI, made from the route table and the structs."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

import compiler_core
from compiler_core.events import AnyEvent
from explorer.api import Route, answer
from explorer.problems import MEDIA_TYPE, ProblemDetails

REFERENCE = "#/components/schemas/{name}"
STREAM = {
    "get": {
        "summary": "WebSocket: the events after `after`, then live; one JSON event a message",
        "parameters": [
            {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": -1}},
        ],
        "responses": {"101": {"description": "Switching protocols; every message is an Event"}},
        "x-websocket-message": {"$ref": "#/components/schemas/Event"},
        "x-websocket-close": {
            "1000": "every event was sent",
            "1013": "too slow or too many sockets: connect again with the last seq",
            "4400": "`after` is not a number",
            "4403": "opened by another site's page",
            "4404": "no such compilation",
        },
    }
}


def openapi(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    kinds = {kind for route in routes for kind in (route.takes, route.gives) if kind not in (None, bytes, str)}
    kinds = [*sorted(kinds, key=lambda kind: kind.__name__), ProblemDetails, AnyEvent]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    by_kind = dict(zip(map(str, kinds), schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        template = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route.path)
        paths.setdefault(template, {})[route.method.lower()] = _operation(route, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tilescope", "version": compiler_core.__version__},
        "paths": {**paths, "/ws/compilations/{key}": STREAM},
        "components": {"schemas": {**components, "Event": by_kind[str(AnyEvent)]}},
    }


def _operation(route: Route, by_kind: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"<\w+:(\w+)>", route.path)
    success: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.gives in (bytes, str):
        success["content"] = {route.media_type: {"schema": {"type": "string"}}}
    elif route.gives is not None:
        success["content"] = {route.media_type: {"schema": by_kind[str(route.gives)]}}
    problem = {MEDIA_TYPE: {"schema": by_kind[str(ProblemDetails)]}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "responses": {
            str(route.status): success,
            **{str(status): {"description": HTTPStatus(status).phrase, "content": problem} for status in route.problems},
        },
    }
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    parameters += [{"name": name, "in": "query", "schema": msgspec.json.schema(kind)} for name, kind in route.query.items()]
    if parameters:
        operation["parameters"] = parameters
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": _body(route, by_kind[str(route.takes)])}
    return operation


def _body(route: Route, schema: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if route.takes_file:
        form = {
            "type": "object",
            "required": ["request"],
            "properties": {"request": schema, "model": {"type": "string", "format": "binary"}},
        }
        content["multipart/form-data"] = {"schema": form}
    return content


@cache
def _document() -> dict[str, Any]:
    from explorer.urls import ROUTES as routes

    return openapi(routes)


def schema(request: HttpRequest) -> HttpResponse:
    return answer(_document(), Cache_Control="no-cache")


ROUTES = (Route("GET", "api/v1/schema", schema, "This document", gives=dict),)
