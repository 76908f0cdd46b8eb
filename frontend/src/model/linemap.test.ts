/** Links between source lines and IR lines. */
import { expect, it } from 'vitest';
import { type LineMap, linkFromIr, linkFromSource } from './linemap';

const map: LineMap = [['f', [6]], ['a', [10]], ['b', [10, 11]], null, ['c', [11]]];

it('finds the IR lines of a source line', () => {
  expect(linkFromSource(map, 10)).toEqual({ source: [10], ir: [2, 3], related: [] });
});

it('finds the source of an IR line, and what else came from there', () => {
  expect(linkFromIr(map, 3)).toEqual({ source: [10, 11], ir: [3], related: [2, 5] });
});

it('links nothing where there is no op', () => {
  expect(linkFromIr(map, 4)).toEqual({ source: [], ir: [4], related: [] });
});
