"""What if one cause of waiting cost nothing? The launch's own instructions, priced and timed once more on a chip without it.

The result bounds what a change of the program can gain: everything else stays as it is, so another limit may take over, and a
program that avoids the cause may need other instructions. It is no forecast, and bounds of several causes do not add up.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from compiler_core.chips import Chip
from compiler_core.chips.timing import Move
from compiler_core.emulator.clock.costs import AWAIT, BARRIER, GIVE, MTE1, MTE2, MTE3, POST, SET, TAKE, WAIT, Item, V
from compiler_core.emulator.clock.launch import Launch

FREE = 1e18
"""A rate at which nothing waits, in bytes a cycle."""


def _same_chip(chip: Chip) -> Chip:
    return chip


def _same_item(item: Item) -> Item | None:
    return item


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is different: the chip, and each item; None leaves an item out."""

    chip: Callable[[Chip], Chip] = _same_chip
    item: Callable[[Item], Item | None] = _same_item

    def cycles(self, launch: Launch) -> float:
        """The launch's cycles under the assumption."""
        return max(launch.again(self.chip(launch.chip), self.item).ends)


def _memory(**changes: float) -> Callable[[Chip], Chip]:
    return lambda chip: replace(chip, timing=replace(chip.timing, memory=replace(chip.timing.memory, **changes)))


def _scalar(chip: Chip, **changes: float) -> Chip:
    return replace(chip, timing=replace(chip.timing, scalar=replace(chip.timing.scalar, **changes)))


def _free_issue(chip: Chip) -> Chip:
    free = _scalar(chip, issue=0.0, operation=0.0)
    return replace(free, timing=replace(free.timing, queue=1 << 20))


def _free_scalars(chip: Chip) -> Chip:
    return _scalar(chip, operation=0.0, load=0.0)


def _no_startups(chip: Chip) -> Chip:
    moves = {path: Move(0.0, move.rate) for path, move in chip.timing.moves.items()}
    free = _memory(miss_startup=0.0, line_cycles=0.0, issue_cycles=0.0)(chip)
    return replace(free, timing=replace(free.timing, moves=moves))


def _full_masks(chip: Chip) -> Chip:
    return replace(chip, timing=replace(chip.timing, vector=replace(chip.timing.vector, partial_mask=0.0)))


def _without(*kinds: int) -> Callable[[Item], Item | None]:
    return lambda item: None if item.kind in kinds else item


def _instant(*pipes: int) -> Callable[[Item], Item | None]:
    """Items of these pipes take no time."""
    return lambda item: item._replace(work=0.0, startup=0.0, shared=0, missed=0) if item.pipe in pipes else item


EVERYTHING_IN_L2 = Assumption(_memory(gm_rate=FREE, core_miss_rate=FREE, miss_startup=0.0))
L2_UNSHARED = Assumption(_memory(l2_rate=FREE))
NO_WAITING_IN_A_CORE = Assumption(item=_without(SET, WAIT, BARRIER, TAKE, GIVE))
NO_WAITING_BETWEEN_CORES = Assumption(item=_without(POST, AWAIT))
OPERANDS_THERE = Assumption(item=_instant(MTE1, MTE2))
INSTANT_TRANSFERS = Assumption(item=_instant(MTE2, MTE3))
INSTANT_VECTORS = Assumption(item=_instant(V))
FREE_ISSUE = Assumption(_free_issue)
FREE_SCALARS = Assumption(_free_scalars)
NO_STARTUPS = Assumption(_no_startups)
NO_BANK_CONFLICTS = Assumption(item=lambda item: item._replace(work=item.work - item.conflicts))
FULL_MASKS = Assumption(_full_masks, lambda item: item._replace(work=item.work - item.masked))


def even(launch: Launch) -> float:
    """Cycles if the active cores' work were spread evenly over them."""
    active = [end for end in launch.ends if end]
    return sum(active) / max(1, len(active))


def everywhere(launch: Launch) -> float:
    """Cycles if the work were spread evenly over all cores, each at the speed it has now."""
    return sum(launch.ends) / max(1, len(launch.ends))
