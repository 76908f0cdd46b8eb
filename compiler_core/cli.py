"""`tilescope …`: compile, emulate, lists of what there is. A person reads the output; with --json an event is a line of it."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np

from compiler_core.blobs import MemoryBlobs
from compiler_core.diagnostics import Diagnostic
from compiler_core.events import (
    AnyEvent,
    DiagnosticEvent,
    Done,
    Failed,
    Outputs,
    Pass,
    PipeUse,
    Profile,
    Started,
    Trace,
    Verdict,
    Verification,
    encode,
)
from compiler_core.request import CompileRequest, Launch, Options

WRONG_USAGE = 2


class Usage(Exception):
    """The command line itself is wrong; exit status 2."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    arguments = parser.parse_args(_joined(sys.argv[1:] if argv is None else argv))
    try:
        return arguments.run(arguments)
    except Usage as problem:
        print(f"tilescope: {problem}", file=sys.stderr)
        return WRONG_USAGE
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _joined(argv: Sequence[str]) -> list[str]:
    """`--passes -cse` as `--passes=-cse`: argparse takes a value that starts with a dash for another option."""
    words = list(argv)
    for i, word in enumerate(words[:-1]):
        if word == "--passes":
            return [*words[:i], f"--passes={words[i + 1]}", *words[i + 2 :]]
    return words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tilescope", description="Compiles kernels and models for emulated Ascend chips.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    compile = commands.add_parser("compile", help="compile a kernel (.py), a model (.onnx) or MLIR text (.mlir)")
    compile.add_argument("source", type=Path, metavar="SOURCE")
    compile.add_argument("--kernel", help="the kernel to compile, where the file has several")
    compile.add_argument("--engine", choices=("builtin", "bisheng"), default="builtin")
    compile.add_argument("--passes", default="", help="switches, such as -double-buffer,-cse")
    compile.add_argument("--stop-after", metavar="PASS")
    compile.add_argument("--cycles", choices=("final", "every-pass", "none"), default="every-pass")
    compile.add_argument("--precision", choices=("fp32", "fp16", "bf16", "mixed"), default="fp16")
    _run_options(compile)
    compile.set_defaults(run=_compile)
    emulate = commands.add_parser("emulate", help="run machine-stage MLIR text (.mlir, ours or the vendor's) on the chip")
    emulate.add_argument("source", type=Path, metavar="FILE.mlir")
    emulate.add_argument("--time-only", action="store_true", help="cycles without results, where no path depends on data")
    _run_options(emulate)
    emulate.set_defaults(run=_emulate)
    lists = (
        ("passes", "the passes, in order", _passes),
        ("chips", "the chips", _chips),
        ("ops", "the hivm instructions, with their pipe and whether the emulator runs them", _ops),
    )
    for name, help, run in lists:
        commands.add_parser(name, help=help).set_defaults(run=run)
    return parser


def _run_options(command: argparse.ArgumentParser) -> None:
    """What every command that runs a program takes."""
    command.add_argument("--launch", type=Path, metavar="LAUNCH.json")
    command.add_argument("--chip", default="Ascend910B3")
    command.add_argument("--inputs", type=Path, metavar="IN.npz", help="tensors by name; they win over fills")
    command.add_argument("--outputs", type=Path, metavar="OUT.npz", help="where every tensor argument (model output) goes")
    command.add_argument("--trace", type=Path, metavar="TRACE.json", help="the timeline, for Perfetto or chrome://tracing")
    command.add_argument("--profile", type=Path, metavar="DIR", help="where tables (CSV), reports (HTML) and traces go")
    command.add_argument("--json", action="store_true", help="one event a line, and nothing else")


def _request(arguments: argparse.Namespace) -> tuple[CompileRequest, bytes | None]:
    path: Path = arguments.source
    data = _bytes(path)
    launch = _launch(arguments.launch, arguments.kernel)
    options = Options(
        passes=tuple(s for s in arguments.passes.split(",") if s),
        stop_after=arguments.stop_after,
        cycles=arguments.cycles,
        precision=arguments.precision,
        trace=arguments.trace is not None,
    )
    common = CompileRequest(kind="mlir", chip=arguments.chip, engine=arguments.engine, options=options)
    if path.suffix == ".onnx":
        return msgspec.structs.replace(common, kind="onnx", model_sha256=sha256(data).hexdigest()), data
    if path.suffix not in (".py", ".mlir"):
        raise Usage(f"{path}: expected a .py, .onnx or .mlir file")
    kind = "triton" if path.suffix == ".py" else "mlir"
    return msgspec.structs.replace(common, kind=kind, source=_text(path, data), launch=launch), None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Usage(f"cannot read {path}: {problem.strerror}") from None


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Usage(f"{path} is not UTF-8 text: byte {problem.start}") from None


def _launch(path: Path | None, kernel: str | None) -> Launch | None:
    if path is None:
        return Launch(kernel=kernel) if kernel else None
    try:
        launch = msgspec.json.decode(path.read_bytes(), type=Launch)
    except OSError as problem:
        raise Usage(f"cannot read {path}: {problem.strerror}") from None
    except (msgspec.ValidationError, msgspec.DecodeError) as problem:
        raise Usage(f"{path} is no launch file: {problem}") from None
    return msgspec.structs.replace(launch, kernel=kernel) if kernel else launch


