/** The header line: title, chip, engine, Compile with its state, Share, language, theme. */
import { local, t } from '../i18n';
import { milliseconds } from '../model/format';
import { catalogue } from '../state/catalogue';
import { busy, canCompile, compile, connection, edited, live, sending, stopCompiling } from '../state/compilation';
import { chip, engine, title } from '../state/document';
import { LANGUAGES, type Language, language, THEMES, type Theme, theme } from '../state/preferences';
import { share } from '../state/start';
import { floating } from '../state/view';

export function Header() {
  return (
    <header class="header">
      <h1>Tilescope</h1>
      <input
        class="title"
        aria-label={t('header.title')}
        placeholder={t('header.untitled')}
        value={title.value}
        maxLength={120}
        onInput={({ currentTarget }) => (title.value = currentTarget.value)}
      />
      <Pickers />
      <CompileButton />
      <State />
      <span class="grow" />
      <button type="button" class="share" onClick={() => void share()}>
        {t('share.button')}
      </button>
      <select
        class="small"
        aria-label={t('header.language')}
        value={language.value}
        onChange={({ currentTarget }) => (language.value = currentTarget.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
      <select
        class="small"
        aria-label={t('header.theme')}
        value={theme.value}
        onChange={({ currentTarget }) => (theme.value = currentTarget.value as Theme)}
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {t(`theme.${name}`)}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="quiet help-button"
        aria-label={t('header.help')}
        title={t('header.help')}
        onClick={() => (floating.value = 'help')}
      >
        ?
      </button>
    </header>
  );
}

function Pickers() {
  const chips = catalogue.value?.chips ?? [];
  const engines = catalogue.value?.engines ?? [];
  const absent = engines.find((entry) => entry.name === engine.value && !entry.available);
  return (
    <>
      <select
        class="chip"
        aria-label={t('header.chip')}
        value={chip.value}
        onChange={({ currentTarget }) => (chip.value = currentTarget.value)}
      >
        {chips.map((entry) => (
          <option key={entry.name} value={entry.name} title={local(entry.summary)}>
            {entry.name}
          </option>
        ))}
      </select>
      <select
        class="engine"
        aria-label={t('header.engine')}
        value={engine.value}
        title={local(engines.find((entry) => entry.name === engine.value)?.hint)}
        onChange={({ currentTarget }) => (engine.value = currentTarget.value as 'builtin' | 'bisheng')}
      >
        {engines.map((entry) => (
          <option key={entry.name} value={entry.name}>
            {entry.available ? entry.name : t('header.engine.absent', { name: entry.name })}
          </option>
        ))}
      </select>
      {absent && (
        <span class="hint" role="status">
          {local(absent.hint)}
        </span>
      )}
    </>
  );
}

function CompileButton() {
  if (busy.value) {
    return (
      <button type="button" class="cancel" disabled={sending.value} onClick={() => void stopCompiling()}>
        {t('compile.cancel')}
      </button>
    );
  }
  return (
    <button type="button" class="primary" disabled={!canCompile.value} title="Ctrl/⌘ Enter" onClick={() => void compile()}>
      {t('compile.run')}
    </button>
  );
}

function State() {
  const phase = live.value?.phase;
  return (
    <span
      class={`state ${sending.value ? 'queued' : (phase ?? 'idle')}`}
      role="status"
      data-phase={sending.value ? 'sending' : (phase ?? 'idle')}
    >
      <i aria-hidden="true" />
      {stateText()}
      {!busy.value && edited.value && <span class="dim"> · {t('compile.edited')}</span>}
    </span>
  );
}

function stateText(): string {
  const now = live.value;
  if (sending.value) return t('compile.sending');
  if (!now) return t('compile.idle');
  if (connection.value === 'lost') return t('compile.reconnecting');
  if (connection.value === 'refused') return t('compile.gone');
  const attempt = (now.started?.attempt ?? 1) > 1 ? ` · ${t('compile.attempt', { n: now.started?.attempt ?? 1 })}` : '';
  switch (now.phase) {
    case 'queued':
      return now.position > 0 ? t('compile.queued', { position: now.position }) : t('compile.next');
    case 'running': {
      const last = now.passes.at(-1);
      return (last ? t('compile.running', { name: last.name }) : t('compile.starting')) + attempt;
    }
    case 'done':
      return t('compile.done', { time: milliseconds(now.done?.ms) });
    default:
      return t(`compile.${now.phase}`);
  }
}
