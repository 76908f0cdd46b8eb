"""docker-compose.yml without Docker: its very commands, against a real Redis and a real PostgreSQL on loopback."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.explorer.server import ROOT, Server, environment, eventually

SECRETS = {"POSTGRES_PASSWORD": secrets.token_hex(12), "TILESCOPE_SECRET_KEY": secrets.token_hex(24)}


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def substituted(text: str) -> str:
    """As `docker compose` fills in ${NAME}, ${NAME:-default} and ${NAME:?message}."""

    def value(match: re.Match[str]) -> str:
        return SECRETS[match[1]] if match[1] in SECRETS else match[2].removeprefix(":-")

    return re.sub(r"\$\{(\w+)((?::[-?][^}]*)?)\}", value, text)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def postgres_program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [Path(p) for p in [shutil.which(name)] if p]
    return str(found[-1]) if found else None


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    port = free_port()
    _, *arguments = compose()["services"]["redis"]["command"]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [program, *arguments, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    eventually(lambda: answers(port))
    yield port
    server.terminate()
    server.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def postgres_port() -> Iterator[int]:
    initdb, postgres = postgres_program("initdb"), postgres_program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    (folder / "password").write_text(SECRETS["POSTGRES_PASSWORD"])
    user = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        shutil.chown(folder, "postgres")
        shutil.chown(folder / "password", "postgres")
        user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    data = str(folder / "data")
    options = ("-U", "tilescope", "--auth=scram-sha-256", "--pwfile", str(folder / "password"), "--no-sync", "-E", "UTF8")
    subprocess.run([*user, initdb, "-D", data, *options], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), "fsync": "off"}
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [*user, postgres, "-D", data, *flags], cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    eventually(lambda: answers(port))
    create_database(port)
    yield port
    server.send_signal(signal.SIGINT)
    server.wait()
    shutil.rmtree(folder)


def create_database(port: int) -> None:
    """What the image does for POSTGRES_DB."""
    import psycopg

    def connect() -> Any:
        with contextlib.suppress(psycopg.OperationalError):
            password = SECRETS["POSTGRES_PASSWORD"]
            return psycopg.connect(f"postgres://tilescope:{password}@127.0.0.1:{port}/postgres", autocommit=True)

    with eventually(connect) as connection:
        connection.execute("CREATE DATABASE tilescope")


@dataclass
class Deployment:
    """The services of the file, with loopback ports in place of the containers' names."""

    folder: Path
    redis_port: int
    postgres_port: int
    web_port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, words: list[str]) -> list[str]:
        here = {"python": sys.executable, "8000": str(self.web_port), "0.0.0.0": "127.0.0.1"}
        return [here.get(word, word) for word in words]

    def environment(self, service: str) -> dict[str, str]:
        given = {name: substituted(value) for name, value in compose()["services"][service]["environment"].items()}
        given["DATABASE_URL"] = given["DATABASE_URL"].replace("@postgres:5432/", f"@127.0.0.1:{self.postgres_port}/")
        given["REDIS_URL"] = given["REDIS_URL"].replace("redis:6379", f"127.0.0.1:{self.redis_port}")
        return environment(self.folder, **given, TILESCOPE_LEASE_SECONDS="2")

    def run(self, service: str) -> None:
        command = self.command(compose()["services"][service]["command"])
        subprocess.run(command, env=self.environment(service), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def start(self, service: str) -> subprocess.Popen[bytes]:
        command = self.command(compose()["services"][service]["command"])
        log = os.open(self.folder / service, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        process = subprocess.Popen(command, env=self.environment(service), cwd=ROOT, stdout=log, stderr=log)
        self.started.append(process)
        return process

    def healthy(self, service: str) -> bool:
        kind, *words = compose()["services"][service]["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(self.command(words), env=self.environment(service), cwd=ROOT, capture_output=True, check=False)
        return done.returncode == 0

    def client(self) -> Server:
        client = object.__new__(Server)
        client.port = self.web_port
        return client


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, redis_port: int, postgres_port: int) -> Iterator[Deployment]:
    running = Deployment(tmp_path_factory.mktemp("deployment"), redis_port, postgres_port)
    assert not running.healthy("web")
    assert not running.healthy("worker")
    running.run("migrate")
    running.start("web")
    running.start("worker")
    eventually(lambda: running.healthy("web"))
    eventually(lambda: running.healthy("worker"))
    yield running
    for process in running.started:
        process.terminate()
    for process in running.started:
        process.wait(30)


def test_the_file_holds_no_secret_and_checks_every_service() -> None:
    services = compose()["services"]
    assert set(services) == {"migrate", "web", "worker", "redis", "postgres"}
    assert all("healthcheck" in service for name, service in services.items() if name != "migrate")
    assert "container_name" not in services["worker"], "a name would keep it from being scaled"
    assert "ports" not in services["worker"]
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if any(word in name for word in ("PASSWORD", "SECRET", "DATABASE_URL")):
                assert re.search(r"\$\{\w+:\?", value), f"{name} must come from outside"
    volumes = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    assert set(volumes) == set(compose()["volumes"])


def test_a_compilation_and_its_permalink(deployment: Deployment) -> None:
    client = deployment.client()
    key = client.compile("everything")
    events = list(client.follow(key))
    assert events[-1]["type"] == "done"
    assert client.record(key)["events"] == events
    blob = next(event["ir"] for event in events if event["type"] == "pass")
    assert client.get(f"/api/v1/blobs/{blob}").body.startswith(b"// pass 0")
    slug = client.post("/api/v1/workspaces", {"key": key, "title": "一"}).json()["slug"]
    assert client.get(f"/api/v1/workspaces/{slug}").json()["title"] == "一"


def test_workers_scale_and_stand_in_for_each_other(deployment: Deployment) -> None:
    client = deployment.client()
    first = deployment.started[1]
    key = client.compile("pass sleep:2 pass")
    eventually(lambda: len(client.record(key)["events"]) >= 3)
    deployment.start("worker")
    eventually(lambda: client.get("/readyz").json()["workers"] == 2)
    first.kill()
    assert [event["type"] for event in client.follow(key)] == ["accepted", "started", "pass", "pass", "done"]
