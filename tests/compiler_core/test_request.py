"""A compilation's key is its content: the same request, however it is written, has the same key; another one has another."""

import msgspec
import pytest

from compiler_core.request import CompileRequest

WRITTEN = (
    '{"kind": "triton", "source": "x", "launch": {"grid": [4], "arguments": {"a": 1, "b": {"dtype": "float32", "shape": [8]}}}}'
)


def key(text: str) -> str:
    return msgspec.json.decode(text, type=CompileRequest).key("1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"source": "x"', '"chip": "Ascend910B3", "source": "x", "options": {"passes": []}'),
        ('"kind": "triton", "source": "x"', '"source": "x", "kind": "triton"'),
        ('"shape": [8]', '"shape": [8], "seed": 0, "fill": "normal", "strides": null'),
        (": ", ":"),
    ],
)
def test_another_way_to_write_it_is_the_same_request(one: str, other: str) -> None:
    assert key(WRITTEN.replace(one, other)) == key(WRITTEN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"source": "x"', '"source": "y"'),
        ('"source": "x"', '"source": "x", "chip": "Ascend310P3"'),
        ('"shape": [8]', '"shape": [8], "seed": 1'),
        ('"a": 1, "b": {"dtype": "float32", "shape": [8]}', '"b": {"dtype": "float32", "shape": [8]}, "a": 1'),
    ],
)
def test_another_request_has_another_key(one: str, other: str) -> None:
    assert key(WRITTEN.replace(one, other)) != key(WRITTEN)


def test_another_engine_version_has_another_key() -> None:
    request = msgspec.json.decode(WRITTEN, type=CompileRequest)
    assert request.key("1") != request.key("2")


def test_the_canonical_text_reads_as_the_request() -> None:
    request = msgspec.json.decode(WRITTEN, type=CompileRequest)
    assert msgspec.json.decode(request.canonical_json(), type=CompileRequest) == request
