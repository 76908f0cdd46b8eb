/** Diagnostics, rising from below: what, where, why, and fixes that apply in one click. */
import type { Diagnostic } from '../generated/types';
import { say, t } from '../i18n';
import { diagnostics } from '../state/compilation';
import { selected } from '../state/document';
import { drawerOpen, narrowPane } from '../state/view';
import { applyFix, focusSource } from './source/Editor';

export function Drawer() {
  const found = diagnostics.value;
  if (found.length === 0 || !drawerOpen.value) return null;
  return (
    <section class="drawer" aria-label={t('diagnostics.title')}>
      <header class="pane-head">
        <h2>{t('diagnostics.title')}</h2>
        <span class="dim">{found.length}</span>
        <span class="grow" />
        <button type="button" class="quiet" onClick={() => (drawerOpen.value = false)}>
          {t('diagnostics.close')}
        </button>
      </header>
      <ul>
        {found.map((entry, at) => (
          <Row key={`${at}:${entry.message.code}`} entry={entry} />
        ))}
      </ul>
    </section>
  );
}

const SIGNS = { error: '✕', warning: '△', note: 'ⓘ' } as const;

function Row({ entry }: { entry: Diagnostic }) {
  const line = entry.spans?.[0]?.line;
  return (
    <li class={`finding ${entry.severity}`}>
      <span class="severity">
        <span aria-hidden="true">{SIGNS[entry.severity]}</span> {t(`severity.${entry.severity}`)}
      </span>
      {line !== undefined && (
        <button type="button" class="quiet mono" onClick={() => goTo(line)}>
          {t('diagnostics.line', { line })}
        </button>
      )}
      {entry.node && <span class="mono">{t('diagnostics.node', { node: entry.node })}</span>}
      <span class="grow">{say(entry.message)}</span>
      {(entry.fixits ?? []).map((fix) => (
        <button key={fix.label.code} type="button" onClick={() => applyFix(fix)}>
          {say(fix.label)}
        </button>
      ))}
    </li>
  );
}

function goTo(line: number): void {
  narrowPane.value = 'source';
  selected.value = { side: 'source', line };
  focusSource(line);
}
