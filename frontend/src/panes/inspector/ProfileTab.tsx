/** Where the time goes: verdicts with advice, pipes, cores, the critical path, traffic, the roofline. One file a section in profile/. */
import { useSignal } from '@preact/signals';
import type { Cycles, Profile } from '../../generated/types';
import { t } from '../../i18n';
import { bytes, integer, microseconds, share, significant } from '../../model/format';
import { pass, shown } from '../../state/compilation';
import { Cores } from './profile/Cores';
import { CriticalPath } from './profile/CriticalPath';
import { Curves } from './profile/Curves';
import { Downloads } from './profile/Downloads';
import { PassPipes, Pipes } from './profile/Pipes';
import { Roofline } from './profile/Roofline';
import { Trust } from './profile/Trust';
import { useDetail } from './profile/useDetail';
import { Verdicts } from './profile/Verdicts';

export function ProfileTab() {
  const wanted = useSignal<string | null>(null);
  const profiles = shown.value?.profiles ?? [];
  const cycles = pass.value?.cycles ?? null;
  const profile =
    profiles.find((entry) => entry.scope === wanted.value) ??
    profiles.find((entry) => entry.scope === pass.value?.scope) ??
    profiles[0];
  const detail = useDetail(profile).value;
  if (!profile && !cycles) return <p class="empty">{t('profile.none')}</p>;
  const measured = (profile?.kinds ?? []).length > 0;
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
      <Trust chip={shown.value?.started?.chip ?? ''} />
      {profile && <Downloads profile={profile} />}
      {profile?.verdicts && profile.verdicts.length > 0 && <Verdicts verdicts={profile.verdicts} />}
      {profile && measured && <Pipes profile={profile} />}
      {!measured && cycles && <PassPipes cycles={cycles} name={pass.value?.name ?? ''} />}
      <div class="profile-columns">
        {profile && <Roofline profile={profile} />}
        {profile && <Traffic profile={profile} />}
      </div>
      {detail?.path && detail.path.length > 0 && <CriticalPath path={detail.path} cycles={profile?.cycles ?? 0} />}
      {detail && <Cores cores={detail.cores} />}
      <Curves title={t('profile.occupancy')} series={detail?.occupancy ?? []} end={profile?.cycles ?? 0} unit="bytes" />
      <Curves title={t('profile.bandwidth')} series={detail?.bandwidth ?? []} end={profile?.cycles ?? 0} unit="rate" />
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
      {typeof profile?.l2_hits === 'number' && <Figure name={t('profile.l2')} value={share(profile.l2_hits)} />}
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

/** Bytes by path, the most first. */
function Traffic({ profile }: { profile: Profile }) {
  const rows = Object.entries(profile.traffic).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...rows.map(([, value]) => value));
  if (rows.length === 0) return null;
  return (
    <section>
      <h3>{t('profile.traffic')}</h3>
      <table class="bars">
        <tbody>
          {rows.map(([path, moved]) => (
            <tr key={path}>
              <th scope="row">{path.replace('->', ' → ')}</th>
              <td class="bar">
                <span class="stack" aria-hidden="true">
                  <i class="neutral" style={{ width: `${(moved / most) * 100}%` }} />
                </span>
              </td>
              <td class="num">{bytes(moved)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
