"""What each core did adds up to what the run did, and the tables say it under the names users know."""

import csv

import pytest

from compiler_core.events import ProfileDetail
from compiler_core.profiling import kernel_tables, profile_event, report
from compiler_core.profiling.usage import core_kinds, core_uses
from tests.compiler_core.emulator.kernels import B3, run_add, run_matmul


def test_cores_add_up_to_the_run() -> None:
    result, _, _ = run_add(98_432)
    uses = core_uses(result)
    assert len(uses) == 40 and sum(use.blocks for use in uses) == 97
    for path, size in result.traffic.items():
        assert sum(use.traffic.get(path, 0) for use in uses) == size
    (kind,) = core_kinds(uses, B3)
    assert kind.pipes["MTE2"].busy == pytest.approx(result.pipes["MTE2"], rel=0.01)
    assert kind.pipes["MTE2"].instructions == 2 * 97
    assert sum(use.missed for use in uses) == result.missed_bytes


def test_a_pipe_is_busy_stalled_or_idle_and_no_more() -> None:
    for use in core_uses(run_matmul(256, 256, 512)[0]):
        for pipe in use.pipes.values():
            waited = sum(cycles for reason, cycles in pipe.stalls.items() if reason != "bandwidth")
            assert pipe.busy + waited <= use.end + 2


def test_tables_have_a_row_a_core_and_the_columns_of_its_kind() -> None:
    result, _, _ = run_matmul(256, 256, 512)
    profile = profile_event(result, B3, "matmul")
    tables = kernel_tables(profile, ProfileDetail(core_uses(result)), B3)
    rows = list(csv.DictReader(tables["PipeUtilization.csv"].splitlines()))
    assert len(rows) == sum(1 for end in result.cores if end)
    assert 0 < float(rows[0]["aic_cube_ratio"]) < 1 and float(rows[0]["aic_mte1_time(us)"]) > 0
    memory = list(csv.DictReader(tables["Memory.csv"].splitlines()))
    assert sum(float(row["GM_to_L1_datas(KB)"]) for row in memory) == pytest.approx(result.traffic["GM->L1"] / 1024)
    hits = list(csv.DictReader(tables["L2Cache.csv"].splitlines()))
    assert all(0 <= float(row["aic_read_hit_rate(%)"]) <= 100 for row in hits)


def test_a_report_is_one_file_that_asks_for_nothing_and_escapes_names() -> None:
    result, _, _ = run_add(98_432)
    profile = profile_event(result, B3, "<script>alert(1)</script>")
    text = report(profile, ProfileDetail(core_uses(result)), B3, result.trace)
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text
    assert not any(word in text for word in ("http://", "https://", "src=", "@import"))
    assert 'lang="zh"' in text and "prefers-color-scheme" in text and "@media print" in text
