"""The HTTP interface: bodies, permalinks, looks at a source, the schema, and every error as problem details."""

import gzip
import hashlib
import http.client
import io
import itertools
import json
import os
import zipfile

import pytest

from tests.explorer.server import Answer, Server, eventually

unique = (f"h{n}" for n in itertools.count())
BOUNDARY = "b0undary"


def form(request: dict, model: bytes | None) -> bytes:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="request"\r\n\r\n{json.dumps(request)}\r\n'.encode()]
    if model is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"; filename="m.onnx"\r\n\r\n'
        parts.append(head.encode() + model + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(server: Server, request: dict, model: bytes | None) -> Answer:
    content_type = f"multipart/form-data; boundary={BOUNDARY}"
    return server.request("POST", "/api/v1/compilations", form(request, model), Content_Type=content_type)


def finished(server: Server, source: str) -> list[dict]:
    return list(server.follow(server.compile(source)))


def is_problem(answer: Answer, status: int, code: str) -> bool:
    body = answer.json()
    return (
        answer.status == body["status"] == status
        and answer.headers["content-type"] == "application/problem+json"
        and body["type"].endswith(f":{code}")
        and bool(body["title"])
    )


def test_a_body_is_immutable_and_named_by_its_hash(server: Server) -> None:
    name = next(event["ir"] for event in finished(server, "pass") if event["type"] == "pass")
    plain = server.get(f"/api/v1/blobs/{name}")
    assert hashlib.sha256(plain.body).hexdigest() == name
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert "immutable" in plain.headers["cache-control"]
    packed = server.get(f"/api/v1/blobs/{name}", Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body)
    assert server.get(f"/api/v1/blobs/{name}", If_None_Match=plain.headers["etag"]).status == 304


def test_a_model_travels_beside_its_request_and_is_kept(server: Server) -> None:
    model = os.urandom(3 << 20)
    name = hashlib.sha256(model).hexdigest()
    key = upload(server, {"kind": "onnx"}, model).json()["key"]
    output = next(event for event in server.follow(key) if event["type"] == "outputs")["outputs"][0]
    assert server.get(f"/api/v1/blobs/{output['blob']}").body == model[:64]
    assert server.record(key)["request"]["model_sha256"] == name
    again = server.post("/api/v1/compilations", {"kind": "onnx", "model_sha256": name})
    assert again.json()["key"] == key
    assert server.get(f"/api/v1/blobs/{name}").body == model


@pytest.mark.parametrize(
    ("request_json", "model", "code"),
    [
        ({"kind": "onnx"}, None, "model-missing"),
        ({"kind": "onnx", "model_sha256": "0" * 64}, b"x", "model-mismatch"),
        ({"kind": "triton", "source": "pass"}, b"x", "model-unexpected"),
        ({"kind": "triton", "source": "pass", "engine": "bisheng"}, None, "engine-unavailable"),
    ],
)
def test_what_does_not_go_together_is_refused(server: Server, request_json: dict, model: bytes | None, code: str) -> None:
    assert is_problem(upload(server, request_json, model), 422, code)


def test_a_permalink_opens_what_was_kept(server: Server) -> None:
    key = server.compile("everything")
    events = list(server.follow(key))
    content = {
        "title": "softmax, 两遍", "key": key, "request": {"kind": "triton", "source": "everything"}, "source": "everything ",
        "launch": {"grid": [4], "arguments": {"n": 8}}, "options": {"passes": ["-double-buffer"]},
        "view": {"pass": {"index": 2, "scope": ""}, "tab": "diff", "line": 3},
    }  # fmt: skip
    made = server.post("/api/v1/workspaces", content)
    assert made.status == 201
    slug = made.json()["slug"]
    read = server.get(f"/api/v1/workspaces/{slug}").json()
    assert {name: read[name] for name in content} == content
    assert server.record(key)["events"] == events
    assert server.post("/api/v1/workspaces", content).json()["slug"] != slug


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ({"key": "0" * 64}, 422, "unknown-compilation"),
        ({"key": "short"}, 400, "invalid-request"),
        ({"view": {"x": "y" * 20_000}}, 413, "too-large"),
        ({"script": "x"}, 400, "invalid-request"),
    ],
)
def test_a_workspace_that_does_not_fit_is_refused(server: Server, content: dict, status: int, code: str) -> None:
    assert is_problem(server.post("/api/v1/workspaces", content), status, code)


def test_a_profile_is_kept_as_a_report_and_as_tables(server: Server) -> None:
    key = server.compile(f"everything {next(unique)}")
    list(server.follow(key))
    address = f"/api/v1/compilations/{key}/report"
    page = server.get(f"{address}?scope=&format=html")
    assert page.body.startswith(b"<!doctype html>") and "sandbox" in page.headers["content-security-policy"]
    assert page.headers["content-disposition"] == 'attachment; filename="profile.html"'
    with zipfile.ZipFile(io.BytesIO(server.get(f"{address}?scope=&format=csv").body)) as archive:
        assert "op_summary.csv" in archive.namelist() and "PipeUtilization.csv" in archive.namelist()
    assert server.get(f"{address}?scope=nobody").status == 404
    assert server.get(f"{address}?scope=&format=pdf").status == 422


def test_a_look_at_a_source(server: Server) -> None:
    answer = server.post("/api/v1/inspect", {"source": "softmax"})
    assert answer.json() == {
        "kernels": [{"name": "softmax", "line": 1, "parameters": []}],
        "launch": {"kernel": "softmax"},
        "assumed": [],
    }


