/** The launch form: drafts, their problems, and the launches they stand for. */
import { describe, expect, it } from 'vitest';
import { LAUNCH } from '../../e2e/fixtures/softmax';
import type { Inspection } from '../generated/types';
import { draftOf, type LaunchDraft, launchOf, merged, parseGrid, parseShape, problemsOf, switchKernel } from './launch';

it('gives back the launch it was filled from', () => {
  expect(launchOf(draftOf(LAUNCH))).toEqual(LAUNCH);
});

it('keeps the values of constexprs as Python writes them', () => {
  const launch = { kernel: 'k', grid: ['cdiv(n, BLOCK)', 2], constexprs: { A: true, B: null, C: 'relu', D: '8', E: 1e-5 } };
  const draft = draftOf(launch);
  expect(draft.parameters.map((parameter) => (parameter.kind === 'tensor' ? '' : parameter.text))).toEqual([
    'True',
    'None',
    '"relu"',
    '"8"',
    '0.00001',
  ]);
  expect(launchOf(draft)).toEqual({ ...launch, arguments: {} });
});

it.each([
  ['32 × 64', [32, 64]],
  ['(32, 64)', [32, 64]],
  ['32x64x8', [32, 64, 8]],
  ['98432', [98432]],
  ['()', []],
  ['', null],
  ['-3', null],
  ['n', null],
])('reads the shape %j', (text, expected) => expect(parseShape(text)).toEqual(expected));

it.each([
  ['97', [97]],
  ['cdiv(n, BLOCK), 4', ['cdiv(n, BLOCK)', 4]],
  ['', null],
  ['1, 2, 3, 4', null],
  ['cdiv(n', null],
])('reads the grid %j', (text, expected) => expect(parseGrid(text)).toEqual(expected));

it('names each field with a problem', () => {
  const draft: LaunchDraft = {
    kernel: 'k',
    grid: '',
    parameters: [
      { kind: 'tensor', name: 'x', dtype: 'float32', shape: '3,?', fill: 'normal', seed: 0, strides: null },
      { kind: 'tensor', name: 'y', dtype: 'float32', shape: '3', fill: 'randint:0', seed: 0, strides: null },
      { kind: 'scalar', name: 'n', text: 'many' },
      { kind: 'constexpr', name: 'BLOCK', text: '' },
    ],
  };
  expect(Object.fromEntries(problemsOf(draft))).toEqual({
    x: 'shape',
    y: 'fill',
    n: 'scalar',
    BLOCK: 'constexpr',
    grid: 'grid',
  });
});

describe('after an inspection', () => {
  const found: Inspection = {
    kernels: [
      { name: 'other', line: 1, parameters: [] },
      {
        name: 'softmax_kernel',
        line: 6,
        parameters: [
          { name: 'out_ptr', kind: 'tensor' },
          { name: 'scale', kind: 'scalar' },
          { name: 'BLOCK', kind: 'constexpr', default: 64 },
        ],
      },
    ],
    launch: null,
    assumed: [],
  };

  it('what was typed stays, what is new is blank, what is gone goes', () => {
    const draft = merged(draftOf(LAUNCH), found);
    expect(draft.parameters.map((parameter) => parameter.name)).toEqual(['out_ptr', 'scale', 'BLOCK']);
    expect(draft.parameters[0]).toMatchObject({ shape: '1823 × 781', fill: 'zeros' });
    expect(draft.parameters[2]).toMatchObject({ text: '1024' });
    expect(draft.grid).toBe('1823');
  });

  it('a file with other kernels starts over with what was inferred', () => {
    expect(merged({ ...draftOf(LAUNCH), kernel: 'gone' }, { ...found, launch: LAUNCH })).toEqual(draftOf(LAUNCH));
  });

  it('guesses are marked, and what was typed is none', () => {
    const guess: Inspection = {
      ...found,
      launch: { ...LAUNCH, arguments: { ...LAUNCH.arguments, more: 1 } },
      assumed: ['in_ptr', 'more'],
    };
    const marked = merged(draftOf(LAUNCH), guess).parameters.filter((parameter) => parameter.assumed);
    expect(marked.map((parameter) => parameter.name)).toEqual(['more']);
  });

  it('another kernel of the file gets its own fields', () => {
    expect(switchKernel('softmax_kernel', found).parameters[2]).toMatchObject({ name: 'BLOCK', text: '64' });
  });
});
