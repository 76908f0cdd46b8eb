/** The profile as files: tables with the vendor profiler's columns, a report to keep or print, a trace for Perfetto. */
import { blobUrl, reportUrl } from '../../../api/http';
import type { Profile } from '../../../generated/types';
import { t } from '../../../i18n';
import { shown } from '../../../state/compilation';

export function Downloads({ profile }: { profile: Profile }) {
  const trace = shown.value?.traces.find((entry) => entry.scope === profile.scope);
  const key = shown.value?.key;
  if (!key || !profile.detail) return null;
  const name = profile.scope || 'profile';
  return (
    <p class="downloads">
      {t('profile.download')} <a href={reportUrl(key, profile.scope, 'html')}>{t('profile.download.html')}</a>{' '}
      <a href={reportUrl(key, profile.scope, 'csv')}>{t('profile.download.csv')}</a>{' '}
      {trace && (
        <a href={blobUrl(trace.blob)} download={`${name}.trace.json`}>
          {t('profile.download.trace')}
        </a>
      )}
    </p>
  );
}
