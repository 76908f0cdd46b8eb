"""A worker's watch: what another worker dropped is run again within seconds, and what Redis forgot is queued again."""

import logging
import os
import secrets
import socket
import threading
import time

import redis
from django.db import DatabaseError, connections

from compiler_core import events
from explorer.celery import app
from explorer.compilations.models import Compilation
from explorer.compilations.queue import PREFIX, Queue
from explorer.compilations.run import store
from explorer.compilations.tasks import call_a_worker
from explorer.limits import limits
from explorer.redis_clients import client

log = logging.getLogger(__name__)

EVERY_SECONDS = 1
RECOVER_EVERY = 15
ALIVE_SECONDS = 5


def start() -> None:
    """Watches from a thread of the worker's parent process, for as long as it lives."""
    threading.Thread(target=_watch, name="watch", daemon=True).start()


def workers(redis_client: redis.Redis, host: str = "*") -> int:
    """How many workers, everywhere or on one host, have shown themselves in the last seconds."""
    return sum(1 for _ in redis_client.scan_iter(f"{PREFIX}worker:{host}:*", count=1000))


def _watch() -> None:
    queue = Queue(client())
    name = f"{PREFIX}worker:{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    turn = 0
    while True:
        try:
            client().set(name, 1, ex=ALIVE_SECONDS)
            if turn % RECOVER_EVERY == 0 or redis_is_new():
                recover(queue)
            call_workers(queue)
        except (redis.RedisError, DatabaseError, OSError):
            log.warning("the watch failed; it tries again", exc_info=True)
        turn += 1
        time.sleep(EVERY_SECONDS)


def redis_is_new() -> bool:
    """Whether Redis came up empty since the last look, which only the first to ask is told."""
    return bool(client().set(f"{PREFIX}known", 1, nx=True))


def call_workers(queue: Queue) -> None:
    """Sends as many messages as are missing for what waits. Those that were lost with a worker come back this way."""
    depth = queue.depth()
    waiting = depth.queued + depth.expired
    for _ in range(waiting - client().llen(app.conf.task_default_queue)):
        call_a_worker()


def recover(queue: Queue) -> None:
    """Brings database and Redis together: writes records left unwritten, queues again what Redis has no trace of."""
    try:
        for key in Compilation.objects.filter(ended=None).order_by("created").values_list("key", flat=True)[: limits.queued]:
            match queue.status(key):
                case None:
                    log.info("compilation %s was interrupted; it is queued again", key)
                    queue.submit(key, limits.queued)
                case "ended":
                    store(key, [events.decode(line) for line in queue.lines(key)])
    finally:
        connections.close_all()
