import { expect, test } from 'vitest';
import type { CoreUse, Profile } from '../generated/types';
import { coreGroups, curvePath, partsOf, reasonsOf, rooflineOf } from './profile';

const profile: Profile = {
  type: 'profile',
  scope: 'kernel',
  utilisation: {},
  traffic: {},
  stalls: {},
  roofline: [4, 100],
  roofs: [8000, 800, 2400],
  kinds: [
    {
      kind: 'AIV',
      available: 40,
      active: 40,
      cycles: 1000,
      pipes: { V: { busy: 250, stalls: { flag: 500, bandwidth: 90 } }, MTE2: { busy: 800, stalls: { queue: 100 } } },
    },
  ],
};

test('a pipe is busy, then waits by reason; bandwidth is part of busy', () => {
  const use = profile.kinds?.[0]?.pipes.V ?? { busy: 0 };
  expect(partsOf(use, 1000).map(({ name, share }) => [name, share])).toEqual([
    ['busy', 0.25],
    ['flag', 0.5],
  ]);
});

test('only reasons that occurred have a place in the legend', () => {
  expect(reasonsOf(profile)).toEqual(['flag', 'queue']);
});

test('cores are grouped by kind; those without a block and pipes without work are left out', () => {
  const core = (kind: string, index: number, blocks: number): CoreUse => ({
    kind,
    index,
    blocks,
    end: 10,
    pipes: { V: { busy: 1 }, M: { busy: 0 } },
    traffic: {},
  });
  const groups = coreGroups([core('AIV', 0, 1), core('AIV', 1, 0), core('AIC', 0, 2)], ['S', 'V', 'M']);
  expect(groups.map(({ kind, cores, pipes }) => [kind, cores.length, pipes])).toEqual([
    ['AIV', 1, ['V']],
    ['AIC', 1, ['V']],
  ]);
});

test('a curve holds each value until the next and ends on the ground', () => {
  const points = [
    [0, 50],
    [10, 0],
  ] as const;
  expect(curvePath({ name: 'UB', core: '', capacity: 100, points }, 20, 100, 40)).toBe('M0 40H0.0V20.0H50.0V40.0H100V40Z');
});

test('the point lies under its roofs', () => {
  const drawing = rooflineOf(profile, 300, 200);
  expect(drawing?.roofs.map((roof) => roof.name)).toEqual(['GM', 'L2']);
  expect(drawing?.y).toBeGreaterThan(drawing?.peakY ?? 0);
  expect(drawing?.x).toBeGreaterThan(0);
});

test('a record from before there were roofs has no roofline', () => {
  const { roofs: _, ...old } = profile;
  expect(rooflineOf(old, 300, 200)).toBeNull();
});
