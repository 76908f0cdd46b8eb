/** Rows of a diff between two IR texts, aligned by the identity of ops and never by comparing text lines alone. */
import type { Change, Diff } from '../generated/types';
import type { LineMap } from './linemap';

export type ChangeKind = Change['kind'];

export interface Side {
  readonly lines: readonly string[];
  readonly map: LineMap;
}

/** Lines count from 1; null where a side has nothing. `kept` rows are the same op on both sides. */
export interface DiffRow {
  readonly kind: ChangeKind | 'kept';
  readonly before: number | null;
  readonly after: number | null;
  /** For a moved op, its line on the other side. */
  readonly elsewhere: number | null;
}

export function sideOf(text: string, map: LineMap): Side {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { lines, map };
}

export function opIdAt(side: Side, line: number): string | number | null {
  return side.map[line - 1]?.[0] ?? null;
}

/** The rows of a diff the server computed. */
export function diffRows(before: Side, after: Side, diff: Diff): readonly DiffRow[] {
  const left = marks(diff.changes, 'before');
  const right = marks(diff.changes, 'after');
  return spread(before, after, left, right, keptPairs(before, after, left, right));
}

interface Mark {
  readonly change: Change;
  readonly partner: number | null;
}

/** For each line a change names on one side: the change, and the line that stands for it on the other side. */
function marks(changes: readonly Change[], side: 'before' | 'after'): ReadonlyMap<number, Mark> {
  const other = side === 'before' ? 'after' : 'before';
  return new Map(
    changes.flatMap((change) =>
      change[side].map((line, at): [number, Mark] => [line, { change, partner: change[other][at] ?? null }]),
    ),
  );
}

/** Pairs of lines that no change names, in rising order: by op identity, and between those by equal text (braces, headers). */
function keptPairs(
  before: Side,
  after: Side,
  left: ReadonlyMap<number, Mark>,
  right: ReadonlyMap<number, Mark>,
): readonly [number, number][] {
  const byId = new Map<string | number, number>();
  for (let line = 1; line <= after.lines.length; line += 1) {
    const id = opIdAt(after, line);
    if (id !== null && !right.has(line) && !byId.has(id)) byId.set(id, line);
  }
  const candidates: [number, number][] = [];
  for (let line = 1; line <= before.lines.length; line += 1) {
    const id = opIdAt(before, line);
    const partner = id === null || left.has(line) ? undefined : byId.get(id);
    if (partner !== undefined) candidates.push([line, partner]);
  }
  const anchors = longestRising(candidates);
  return withEqualText(before, after, left, right, anchors);
}

/** The longest subsequence whose second members rise (patience sorting). */
export function longestRising(pairs: readonly [number, number][]): [number, number][] {
  const piles: number[] = [];
  const previous: number[] = [];
  pairs.forEach(([, value], at) => {
    let low = 0;
    let high = piles.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[piles[middle] ?? 0]?.[1] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous[at] = low > 0 ? (piles[low - 1] ?? -1) : -1;
    piles[low] = at;
  });
  const rising: [number, number][] = [];
  for (let at = piles.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) {
    const pair = pairs[at];
    if (pair) rising.unshift(pair);
  }
  return rising;
}

/** Adds, between anchors, pairs of unmarked lines of equal trimmed text: greedily, nearest first. */
function withEqualText(
  before: Side,
  after: Side,
  left: ReadonlyMap<number, Mark>,
  right: ReadonlyMap<number, Mark>,
  anchors: readonly [number, number][],
): readonly [number, number][] {
  const pairs: [number, number][] = [];
  let [b, a] = [1, 1];
  for (const [anchorB, anchorA] of [...anchors, [before.lines.length + 1, after.lines.length + 1] as [number, number]]) {
    const free: number[] = [];
    for (let line = a; line < anchorA; line += 1) if (!right.has(line)) free.push(line);
    for (; b < anchorB; b += 1) {
      if (left.has(b)) continue;
      const text = before.lines[b - 1]?.trim();
      const at = free.findIndex((line) => after.lines[line - 1]?.trim() === text);
      if (at < 0) continue;
      pairs.push([b, free[at] ?? 0]);
      free.splice(0, at + 1);
    }
    if (anchorB <= before.lines.length) pairs.push([anchorB, anchorA]);
    [b, a] = [anchorB + 1, anchorA + 1];
  }
  return pairs;
}

