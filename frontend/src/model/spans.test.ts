/** Spans of diagnostics as offsets, and fix-its as changes. */
import { Text } from '@codemirror/state';
import { expect, it } from 'vitest';
import { changesOf, rangeOf } from './spans';

const text = Text.of(['def f(x)', '    y = x']);

it.each([
  [{ line: 2, column: 5, end_line: 2, end_column: 6 }, 'y'],
  [{ line: 1, column: 5 }, 'f(x)'],
  [{ line: 9, column: 1 }, '    y = x'],
  [{ line: 1, column: 7, end_line: 2, end_column: 99 }, 'x)\n    y = x'],
])('%j', (span, expected) => {
  const { from, to } = rangeOf(span, text);
  expect(text.sliceString(from, to)).toBe(expected);
});

it('orders the edits of a fix-it', () => {
  const edits = [
    { span: { line: 2, column: 5, end_line: 2, end_column: 6 }, text: 'z' },
    { span: { line: 1, column: 9, end_line: 1, end_column: 9 }, text: ':' },
  ];
  expect(changesOf(edits, text)).toEqual([
    { from: 8, to: 8, insert: ':' },
    { from: 13, to: 14, insert: 'z' },
  ]);
});
