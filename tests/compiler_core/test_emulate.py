"""`tilescope emulate`: machine-stage text straight onto the chip."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from compiler_core.cli import main
from compiler_core.events import Done, Outputs, Pass, Profile, Started, decode

DATA = Path(__file__).parent / "emulator" / "data"
LAUNCH = {
    "grid": [8],
    "arguments": {
        "x": {"dtype": "float32", "shape": [8000], "fill": "arange"},
        "y": {"dtype": "float32", "shape": [8000], "fill": "ones"},
        "out": {"dtype": "float32", "shape": [8000], "fill": "zeros"},
        "n": 8000,
    },
}


@pytest.fixture
def launch(tmp_path: Path) -> Path:
    path = tmp_path / "add.launch.json"
    path.write_text(json.dumps(LAUNCH))
    return path


@pytest.fixture
def add(tmp_path: Path) -> Path:
    path = tmp_path / "add.mlir"
    path.write_bytes(gzip.decompress((DATA / "add.mlir.gz").read_bytes()))
    return path


def emulate(*arguments: str | Path) -> int:
    return main(["emulate", *map(str, arguments)])


def test_vendor_code_runs_as_it_is_and_its_results_are_written(add: Path, launch: Path, tmp_path: Path) -> None:
    assert emulate(add, "--launch", launch, "--outputs", tmp_path / "out.npz") == 0
    with np.load(tmp_path / "out.npz") as outputs:
        np.testing.assert_array_equal(outputs["out"], np.arange(8000, dtype=np.float32) + 1)


def test_json_is_one_event_a_line_without_passes(add: Path, launch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert emulate(add, "--launch", launch, "--json") == 0
    events = [decode(line) for line in capsys.readouterr().out.splitlines()]
    assert [e.seq for e in events] == list(range(len(events)))
    assert isinstance(events[0], Started) and isinstance(events[-1], Done)
    assert not any(isinstance(e, Pass) for e in events)


def test_time_only_gives_the_same_cycles_and_no_outputs(add: Path, launch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: list[int] = []
    for more in ((), ("--time-only",)):
        assert emulate(add, "--launch", launch, "--json", *more) == 0
        events = [decode(line) for line in capsys.readouterr().out.splitlines()]
        assert any(isinstance(e, Outputs) for e in events) == (not more)
        found += [e.cycles for e in events if isinstance(e, Profile)]
    assert found[1] == pytest.approx(found[0], rel=0.02)


def test_without_a_launch_one_is_guessed_and_printed(add: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert emulate(add) == 0
    assert '"dtype": "float32"' in capsys.readouterr().out


def test_a_launch_that_does_not_fit_is_refused(add: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = tmp_path / "short.json"
    short.write_text(json.dumps({"grid": [1], "arguments": {"n": 3}}))
    assert emulate(add, "--launch", short) == 1
    assert "takes 4 arguments" in capsys.readouterr().out


def test_text_of_an_earlier_stage_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = tmp_path / "early.mlir"
    early.write_text('"builtin.module"() ({\n  "tt.func"() <{function_type = () -> (), sym_name = "k"}> ({\n'
                     '    "tt.return"() : () -> ()\n  }) : () -> ()\n}) : () -> ()\n')  # fmt: skip
    assert main(["emulate", str(early)]) == 1
    assert "not of the machine stage" in capsys.readouterr().out


def test_a_profile_is_tables_a_report_and_a_trace(add: Path, launch: Path, tmp_path: Path) -> None:
    assert emulate(add, "--launch", launch, "--profile", tmp_path / "p") == 0
    folder = tmp_path / "p"
    (row,) = csv.DictReader((folder / "op_summary.csv").read_text().splitlines())
    assert row["Op Name"] == "add" and row["Task Type"] == "AI_VECTOR_CORE"
    assert 0 < float(row["aiv_mte2_ratio"]) < 1
    cores = list(csv.DictReader((folder / "add" / "PipeUtilization.csv").read_text().splitlines()))
    assert len(cores) == 8 and all(int(core["aiv_total_cycles"]) > 0 for core in cores)
    assert (folder / "add.html").read_text().startswith("<!doctype html>")
    assert json.loads((folder / "add.trace.json").read_text())["traceEvents"]


def test_ops_lists_every_instruction_and_says_which_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " V " in rows["vadd"] and "Refused" not in rows["vadd"]
    assert "Refused: " in rows["custom"]
