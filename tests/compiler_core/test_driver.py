"""compile(request): every example on every chip, every pass right; failures as events; the catalogue."""

import msgspec
import pytest

from compiler_core import driver
from compiler_core.blobs import MemoryBlobs
from compiler_core.chips import chips
from compiler_core.events import AnyEvent, Diff, Done, Failed, Outputs, Pass, Profile, Started, Trace, decode, encode
from compiler_core.request import CompileRequest, Options

EXAMPLES = {e.name: e for e in driver.examples()}


def run(request: CompileRequest, blobs: MemoryBlobs | None = None) -> list[AnyEvent]:
    return list(driver.compile(request, blobs or MemoryBlobs()))


def request_of(example: str, chip: str = "Ascend910B3", **options: object) -> CompileRequest:
    entry = EXAMPLES[example]
    return CompileRequest("triton", entry.source, launch=entry.launch, chip=chip, options=msgspec.convert(options, Options))


@pytest.mark.parametrize("chip", sorted(chips()))
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_right_after_every_pass(example: str, chip: str):
    events = run(request_of(example, chip))
    passes = [e for e in events if isinstance(e, Pass)]
    assert isinstance(events[0], Started) and isinstance(events[-1], Done), events[-1]
    for event in passes:
        assert event.verification is not None and event.verification.ok, (event.name, event.cycles_reason, event.verification)
        assert event.cycles is not None and event.cycles.total > 0
        assert not [d for d in event.diagnostics if d.severity == "error"], (event.name, event.diagnostics)
    assert passes[0].stage_in == "tt" and passes[-1].stage_out == "machine"
    assert {type(e) for e in events} >= {Outputs, Profile, Trace}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_optimisation_can_be_left_out(example: str):
    off = tuple(f"-{s.name}" for s in driver.all_passes() if not s.mandatory)
    events = run(request_of(example, passes=off))
    assert isinstance(events[-1], Done)
    assert events[-1].verification is not None and events[-1].verification.ok


def test_optimised_programs_are_faster():
    off = tuple(f"-{s.name}" for s in driver.all_passes() if not s.mandatory)
    for example in EXAMPLES:
        plain, optimised = (run(request_of(example, passes=p, cycles="final"))[-1] for p in (off, ()))
        assert isinstance(plain, Done) and isinstance(optimised, Done)
        assert plain.cycles is not None and optimised.cycles is not None
        assert optimised.cycles.total < plain.cycles.total, example


def test_the_same_request_gives_the_same_events_but_for_the_time_taken():
    def timeless(event: AnyEvent) -> AnyEvent:
        return msgspec.structs.replace(event, ms=0.0) if isinstance(event, Pass | Done) else event

    first, second = ([timeless(e) for e in run(request_of("softmax"))] for _ in range(2))
    changes = [d.changes for d in (e.diff for e in first if isinstance(e, Pass)) if isinstance(d, Diff)]
    assert any(changes)
    assert [without_ids(e) for e in first] == [without_ids(e) for e in second]


def without_ids(event: AnyEvent) -> AnyEvent:
    """Line maps and traces hold op ids, which count on from one compilation to the next in one process."""
    if isinstance(event, Pass):
        return msgspec.structs.replace(event, lines="")
    return msgspec.structs.replace(event, blob="") if isinstance(event, Trace) else event


def test_events_name_blobs_that_are_there():
    blobs = MemoryBlobs()
    for event in run(request_of("add"), blobs):
        assert decode(encode(event)) == event
        if isinstance(event, Pass):
            text = blobs.by_hash[event.ir].decode()
            lines = msgspec.json.decode(blobs.by_hash[event.lines])
            assert len(lines) == text.count("\n")
            located = [entry for entry in lines if entry and entry[1]]
            assert len(located) > len(lines) // 2, f"{event.name} lost its source lines"


def test_every_op_keeps_a_source_line():
    blobs = MemoryBlobs()
    for example in EXAMPLES:
        for event in run(request_of(example, cycles="none"), blobs):
            if isinstance(event, Pass):
                text = blobs.by_hash[event.ir].decode().splitlines()
                entries = msgspec.json.decode(blobs.by_hash[event.lines])
                lost = [t for t, e in zip(text, entries, strict=True) if e and not e[1] and t.strip() != "module {"]
                assert not lost, (example, event.name, lost)


def test_refusals_are_events():
    events = run(CompileRequest("triton", "def broken(:\n"))
    assert isinstance(events[-1], Failed) and events[-1].status == 1
    events = run(msgspec.structs.replace(request_of("add"), chip="Ascend9999"))
    assert isinstance(events[-1], Failed) and "Ascend910B3" in events[-1].diagnostic.message.text


def test_a_bug_is_an_event_with_a_reference(monkeypatch: pytest.MonkeyPatch):
    def broken(*arguments: object) -> object:
        raise ZeroDivisionError("an invented bug")

    monkeypatch.setitem(driver.ENGINES, "builtin", broken)
    failed = run(request_of("add"))[-1]
    assert isinstance(failed, Failed) and failed.status == 4
    assert len(str(failed.diagnostic.message.arguments["reference"])) == 12


def test_the_catalogue_lists_every_pass_once_in_both_languages():
    catalogue = driver.catalogue()
    names = [p.name for p in catalogue.passes]
    assert len(names) == len(set(names))
    for entry in (*catalogue.passes, *catalogue.chips, *catalogue.examples):
        assert entry.summary["en"] and entry.summary["zh"]
    for code, texts in catalogue.messages.items():
        assert set(texts) == {"en", "zh"}, code


def test_requests_that_say_the_same_have_the_same_key():
    request = request_of("add")
    again = msgspec.json.decode(request.canonical_json(), type=CompileRequest)
    assert again.key("1") == request.key("1") != request.key("2")
