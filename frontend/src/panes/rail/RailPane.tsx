/** The second column: passes top to bottom as they arrive, under a line of cycles over passes. */
import { useEffect, useRef } from 'preact/hooks';
import { t, word } from '../../i18n';
import { integer, microseconds } from '../../model/format';
import { PIPES } from '../../model/pipes';
import { type RailGroup, railGroups } from '../../model/rail';
import { passEntry } from '../../state/catalogue';
import { chosen, live, pass, shown, stale } from '../../state/compilation';
import { switchedOff } from '../../state/document';
import { choose } from '../../state/view';
import { Chart } from './Chart';
import { FoldedRows, PassRow, Switch } from './PassRow';

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
  const groups = railGroups(passes);
  const several = new Set(passes.map((entry) => entry.scope)).size > 1;
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
        {groups.map((group, index) => (
          <Group
            key={`${index}:${group.scope}:${group.stage}`}
            group={group}
            newScope={several && groups[index - 1]?.scope !== group.scope}
          />
        ))}
        <SwitchedOff />
      </div>
      <Legend />
    </>
  );
}

function Group({ group, newScope }: { group: RailGroup; newScope: boolean }) {
  const name = `${group.scope} ${word('stage', group.stage)}`.trim();
  return (
    <section aria-label={name} class={`rail-group${newScope && group.scope ? ' new-scope' : ''}`}>
      {newScope && group.scope && <h3 class="scope mono">{group.scope}</h3>}
      <h4 class={`stage stage-${group.stage}`}>{word('stage', group.stage)}</h4>
      <ol>
        {group.items.map((item) =>
          item.kind === 'fold' ? <FoldedRows key={item.rows[0]?.id} fold={item} /> : <PassRow key={item.id} row={item} />,
        )}
      </ol>
    </section>
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
              <span class="name mono" title={passEntry(name)?.summary.en}>
                {name}
              </span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
