"""The command line of INTERFACES: exit statuses, JSON lines, outputs, switches."""

import json
from pathlib import Path

import numpy as np
import pytest

from compiler_core.cli import main
from compiler_core.events import Done, Pass, decode

KERNEL = """
import triton
import triton.language as tl


@triton.jit
def scale(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(out_ptr + i, x * 2.0, mask=i < n)
"""
LAUNCH = {
    "kernel": "scale",
    "grid": ["cdiv(n, BLOCK)"],
    "arguments": {
        "x_ptr": {"dtype": "float32", "shape": [1000], "fill": "arange"},
        "out_ptr": {"dtype": "float32", "shape": [1000], "fill": "zeros"},
        "n": 1000,
    },
    "constexprs": {"BLOCK": 256},
}


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    (tmp_path / "scale.launch.json").write_text(json.dumps(LAUNCH))
    path = tmp_path / "scale.py"
    path.write_text(KERNEL)
    return path


def compile(kernel: Path, *more: str) -> int:
    return main(["compile", str(kernel), "--launch", str(kernel.with_suffix(".launch.json")), *more])


def test_a_person_reads_a_table_and_the_total(kernel: Path, capsys: pytest.CaptureFixture[str]):
    assert compile(kernel) == 0
    text = capsys.readouterr().out
    assert "structure-access" in text and "insert-flags" in text
    assert "out_ptr: float32[1000]" in text and "cycles" in text.splitlines()[-1]


def test_json_is_one_event_a_line_numbered_without_gaps(kernel: Path, capsys: pytest.CaptureFixture[str]):
    assert compile(kernel, "--json") == 0
    events = [decode(line) for line in capsys.readouterr().out.splitlines()]
    assert [e.seq for e in events] == list(range(len(events)))
    assert isinstance(events[-1], Done)
    assert all(e.verification and e.verification.ok for e in events if isinstance(e, Pass))


def test_outputs_hold_every_tensor_argument(kernel: Path, tmp_path: Path):
    assert compile(kernel, "--outputs", str(tmp_path / "out.npz"), "--cycles", "final") == 0
    with np.load(tmp_path / "out.npz") as outputs:
        assert sorted(outputs.files) == ["out_ptr", "x_ptr"]
        np.testing.assert_array_equal(outputs["out_ptr"], np.arange(1000, dtype=np.float32) * 2)


def test_inputs_win_over_fills(kernel: Path, tmp_path: Path):
    np.savez(tmp_path / "in.npz", x_ptr=np.full(1000, 7, np.float32))
    assert compile(kernel, "--inputs", str(tmp_path / "in.npz"), "--outputs", str(tmp_path / "out.npz")) == 0
    with np.load(tmp_path / "out.npz") as outputs:
        assert set(outputs["out_ptr"]) == {14.0}


def test_an_input_that_does_not_fit_is_refused(kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    np.savez(tmp_path / "in.npz", x_ptr=np.ones(3, np.float32))
    assert compile(kernel, "--inputs", str(tmp_path / "in.npz")) == 1
    assert "float32[3]; the launch says float32[1000]" in capsys.readouterr().out


def test_a_switch_turns_an_optimisation_off(kernel: Path, capsys: pytest.CaptureFixture[str]):
    assert compile(kernel, "--passes", "-double-buffer,-cse", "--json") == 0
    names = {e.name for e in map(decode, capsys.readouterr().out.splitlines()) if isinstance(e, Pass)}
    assert "insert-flags" in names and not names & {"double-buffer", "cse"}


def test_a_lowering_cannot_be_switched_off(kernel: Path, capsys: pytest.CaptureFixture[str]):
    assert compile(kernel, "--passes", "-bufferize") == 1
    assert "only optimisations can be switched off" in capsys.readouterr().out


def test_stop_after_ends_there(kernel: Path, capsys: pytest.CaptureFixture[str]):
    assert compile(kernel, "--stop-after", "structure-access", "--json") == 0
    passes = [e for e in map(decode, capsys.readouterr().out.splitlines()) if isinstance(e, Pass)]
    assert passes[-1].name == "structure-access" and passes[-1].cycles is not None


def test_the_trace_and_the_profile_are_files(kernel: Path, tmp_path: Path):
    assert compile(kernel, "--trace", str(tmp_path / "t.json"), "--profile", str(tmp_path / "profile")) == 0
    assert json.loads((tmp_path / "t.json").read_bytes())["traceEvents"]
    assert "utilisation" in json.loads((tmp_path / "profile" / "scale.json").read_bytes())


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("def broken(:\n", 1, "line 1"),
        ("x = 1\n", 1, "There is no kernel here"),
        (KERNEL.replace("x * 2.0", "tl.gelu(x)"), 1, "tl.erf"),
        ("x = " + "(" * 4000 + ")" * 4000 + "\n", 3, "deep"),
    ],
)
def test_bad_kernels_get_a_clear_answer(
    tmp_path: Path, source: str, status: int, says: str, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "bad.py"
    path.write_text(source)
    assert main(["compile", str(path)]) == status
    assert says in capsys.readouterr().out


def test_a_launch_too_large_hits_the_limit(kernel: Path, capsys: pytest.CaptureFixture[str]):
    huge = {**LAUNCH, "arguments": {**LAUNCH["arguments"], "x_ptr": {"dtype": "float32", "shape": [1 << 39]}}}
    kernel.with_suffix(".launch.json").write_text(json.dumps(huge))
    assert compile(kernel) == 3
    assert "the limit is" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["missing.py", "wrong.txt"])
def test_wrong_usage_is_status_2(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "wrong.txt").write_text("")
    assert main(["compile", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.startswith("tilescope: ")


def test_passes_and_chips_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["passes"]) == 0
    assert main(["chips"]) == 0
    text = capsys.readouterr().out
    assert "double-buffer" in text and "Ascend310P3" in text
