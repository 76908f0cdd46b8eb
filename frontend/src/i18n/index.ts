/** The page's words in the reader's language, as a signal: what reads them follows a change of language. */
import { computed } from '@preact/signals';
import type { Message } from '../generated/types';
import { fill, renderMessage } from '../model/messages';
import { catalogue } from '../state/catalogue';
import { language } from '../state/preferences';
import { en, type Key } from './en';
import { zh } from './zh';

export type { Key } from './en';

const dictionaries = { en, zh } as const;
const words = computed<Readonly<Record<Key, string>>>(() => dictionaries[language.value]);

export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return fill(words.value[key], values);
}

/** A word for a name that the server may add to: the dictionary's where it has one, else the name itself. */
export function word(prefix: 'stall' | 'pipe' | 'stage', name: string): string {
  const key = `${prefix}.${name}`;
  return key in en ? words.value[key as Key] : name;
}

export function say(message: Message): string {
  return renderMessage(message, catalogue.value?.messages ?? {}, language.value);
}

/** A text the catalogue gives by language. */
export function local(texts: Readonly<Record<string, string>> | undefined): string {
  return texts?.[language.value] ?? texts?.en ?? '';
}
