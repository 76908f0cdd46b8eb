/** The third column: one pass or the whole result, under tabs. */
import type { FunctionComponent } from 'preact';
import { local, say, t, word } from '../../i18n';
import { integer } from '../../model/format';
import { passEntry } from '../../state/catalogue';
import { pass, stale } from '../../state/compilation';
import { type Tab, tab, tabs, wantedTab } from '../../state/view';
import { DiffTab } from './DiffTab';
import { IrTab } from './IrTab';
import { MemoryTab } from './MemoryTab';
import { OutputsTab } from './OutputsTab';
import { ProfileTab } from './ProfileTab';
import { TimelineTab } from './TimelineTab';

const VIEWS: Readonly<Record<Tab, FunctionComponent>> = {
  ir: IrTab,
  diff: DiffTab,
  timeline: TimelineTab,
  memory: MemoryTab,
  profile: ProfileTab,
  outputs: OutputsTab,
};

/** Tabs that show one pass; the others show the whole result. */
const PASS_TABS: ReadonlySet<Tab> = new Set(['ir', 'diff', 'memory', 'profile']);

export function InspectorPane() {
  const View = VIEWS[tab.value];
  return (
    <section class={`pane inspector${stale.value ? ' stale' : ''}`} aria-label={t('pane.inspector')} data-pane="inspector">
      <header class="pane-head">
        <div role="tablist" aria-label={t('pane.inspector')} class="tabs" onKeyDown={arrow}>
          {tabs.value.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={name === tab.value}
              aria-controls="inspector-view"
              tabIndex={name === tab.value ? 0 : -1}
              onClick={() => (wantedTab.value = name)}
            >
              {t(`tab.${name}`)}
            </button>
          ))}
        </div>
      </header>
      <About />
      <div id="inspector-view" class="view" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
        {pass.value ? <View /> : <p class="empty">{t('inspector.empty')}</p>}
      </div>
    </section>
  );
}

/** The pass on show: where it ran, what it left, what it does, and why it was not measured where it was not. */
function About() {
  const now = pass.value;
  if (!now || !PASS_TABS.has(tab.value)) return null;
  const ops = Object.values(now.ops).reduce((sum, count) => sum + count, 0);
  const stages = [...new Set([now.stage_in, now.stage_out])].map((stage) => word('stage', stage)).join(' → ');
  const reason = now.cycles_reason && !now.cycles ? say(now.cycles_reason) : '';
  return (
    <p class="about">
      <b class="mono">{now.name}</b> {[now.scope, stages, t('ir.ops', { count: integer(ops) })].filter(Boolean).join(' · ')}
      <br />
      {local(passEntry(now.name)?.summary)} {reason}
    </p>
  );
}

function arrow(event: KeyboardEvent): void {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  if (step === 0) return;
  const list = tabs.value;
  const next = list[(list.indexOf(tab.value) + step + list.length) % list.length];
  if (!next) return;
  wantedTab.value = next;
  document.getElementById(`tab-${next}`)?.focus();
  event.preventDefault();
}
