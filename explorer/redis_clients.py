"""Redis clients with every timeout and bound said aloud.

redis-py 8 gives up on a socket after 5 s and on a pool after 100 connections unless told otherwise: the first kills
blocking reads of a quiet journal, the second the 101st live compilation of a web process.
"""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings

POOL = 10_000
"""Connections of one process, as many as a Redis server takes by default."""


@cache
def client() -> redis.Redis:
    """The process's client for short commands. Safe to share between threads; not to be carried through a fork."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=10,
        socket_connect_timeout=5,
        health_check_interval=30,
        max_connections=POOL,
    )


def reader() -> redis.asyncio.Redis:
    """A client for blocking reads in an event loop: no read timeout; a dead peer is found by TCP keepalive."""
    keepalive = {} if settings.REDIS_URL.startswith("unix:") else {"socket_keepalive": True}
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=5, max_connections=POOL, **keepalive
    )
