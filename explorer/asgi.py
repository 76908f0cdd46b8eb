"""The ASGI application: HTTP through Django behind a bound on bodies, sockets through Channels."""

import os
import re
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "explorer.settings")

import django

django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402

from explorer.body_limit import body_limit  # noqa: E402
from explorer.compilations.inspector import inspector  # noqa: E402
from explorer.streams.consumer import CompilationConsumer, NowhereConsumer  # noqa: E402

_http = body_limit(get_asgi_application())
_compilation = CompilationConsumer.as_asgi()
_nowhere = NowhereConsumer.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Dispatches by protocol; there is nothing to do at start and end, which servers are told by refusing `lifespan`."""
    if scope["type"] == "http":
        await _http(scope, receive, send)
    elif scope["type"] == "websocket":
        await _socket(scope, receive, send)
    else:
        raise NotImplementedError(scope["type"])


async def _socket(scope: Any, receive: Any, send: Any) -> None:
    match = re.fullmatch(r"/ws/compilations/([0-9a-f]{64})", scope["path"])
    if match:
        scope["key"] = match[1]
        await _compilation(scope, receive, send)
    else:
        await _nowhere(scope, receive, send)


inspector().start()
