/** Where the time goes: use of each pipe, traffic, stalls, roofline numbers, and verdicts with advice. */
import { useSignal } from '@preact/signals';
import type { Cycles, Profile, Verdict } from '../../generated/types';
import { say, t, word } from '../../i18n';
import { bytes, integer, microseconds, share, significant } from '../../model/format';
import { PIPES } from '../../model/pipes';
import { pass, shown } from '../../state/compilation';
import { selected } from '../../state/document';

import { focusSource } from '../source/Editor';

export function ProfileTab() {
  const wanted = useSignal<string | null>(null);
  const profiles = shown.value?.profiles ?? [];
  const cycles = pass.value?.cycles ?? null;
  const profile =
    profiles.find((entry) => entry.scope === wanted.value) ??
    profiles.find((entry) => entry.scope === pass.value?.scope) ??
    profiles[0];
  if (!profile && !cycles) return <p class="empty">{t('profile.none')}</p>;
  return (
    <div class="profile scroll">
      {profiles.length > 1 && profile && (
        <label class="scope-picker">
          {t('profile.scope')}{' '}
          <select value={profile.scope} onChange={({ currentTarget }) => (wanted.value = currentTarget.value)}>
            {profiles.map(({ scope }) => (
              <option key={scope} value={scope}>
                {scope || t('inspector.module')}
              </option>
            ))}
          </select>
        </label>
      )}
      {cycles && <Figures cycles={cycles} profile={profile} />}
      {profile?.verdicts && profile.verdicts.length > 0 && <Verdicts verdicts={profile.verdicts} />}
      <Pipes profile={profile} cycles={cycles} />
      <div class="profile-columns">
        {profile && <Bars title={t('profile.traffic')} values={profile.traffic} text={bytes} />}
        {profile && (
          <Bars title={t('profile.stalls')} values={profile.stalls} text={integer} name={(reason) => word('stall', reason)} />
        )}
      </div>
      {cycles && <Cores cores={cycles.cores} />}
    </div>
  );
}

function Figures({ cycles, profile }: { cycles: Cycles; profile: Profile | undefined }) {
  const [intensity, performance] = profile?.roofline ?? [];
  return (
    <dl class="figures">
      <Figure name={t('profile.total')} value={integer(cycles.total)} />
      <Figure name={t('profile.time')} value={microseconds(cycles.microseconds)} />
      <Figure name={t('profile.launch')} value={microseconds(cycles.launch_microseconds)} />
      {intensity !== undefined && (
        <Figure name={t('profile.intensity')} value={t('profile.intensity.unit', { value: significant(intensity) })} />
      )}
      {performance !== undefined && (
        <Figure name={t('profile.performance')} value={t('profile.performance.unit', { value: significant(performance) })} />
      )}
    </dl>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}

function Verdicts({ verdicts }: { verdicts: readonly Verdict[] }) {
  return (
    <section>
      <h3>{t('profile.verdicts')}</h3>
      <ul class="verdicts">
        {verdicts.map((verdict, at) => (
          <li key={`${at}:${verdict.message.code}`}>
            <p>{say(verdict.message)}</p>
            <p class="advice">
              <b>{t('profile.advice')}</b> {say(verdict.advice)}
              {(verdict.lines ?? [])
                .filter((line) => line > 0)
                .sort((a, b) => a - b)
                .map((line) => (
                  <button key={line} type="button" class="quiet" onClick={() => goTo(line)}>
                    {t('profile.lines', { lines: line })}
                  </button>
                ))}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function goTo(line: number): void {
  selected.value = { side: 'source', line };
  focusSource(line);
}

/** The final busy share as a bar, and the busy cycles after the chosen pass beside it. */
function Pipes({ profile, cycles }: { profile: Profile | undefined; cycles: Cycles | null }) {
  const pipes = PIPES.filter((pipe) => profile?.utilisation[pipe] !== undefined || cycles?.pipes[pipe]);
  return (
    <section>
      <h3>{t(profile ? 'profile.pipes' : 'profile.pipes.pass', { name: pass.value?.name ?? '' })}</h3>
      <table class="bars">
        <thead class="hidden">
          <tr>
            <th scope="col">{t('profile.pipe')}</th>
            <th scope="col">{t('profile.busy')}</th>
            <th scope="col">{t('rail.cycles')}</th>
          </tr>
        </thead>
        <tbody>
          {pipes.map((pipe) => (
            <tr key={pipe}>
              <th scope="row">
                <i class={`swatch pipe-${pipe}`} />
                <span class="mono">{pipe}</span> <span class="dim">{word('pipe', pipe)}</span>
              </th>
              <td class="bar">
                <Bar share={profile ? (profile.utilisation[pipe] ?? 0) : busyShare(cycles, pipe)} kind={`pipe-${pipe}`} />
                <span class="num">{profile ? share(profile.utilisation[pipe] ?? 0) : ''}</span>
              </td>
              <td class="num dim">
                {cycles?.pipes[pipe] !== undefined && `${integer(cycles.pipes[pipe])} ${t('rail.cycles')}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function busyShare(cycles: Cycles | null, pipe: string): number {
  const most = Math.max(1, ...Object.values(cycles?.pipes ?? {}));
  return (cycles?.pipes[pipe] ?? 0) / most;
}

function Bar({ share: length, kind }: { share: number; kind: string }) {
  return (
    <span class="bar-track" aria-hidden="true">
      <i class={kind} style={{ width: `${Math.min(1, length) * 100}%` }} />
    </span>
  );
}

interface BarsProps {
  readonly title: string;
  readonly values: Readonly<Record<string, number>>;
  readonly text: (value: number) => string;
  readonly name?: (key: string) => string;
}

function Bars({ title, values, text, name = (key) => key }: BarsProps) {
  const rows = Object.entries(values).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...rows.map(([, value]) => value));
  if (rows.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <table class="bars">
        <tbody>
          {rows.map(([key, value]) => (
            <tr key={key}>
              <th scope="row">{name(key).replace('->', ' → ')}</th>
              <td class="bar">
                <Bar share={value / most} kind="neutral" />
              </td>
              <td class="num">{text(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The cores that ran, by when they ended. */
function Cores({ cores: all }: { cores: readonly number[] }) {
  const cores = all.filter((end) => end > 0);
  if (cores.length < 2) return null;
  const last = Math.max(...cores);
  const detail = t('profile.cores.detail', { count: cores.length, first: integer(Math.min(...cores)), last: integer(last) });
  return (
    <section>
      <h3>{t('profile.cores')}</h3>
      <div class="cores" role="img" aria-label={detail}>
        {cores.map((end, at) => (
          <i key={at} style={{ height: `${last > 0 ? (end / last) * 100 : 0}%` }} title={`${at}: ${integer(end)}`} />
        ))}
      </div>
      <p class="dim num">{detail}</p>
    </section>
  );
}