def _inputs(path: Path | None) -> dict[str, np.ndarray]:
    if path is None:
        return {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {_plain_name(name): _array(name, archive[name]) for name in archive.files}
    except (OSError, ValueError) as problem:
        raise Usage(f"{path} is no .npz of plain arrays: {problem}") from None


def _plain_name(name: str) -> str:
    return name.removesuffix(":bf16")


def _array(name: str, array: np.ndarray) -> np.ndarray:
    if not name.endswith(":bf16"):
        return array
    import ml_dtypes

    return array.view(ml_dtypes.bfloat16)


def _compile(arguments: argparse.Namespace) -> int:
    from compiler_core.driver import compile

    request, model = _request(arguments)
    blobs = MemoryBlobs()
    return _told(compile(request, blobs, model, _inputs(arguments.inputs)), blobs, arguments)


def _emulate(arguments: argparse.Namespace) -> int:
    from compiler_core.driver import emulate

    text = _text(arguments.source, _bytes(arguments.source))
    blobs = MemoryBlobs()
    launch, given = _launch(arguments.launch, None), _inputs(arguments.inputs)
    events = emulate(text, launch, arguments.chip, blobs, given, time_only=arguments.time_only)
    return _told(events, blobs, arguments)


def _told(events: Iterator[AnyEvent], blobs: MemoryBlobs, arguments: argparse.Namespace) -> int:
    """Reports the events as they come and writes the files that were asked for. Returns the exit status."""
    report = _JsonReport(sys.stdout) if arguments.json else _TextReport(sys.stdout)
    status = 0
    profiles: list[Profile] = []
    traces: dict[str, bytes] = {}
    for event in _numbered(events):
        report.event(event)
        if isinstance(event, Failed):
            status = event.status
        elif isinstance(event, Outputs) and arguments.outputs:
            _write_outputs(arguments.outputs, event, blobs)
        elif isinstance(event, Trace):
            traces[event.scope] = blobs.by_hash[event.blob]
        elif isinstance(event, Profile):
            profiles.append(event)
    if arguments.trace and traces:
        arguments.trace.write_bytes(next(iter(reversed(traces.values()))))
    if arguments.profile and profiles:
        _write_profiles(arguments.profile, profiles, traces, blobs, arguments.chip)
    return status


def _write_profiles(
    folder: Path, profiles: Sequence[Profile], traces: Mapping[str, bytes], blobs: MemoryBlobs, chip_name: str
) -> None:
    """For each function SCOPE.json, SCOPE.html, SCOPE.trace.json and the tables in SCOPE/; for all of them op_summary.csv."""
    from compiler_core.chips import chips
    from compiler_core.profiling import detail_of, kernel_tables, op_summary, report

    chip = chips()[chip_name]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "op_summary.csv").write_text(op_summary(profiles, chip), encoding="utf-8")
    for profile in profiles:
        name = _file_name(profile.scope)
        detail = detail_of(blobs.by_hash[profile.detail])
        trace = traces.get(profile.scope, b"")
        (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(profile)))
        (folder / f"{name}.html").write_text(report(profile, detail, chip, trace), encoding="utf-8")
        (folder / f"{name}.trace.json").write_bytes(trace)
        (folder / name).mkdir(exist_ok=True)
        for table, text in kernel_tables(profile, detail, chip).items():
            (folder / name / table).write_text(text, encoding="utf-8")


def _file_name(scope: str) -> str:
    """A function's name as a file's: a name from a text may hold anything."""
    return re.sub(r"[^\w.-]", "_", scope).lstrip(".") or "kernel"


def _numbered(events: Iterator[AnyEvent]) -> Iterator[AnyEvent]:
    for seq, event in enumerate(events):
        yield msgspec.structs.replace(event, seq=seq)


def _write_outputs(path: Path, event: Outputs, blobs: MemoryBlobs) -> None:
    arrays: dict[str, np.ndarray] = {}
    for output in event.outputs:
        suffix = ":bf16" if output.dtype == "bfloat16" else ""
        arrays[output.name + suffix] = np.load(BytesIO(blobs.by_hash[output.blob]), allow_pickle=False)
    with path.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]


class _JsonReport:
    def __init__(self, out: TextIO) -> None:
        self.out = out

    def event(self, event: AnyEvent) -> None:
        print(encode(event).decode(), file=self.out, flush=True)