@pytest.mark.parametrize(("source", "code"), [("?", "unknown-word"), ("spin", "limit-inspect"), ("allocate", "limit-inspect")])
def test_a_look_that_fails_says_why(server: Server, source: str, code: str) -> None:
    answer = server.post("/api/v1/inspect", {"source": source})
    assert is_problem(answer, 422, code)
    assert answer.json()["diagnostics"][0]["message"]["code"] == code
    assert server.post("/api/v1/inspect", {"source": "fine"}).status == 200


def test_the_span_of_a_refusal_is_told(server: Server) -> None:
    assert server.post("/api/v1/inspect", {"source": "?"}).json()["span"]["line"] == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/compilations/" + "0" * 64, 404),
        ("GET", "/api/v1/compilations/no-key", 404),
        ("DELETE", "/api/v1/compilations/" + "0" * 64, 404),
        ("GET", "/api/v1/blobs/" + "0" * 64, 404),
        ("GET", "/api/v1/workspaces/nothing", 404),
        ("GET", "/api/v1/compilations", 405),
        ("PUT", "/api/v1/catalogue", 405),
        ("POST", "/", 405),
        ("GET", "/%2e%2e/manage.py", 404),
        ("GET", "/../../etc/passwd", 404),
    ],
)
def test_errors_are_problem_details(server: Server, method: str, path: str, status: int) -> None:
    answer = server.request(method, path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid-json"),
        (b"\xff\xfe", "application/json", 400, "invalid-json"),
        (b'{"kind": "fortran"}', "application/json", 400, "invalid-request"),
        (b'{"kind": "triton", "sorce": ""}', "application/json", 400, "invalid-request"),
        (b'{"kind": "triton", "source": "' + b"x" * 1_000_001 + b'"}', "application/json", 400, "invalid-request"),
        (b'{"kind": "triton"}', "text/plain", 415, "not-json"),
        (b"", "multipart/form-data; boundary=x", 400, "invalid-request"),
        (b"", "multipart/form-data", 400, "bad-request"),
        (b'{"kind": "triton", "source": "' + b"x" * (9 << 20) + b'"}', "application/json", 413, "too-large"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    server: Server, body: bytes, content_type: str, status: int, code: str
) -> None:
    assert is_problem(server.request("POST", "/api/v1/compilations", body, Content_Type=content_type), status, code)


def test_a_huge_upload_is_refused_and_the_server_lives(server: Server) -> None:
    megabyte = b"\0" * (1 << 20)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/api/v1/compilations")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(200 << 20))
    connection.endheaders()
    for _ in range(200):
        connection.send(megabyte)
    refusal = json.loads(connection.getresponse().read())
    connection.close()
    assert (refusal["status"], refusal["limit"]) == (413, {"model_bytes": 64 << 20})
    assert finished(server, f"pass {next(unique)}")[-1]["type"] == "done"


def test_a_huge_upload_of_undeclared_length_is_refused(server: Server) -> None:
    chunks = (b"\0" * (1 << 20) for _ in range(100))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/api/v1/compilations", chunks, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["limit"]) == (413, {"model_bytes": 64 << 20})
    connection.close()


def test_a_model_over_the_limit_is_refused(server: Server) -> None:
    assert is_problem(upload(server, {"kind": "onnx"}, b"\0" * ((64 << 20) + 1)), 413, "too-large")


def test_another_sites_page_may_not_write(server: Server) -> None:
    body = {"kind": "triton", "source": "pass"}
    assert is_problem(server.post("/api/v1/compilations", body, Sec_Fetch_Site="cross-site"), 403, "foreign-site")
    assert is_problem(server.get("/healthz", Host="rebound.example"), 400, "bad-request")


def test_security_headers(server: Server) -> None:
    for path in ("/", "/api/v1/catalogue", "/nowhere"):
        headers = server.get(path).headers
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers


def test_the_catalogue_is_not_sent_twice(server: Server) -> None:
    first = server.get("/api/v1/catalogue")
    assert first.json()["engines"][0]["name"] == "builtin"
    assert server.get("/api/v1/catalogue", If_None_Match=first.headers["etag"]).status == 304


def test_the_schema_tells_every_route_and_every_event(server: Server) -> None:
    schema = server.get("/api/v1/schema").json()
    api = (
        "compilations",
        "compilations/{key}",
        "compilations/{key}/report",
        "blobs/{sha256}",
        "workspaces",
        "workspaces/{slug}",
        "catalogue",
        "inspect",
        "schema",
    )
    others = {"/healthz", "/readyz", "/metrics", "/ws/compilations/{key}"}
    assert {f"/api/v1/{path}" for path in api} | others == set(schema["paths"])
    assert set(schema["components"]["schemas"]["Event"]["discriminator"]["mapping"]) >= {
        "accepted",
        "pass",
        "done",
        "cancelled",
    }
    references = [line.split('"')[3] for line in json.dumps(schema, indent=0).splitlines() if line.startswith('"$ref"')]
    assert {reference.rsplit("/", 1)[1] for reference in references} <= set(schema["components"]["schemas"])


def test_health(server: Server) -> None:
    assert server.get("/healthz").json() == {"status": "alive"}
    assert eventually(lambda: server.get("/readyz").json()) == {"status": "ready", "workers": 1}
    finished(server, f"pass {next(unique)}")
    metrics = server.get("/metrics").body.decode().splitlines()
    ended = next(line for line in metrics if line.startswith('tilescope_compilations_ended_total{status="done"}'))
    assert float(ended.split()[1]) >= 1
    assert "tilescope_queued 0.0" in metrics


def test_head_is_get_without_a_body(server: Server) -> None:
    answer = server.request("HEAD", "/api/v1/catalogue")
    assert (answer.status, answer.body) == (200, b"")
