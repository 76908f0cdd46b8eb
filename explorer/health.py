"""Liveness, readiness, and what Prometheus scrapes."""

import logging

import msgspec
import redis
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from explorer.api import Route, answer
from explorer.compilations.queue import Queue
from explorer.compilations.watch import workers
from explorer.problems import Problem
from explorer.redis_clients import client
from explorer.streams.hub import hub

log = logging.getLogger(__name__)


class Alive(msgspec.Struct, frozen=True):
    status: str


class Ready(msgspec.Struct, frozen=True):
    status: str
    workers: int
    """Workers that showed themselves in the last seconds. None is no reason to turn requests away: they queue up."""


def healthz(request: HttpRequest) -> HttpResponse:
    return answer(Alive("alive"), Cache_Control="no-store")


def readyz(request: HttpRequest) -> HttpResponse:
    """Ready when the database and Redis answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM compilations_compilation LIMIT 1")
    except DatabaseError as failure:
        log.warning("the database does not answer: %s", failure)
        raise Problem(503, "not-ready", "The database does not answer") from None
    try:
        count = workers(client())
    except redis.RedisError as failure:
        log.warning("Redis does not answer: %s", failure)
        raise Problem(503, "not-ready", "Redis does not answer") from None
    return answer(Ready("ready", count), Cache_Control="no-store")


class _Collector:
    def collect(self):
        queue = Queue(client())
        depth = queue.depth()
        for name, what, value in (
            ("queued", "Compilations that wait", depth.queued),
            ("running", "Compilations that run", depth.running),
            ("workers", "Workers alive", workers(client())),
            ("sockets", "Open sockets of this process", hub.sockets),
            ("readers", "Journals this process reads", hub.readers),
        ):
            yield GaugeMetricFamily(f"tilescope_{name}", what, value=value)
        ended = CounterMetricFamily("tilescope_compilations_ended", "Compilations that ended", labels=("status",))
        for status, count in queue.counters().items():
            ended.add_metric((status,), count)
        yield ended


_registry = CollectorRegistry()
_registry.register(_Collector())
ProcessCollector(registry=_registry)
PlatformCollector(registry=_registry)


def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(generate_latest(_registry), content_type=CONTENT_TYPE_LATEST)


ROUTES = (
    Route("GET", "healthz", healthz, "Liveness", gives=Alive),
    Route("GET", "readyz", readyz, "Readiness", gives=Ready, problems=(503,)),
    Route("GET", "metrics", metrics, "Prometheus metrics", gives=str, media_type="text/plain"),
)
