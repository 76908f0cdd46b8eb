"""Fuzzing the machine stage: mutated hivm texts are read, verified and run. Only refusals and results may come out.

    python -m tests.fuzz_hivm --count 100000 --seed 1

Texts are our compiler's and the vendor's, in generic and pretty form; bytes, tokens, lines, numbers and operands are changed. A
case is known by its seed and number: `--first N --count 1 --show` prints one again. Each worker is a process with limits on
memory and on the time of a case; what kills one, or exceeds a limit, is a finding. The last line sums up; the exit status is 1
where there were findings.
"""

import argparse
import faulthandler
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TextIO

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.chips import chips
from compiler_core.diagnostics import LimitHit, Refused
from compiler_core.emulator import run
from compiler_core.emulator.execution.machine import Limits
from compiler_core.importers.triton import import_kernel, resolve_launch
from compiler_core.inputs import make_inputs
from compiler_core.ir import Op, to_text
from compiler_core.ir.parser import parse_module
from compiler_core.ir.verifier import InvalidIR, verify
from compiler_core.passes.base import PassContext
from compiler_core.pipelines import pipeline
from tests.cases import small
from tests.compiler_core.emulator.vendor import kernels

Argument = np.ndarray | int | float
Grid = tuple[int, int, int]

LIMITS = Limits(instructions=20_000, seconds=3.0, bytes=64 << 20)
CASE_SECONDS = 20
"""A case that takes longer hangs: the limit of a run, and what a busy machine may add."""
CASE_BYTES = 512 << 20
"""What all cases of a worker may add to the memory it began with: twice the limit of a run for the on-chip memories and as much
for the temporary arrays of one instruction, and room for the interpreter's own.
"""
ADDRESS_SPACE = 4 << 30
"""Where an allocation fails in a worker. None may be that large: it is a finding even where it is told as a refusal."""
LONGEST_TEXT = 40_000
RESULT = re.compile(r"^\s*(%[\w#.]+) = .*?(?:->|:) ((?:memref<[^\n]*>|[\w]+))\s*$", re.MULTILINE)
OPERAND = re.compile(r"%[\w#.]+")
TOKEN = re.compile(r'%[\w#.]+|[#!@^][\w.]+|"[^"\n]*"|-?\d+(?:\.\d+)?|[A-Za-z_][\w.]*|[ \t\n]+|.', re.DOTALL)
ELEMENTS = ("f32", "f16", "bf16", "i32", "i64", "i8", "i1", "index", "ui8", "f8E4M3FN", "i3", "f64")
SPACES = ("<ub>", "<gm>", "<cbuf>", "<cc>", "<ca>", "<zero>")
ENUMS = (
    ("PIPE_V", "PIPE_MTE2", "PIPE_MTE3", "PIPE_MTE1", "PIPE_M", "PIPE_S", "PIPE_FIX", "PIPE_ALL"),
    ("EVENT_ID0", "EVENT_ID1", "EVENT_ID7", "EVENT_ID9"),
    ("<sum>", "<max>", "<min>", "<prod>", "<any>", "<xori>", "<eq>", "<lt>", "<rint>", "<floor>", "<none>", "<add>"),
    ("hir.vadd", "hir.vmul", "hir.vsub", "hir.vdiv", "hir.vmax", "hir.vmin", "hir.vand", "hir.vor", "hir.vshl", "hir.vpow"),
    ("hir.vexp", "hir.vln", "hir.vabs", "hir.vrelu", "hir.vrsqrt", "hir.vsqrt", "hir.vrec", "hir.vnot", "hir.vcast"),
    ("hir.load", "hir.store", "hir.copy", "hir.nd2nz", "hir.fixpipe", "hir.vtranspose", "hir.vbrc", "hir.vreduce"),
    ("arith.addi", "arith.muli", "arith.subi", "arith.divsi", "arith.remsi", "arith.maxsi", "arith.shli", "arith.floordivsi"),
)
NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    8,
    31,
    32,
    63,
    255,
    4096,
    65_535,
    1 << 20,
    196_608,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 32,
    (1 << 63) - 1,
    -(1 << 63),
    1 << 64,
)


@dataclass(frozen=True)
class Source:
    """A text that runs, with arguments for it."""

    name: str
    text: str
    arguments: Sequence[Argument]
    grid: Grid
    chip: str


@cache
def corpus() -> tuple[Source, ...]:
    """Our examples on both chips and the vendor's code, each as generic and as pretty text."""
    found: list[Source] = []
    for case in small():
        launch = resolve_launch(case.text, case.launch)
        x, y, z = (*launch.grid, 1, 1)[:3]
        for chip in ("Ascend910B3", "Ascend310P3"):
            code = import_kernel(case.text, launch)
            try:
                for step in pipeline("tt"):
                    step.apply(code, PassContext(chips()[chip]))
            except Refused:
                continue
            arguments = tuple(make_inputs(launch).values())
            found += _both(f"{case.name}@{chip}", code, arguments, (int(x), int(y), int(z)), chip)
    for name, kernel in kernels().items():
        if kernel.small and len(kernel.text) <= LONGEST_TEXT:
            launch = kernel.at(kernel.small[0])
            found += _both(name, parse_module(kernel.text), tuple(launch.arguments.values()), launch.grid, "Ascend910B3")
    return tuple(found)


