/** Runs commands by their shortcuts, wherever the focus is. */
import { floating } from '../state/view';
import { COMMANDS } from './all';
import { findCommand } from './command';

export const isMac = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '');

export function listen(): () => void {
  window.addEventListener('keydown', run, { capture: true });
  return () => window.removeEventListener('keydown', run, { capture: true });
}

function run(event: KeyboardEvent): void {
  if (event.isComposing || floating.value !== null) return;
  const command = findCommand(COMMANDS, event, isTyping(event.target));
  if (!command) return;
  event.preventDefault();
  event.stopPropagation();
  command.perform();
}

/** Text fields take letters for themselves; a read-only text does not. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return target.getAttribute('aria-readonly') !== 'true';
  return target.matches('input:not([type=checkbox]), textarea, select');
}