/** Walks both sides from one kept pair to the next; what lies between is changed. */
function spread(
  before: Side,
  after: Side,
  left: ReadonlyMap<number, Mark>,
  right: ReadonlyMap<number, Mark>,
  pairs: readonly [number, number][],
): readonly DiffRow[] {
  const rows: DiffRow[] = [];
  let [b, a] = [1, 1];
  for (const [pairB, pairA] of [...pairs, [before.lines.length + 1, after.lines.length + 1] as const]) {
    rows.push(...between(left, right, b, pairB, a, pairA));
    if (pairB <= before.lines.length) rows.push({ kind: 'kept', before: pairB, after: pairA, elsewhere: null });
    [b, a] = [pairB + 1, pairA + 1];
  }
  return rows;
}

/** Rows of one changed stretch: rewritten and fused lines beside their partners, the rest gone first and new after. */
function between(
  left: ReadonlyMap<number, Mark>,
  right: ReadonlyMap<number, Mark>,
  fromB: number,
  toB: number,
  fromA: number,
  toA: number,
): readonly DiffRow[] {
  const rows: DiffRow[] = [];
  let a = fromA;
  for (let b = fromB; b < toB; b += 1) {
    const mark = left.get(b);
    const partner = mark?.change.kind !== 'moved' ? (mark?.partner ?? null) : null;
    if (partner !== null && partner >= a && partner < toA) {
      for (; a < partner; a += 1) rows.push(only('after', a, right.get(a)));
      rows.push({ kind: mark?.change.kind ?? 'rewritten', before: b, after: a, elsewhere: null });
      a += 1;
    } else rows.push(only('before', b, mark));
  }
  for (; a < toA; a += 1) rows.push(only('after', a, right.get(a)));
  return rows;
}

function only(side: 'before' | 'after', line: number, mark: Mark | undefined): DiffRow {
  const kind = mark?.change.kind ?? (side === 'before' ? 'gone' : 'new');
  const elsewhere = mark?.partner ?? null;
  return side === 'before' ? { kind, before: line, after: null, elsewhere } : { kind, before: null, after: line, elsewhere };
}

/** A diff of any two states of the same program, from the ids of their ops: for passes that are not neighbours. */
export function diffByIdentity(before: Side, after: Side): Diff {
  const linesBefore = linesById(before);
  const linesAfter = linesById(after);
  const common = [...linesBefore].flatMap(([id, line]): [number, number][] => {
    const partner = linesAfter.get(id);
    return partner === undefined ? [] : [[line, partner]];
  });
  const still = new Set(longestRising(common).map(([line]) => line));
  const changes: Change[] = [];
  for (const [id, line] of linesBefore) {
    const partner = linesAfter.get(id);
    if (partner === undefined) changes.push({ kind: 'gone', before: [line], after: [] });
    else if (!still.has(line)) changes.push({ kind: 'moved', before: [line], after: [partner] });
    else if (before.lines[line - 1]?.trim() !== after.lines[partner - 1]?.trim())
      changes.push({ kind: 'rewritten', before: [line], after: [partner] });
  }
  for (const [id, line] of linesAfter) if (!linesBefore.has(id)) changes.push({ kind: 'new', before: [], after: [line] });
  return { changes, counts: countsOf(changes) };
}

function linesById(side: Side): ReadonlyMap<string | number, number> {
  const lines = new Map<string | number, number>();
  side.lines.forEach((_, at) => {
    const id = opIdAt(side, at + 1);
    if (id !== null && !lines.has(id)) lines.set(id, at + 1);
  });
  return lines;
}

function countsOf(changes: readonly Change[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of changes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** The part of a line that its partner does not share: from the end of their common start to the beginning of their common end. */
export function changedPart(line: string, partner: string): readonly [number, number] {
  const shorter = Math.min(line.length, partner.length);
  let from = 0;
  while (from < shorter && line[from] === partner[from]) from += 1;
  let tail = 0;
  while (tail < shorter - from && line.at(-1 - tail) === partner.at(-1 - tail)) tail += 1;
  return [from, line.length - tail];
}

export interface Hunk {
  readonly folded: boolean;
  readonly rows: readonly DiffRow[];
}

/** Long runs of kept rows fold, all but `context` rows beside a change. */
export function hunks(rows: readonly DiffRow[], context = 3): readonly Hunk[] {
  const near = new Uint8Array(rows.length);
  rows.forEach((row, at) => {
    if (row.kind !== 'kept') near.fill(1, Math.max(0, at - context), at + context + 1);
  });
  const result: { folded: boolean; rows: DiffRow[] }[] = [];
  rows.forEach((row, at) => {
    const folded = near[at] === 0;
    const open = result.at(-1);
    if (open?.folded === folded) open.rows.push(row);
    else result.push({ folded, rows: [row] });
  });
  return result;
}
