/** The second column: passes top to bottom as they arrive, under a line of cycles over passes. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Check } from '../../components/Check';
import { local, t, word } from '../../i18n';
import { passId } from '../../model/fold';
import { integer, microseconds, milliseconds } from '../../model/format';
import { PIPES } from '../../model/pipes';
import { type RailGroup, type RailSection, railSections } from '../../model/rail';
import { passEntry } from '../../state/catalogue';
import { chosen, live, pass, shown, stale } from '../../state/compilation';
import { switchedOff } from '../../state/document';
import { choose } from '../../state/view';
import { Chart } from './Chart';
import { CyclesCell, Delta, FoldedRows, PassRow, Switch } from './PassRow';

export function RailPane() {
  const passes = shown.value?.passes ?? [];
  const mood = `${stale.value ? ' stale' : ''}${shown.value?.phase === 'running' ? ' arriving' : ''}`;
  return (
    <section class={`pane rail${mood}`} aria-label={t('pane.passes')} data-pane="passes" data-passes={passes.length}>
      <header class="pane-head">
        <h2>{t('pane.passes')}</h2>
        <Totals />
        <span class="grow" />
        {chosen.value !== null && passes.length > 0 && (
          <button type="button" class="pill" onClick={() => choose(null)}>
            {t('rail.follow')}
          </button>
        )}
      </header>
      {passes.length > 0 ? <Rows /> : <Empty />}
    </section>
  );
}

function Totals() {
  const cycles = shown.value?.done?.cycles;
  if (!cycles) return null;
  return (
    <span class="num dim">
      {integer(cycles.total)} {t('rail.cycles')} · {microseconds(cycles.microseconds)}
    </span>
  );
}

function Empty() {
  const phase = live.value?.phase;
  const key = phase === 'failed' ? 'rail.failed' : phase === 'running' || phase === 'queued' ? 'rail.waiting' : 'rail.empty';
  return <p class="empty">{t(key)}</p>;
}

function Rows() {
  const list = useRef<HTMLDivElement>(null);
  const passes = shown.value?.passes ?? [];
  const following = chosen.value === null;
  const at = pass.value;
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at, following]);
  const sections = railSections(passes);
  return (
    <>
      <Chart />
      <div class="rail-columns" aria-hidden="true">
        <span />
        <span>{t('rail.pass')}</span>
        <span>{t('rail.time')}</span>
        <span>{t('rail.cycles')}</span>
        <span>{t('rail.change')}</span>
        <span />
      </div>
      <div class="rail-list" ref={list}>
        {sections.map((section) => (
          <Section key={section.scope} section={section} all={sections} />
        ))}
        <SwitchedOff />
      </div>
      <Legend />
    </>
  );
}

/** One scope: of several, each folds to a line that sums it up, and the one with the chosen pass is open. */
function Section({ section, all }: { section: RailSection; all: readonly RailSection[] }) {
  const wanted = useSignal<boolean | null>(null);
  const { scope, rows, groups } = section;
  if (all.length === 1 || scope === '') return <Groups groups={groups} scope={scope} />;
  const open = wanted.value ?? rows.some((row) => pass.value !== null && row.id === passId(pass.value));
  return (
    <section aria-label={scope} class="rail-section">
      <ScopeHead
        section={section}
        scale={Math.max(...all.filter((other) => other.scope).map((other) => other.last?.total ?? 0))}
        open={open}
        onToggle={() => (wanted.value = !open)}
      />
      {open && <Groups groups={groups} scope={scope} />}
    </section>
  );
}

interface ScopeHeadProps {
  readonly section: RailSection;
  /** The most cycles of any scope: the common scale of these bars. */
  readonly scale: number;
  readonly open: boolean;
  readonly onToggle: () => void;
}

function ScopeHead({ section: { scope, rows, first, last, verification, ms }, scale, open, onToggle }: ScopeHeadProps) {
  return (
    <h3 class="scope">
      <button
        type="button"
        class="row-main"
        aria-expanded={open}
        title={t('rail.passes', { count: rows.length })}
        onClick={onToggle}
      >
        <span class="name mono">{scope}</span>
        <span class="num dim ms">{milliseconds(ms)}</span>
        <CyclesCell cycles={last} scale={scale} />
        <Delta before={first?.total ?? null} after={last?.total} />
        <Check verification={verification} />
      </button>
    </h3>
  );
}

function Groups({ groups, scope }: { groups: readonly RailGroup[]; scope: string }) {
  return (
    <>
      {groups.map((group, index) => (
        <section
          key={`${index}:${group.stage}`}
          aria-label={`${scope} ${word('stage', group.stage)}`.trim()}
          class="rail-group"
        >
          <h4 class="stage">{word('stage', group.stage)}</h4>
          <ol>
            {group.items.map((item) =>
              item.kind === 'fold' ? <FoldedRows key={item.rows[0]?.id} fold={item} /> : <PassRow key={item.id} row={item} />,
            )}
          </ol>
        </section>
      ))}
    </>
  );
}

/** Which colour is which pipe, for the pipes that this compilation uses. */
function Legend() {
  const used = new Set(
    shown.value?.passes.flatMap((entry) =>
      Object.entries(entry.cycles?.pipes ?? {}).flatMap(([pipe, busy]) => (busy > 0 ? [pipe] : [])),
    ),
  );
  if (used.size === 0) return null;
  return (
    <ul class="legend" aria-label={t('rail.legend')}>
      {PIPES.filter((pipe) => used.has(pipe)).map((pipe) => (
        <li key={pipe}>
          <i class={`swatch pipe-${pipe}`} />
          {pipe} {word('pipe', pipe)}
        </li>
      ))}
    </ul>
  );
}

/** Optimisations that did not run because they are off: here to be switched on again. */
function SwitchedOff() {
  const ran = new Set(shown.value?.passes.map((entry) => entry.name));
  const absent = [...switchedOff.value].filter((name) => !ran.has(name)).sort();
  if (absent.length === 0) return null;
  return (
    <section class="rail-group" aria-label={t('rail.notrun')}>
      <h4 class="stage">{t('rail.notrun')}</h4>
      <ol>
        {absent.map((name) => (
          <li key={name} class="row off">
            <Switch name={name} />
            <span class="row-main">
              <span class="name mono" title={local(passEntry(name)?.summary)}>
                {name}
              </span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
