"""What a pass changed, by the ops' identity: kept, moved, rewritten, fused, new, gone."""

from dataclasses import dataclass
from typing import Literal

from compiler_core.ir.core import Op
from compiler_core.ir.printer import PrintedIR, print_ir

Kind = Literal["kept", "moved", "rewritten", "fused", "new", "gone"]


@dataclass(frozen=True)
class Snapshot:
    """The IR's text at one moment, with each op's first line, its own text and its neighbours."""

    printed: PrintedIR
    lines: dict[int, int]
    """Op id → its first line, from 1."""
    texts: dict[int, str]
    """Op id → its first line's text without indentation."""
    parents: dict[int, int]
    """Op id → the id of the op around it."""
    order: tuple[int, ...]
    """Op ids in program order."""


@dataclass(frozen=True)
class Entry:
    """One op's fate, with its lines before and after."""

    kind: Kind
    before: tuple[int, ...]
    after: tuple[int, ...]


def snapshot(op: Op, *, locations: bool = False) -> Snapshot:
    """Remembers the IR as it is now, so that it can be compared after a pass has changed it."""
    printed = print_ir(op, locations=locations)
    lines = printed.first_lines()
    text_lines = printed.text.split("\n")
    texts = {id: text_lines[line - 1].strip() for id, line in lines.items()}
    parents: dict[int, int] = {}
    for each in printed.ops:
        if each is not None and each.parent_op is not None:
            parents[each.id] = each.parent_op.id
    return Snapshot(printed, lines, texts, parents, tuple(lines))


def origins(op: Op) -> dict[int, tuple[int, ...]]:
    """Op id → the ids it was made from, for everything inside `op`."""
    return {each.id: each.origin for each in op.walk()}


def compare(before: Snapshot, after: Snapshot, origin: dict[int, tuple[int, ...]]) -> list[Entry]:
    """The fate of every op, in the order of the IR after, the vanished ones last.

    An op with the same id was kept, moved (other place, same text) or rewritten (other text). One with a new id was rewritten
    from or fused of the ops before that its origins name, or is new. One from which nothing was made is gone.
    """
    stay = _in_order([id for id in after.order if id in before.lines], before.lines)
    consumed: set[int] = set()
    entries: list[Entry] = []
    for id in after.order:
        line = (after.lines[id],)
        if id in before.lines:
            entries.append(Entry(_fate(id, before, after, stay), (before.lines[id],), line))
            continue
        sources = [s for s in origin.get(id, ()) if s in before.lines]
        consumed.update(sources)
        kind: Kind = "new" if not sources else "rewritten" if len(sources) == 1 else "fused"
        entries.append(Entry(kind, tuple(sorted(before.lines[s] for s in sources)), line))
    for id, line in before.lines.items():
        if id not in after.lines and id not in consumed:
            entries.append(Entry("gone", (line,), ()))
    return entries


def _fate(id: int, before: Snapshot, after: Snapshot, stay: set[int]) -> Kind:
    if before.texts[id] != after.texts[id]:
        return "rewritten"
    moved = id not in stay or before.parents.get(id) != after.parents.get(id)
    return "moved" if moved else "kept"


def _in_order(ids: list[int], position: dict[int, int]) -> set[int]:
    """The longest subsequence of `ids` whose positions ascend (patience sorting): those that did not move."""
    from bisect import bisect_left

    tails: list[int] = []
    tail_ids: list[int] = []
    previous: dict[int, int | None] = {}
    for id in ids:
        at = bisect_left(tails, position[id])
        previous[id] = tail_ids[at - 1] if at else None
        if at == len(tails):
            tails.append(position[id])
            tail_ids.append(id)
        else:
            tails[at] = position[id]
            tail_ids[at] = id
    kept: set[int] = set()
    at_id = tail_ids[-1] if tail_ids else None
    while at_id is not None:
        kept.add(at_id)
        at_id = previous[at_id]
    return kept


def counts(entries: list[Entry]) -> dict[str, int]:
    """How many ops met each fate; fates nobody met are left out."""
    found: dict[str, int] = {}
    for entry in entries:
        found[entry.kind] = found.get(entry.kind, 0) + 1
    return found