def _both(name: str, code: Op, arguments: Sequence[Argument], grid: Grid, chip: str) -> list[Source]:
    texts = {"generic": to_text(code, generic=True), "pretty": to_text(code)}
    return [Source(f"{name} {form}", t, arguments, grid, chip) for form, t in texts.items() if len(t) <= LONGEST_TEXT]


# Mutations

Mutation = Callable[[random.Random, str], str]


def _bytes(rng: random.Random, text: str) -> str:
    at, size = rng.randrange(len(text)), rng.choice((1, 1, 2, 5, 40))
    new = "".join(
        chr(rng.choice((rng.randrange(32, 127), rng.randrange(256), 0x4E2D, 0x1F600))) for _ in range(rng.randrange(3))
    )
    return text[:at] + new + text[at + size :]


def _swapped_tokens(rng: random.Random, text: str) -> str:
    return _tokens(rng, text, lambda token: not token.isspace())


def _operands(rng: random.Random, text: str) -> str:
    """An operand replaced by another value, mostly of its type: the results and operands that one line names have few types."""
    types = _types_of(text)
    places = [m for m in OPERAND.finditer(text) if m[0] in types]
    if not places:
        return _tokens(rng, text, lambda token: token.startswith("%"))
    place = rng.choice(places)
    same = [name for name, type in types.items() if type == types[place[0]] or rng.random() < 0.01]
    return text[: place.start()] + rng.choice(same) + text[place.end() :]


@lru_cache(64)
def _types_of(text: str) -> dict[str, str]:
    """The type of each result that a line says."""
    return {m[1]: m[2] for m in RESULT.finditer(text)}


def _swapped_names(rng: random.Random, text: str) -> str:
    """Op names, attribute names and enums, with the quotes they stand in."""
    return _tokens(rng, text, lambda token: token[0].isalpha() or token[0] in '"#@')


def _tokens(rng: random.Random, text: str, wanted: Callable[[str], bool]) -> str:
    """A token replaced by another of the text, doubled or left out."""
    tokens = TOKEN.findall(text)
    places = [i for i, t in enumerate(tokens) if wanted(t)]
    if not places:
        return text
    a, b = rng.choice(places), rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        tokens[a], tokens[b] = tokens[b], tokens[a]
    else:
        tokens[a] = (tokens[b], tokens[a] * 2, "")[kind - 1]
    return "".join(tokens)


def _lines(rng: random.Random, text: str) -> str:
    """A line left out, doubled, or put elsewhere."""
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    line = lines[a]
    if rng.random() < 0.6:
        del lines[a]
    if rng.random() < 0.6:
        lines.insert(b, line)
    return "\n".join(lines)


