"""Fan-out in memory: one reader per live compilation and process, and sockets as cursors over what it has read."""

import asyncio
import logging
from typing import cast

import redis.asyncio
from channels.db import database_sync_to_async
from django.db import DatabaseError

from compiler_core import events
from explorer.compilations.models import Compilation
from explorer.compilations.queue import journal_id, journal_name
from explorer.redis_clients import reader

log = logging.getLogger(__name__)

BLOCK_MS = 5000
Answer = list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]
"""What XREAD answers: by stream, entries as id and fields."""


class Feed:
    """The journal of one compilation as far as it is known here. Followers hold a position in `lines`, nothing else."""

    def __init__(self, lines: list[str], ended: bool) -> None:
        self.lines = lines
        self.ended = ended
        self.followers = 0
        self._changed = asyncio.Event()

    def extend(self, lines: list[str], ended: bool) -> None:
        self.lines += lines
        self.ended = ended
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def beyond(self, position: int) -> None:
        """Returns once there is a line at `position`, or there never will be."""
        while len(self.lines) <= position and not self.ended:
            await self._changed.wait()


class Hub:
    """The live feeds of this process."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._redis: redis.asyncio.Redis | None = None
        self.sockets = 0

    @property
    def readers(self) -> int:
        return len(self._tasks)

    async def follow(self, key: str) -> Feed | None:
        """The feed of a compilation, kept alive until `leave`; None where there is no such compilation."""
        feed = self._feeds.get(key)
        if feed is None:
            record = await _record(key)
            if record is None:
                return None
            if record:
                return Feed(record, ended=True)
            feed = self._feeds.get(key) or self._open(key)
        feed.followers += 1
        return feed

    def leave(self, key: str, feed: Feed) -> None:
        feed.followers -= 1
        if feed.followers <= 0 and self._feeds.get(key) is feed:
            del self._feeds[key]
            self._tasks.pop(key).cancel()

    def _open(self, key: str) -> Feed:
        feed = self._feeds[key] = Feed([], ended=False)
        self._tasks[key] = asyncio.create_task(self._read(key, feed), name=f"journal {key[:12]}")
        return feed

    async def _read(self, key: str, feed: Feed) -> None:
        """Reads the journal to its end; asks again where Redis or the database is away."""
        while not feed.ended:
            try:
                lines, ended = await self._more(key, len(feed.lines))
            except (redis.RedisError, DatabaseError, OSError) as failure:
                log.warning("reading journal %s: %s", key[:12], failure)
                await asyncio.sleep(1)
                continue
            feed.extend(lines, ended)
        if self._feeds.get(key) is feed:
            del self._feeds[key]
            del self._tasks[key]

    async def _more(self, key: str, position: int) -> tuple[list[str], bool]:
        """The lines from `position` on, after waiting for the first of them for a while; whether they are the last.

        A journal that stays silent may have ended long ago: then the rest is in the database.
        """
        if self._redis is None:
            self._redis = reader()
        name = journal_name(key)
        answer = await self._redis.xread({name: journal_id(position - 1)}, block=BLOCK_MS)
        entries = cast(Answer, answer or [])
        lines = [fields[b"event"].decode() for _, journal in entries for _, fields in journal]
        if lines:
            return lines, isinstance(events.decode(lines[-1]), events.TERMINAL)
        record = await _record(key)
        return ([], record is None) if not record else (record[position:], True)


@database_sync_to_async
def _record(key: str) -> list[str] | None:
    """The events of an ended compilation; empty while it has not ended; None where there is none."""
    row = Compilation.objects.filter(key=key).values_list("events", flat=True).first()
    return None if row is None else row.splitlines()


hub = Hub()
