/** Rows of the rail: grouping, folding, changes in cycles. */
import { expect, it } from 'vitest';
import { EVENTS } from '../../e2e/fixtures/softmax';
import type { Pass } from '../generated/types';
import { cyclesScale, passBefore, railRows, railSections } from './rail';

const passes = EVENTS.filter((event): event is Pass => event.type === 'pass');

const groupsOf = (list: readonly Pass[]) => railSections(list)[0]?.groups ?? [];

it('groups passes by stage and folds runs that changed nothing', () => {
  const shape = groupsOf(passes).map((group) => [
    group.stage,
    group.items.map((item) => (item.kind === 'fold' ? item.rows.length : item.pass.name)),
  ]);
  expect(shape).toEqual([
    ['tt', ['import', 3]],
    ['tensor', ['structure-access', 'fuse-elementwise']],
    ['tile', ['tile-to-core']],
    ['machine', ['plan-memory', 'double-buffer', 'insert-sync']],
  ]);
});

it('never folds away a failed check or a diagnostic', () => {
  const wrong = {
    ...(passes[2] as Pass),
    verification: { ...(passes[2]?.verification as NonNullable<Pass['verification']>), ok: false },
  };
  const [group] = groupsOf([passes[0] as Pass, passes[1] as Pass, wrong, passes[3] as Pass]);
  expect(group?.items.map((item) => item.kind)).toEqual(['pass', 'pass', 'pass', 'pass']);
});

it('compares cycles within a scope only', () => {
  const other = { ...(passes[4] as Pass), scope: 'conv_1' };
  const rows = railRows([passes[0] as Pass, other, passes[4] as Pass]);
  expect(rows.map((row) => row.cyclesBefore)).toEqual([null, null, passes[0]?.cycles?.total]);
  expect(cyclesScale([passes[0] as Pass, other], 'conv_1')).toBe(other.cycles?.total);
});

it('finds what a pass is compared with: its scope, else the module', () => {
  const first = { ...(passes[4] as Pass), scope: 'conv_1', index: 20 };
  const second = { ...(passes[5] as Pass), scope: 'conv_1', index: 21 };
  const all = [...passes.slice(0, 2), first, second];
  expect(passBefore(all, first)).toBe(passes[1]);
  expect(passBefore(all, second)).toBe(first);
  expect(passBefore(all, passes[0] as Pass)).toBeNull();
});

it('sums up a scope: where its cycles began and ended, and the first check that failed', () => {
  const layer = passes.map((pass) => ({ ...pass, scope: 'conv_1' }));
  const check = layer[3]?.verification as NonNullable<Pass['verification']>;
  const wrong = { ...check, ok: false };
  const sections = railSections([passes[0] as Pass, ...layer.with(3, { ...(layer[3] as Pass), verification: wrong })]);
  expect(sections.map((section) => section.scope)).toEqual(['', 'conv_1']);
  expect(sections[1]).toMatchObject({ first: layer[0]?.cycles, last: layer.at(-1)?.cycles, verification: wrong });
  expect(sections[1]?.rows).toHaveLength(layer.length);
});
