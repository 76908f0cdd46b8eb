"""Bounds request bodies before anything reads them: nothing beyond the limit is kept, in memory or on disk."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from explorer.limits import limits
from explorer.problems import MEDIA_TYPE, too_large

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

DRAINED = 1 << 30
"""How much of a refused body is read and dropped, so that the client gets to read the answer instead of a reset."""


class _TooLarge(Exception):
    pass


def _bound(scope: Message) -> tuple[str, int]:
    """The limit's name and value: model uploads travel as multipart, everything else is small."""
    headers = dict(scope["headers"])
    if headers.get(b"content-type", b"").startswith(b"multipart/form-data"):
        return "model_bytes", limits.model_bytes + limits.request_bytes
    return "request_bytes", limits.request_bytes


def body_limit(application: Application) -> Application:
    async def limited(scope: Message, receive: Receive, send: Send) -> None:
        name, bound = _bound(scope)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > bound:
            await _refuse(name, receive, send, 0)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > bound:
                raise _TooLarge
            return message

        try:
            await application(scope, counted, send)
        except _TooLarge:
            await _refuse(name, receive, send, seen)

    return limited


async def _refuse(name: str, receive: Receive, send: Send, seen: int) -> None:
    while seen < DRAINED:
        message = await receive()
        seen += len(message.get("body", b""))
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    problem = too_large(name, getattr(limits, name))
    body = msgspec.json.encode(problem.details)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
