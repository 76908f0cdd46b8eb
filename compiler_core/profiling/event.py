"""profile_event(result, chip, scope): the Profile event of a run."""

import msgspec

from compiler_core.blobs import BlobSink
from compiler_core.chips import Chip
from compiler_core.emulator import Result
from compiler_core.events import CoreKind, CoreUse, PipeUse, Profile, ProfileDetail
from compiler_core.profiling.facts import facts, roofs
from compiler_core.profiling.rules import verdicts

_decoder = msgspec.json.Decoder(ProfileDetail)


def profile_event(result: Result, chip: Chip, scope: str = "", blobs: BlobSink | None = None) -> Profile:
    """Utilisation, traffic, stalls, roofline point and verdicts of a timed run; `scope` names the function, "" for the
    whole program. What is too long for an event goes to `blobs`.
    """
    found = facts(result, chip)
    detail = ProfileDetail(_cores(result))
    read = sum(size for path, size in result.traffic.items() if path.startswith("GM->"))
    return Profile(
        scope=scope,
        utilisation={pipe: round(share, 4) for pipe, share in found.utilisation.items()},
        traffic=dict(result.traffic),
        stalls=dict(result.stalls),
        roofline=(found.intensity, found.performance),
        verdicts=verdicts(found) if result.cycles else (),
        cycles=result.cycles,
        microseconds=result.microseconds,
        launch_microseconds=result.launch_microseconds,
        roofs=roofs(result, chip),
        l2_hits=max(0.0, 1 - result.missed_bytes / read) if read else None,
        kinds=(_kind(result),) if result.cycles else (),
        memory=dict(result.memory),
        detail=blobs.put(msgspec.json.encode(detail)) if blobs else "",
    )


def detail_of(data: bytes) -> ProfileDetail:
    """The detail in a blob of a Profile event. Raises msgspec.ValidationError where it is none."""
    return _decoder.decode(data)


def _kind(result: Result) -> CoreKind:
    pipes = {pipe: PipeUse(busy) for pipe, busy in result.pipes.items() if busy}
    return CoreKind(result.core_type, result.available_cores, result.active_cores, sum(result.cores), pipes)


def _cores(result: Result) -> tuple[CoreUse, ...]:
    return tuple(CoreUse(result.core_type, i, 1, end, {}, {}) for i, end in enumerate(result.cores) if end)
