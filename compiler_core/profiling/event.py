"""profile_event(result, chip, scope): the Profile event of a run."""

from compiler_core.chips import Chip
from compiler_core.emulator import Result
from compiler_core.events import Profile
from compiler_core.profiling.facts import facts
from compiler_core.profiling.rules import verdicts


def profile_event(result: Result, chip: Chip, scope: str = "") -> Profile:
    """Utilisation, traffic, stalls, roofline point and verdicts of a timed run; `scope` names the function, "" for the
    whole program.
    """
    found = facts(result, chip)
    return Profile(
        scope=scope,
        utilisation={pipe: round(share, 4) for pipe, share in found.utilisation.items()},
        traffic=dict(result.traffic),
        stalls=dict(result.stalls),
        roofline=(found.intensity, found.performance),
        verdicts=verdicts(found) if result.cycles else (),
    )
