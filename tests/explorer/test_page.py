"""The built page as the server hands it out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.explorer.server import Server, eventually

SCRIPT = "console.log('page');\n" * 50


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    page = tmp_path_factory.mktemp("dist")
    (page / "assets").mkdir()
    (page / "index.html").write_text("<!doctype html><title>Tilescope</title>")
    (page / "assets" / "index-BFG3kq0a.js").write_text(SCRIPT)
    (page / "favicon.svg").write_text("<svg/>")
    (page.parent / "outside.txt").write_text("secret")
    server = Server(tmp_path_factory.mktemp("page"), "--workers", "1", TILESCOPE_PAGE=str(page), TILESCOPE_QUEUED="2")
    yield server
    server.stop()


def test_the_page_answers_for_its_addresses(built: Server) -> None:
    slug = built.post("/api/v1/workspaces", {"source": "pass"}).json()["slug"]
    for path in ("/", f"/w/{slug}"):
        answer = built.get(path)
        assert (answer.status, answer.body) == (200, b"<!doctype html><title>Tilescope</title>")
        assert answer.headers["cache-control"] == "no-cache"
        assert built.get(path, If_None_Match=answer.headers["etag"]).status == 304


def test_an_unknown_permalink_is_the_page_that_says_so(built: Server) -> None:
    answer = built.get("/w/nothing-there")
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_assets_are_immutable_and_compressed(built: Server) -> None:
    answer = built.get("/assets/index-BFG3kq0a.js", Accept_Encoding="gzip, br")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert len(answer.body) < len(SCRIPT) / 5
    assert built.get("/assets/index-BFG3kq0a.js").body == SCRIPT.encode()
    assert built.get("/favicon.svg").headers["cache-control"] == "no-cache"


def test_nothing_outside_the_page_is_served(built: Server) -> None:
    assert built.get("/../outside.txt").status == 404
    assert built.get("/assets/%2e%2e/%2e%2e/outside.txt").status == 404
    assert built.get("/assets").status == 404


def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    server = Server(tmp_path, "--workers", "1", TILESCOPE_PAGE=str(tmp_path / "dist"))
    try:
        answer = server.get("/")
    finally:
        server.stop()
    assert answer.status == 503
    assert b"make run" in answer.body


def test_a_full_queue_asks_to_come_back(built: Server) -> None:
    keys = [built.compile(f"sleep:30 q{n}") for n in range(2)]
    eventually(lambda: built.record(keys[0])["status"] == "running")
    keys.append(built.compile("sleep:30 q2"))
    answer = built.post("/api/v1/compilations", {"kind": "triton", "source": "sleep:30 q3"})
    assert (answer.status, answer.json()["limit"], answer.headers["retry-after"]) == (503, {"queued": 2}, "5")
    for key in keys:
        built.request("DELETE", f"/api/v1/compilations/{key}")
    assert built.post("/api/v1/compilations", {"kind": "triton", "source": "pass"}).status == 202
