/** Diffs aligned by the identity of ops. */
import { describe, expect, it } from 'vitest';
import { changedPart, diffByIdentity, diffRows, hunks, longestRising, type Side, sideOf } from './diff';

/** Lines written as "id text"; "-" is a line of no op. */
function side(...lines: string[]): Side {
  const split = lines.map((line) => /^(\S+) ?(.*)$/.exec(line) ?? []);
  return sideOf(
    split.map(([, , text = '']) => text).join('\n'),
    split.map(([, id = '-']) => (id === '-' ? null : [id, [1]])),
  );
}

const shown = (before: Side, after: Side, diff = diffByIdentity(before, after)) =>
  diffRows(before, after, diff).map((row) => `${row.kind} ${row.before ?? '·'} ${row.after ?? '·'}`);

describe('diffRows', () => {
  it('keeps, rewrites, adds and drops, in reading order', () => {
    const before = side('- {', 'a load', 'b sub', 'c exp', '- }');
    const after = side('- {', 'a load', 'c sub_exp', 'd store', '- }');
    expect(shown(before, after)).toEqual(['kept 1 1', 'kept 2 2', 'gone 3 ·', 'rewritten 4 3', 'new · 4', 'kept 5 5']);
  });

  it('shows a moved op at both of its places', () => {
    const before = side('a one', 'b two', 'c three');
    const after = side('b two', 'c three', 'a one');
    const rows = diffRows(before, after, diffByIdentity(before, after));
    expect(rows.map((row) => [row.kind, row.before, row.after, row.elsewhere])).toEqual([
      ['moved', 1, null, 3],
      ['kept', 2, 1, null],
      ['kept', 3, 2, null],
      ['moved', null, 3, 1],
    ]);
  });

  it('puts a fused op beside the first it came from', () => {
    const before = side('a sub', 'b exp', 'c store');
    const after = side('d sub_exp', 'c store');
    const diff = { counts: { fused: 1 }, changes: [{ kind: 'fused' as const, before: [1, 2], after: [1] }] };
    expect(shown(before, after, diff)).toEqual(['fused 1 1', 'fused 2 ·', 'kept 3 2']);
  });

  it('never repeats or loses a line', () => {
    const before = side('a 1', 'b 2', '- }', 'c 3', 'd 4', '- }');
    const after = side('d 4', 'e 5', '- }', 'a 1x', '- }', '- }');
    const rows = diffRows(before, after, diffByIdentity(before, after));
    expect(rows.flatMap((row) => row.before ?? [])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(rows.flatMap((row) => row.after ?? [])).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('is nothing but kept lines between equal texts', () => {
    const same = side('a 1', '- {', 'b 2', '- }');
    expect(diffByIdentity(same, same).changes).toEqual([]);
    expect(shown(same, same)).toEqual(['kept 1 1', 'kept 2 2', 'kept 3 3', 'kept 4 4']);
  });
});

it('finds a longest rising subsequence', () => {
  const pairs: [number, number][] = [4, 1, 2, 5, 3].map((value, at) => [at, value]);
  expect(longestRising(pairs).map(([, value]) => value)).toEqual([1, 2, 3]);
});

it.each([
  ['vadd(%a, %b)', 'vsub(%a, %b)', 'add'],
  ['f(%x)', 'f(%x, %y)', ''],
  ['f(%x, %y)', 'f(%x)', ', %y'],
  ['aa', 'aaa', ''],
])('in %j, beside %j, %j differs', (line, partner, part) => {
  const [from, to] = changedPart(line, partner);
  expect(line.slice(from, to)).toBe(part);
});

it('folds long kept runs and leaves context beside a change', () => {
  const lines = Array.from({ length: 20 }, (_, at) => `${at} line`);
  const before = side(...lines);
  const after = side(...lines.with(10, '10 other'));
  const rows = diffRows(before, after, diffByIdentity(before, after));
  expect(hunks(rows).map((hunk) => [hunk.folded, hunk.rows.length])).toEqual([
    [true, 7],
    [false, 7],
    [true, 6],
  ]);
});
