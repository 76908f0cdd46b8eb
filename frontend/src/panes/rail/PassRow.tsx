/** One pass in the rail: switch, name, time, cycles as bar and number, change, numeric check. */
import { useSignal } from '@preact/signals';
import { Check } from '../../components/Check';
import { PipeStrip } from '../../components/PipeStrip';
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
  const difference = change(cyclesBefore, entry.cycles?.total);
  const direction = difference.startsWith('+') ? 'bad' : difference.startsWith('−') ? 'good' : 'dim';
  return (
    <li class={`row${entry.mandatory ? '' : ' optimisation'}${entry.changed ? '' : ' unchanged'}`} data-pass={entry.name}>
      {entry.mandatory ? <span class="lowering" title={t('rail.mandatory')} /> : <Switch name={entry.name} />}
      <button type="button" class="row-main" aria-current={current} onClick={() => choose(row.id)}>
        <span class="name mono" title={local(passEntry(entry.name)?.summary)}>
          {entry.name}
          {marked.value === row.id && <span class="marked" />}
        </span>
        <span class="num dim ms">{milliseconds(entry.ms)}</span>
        {entry.cycles ? (
          <span class="cycles">
            <span class="num">{integer(entry.cycles.total)}</span>
            <PipeStrip busy={entry.cycles.pipes} share={scale > 0 ? entry.cycles.total / scale : 0} />
          </span>
        ) : (
          <span class="dim none" title={entry.cycles_reason ? say(entry.cycles_reason) : undefined}>
            {t('rail.nocycles')}
          </span>
        )}
        <span class={`num delta ${direction}`}>{difference}</span>
        <Check verification={entry.verification} />
      </button>
    </li>
  );
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
