"""A scripted compiler: the source says what it does, one word a line. `everything` yields every type of event."""

import os
import random
import resource
import signal
import socket
import time
from collections.abc import Iterator

import msgspec

from compiler_core import events
from compiler_core.blobs import BlobSink
from compiler_core.catalogue import Catalogue, EngineEntry, Inspection, KernelEntry
from compiler_core.diagnostics import Diagnostic, Message, Refused, Span
from compiler_core.events import AnyEvent
from compiler_core.request import CompileRequest, Launch

CYCLES = events.Cycles(1200, 0.67, 3.0, {"V": 800, "MTE2": 900}, (1200, 1190))
CHECK = events.Verification(1e-3, 2e-3, "reference", True, 1e-2, 1e-2)
COMPLAINT = Diagnostic("error", Message("unknown-word", {"word": "?"}, "No such word."), (Span(1),))


def engine_version(engine: str) -> str:
    if engine != "builtin":
        raise KeyError(engine)
    return "scripted 1"


def catalogue() -> Catalogue:
    return Catalogue((), (EngineEntry("builtin", "scripted 1", True, {"en": "words"}),), (), (), {})


def inspect(source: str) -> Inspection:
    if source == "spin":
        spin()
    if source == "allocate":
        bytearray(1 << 40)
    if source == "?":
        raise Refused(COMPLAINT)
    return Inspection((KernelEntry(source, 1, ()),), Launch(kernel=source), ())


def spin() -> None:
    while True:
        pass


def a_pass(index: int, blobs: BlobSink) -> events.Pass:
    text = f"// pass {index}\n" * 100
    return events.Pass(
        index=index,
        name=f"pass-{index}",
        scope="",
        stage_in="tt",
        stage_out="tensor",
        mandatory=index % 2 == 0,
        ms=time.monotonic() % 7,
        changed=True,
        ops={"arith.addf": index},
        ir=blobs.put(text.encode()),
        lines=blobs.put(b"[null]"),
        diff=events.Diff({"new": 1}, (events.Change("new", (), (index,)),)),
        cycles=CYCLES,
        memory={"UB": 4096},
        verification=CHECK,
    )


def compile(request: CompileRequest, blobs: BlobSink, model: bytes | None = None) -> Iterator[AnyEvent]:
    """Obeys the source's words; a model's first bytes become an output."""
    yield events.Started(engine="builtin", version="scripted 1", chip=request.chip, clock_mhz=1800.0, launch=request.launch)
    passes = 0
    for word in request.source.split():
        name, _, argument = word.partition(":")
        match name:
            case "pass":
                yield a_pass(passes, blobs)
                passes += 1
            case "sleep":
                time.sleep(float(argument))
            case "everything":
                yield from everything(blobs)
            case "loud":
                loud = Diagnostic("note", Message("loud", {}, random.Random(0).randbytes(int(argument) // 2).hex()))
                yield events.DiagnosticEvent(diagnostic=loud)
            case "refuse":
                yield events.Failed(diagnostic=COMPLAINT, status=1)
                return
            case "raise":
                raise ValueError("a bug in the compiler")
            case "die":
                os.kill(os.getpid(), getattr(signal, argument))
            case "vanish":
                os._exit(0)
            case "allocate":
                bytearray(1 << 40)
            case "spin":
                spin()
            case "keep":
                blobs.put(os.urandom(int(argument)))
            case "whoami":
                yield whoami(blobs, int(argument))
    if model is not None:
        yield events.Outputs(outputs=(an_output(blobs, model[:64]),))
    yield events.Done(cycles=CYCLES, verification=CHECK, ms=1.0, passes=passes)


def an_output(blobs: BlobSink, data: bytes) -> events.Output:
    return events.Output("y", "float32", (len(data) // 4,), blobs.put(data), 0.0, 1.0, 0.5, True, CHECK)


def everything(blobs: BlobSink) -> Iterator[AnyEvent]:
    yield events.DiagnosticEvent(diagnostic=COMPLAINT)
    yield a_pass(0, blobs)
    yield a_profile(blobs)
    yield events.Trace(scope="", blob=blobs.put(b'{"traceEvents": []}'))
    yield events.Outputs(outputs=(an_output(blobs, os.urandom(0) + bytes(range(64))),))


def a_profile(blobs: BlobSink) -> events.Profile:
    detail = events.ProfileDetail((events.CoreUse("AIV", 0, 1, 1200, {"V": events.PipeUse(600)}, {"GM->UB": 64}),))
    return events.Profile(
        scope="",
        utilisation={"V": 0.5},
        traffic={"GM->UB": 64},
        stalls={"flag": 3},
        roofline=(1.0, 2.0),
        detail=blobs.put(msgspec.json.encode(detail)),
    )


def whoami(blobs: BlobSink, port: int) -> AnyEvent:
    """What the sandbox looks like from inside, as op counts; `port` is one that listens outside."""
    with socket.socket() as probe:
        probe.settimeout(1)
        reached = probe.connect_ex(("127.0.0.1", port))
    facts = {
        "session": int(os.getsid(0) == os.getpid()),
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "descriptors": len(os.listdir("/proc/self/fd")),
        "reached": int(reached == 0),
    }
    event = a_pass(99, blobs)
    return events.Pass(**{f: getattr(event, f) for f in event.__struct_fields__ if f not in ("ops", "seq")}, ops=facts)