def _numbers(rng: random.Random, text: str) -> str:
    """A number replaced: by a neighbour, a power of two, one at the edge of its type."""
    places = list(re.finditer(r"(?<![%\w#^.])-?\d+", text))
    if not places:
        return text
    place = rng.choice(places)
    old = int(place[0])
    new = rng.choice((*NUMBERS, old + 1, old - 1, -old, old * 2, old // 2, old ^ (1 << rng.randrange(20))))
    return text[: place.start()] + str(new) + text[place.end() :]


def _replaced(rng: random.Random, text: str, kinds: Sequence[Sequence[str]]) -> str:
    names = rng.choice(kinds)
    places = list(re.finditer("|".join(map(re.escape, names)), text))
    if not places:
        return text
    place = rng.choice(places)
    return text[: place.start()] + rng.choice(names) + text[place.end() :]


def _types(rng: random.Random, text: str) -> str:
    """An element type or a space replaced by another, here or everywhere."""
    names = rng.choice((ELEMENTS, SPACES))
    if rng.random() < 0.5:
        return _replaced(rng, text, (names,))
    return text.replace(rng.choice(names), rng.choice(names))


def _enums(rng: random.Random, text: str) -> str:
    """A pipe, an event, a kind of reduction, comparison or rounding, or an instruction's name replaced by another."""
    return _replaced(rng, text, ENUMS)


def _cut(rng: random.Random, text: str) -> str:
    """The text's end missing, or the end of another in its place."""
    return text[: rng.randrange(len(text))] + (
        rng.choice(corpus()).text[-rng.randrange(1, 4000) :] if rng.random() < 0.5 else ""
    )


MUTATIONS: tuple[tuple[Mutation, int], ...] = (
    (_numbers, 8),
    (_operands, 8),
    (_enums, 6),
    (_lines, 4),
    (_types, 2),
    (_swapped_names, 2),
    (_swapped_tokens, 1),
    (_bytes, 1),
    (_cut, 1),
)


def mutated(seed: int, number: int) -> tuple[Source, str]:
    """The text of a case and what it was made from."""
    rng = random.Random(f"{seed} {number}")
    source = rng.choice(corpus())
    text = source.text
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        (change,) = rng.choices([m for m, _ in MUTATIONS], [w for _, w in MUTATIONS])
        text = change(rng, text) or text
    return source, text


def carried_out(source: Source, text: str) -> str:
    """What became of a text: refused, invalid, limit or ran. Whatever else is raised is a finding."""
    try:
        module = parse_module(text)
        outcome = ""
        try:
            verify(module, "machine")
        except InvalidIR:
            outcome = "invalid"
        arguments = [a.copy() if isinstance(a, np.ndarray) else a for a in source.arguments]
        run(module, None, arguments, source.grid, chips()[source.chip], limits=LIMITS)
    except LimitHit:
        return "limit"
    except Refused as refused:
        assert refused.diagnostics
        assert "MemoryError" not in str(refused), "more memory was asked for than a worker may have"
        return "refused"
    return outcome or "ran"


# Workers


@dataclass(frozen=True)
class Finding:
    seed: int
    number: int
    source: str
    problem: str


def worker(seed: int, numbers: range, place: Path) -> None:
    """Runs cases; prints findings and counts as JSON lines, and keeps the number of the current case in a file."""
    faulthandler.enable()
    corpus()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    began = _peak()
    counts: Counter[str] = Counter()
    with place.open("r+b", buffering=0) as mark:
        for number in numbers:
            os.pwrite(mark.fileno(), number.to_bytes(8, "little"), 0)
            faulthandler.dump_traceback_later(CASE_SECONDS, exit=True)
            source, text = mutated(seed, number)
            try:
                outcome = carried_out(source, text)
            except BaseException:
                outcome = "finding"
                print(
                    json.dumps({"number": number, "source": source.name, "problem": traceback.format_exc()[-3000:]}), flush=True
                )
            faulthandler.cancel_dump_traceback_later()
            counts[outcome] += 1
            grown = _peak() - began
            if grown > CASE_BYTES:
                told = f"memory grew by {grown >> 20} MB"
                print(json.dumps({"number": number, "source": source.name, "problem": told}), flush=True)
                print(json.dumps({"counts": counts, "grown": grown}), flush=True)
                os._exit(3)
    print(json.dumps({"counts": counts, "grown": _peak() - began}), flush=True)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def fuzz(
    count: int, seed: int, first: int = 0, workers: int = 1, piece: int = 2000, progress: TextIO | None = None
) -> tuple[Counter[str], list[Finding], int]:
    """Outcomes, findings, and the most bytes that a worker added to what it began with. `progress` is told after each piece."""
    counts: Counter[str] = Counter()
    findings: list[Finding] = []
    grown = 0
    waiting = [range(low, min(low + piece, first + count)) for low in range(first, first + count, piece)][::-1]
    running: list[tuple[subprocess.Popen[str], range, Path]] = []
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_start(seed, waiting.pop(), Path(folder)))
            process, numbers, place = running.pop(0)
            out, err = process.communicate()
            for line in out.splitlines():
                told = json.loads(line)
                if "counts" in told:
                    counts.update(told["counts"])
                    grown = max(grown, told["grown"])
                else:
                    findings.append(Finding(seed, told["number"], told["source"], told["problem"]))
            if process.returncode:
                at = int.from_bytes(place.read_bytes(), "little")
                if process.returncode != 3:
                    findings.append(Finding(seed, at, mutated(seed, at)[0].name, f"exit {process.returncode}: {err[-3000:]}"))
                    counts["finding"] += 1
                if at + 1 < numbers.stop:
                    waiting.append(range(at + 1, numbers.stop))
            if progress is not None:
                cases = [finding.number for finding in findings]
                print(f"{sum(counts.values())} texts, findings in {cases}", file=progress, flush=True)
    return counts, findings, grown


def _start(seed: int, numbers: range, folder: Path) -> tuple[subprocess.Popen[str], range, Path]:
    place = folder / f"{numbers.start}"
    place.write_bytes(bytes(8))
    words = ["--worker", str(place), "--seed", str(seed), "--first", str(numbers.start), "--count", str(len(numbers))]
    command = [sys.executable, "-m", "tests.fuzz_hivm", *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    )
    return process, numbers, place


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_hivm", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print the texts instead of running them")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.worker is not None:
        worker(given.seed, range(given.first, given.first + given.count), given.worker)
        return 0
    if given.show:
        for number in range(given.first, given.first + given.count):
            print(mutated(given.seed, number)[1])
        return 0
    start = time.monotonic()
    counts, findings, grown = fuzz(given.count, given.seed, given.first, given.workers, progress=sys.stderr)
    for finding in findings:
        print(f"--- case {finding.number} of seed {finding.seed}, from {finding.source}\n{finding.problem}")
    told = ", ".join(f"{n} {name}" for name, n in counts.most_common())
    minutes = (time.monotonic() - start) / 60
    print(f"fuzz: {sum(counts.values())} texts in {minutes:.1f} min: {told}; {grown >> 20} MB added; {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
