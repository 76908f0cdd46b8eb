/** A command: what it is called, which keys run it, when it can, and what it does. */

export interface Shortcut {
  /** As KeyboardEvent.key says it, in lower case. */
  readonly key: string;
  /** Ctrl, or Command on a Mac. Without it the shortcut rests while the reader types. */
  readonly mod?: boolean;
  readonly shift?: boolean;
}

export interface Command {
  readonly id: string;
  readonly label: () => string;
  readonly shortcut?: Shortcut;
  readonly enabled?: () => boolean;
  readonly perform: () => void;
}

/** The part of a KeyboardEvent that shortcuts look at. */
export interface Keys {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

export function matches(shortcut: Shortcut, keys: Keys, typing: boolean): boolean {
  const mod = keys.ctrlKey || keys.metaKey;
  if (keys.altKey || mod !== Boolean(shortcut.mod) || (typing && !mod)) return false;
  // "?" and "/" need Shift on some keyboards and not on others; letters tell it.
  const shiftFits = !/^[a-z]$/.test(shortcut.key) || keys.shiftKey === Boolean(shortcut.shift);
  return shiftFits && keys.key.toLowerCase() === shortcut.key;
}

export function findCommand(commands: readonly Command[], keys: Keys, typing: boolean): Command | null {
  return commands.find(({ shortcut, enabled }) => shortcut && matches(shortcut, keys, typing) && (enabled?.() ?? true)) ?? null;
}

/** How a shortcut is written: "Ctrl K", or "⌘ K" on a Mac. */
export function written(shortcut: Shortcut, mac: boolean): string {
  const names: Readonly<Record<string, string>> = { enter: 'Enter', escape: 'Esc' };
  const key = names[shortcut.key] ?? shortcut.key.toUpperCase();
  return [shortcut.mod ? (mac ? '⌘' : 'Ctrl') : '', shortcut.shift ? 'Shift' : '', key].filter(Boolean).join(' ');
}

/** Commands whose label holds every word of the query, in any order. */
export function search(commands: readonly Command[], query: string): readonly Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return commands.filter((command) => {
    const text = `${command.label()} ${command.id}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
