/** Shortcuts and the search of the palette. */
import { expect, it } from 'vitest';
import { type Command, findCommand, search, written } from './command';

const command = (id: string, shortcut?: Command['shortcut'], enabled?: () => boolean): Command => ({
  id,
  label: () => `Do ${id}`,
  perform: () => undefined,
  ...(shortcut ? { shortcut } : {}),
  ...(enabled ? { enabled } : {}),
});
const commands = [
  command('compile', { key: 'enter', mod: true }),
  command('next', { key: 'j' }),
  command('diff', { key: 'd' }),
  command('pick', { key: 'd', shift: true }),
  command('help', { key: '?' }),
  command('off', { key: 'x' }, () => false),
];
const keys = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
const found = (key: string, more = {}, typing = false) => findCommand(commands, keys(key, more), typing)?.id ?? null;

it('tells letters apart by Shift and leaves other signs to the keyboard', () => {
  expect([found('d'), found('D', { shiftKey: true }), found('?', { shiftKey: true }), found('?')]).toEqual([
    'diff',
    'pick',
    'help',
    'help',
  ]);
});

it('rests while the reader types, but for Ctrl and Command', () => {
  expect(found('j', {}, true)).toBeNull();
  expect(found('Enter', { ctrlKey: true }, true)).toBe('compile');
  expect(found('Enter', { metaKey: true })).toBe('compile');
  expect(found('Enter')).toBeNull();
});

it('passes over what is not enabled, and over Alt', () => {
  expect([found('x'), found('j', { altKey: true }), found('j', { ctrlKey: true })]).toEqual([null, null, null]);
});

it('finds commands by words in any order', () => {
  expect(search(commands, 'pick do').map(({ id }) => id)).toEqual(['pick']);
});

it('writes shortcuts as the machine calls them', () => {
  expect([written({ key: 'k', mod: true }, true), written({ key: 'enter', mod: true }, false)]).toEqual(['⌘ K', 'Ctrl Enter']);
});
