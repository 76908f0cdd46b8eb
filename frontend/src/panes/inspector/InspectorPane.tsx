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
const PASS_TABS: ReadonlySet<Tab> = new Set(['ir', 'diff', 'memory']);

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
        <span class="grow" />
        <Chosen />
      </header>
      <About />
      <div id="inspector-view" class="view" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
        {pass.value ? <View /> : <p class="empty">{t('inspector.empty')}</p>}
      </div>
    </section>
  );
}

/** What the pass does, and why it was not measured where it was not. */
function About() {
  const now = pass.value;
  if (!now || !PASS_TABS.has(tab.value)) return null;
  const summary = local(passEntry(now.name)?.summary);
  const reason = now.cycles_reason && !now.cycles ? say(now.cycles_reason) : '';
  if (!summary && !reason) return null;
  return (
    <p class="about">
      {summary} {reason}
    </p>
  );
}

/** Which pass is on show, and how many ops it left. */
function Chosen() {
  const now = pass.value;
  if (!now) return null;
  const ops = Object.values(now.ops).reduce((sum, count) => sum + count, 0);
  const stages = [...new Set([now.stage_in, now.stage_out])].map((stage) => word('stage', stage));
  return (
    <span class="chosen">
      <span class="mono">{now.name}</span>
      <span class="dim">
        {now.scope && `${now.scope} · `}
        {stages.join(' → ')} · {t('ir.ops', { count: integer(ops) })}
      </span>
    </span>
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
