"""The socket /ws/compilations/KEY?after=SEQ: every event after SEQ once, in order, then a normal close.

A socket is a cursor. There is no queue per socket that could grow: the events are kept once per process, and a socket
that takes too long over one message is closed with a code that says to come back with `after`.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from explorer.limits import limits
from explorer.streams.hub import hub

log = logging.getLogger(__name__)

ENDED = 1000
"""Every event was sent, the last of them done, failed or cancelled."""
TRY_AGAIN = 1013
"""Too slow, or too many sockets here: connect again with the last seq received."""
BAD_CURSOR = 4400
FOREIGN_SITE = 4403
UNKNOWN = 4404


class CompilationConsumer(AsyncWebsocketConsumer):
    _task: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        await self.accept()
        hub.sockets += 1
        self._task = asyncio.create_task(self._serve())

    async def disconnect(self, code: int) -> None:
        if self._task is not None:
            hub.sockets -= 1
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing that a client says matters."""

    async def _serve(self) -> None:
        key = self.scope["key"]  # type: ignore[typeddict-item]
        try:
            code = self._refusal() or await self._pump(key, self._after())
        except Exception:
            # Whatever it was, the journal is intact: the page comes back by cursor.
            log.exception("serving compilation %s", key[:12])
            code = TRY_AGAIN
        with suppress(Exception):
            await self.close(code)

    def _refusal(self) -> int | None:
        if not own_origin(self.scope["headers"]):
            return FOREIGN_SITE
        if hub.sockets > limits.sockets:
            return TRY_AGAIN
        return BAD_CURSOR if self._after() < -1 else None

    def _after(self) -> int:
        """The cursor; -1 for none, -2 where it is not a number."""
        given = parse_qs(self.scope["query_string"].decode("ascii", "replace")).get("after", ["-1"])[-1]
        return int(given) if re.fullmatch(r"-1|\d{1,9}", given) else -2

    async def _pump(self, key: str, after: int) -> int:
        """Sends what comes after the cursor until the end; returns the code to close with."""
        feed = await hub.follow(key)
        if feed is None:
            return UNKNOWN
        try:
            position = after + 1
            while True:
                await feed.beyond(position)
                if position >= len(feed.lines):
                    return ENDED
                async with asyncio.timeout(limits.socket_stall_seconds):
                    await self.send(text_data=feed.lines[position])
                position += 1
        except TimeoutError:
            return TRY_AGAIN
        finally:
            hub.leave(key, feed)


def own_origin(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the socket was opened by a page of ours, or by something that is no page: browsers always send an Origin."""
    origin = dict(headers).get(b"origin")
    if origin is None:
        return True
    host, _ = split_domain_port(urlsplit(origin.decode("latin-1")).netloc)
    return validate_host(host, settings.ALLOWED_HOSTS)


class NowhereConsumer(AsyncWebsocketConsumer):
    """Any other socket address."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(UNKNOWN)
