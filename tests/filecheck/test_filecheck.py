"""Runs every .mlir file beside it: each `// RUN: tilescope-opt %s … | filecheck %s` line is one test, in this process.

A RUN line may pass filecheck's own flags (`--check-prefix=PIPE`); one that starts with `not` expects tilescope-opt to refuse
the file, and checks what it says on standard error. An expected text that the output lacks fails with filecheck's own report.
"""

import io
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options
from filecheck.parser import Parser

from compiler_core import opt

HERE = Path(__file__).parent
RUN = "// RUN:"


@dataclass(frozen=True)
class Run:
    """One RUN line: the arguments of tilescope-opt, whether it must refuse, and the arguments of filecheck."""

    file: Path
    refused: bool
    opt: tuple[str, ...]
    check: tuple[str, ...]

    @staticmethod
    def parse(file: Path, line: str) -> "Run":
        left, _, right = line.removeprefix(RUN).partition("|")
        producer, checker = (shlex.split(half.replace("%s", str(file))) for half in (left, right))
        refused = producer[:1] == ["not"]
        program, *arguments = producer[refused:]
        if program != "tilescope-opt" or checker[:1] != ["filecheck"]:
            raise ValueError(f"{file.name}: a RUN line is `tilescope-opt … | filecheck …`, not {line!r}")
        return Run(file, refused, tuple(arguments), tuple(checker))


def runs() -> Iterator[Run]:
    for file in sorted(HERE.rglob("*.mlir")):
        lines = [line for line in file.read_text().splitlines() if line.startswith(RUN)]
        if not lines:
            raise ValueError(f"{file.relative_to(HERE)} has no RUN line")
        yield from (Run.parse(file, line) for line in lines)


def name(run: Run) -> str:
    return " ".join((str(run.file.relative_to(HERE)), *(flag for flag in run.check[1:] if flag.startswith("-"))))


def check(text: str, arguments: tuple[str, ...]) -> str:
    """Filecheck's report; empty where `text` has what the check file asks for."""
    report = io.StringIO()
    options = parse_argv_options(list(arguments))
    with redirect_stderr(report), redirect_stdout(report):
        status = Matcher(options, FInput("the output", text), Parser.from_opts(options)).run()
    return report.getvalue() or f"filecheck ended with status {status}" if status else ""


@pytest.mark.parametrize("run", list(runs()), ids=name)
def test_filecheck(run: Run) -> None:
    printed, complaint = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(complaint):
        status = opt.main(list(run.opt))
    assert bool(status) == run.refused, complaint.getvalue() or "it was expected to be refused"
    report = check(complaint.getvalue() if run.refused else printed.getvalue(), run.check)
    assert not report, report


def test_a_text_that_is_not_there_fails(tmp_path: Path) -> None:
    expected = tmp_path / "x.mlir"
    expected.write_text("// CHECK: arith.addi\n")
    assert check("arith.muli\n", ("filecheck", str(expected)))
    assert not check("%0 = arith.addi\n", ("filecheck", str(expected)))
