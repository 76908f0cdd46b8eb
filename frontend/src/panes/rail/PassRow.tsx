/** One pass in the rail: switch, name, time, cycles as bar and number, change, numeric check. */
import { useSignal } from '@preact/signals';
import { Check } from '../../components/Check';
import { PipeStrip } from '../../components/PipeStrip';
import type { Cycles, Message } from '../../generated/types';
import { local, say, t } from '../../i18n';
import { passId } from '../../model/fold';
import { change, integer, milliseconds } from '../../model/format';
import { cyclesScale, type RailFold, type RailRow } from '../../model/rail';
import { passEntry } from '../../state/catalogue';
import { pass, shown } from '../../state/compilation';
import { setSwitch, switchedOff } from '../../state/document';
import { choose, marked } from '../../state/view';

export function PassRow({ row }: { row: RailRow }) {
  const { pass: entry, cyclesBefore } = row;
  const current = pass.value !== null && passId(pass.value) === row.id;
  const scale = cyclesScale(shown.value?.passes ?? [], entry.scope);
  return (
    <li class={`row${entry.mandatory ? '' : ' optimisation'}${entry.changed ? '' : ' unchanged'}`} data-pass={entry.name}>
      {entry.mandatory ? <span class="lowering" title={t('rail.mandatory')} /> : <Switch name={entry.name} />}
      <button type="button" class="row-main" aria-current={current} onClick={() => choose(row.id)}>
        <span class="name mono" title={local(passEntry(entry.name)?.summary)}>
          {entry.name}
          {marked.value === row.id && <span class="marked" />}
        </span>
        <span class="num dim ms">{milliseconds(entry.ms)}</span>
        <CyclesCell cycles={entry.cycles} scale={scale} reason={entry.cycles_reason} />
        <Delta before={cyclesBefore} after={entry.cycles?.total} />
        <Check verification={entry.verification} />
      </button>
    </li>
  );
}

interface CyclesProps {
  readonly cycles: Cycles | null;
  /** Cycles of a full bar. */
  readonly scale: number;
  readonly reason?: Message | null | undefined;
}

export function CyclesCell({ cycles, scale, reason }: CyclesProps) {
  if (!cycles) {
    return (
      <span class="dim none" title={reason ? say(reason) : undefined}>
        {t('rail.nocycles')}
      </span>
    );
  }
  return (
    <span class="cycles">
      <span class="num">{integer(cycles.total)}</span>
      <PipeStrip busy={cycles.pipes} share={scale > 0 ? cycles.total / scale : 0} />
    </span>
  );
}

/** A change in cycles, signed; one that rounds away is neither good nor bad. */
export function Delta({ before, after }: { before: number | null; after: number | undefined }) {
  const text = change(before, after);
  const mood = text.startsWith('+') ? 'bad' : text.startsWith('−') ? 'good' : 'dim';
  return <span class={`num delta ${mood}`}>{text}</span>;
}

export function FoldedRows({ fold }: { fold: RailFold }) {
  const open = useSignal(false);
  const holdsCurrent = fold.rows.some((row) => pass.value !== null && row.id === passId(pass.value));
  const shows = open.value || holdsCurrent;
  return (
    <>
      <li class="fold">
        <button type="button" aria-expanded={shows} onClick={() => (open.value = !open.value)}>
          {t(shows ? 'rail.unfold' : 'rail.fold', { count: fold.rows.length })}
        </button>
      </li>
      {shows && fold.rows.map((row) => <PassRow key={row.id} row={row} />)}
    </>
  );
}

export function Switch({ name }: { name: string }) {
  const on = !switchedOff.value.has(name);
  return (
    <input
      type="checkbox"
      role="switch"
      aria-checked={on}
      class="switch"
      checked={on}
      aria-label={t('rail.switch', { name })}
      title={t(on ? 'rail.on' : 'rail.off')}
      onChange={({ currentTarget }) => setSwitch(name, currentTarget.checked)}
    />
  );
}
