"""The order in which a core carries out a block's items: program order, with what waits for a later flag moved behind its set.

A wait holds its own pipe only, so a set further on in the program may still release it. Where none does, the block is stuck:
a deadlock.
"""

from collections import deque
from typing import NoReturn

from compiler_core.diagnostics import Refused, error
from compiler_core.emulator.clock.costs import ALL, BARRIER, PIPES, SET, WAIT, Item, S
from compiler_core.emulator.clock.recorder import Entry
from compiler_core.ir.spans import spans_of

Stream = list[tuple[Entry, Item]]


def ordered(stream: Stream) -> Stream:
    """The stream so that every wait follows its set. Raises Refused with who waits for whom in a deadlock."""
    result: Stream = []
    pending: dict[tuple[int, int, int], int] = {}
    blocked: dict[int, deque[tuple[Entry, Item]]] = {}

    def carry_out(step: tuple[Entry, Item]) -> bool:
        """Appends the step if it can go now."""
        _, item = step
        if item.kind == WAIT:
            key = (item.other, item.pipe, item.event)
            if not pending.get(key):
                return False
            pending[key] -= 1
        elif item.kind == SET:
            key = (item.pipe, item.other, item.event)
            pending[key] = pending.get(key, 0) + 1
        result.append(step)
        return True

    def release() -> None:
        """Lets blocked pipes go on while any can."""
        moved = True
        while moved:
            moved = False
            for pipe in list(blocked):
                queue = blocked[pipe]
                while queue and carry_out(queue[0]):
                    queue.popleft()
                    moved = True
                if not queue:
                    del blocked[pipe]

    for step in stream:
        item = step[1]
        if item.pipe in blocked:
            blocked[item.pipe].append(step)
            continue
        holds_all = item.pipe == ALL or (item.pipe == S and item.kind in (WAIT, BARRIER))
        if blocked and item.pipe == ALL:
            _stuck(blocked)
        if not carry_out(step):
            if holds_all:
                _stuck({**blocked, item.pipe: deque([step])})
            blocked[item.pipe] = deque([step])
        elif item.kind == SET and blocked:
            release()
    if blocked:
        _stuck(blocked)
    return result


def _stuck(blocked: dict[int, deque[tuple[Entry, Item]]]) -> NoReturn:
    """Raises Refused, naming the wait at the root: the one whose setter is not itself waiting."""
    heads = [queue[0] for queue in blocked.values()]
    entry, item = next((head for head in heads if head[1].other not in blocked), heads[0])
    raise Refused(
        error(
            "emulator-deadlock",
            *spans_of(entry.site.op),
            waiter=PIPES[item.pipe],
            setter=PIPES[item.other],
            event=item.event,
        )
    )
