"""Which flags and barriers make the instructions of one straight line, or of one loop's body, wait for each other as they must.

The line is walked up to three times, as three successive iterations, while `known[p][q]` holds the last item of pipe q that
pipe p is known to have waited for. A dependence that is not known to hold gets a flag (or a barrier, on one pipe). Knowledge
passes on: what a pipe knew when it set a flag, the pipe that waits for the flag knows too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from compiler_core.ir import Op, Value
from compiler_core.ir.core import Block
from compiler_core.passes.machine.regions import Use, conflict, conflict_next, uses_of

Known = dict[str, dict[str, int]]
Path = tuple[tuple[Op, Block], ...]


@dataclass(frozen=True)
class Item:
    """An instruction, or a whole loop inside; `path` are the branches (scf.if and its block) around it in this line."""

    op: Op
    uses: tuple[Use, ...]
    path: Path

    @property
    def pipes(self) -> set[str]:
        return {use.pipe for use in self.uses}

    @property
    def outer(self) -> Op:
        """The op of the line itself: the outermost branch around the item, or the item."""
        return self.path[0][0] if self.path else self.op


@dataclass
class Flag:
    """`first` sets it after an item, `second` waits for it before another, `distance` iterations later.

    With a `selector` odd and even iterations of the loop use different events.
    """

    first: str
    second: str
    set_after: Op
    wait_before: Op
    source: int
    target: int
    distance: int = 0
    loop: Op | None = None
    selector: Value | None = None


@dataclass
class Plan:
    """What to insert."""

    flags: list[Flag] = field(default_factory=list[Flag])
    barriers: list[tuple[Op, str]] = field(default_factory=list[tuple[Op, str]])
    """Before an op: a barrier of a pipe."""
    pairs: list[tuple[Op, str, str]] = field(default_factory=list[tuple[Op, str, str]])
    """Before an op: the first pipe sets and the second waits at once."""


def items_of(block: Block, line: Block, path: Path = ()) -> Iterator[Item]:
    """The items of a block of the line, in program order; branches are walked through, loops are one item."""
    for op in block.ops:
        if op.name == "scf.if":
            for region in op.regions:
                for inner in region.blocks:
                    yield from items_of(inner, line, (*path, (op, inner)))
        elif op.name in ("scf.for", "scf.while"):
            uses = tuple(dict.fromkeys(use.seen_from(line) for inner in op.walk() for use in uses_of(inner)))
            if uses:
                yield Item(op, uses, path)
        else:
            uses = tuple(use.seen_from(line) for use in uses_of(op))
            if uses:
                yield Item(op, uses, path)


@dataclass
class Line:
    """The walk over one line; `loop` is the loop whose body it is, None for a function's body."""

    items: list[Item]
    loop: Op | None
    plan: Plan = field(default_factory=Plan)
    known: Known = field(default_factory=dict[str, dict[str, int]])
    after: list[Known] = field(default_factory=list[Known])
    """For each item walked: what its pipes knew when it was issued."""
    waits: dict[int, list[Flag]] = field(default_factory=dict[int, list[Flag]])
    barriers: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    pairs: dict[int, list[tuple[str, str]]] = field(default_factory=dict[int, list[tuple[str, str]]])
    covered: set[tuple[int, str, str]] = field(default_factory=set[tuple[int, str, str]])
    """Branch blocks (by id) at whose end a pair makes the second pipe wait for the first."""
    open: list[tuple[tuple[Op, Block], Known]] = field(default_factory=list[tuple[tuple[Op, Block], Known]])

    def run(self) -> Plan:
        self.walk(3 if self.loop is not None else 1)
        if self.loop is not None:
            self.keep_events_apart()
        return self.plan

    def walk(self, iterations: int) -> None:
        self.known, self.after, self.open = {}, [], []
        for number in range(iterations):
            for j, item in enumerate(self.items):
                self.enter(item)
                self.apply(number, j)
                self.require(number, j)
                self.after.append({p: dict(self.known.get(p, {})) for p in item.pipes})
            self.enter(None)

    def enter(self, item: Item | None) -> None:
        """Leaves the branches that the item is not in, forgetting what was learnt there, and enters those it is in."""
        path = item.path if item else ()
        while self.open and self.open[-1][0] not in path:
            _, self.known = self.open.pop()
        for branch in path[len(self.open) :]:
            self.open.append((branch, {p: dict(k) for p, k in self.known.items()}))

    def apply(self, number: int, j: int) -> None:
        """What the synchronisation already planned before item j teaches."""
        n, here = len(self.items), len(self.after)
        for pipe in self.barriers.get(j, ()):
            self.learn(pipe, pipe, here - 1, {})
        for first, second in self.pairs.get(j, ()):
            self.learn(second, first, here - 1, self.known.get(first, {}))
        for flag in self.waits.get(j, ()):
            source = (number - flag.distance) * n + flag.source
            if source >= 0:
                self.learn(flag.second, flag.first, source, self.after[source].get(flag.first, {}))

    def learn(self, pipe: str, source: str, item: int, also: dict[str, int]) -> None:
        mine = self.known.setdefault(pipe, {})
        for other, last in ((source, item), *also.items()):
            mine[other] = max(mine.get(other, -1), last)
        if pipe == "PIPE_S":
            # whatever is issued from now on is issued after the scalar unit has waited
            for other in ("PIPE_V", "PIPE_M", "PIPE_MTE1", "PIPE_MTE2", "PIPE_MTE3", "PIPE_FIX"):
                theirs = self.known.setdefault(other, {})
                for key, last in mine.items():
                    theirs[key] = max(theirs.get(key, -1), last)

    def require(self, number: int, j: int) -> None:
        """Plans what item j still has to wait for: latest sources first, since they cover earlier ones."""
        n = len(self.items)
        for distance in range(min(number, 2) + 1):
            sources = range(j - 1, -1, -1) if distance == 0 else range(n - 1, -1, -1)
            for i in sources:
                for first, second in self.conflicts(i, j, distance):
                    if not self.satisfied(i, j, (number - distance) * n + i, first, second):
                        self.synchronise(number, i, j, distance, first, second)

    def conflicts(self, i: int, j: int, distance: int) -> Iterator[tuple[str, str]]:
        a, b = self.items[i], self.items[j]
        if distance == 0 and _exclusive(a.path, b.path):
            return
        for first in a.uses:
            for second in b.uses:
                if distance == 2 and (first.region.selector is None or second.region.selector is None):
                    continue
                if conflict_next(first, second) if distance == 1 else conflict(first, second):
                    yield first.pipe, second.pipe

    def satisfied(self, i: int, j: int, source: int, first: str, second: str) -> bool:
        if self.known.get(second, {}).get(first, -1) >= source:
            return True
        inside = {id(block) for _, block in self.items[j].path}
        left = [block for _, block in self.items[i].path if id(block) not in inside]
        behind = [found for block in left for found in self.behind(i, block, first)]
        known = self.known.get(second, {})
        return any(other == second or known.get(other, -1) >= source - i + after for other, after in behind)

    def behind(self, i: int, block: Block, first: str) -> Iterator[tuple[str, int]]:
        """The pipes that wait for `first` at the end of item i's branch block, each with its first item from there on."""
        for identity, source, second in self.covered:
            if identity == id(block) and source == first:
                later = range(i + 1, len(self.items))
                after = [
                    m for m in later if second in self.items[m].pipes and all(b is not block for _, b in self.items[m].path)
                ]
                yield second, after[0] if after else len(self.items)

    def synchronise(self, number: int, i: int, j: int, distance: int, first: str, second: str) -> None:
        a, b = self.items[i], self.items[j]
        common = len([1 for x, y in zip(a.path, b.path, strict=False) if x == y])
        here = len(self.after)
        if distance == 0 and len(a.path) > common and len(b.path) == common:
            # only where the branch is taken, at its end
            block = a.path[common][1]
            if first == second:
                self.plan.barriers.append((block.terminator, first))
            else:
                self.plan.pairs.append((block.terminator, first, second))
            self.covered.add((id(block), first, second))
        elif first == second:
            self.plan.barriers.append((b.op, first))
            self.barriers.setdefault(j, []).append(first)
            self.learn(first, first, here - 1, {})
        elif len(b.path) > (common if distance == 0 else 0):
            self.plan.pairs.append((b.op, first, second))
            self.pairs.setdefault(j, []).append((first, second))
            self.learn(second, first, here - 1, self.known.get(first, {}))
        else:
            self.add_flag(number, i, j, distance, first, second)

    def add_flag(self, number: int, i: int, j: int, distance: int, first: str, second: str) -> None:
        a, b = self.items[i], self.items[j]
        set_after = a.op if distance == 0 else a.outer
        flag = Flag(first, second, set_after, b.op, i, j, distance, self.loop if distance else None)
        if distance == 2:
            flag.selector = self.selector(i)
        self.plan.flags.append(flag)
        self.waits.setdefault(j, []).append(flag)
        source = (number - distance) * len(self.items) + i
        self.learn(second, first, source, self.after[source].get(first, {}))

    def selector(self, *items: int) -> Value | None:
        found = (use.region.selector for i in items for use in self.items[i].uses)
        return next((s for s in found if s is not None), None)

    def keep_events_apart(self) -> None:
        """A flag of one iteration must have been taken before the next iteration sets it again.

        Where the setting pipe may run one iteration ahead, odd and even iterations take different events; where it may run
        further, it is made to wait.
        """
        n = len(self.items)
        for flag in [f for f in self.plan.flags if f.distance == 0]:
            if self.items[flag.source].path:
                continue
            ahead = [self.after[c * n + flag.source].get(flag.first, {}).get(flag.second, -1) for c in (1, 2)]
            if ahead[0] >= flag.target:
                continue
            selector = self.selector(flag.source, flag.target)
            if ahead[1] >= flag.target and selector is not None:
                flag.selector = selector
            else:
                self.add_flag(2, flag.target, flag.source, 1, flag.second, flag.first)


def _exclusive(a: Path, b: Path) -> bool:
    """In different branches of one scf.if."""
    return any(x[0] is y[0] and x[1] is not y[1] for x in a for y in b)
