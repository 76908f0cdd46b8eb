"""profile_event(result, chip, scope): the Profile event of a run, and its detail."""

import msgspec

from compiler_core.blobs import BlobSink
from compiler_core.chips import Chip
from compiler_core.emulator import Result
from compiler_core.events import Profile, ProfileDetail
from compiler_core.profiling.facts import facts, roofs
from compiler_core.profiling.last_core import last_core
from compiler_core.profiling.rules import verdicts

_decoder = msgspec.json.Decoder(ProfileDetail)


def profile_event(result: Result, chip: Chip, scope: str = "", blobs: BlobSink | None = None) -> Profile:
    """Utilisation, traffic, stalls, roofline point and verdicts of a timed run; `scope` names the function, "" for the
    whole program. What is too long for an event goes to `blobs`.
    """
    found = facts(result, chip)
    detail = ProfileDetail(found.cores, *last_core(result.launch)) if result.launch else ProfileDetail(found.cores)
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
        blocks=result.launch.blocks if result.launch else 0,
        roofs=roofs(result, chip),
        l2_hits=None if found.l2_hits is None else round(found.l2_hits, 4),
        kinds=found.kinds,
        memory=dict(result.memory),
        detail=blobs.put(msgspec.json.encode(detail)) if blobs else "",
    )


def detail_of(data: bytes) -> ProfileDetail:
    """The detail in a blob of a Profile event. Raises msgspec.ValidationError where it is none."""
    return _decoder.decode(data)
