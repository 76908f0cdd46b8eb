"""The error table in the package is what the emulator makes of the published kernels now."""

import sys
from pathlib import Path
from statistics import median

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import fidelity
from published import CALIBRATION

TABLE = msgspec.json.decode(fidelity.TABLE.read_bytes(), type=fidelity.Table)
QUICK = ("add fp16 8192 x 8192, 48 cores", "copy GM to UB 12288 x 12288 fp16, 4 times", "gemm fp16 1024 cubed, 24 cores")


@pytest.mark.parametrize("name", QUICK)
def test_a_row_is_what_the_emulator_says(name: str) -> None:
    (case,) = (c for c in CALIBRATION if c.name == name)
    (row,) = (r for r in TABLE.cases if r.name == name)
    assert fidelity.kernel_row(case).emulated == pytest.approx(row.emulated, rel=0.005), "run make fidelity"


def test_errors_are_within_what_is_promised() -> None:
    errors = [abs(row.error) for row in TABLE.cases]
    assert [row.name for row in TABLE.cases] == [case.name for case in CALIBRATION]
    assert median(errors) < 4
    assert max(errors) < 13
    assert all(abs(row.error) < 3 for row in TABLE.instructions)


def test_pipes_of_matrix_products_are_within_fifteen_per_cent() -> None:
    products = [row for row in TABLE.cases if row.name.startswith("gemm") and row.pipes]
    assert len(products) == 3
    assert all(abs(row.pipes[pipe]) < 15 for row in products for pipe in ("core", "M", "MTE1", "MTE2"))


def test_at_most_six_numbers_are_fitted() -> None:
    assert [number.parameter for number in TABLE.fitted] == list(fidelity.FITTED)
    assert [number.value for number in TABLE.fitted] == [number.value for number in fidelity.fitted()]
    assert len(TABLE.fitted) <= 6
