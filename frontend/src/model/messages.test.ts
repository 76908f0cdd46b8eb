/** Templates filled as Python would fill them. */
import { expect, it } from 'vitest';
import { fill, renderMessage } from './messages';

it.each([
  ['{start} to {end}', { start: 0, end: 100 }, '0 to 100'],
  ['{bytes:,} bytes', { bytes: 1572864 }, '1,572,864 bytes'],
  ['{x:.2f}', { x: 2.34567 }, '2.35'],
  ['{x:.1%}', { x: 0.474 }, '47.4%'],
  ['{x:.3g}', { x: 1234.5 }, '1230'],
  ['{name!r} is unknown', { name: 'gelu' }, "'gelu' is unknown"],
  ['a dict is {{}}, {x}', { x: 1 }, 'a dict is {}, 1'],
  ['{missing} stays', {}, '{missing} stays'],
] as const)('%s', (template, values, expected) => expect(fill(template, values)).toBe(expected));

it('speaks the language of the reader, and English text where there is no template', () => {
  const templates = { colon: { en: 'A colon is missing after {what}.', zh: '{what} 之后缺少冒号。' } };
  const message = { code: 'colon', arguments: { what: 'def' }, text: 'as recorded' };
  expect(renderMessage(message, templates, 'zh')).toBe('def 之后缺少冒号。');
  expect(renderMessage({ ...message, code: 'newer' }, templates, 'zh')).toBe('as recorded');
});
