/** Peak bytes of each on-chip buffer after a pass, against what one core has; and how they fill over the final run. */
import { t } from '../../i18n';
import { bytes, share } from '../../model/format';
import { chipEntry } from '../../state/catalogue';
import { pass, shown } from '../../state/compilation';
import { Curves } from './profile/Curves';
import { useDetail } from './profile/useDetail';

/** The pipe that fills each buffer lends it its colour. */
const FILLED_BY: Readonly<Record<string, string>> = { UB: 'V', L1: 'MTE2', L0A: 'MTE1', L0B: 'MTE1', L0C: 'M' };

export function MemoryTab() {
  const now = pass.value;
  const peaks = now?.memory ?? {};
  const capacities = chipEntry(shown.value?.started?.chip ?? '')?.buffers ?? {};
  const names = [...new Set([...Object.keys(capacities), ...Object.keys(peaks)])];
  const profile = shown.value?.profiles.find((entry) => entry.scope === now?.scope) ?? shown.value?.profiles[0];
  const detail = useDetail(profile).value;
  return (
    <div class="scroll">
      <h3>{t('memory.title', { name: now?.name ?? '' })}</h3>
      <table class="bars data">
        <thead>
          <tr>
            <th scope="col">{t('memory.buffer')}</th>
            <th scope="col">{t('memory.share')}</th>
            <th scope="col" class="end">
              {t('memory.peak')}
            </th>
            <th scope="col" class="end">
              {t('memory.capacity')}
            </th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => {
            const peak = peaks[name] ?? 0;
            const capacity = capacities[name];
            const part = capacity ? peak / capacity : 0;
            return (
              <tr key={name}>
                <th scope="row" class="mono">
                  {name}
                </th>
                <td class="bar">
                  <span class="bar-track" aria-hidden="true">
                    <i
                      class={part > 1 ? 'over' : `pipe-${FILLED_BY[name] ?? 'S'}`}
                      style={{ width: `${Math.min(1, part) * 100}%` }}
                    />
                  </span>
                  <span class={`num${part > 1 ? ' bad' : ''}`}>{capacity ? share(part) : ''}</span>
                </td>
                <td class="num">{bytes(peak)}</td>
                <td class="num dim">{bytes(capacity)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <Curves title={t('profile.occupancy')} series={detail?.occupancy ?? []} end={profile?.cycles ?? 0} unit="bytes" />
    </div>
  );
}
