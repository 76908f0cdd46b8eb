/** What this browser remembers of its reader: language, theme, column widths, diff layout. */
import { effect, type Signal, signal } from '@preact/signals';

export type Language = 'en' | 'zh';
export type Theme = 'light' | 'dark' | 'system';
/** `auto` is side by side where there is room for it. */
export type DiffLayout = 'auto' | 'side' | 'unified';
/** Shares of the page's width: source and rail; the inspector has the rest. */
export type Columns = readonly [number, number];

export const LANGUAGES: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' };
export const THEMES: readonly Theme[] = ['light', 'dark', 'system'];

export const language = remembered<Language>('language', browserLanguage(), (value) => value === 'en' || value === 'zh');
export const theme = remembered<Theme>('theme', 'system', (value) => THEMES.includes(value as Theme));
export const diffLayout = remembered<DiffLayout>(
  'diff',
  'auto',
  (value) => value === 'auto' || value === 'side' || value === 'unified',
);
export const columns = remembered<Columns>('columns', [0.29, 0.3], isColumns);

function browserLanguage(): Language {
  return globalThis.navigator?.language?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function isColumns(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number' && part > 0.05 && part < 0.8)
  );
}

function remembered<T>(name: string, initial: T, fits: (value: unknown) => boolean): Signal<T> {
  const key = `tilescope.${name}`;
  const kept = stored(key);
  const state = signal<T>(fits(kept) ? (kept as T) : initial);
  let first = true;
  effect(() => {
    const text = JSON.stringify(state.value);
    if (!first) store(key, text);
    first = false;
  });
  return state;
}

function stored(key: string): unknown {
  try {
    return JSON.parse(globalThis.localStorage?.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

function store(key: string, text: string): void {
  try {
    globalThis.localStorage?.setItem(key, text);
  } catch {
    // A browser that keeps nothing still works; it only forgets.
  }
}