class _TextReport:
    """A table of passes as they come, then the profile, the outputs and the total."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.cycles: int | None = None
        self.scope = ""
        self.chip = ""

    def line(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)

    def event(self, event: AnyEvent) -> None:
        match event:
            case Started():
                self.started(event)
            case DiagnosticEvent():
                self.diagnostic(event.diagnostic)
            case Pass():
                self.row(event)
            case Profile():
                self.profile(event)
            case Outputs():
                self.outputs(event)
            case Done():
                self.done(event)
            case _:
                pass

    def started(self, event: Started) -> None:
        self.chip = event.chip
        self.line(f"{event.engine} {event.version} on {event.chip}, {event.clock_mhz:g} MHz")
        if event.launch is not None:
            self.line(f"launch: {json.dumps(msgspec.to_builtins(event.launch), ensure_ascii=False)}")
        if event.engine == "emulator":
            return
        self.line()
        self.line(f"{'pass':28} {'stage':8} {'ms':>8} {'ops':>5} {'cycles':>12} {'change':>8}  check")

    def row(self, event: Pass) -> None:
        if event.scope != self.scope:
            self.scope, self.cycles = event.scope, None
            self.line(f"{event.scope or 'the whole model'}:")
        cycles = event.cycles.total if event.cycles else None
        change = f"{(cycles / self.cycles - 1) * 100:+.1f}%" if cycles and self.cycles and cycles != self.cycles else ""
        name = event.name + (" *" if not event.mandatory else "")
        shown = f"{cycles:,}" if cycles is not None else "–"
        check = ""
        if event.verification:
            check = f"{'ok' if event.verification.ok else 'WRONG'}, {_error_text(event.verification)}"
        elif event.cycles_reason:
            check = event.cycles_reason.text
        ops = sum(event.ops.values())
        self.line(f"  {name:26} {event.stage_out:8} {event.ms:8.1f} {ops:5} {shown:>12} {change:>8}  {check}")
        for diagnostic in event.diagnostics:
            self.diagnostic(diagnostic)
        self.cycles = cycles if cycles is not None else self.cycles

    def diagnostic(self, diagnostic: Diagnostic) -> None:
        place = f"line {diagnostic.spans[0].line}, column {diagnostic.spans[0].column}: " if diagnostic.spans else ""
        node = f"node {diagnostic.node}: " if diagnostic.node else ""
        self.line(f"{diagnostic.severity}: {place}{node}{diagnostic.message.text}")

    def profile(self, event: Profile) -> None:
        from compiler_core.profiling.fidelity import fidelity_of

        hits = f", L2 hits {event.l2_hits:.0%}" if event.l2_hits is not None else ""
        self.line(f"\n{event.scope or 'profile'}: {event.cycles:,} cycles on {sum(k.active for k in event.kinds)} cores{hits}")
        table = fidelity_of(self.chip)
        if table:
            worst = f"{table.worst:g} % at worst, on {len(table.cases)} measurements"
            self.line(f"  model error ±{table.median:g} % in the median, {worst}")
        for kind in event.kinds:
            for pipe, use in kind.pipes.items():
                if use.busy:
                    self.line(_pipe_line(f"{kind.kind} {pipe}", use, max(1, kind.cycles)))
        for verdict in event.verdicts:
            self.line(f"  {verdict.message.text} {verdict.advice.text}{_gain_text(verdict)}")

    def outputs(self, event: Outputs) -> None:
        self.line()
        for output in event.outputs:
            check = output.verification
            verdict = f", {_error_text(check)} against {check.against}" if check else ""
            self.line(f"{output.name}: {output.dtype}{list(output.shape)}{verdict}")

    def done(self, event: Done) -> None:
        if event.cycles:
            self.line(
                f"\n{event.cycles.total:,} cycles, {event.cycles.microseconds:.2f} µs"
                f" (launch {event.cycles.launch_microseconds:.2f} µs apart),"
                f" {f'{event.passes} passes ' if event.passes else ''}in {event.ms:.0f} ms"
            )


def _pipe_line(name: str, use: PipeUse, cycles: int) -> str:
    """A pipe's use as shares of the active cores' time."""
    waits = "  ".join(f"{reason} {stalled / cycles:.0%}" for reason, stalled in use.stalls.items() if stalled / cycles >= 0.005)
    return f"  {name:10} busy {use.busy / cycles:6.1%}  {use.instructions:8,} instructions  {waits}".rstrip()


def _gain_text(verdict: Verdict) -> str:
    if verdict.gain is None:
        return ""
    if verdict.gain.cycles <= 0:
        return " (Removing this alone saves nothing.)"
    return f" (At most {verdict.gain.share:.0%}: {verdict.gain.cycles:,} cycles.)"


def _error_text(check: Verification) -> str:
    return "nan or inf where the other has none" if check.max_abs is None else f"max abs error {check.max_abs:.2g}"


def _passes(arguments: argparse.Namespace) -> int:
    from compiler_core.pipelines import all_passes

    for step in all_passes():
        kind = "lowering" if step.mandatory else "optimisation"
        print(f"{step.name:24} {step.stage_in:8} {kind:13} {step.run.summary['en']}")
    return 0


def _chips(arguments: argparse.Namespace) -> int:
    from compiler_core.chips import chips

    for chip in chips().values():
        print(f"{chip.name:14} {chip.summary['en']}")
    return 0


def _ops(arguments: argparse.Namespace) -> int:
    from compiler_core.dialects.hivm_table import OPS
    from compiler_core.emulator.instructions.control_unit import REFUSED

    for op in OPS.values():
        refused = f" Refused: {REFUSED[op.name]}." if op.name in REFUSED else ""
        print(f"{op.name:28} {op.pipe or 'S':5} {op.summary}{refused}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
