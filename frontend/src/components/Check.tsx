/** The mark of a numeric check: a sign and a word, with the errors behind it as its title. */
import type { Verification } from '../generated/types';
import { t } from '../i18n';
import { significant } from '../model/format';

export function checkDetail({ max_abs, max_rel, against, atol, rtol }: Verification): string {
  return t('check.detail', {
    abs: significant(max_abs),
    rel: significant(max_rel),
    against,
    atol: significant(atol),
    rtol: significant(rtol),
  });
}

export function Check({ verification, word = false }: { verification: Verification | null | undefined; word?: boolean }) {
  if (!verification) return <span class="check dim" role="img" aria-label={t('check.none')} title={t('check.none')} />;
  const text = t(verification.ok ? 'check.ok' : 'check.bad');
  return (
    <span class={`check ${verification.ok ? 'good' : 'bad'}`} title={`${text}: ${checkDetail(verification)}`}>
      <span aria-hidden="true">{verification.ok ? '✓' : '✕'}</span>
      <span class={word ? '' : 'hidden'}>{text}</span>
    </span>
  );
}
