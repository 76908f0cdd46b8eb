"""One server for the tests that only talk to it."""

from collections.abc import Iterator

import pytest

from tests.explorer.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(
        tmp_path_factory.mktemp("tilescope"),
        "--workers", "2",
        TILESCOPE_WALL_SECONDS="6",
        TILESCOPE_CPU_SECONDS="2",
        TILESCOPE_KEPT_BYTES=str(8 << 20),
        TILESCOPE_MODEL_BYTES=str(64 << 20),
        TILESCOPE_INSPECT_SECONDS="2",
        TILESCOPE_SOCKET_STALL_SECONDS="1",
    )  # fmt: skip
    yield running
    running.stop()
