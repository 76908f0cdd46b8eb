"""The ASGI application: HTTP through Django behind a bound on bodies, sockets through Channels."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "explorer.settings")

import django

django.setup()

from channels.routing import URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

from explorer.body_limit import body_limit
from explorer.compilations.inspector import inspector
from explorer.streams.consumer import CompilationConsumer, NowhereConsumer

_http = body_limit(get_asgi_application())
_sockets = URLRouter(
    [
        re_path(r"^ws/compilations/(?P<key>[0-9a-f]{64})$", CompilationConsumer.as_asgi()),
        re_path("", NowhereConsumer.as_asgi()),
    ]
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Dispatches by protocol; there is nothing to do at start and end, which servers are told by refusing `lifespan`."""
    if scope["type"] == "http":
        await _http(scope, receive, send)
    elif scope["type"] == "websocket":
        await _sockets(scope, receive, send)
    else:
        raise NotImplementedError(scope["type"])


inspector().start()
