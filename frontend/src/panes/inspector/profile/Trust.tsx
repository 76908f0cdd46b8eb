/** How far the cycles are to be trusted: the emulator's error on kernels whose time on silicon was published. */
import { t } from '../../../i18n';
import { microseconds } from '../../../model/format';
import { signedPercent } from '../../../model/profile';
import { fidelityOf } from '../../../state/catalogue';

export function Trust({ chip }: { chip: string }) {
  const fidelity = fidelityOf(chip);
  if (!fidelity) return <p class="caption dim">{t('fidelity.none', { chip })}</p>;
  return (
    <details class="trust">
      <summary>
        {t('fidelity.summary', { median: fidelity.median, worst: fidelity.worst, count: fidelity.cases.length })}
      </summary>
      <div class="wide-table">
        <table class="bars">
          <thead>
            <tr>
              <th scope="col">{t('fidelity.kernel')}</th>
              <th scope="col" class="end">
                {t('fidelity.published')}
              </th>
              <th scope="col" class="end">
                {t('fidelity.emulated')}
              </th>
              <th scope="col" class="end">
                {t('fidelity.error')}
              </th>
            </tr>
          </thead>
          <tbody>
            {fidelity.cases.map((entry) => (
              <tr key={entry.name} title={`${entry.schedule}. ${entry.source}`}>
                <th scope="row">
                  {entry.name} <span class="dim">{entry.chip}</span>
                </th>
                <td class="num">{microseconds(entry.published)}</td>
                <td class="num">{microseconds(entry.emulated)}</td>
                <td class="num">{signedPercent(entry.error)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="caption dim">
        {t('fidelity.fitted', { count: fidelity.fitted?.length ?? 0 })}{' '}
        <span class="mono">{(fidelity.fitted ?? []).map((entry) => entry.parameter).join(', ')}</span>
      </p>
    </details>
  );
}
