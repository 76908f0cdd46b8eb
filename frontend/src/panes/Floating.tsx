/** What floats above the panes: the help dialog and the command palette. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { COMMANDS, choices } from '../commands/all';
import { type Command, search, written } from '../commands/command';
import { isMac } from '../commands/keyboard';
import { Dialog } from '../components/Dialog';
import { t } from '../i18n';
import { floating } from '../state/view';

const MOST_RESULTS = 50;

export function Floating() {
  if (floating.value === 'help') return <Help />;
  if (floating.value === 'palette') return <Palette />;
  return null;
}

function close(): void {
  floating.value = null;
}

function Help() {
  return (
    <Dialog label={t('help.title')} class="help" onClose={close}>
      <h2>{t('help.title')}</h2>
      <dl>
        {COMMANDS.map((command) => (
          <div key={command.id}>
            <dt>{command.shortcut && <kbd>{written(command.shortcut, isMac)}</kbd>}</dt>
            <dd>{command.label()}</dd>
          </div>
        ))}
      </dl>
      <p class="dim">{t('help.leave')}</p>
      <form method="dialog">
        <button type="submit">{t('dialog.close')}</button>
      </form>
    </Dialog>
  );
}

function Palette() {
  const query = useSignal('');
  const at = useSignal(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const offered = [...COMMANDS, ...choices()].filter((command) => command.id !== 'palette' && (command.enabled?.() ?? true));
  const found = search(offered, query.value).slice(0, MOST_RESULTS);
  const active = Math.min(at.value, found.length - 1);

  function perform(command: Command | undefined): void {
    if (!command) return;
    close();
    command.perform();
  }

  function key(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown') at.value = Math.min(found.length - 1, active + 1);
    else if (event.key === 'ArrowUp') at.value = Math.max(0, active - 1);
    else if (event.key === 'Enter') perform(found[active]);
    else return;
    event.preventDefault();
  }

  return (
    <Dialog label={t('palette.title')} class="palette" onClose={close}>
      <input
        ref={input}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[active] ? `palette-${active}` : undefined}
        aria-label={t('palette.title')}
        placeholder={t('palette.placeholder')}
        value={query.value}
        onInput={({ currentTarget }) => {
          query.value = currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={key}
      />
      <div id="palette-list" role="listbox" aria-label={t('palette.title')}>
        {found.map((command, index) => (
          <Choice
            key={command.id}
            id={`palette-${index}`}
            command={command}
            active={index === active}
            onPick={() => perform(command)}
          />
        ))}
        {found.length === 0 && <p class="empty">{t('palette.none')}</p>}
      </div>
    </Dialog>
  );
}

function Choice({ id, command, active, onPick }: { id: string; command: Command; active: boolean; onPick: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (active) element.current?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  return (
    // The combobox holds the focus and takes the keys.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    <div ref={element} id={id} role="option" aria-selected={active} onClick={onPick}>
      <span>{command.label()}</span>
      {command.shortcut && <kbd>{written(command.shortcut, isMac)}</kbd>}
    </div>
  );
}
