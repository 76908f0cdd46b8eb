"""`manage.py healthy web|worker`: for health checks; says what is wrong and exits 1."""

import http.client
import socket
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser

from explorer.compilations.watch import workers
from explorer.redis_clients import client


class Command(BaseCommand):
    help = "Check the web server or the worker of this host."
    requires_system_checks = []  # type: ignore[assignment]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("web", "worker"))
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, what: str, port: int, **options: Any) -> None:
        if what == "web":
            check_web(port)
        else:
            check_worker()


def check_web(port: int) -> None:
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
    try:
        web.request("GET", "/readyz", headers={"Host": "localhost"})
        response = web.getresponse()
        if response.status != 200:
            raise CommandError(f"/readyz answers {response.status}: {response.read().decode()}")
    except OSError as failure:
        raise CommandError(f"The web server does not answer on port {port}: {failure}") from None
    finally:
        web.close()


def check_worker() -> None:
    try:
        alive = workers(client(), socket.gethostname())
    except redis.RedisError as failure:
        raise CommandError(f"Redis does not answer: {failure}") from None
    if not alive:
        raise CommandError("No worker of this host has shown itself in the last seconds.")
