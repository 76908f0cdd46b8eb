/** What limits the program, what to try next, and what that can save at most. */
import type { Verdict } from '../../../generated/types';
import { say, t } from '../../../i18n';
import { integer, share } from '../../../model/format';
import { LineButton } from './LineButton';

export function Verdicts({ verdicts }: { verdicts: readonly Verdict[] }) {
  return (
    <section>
      <h3>{t('profile.verdicts')}</h3>
      <ul class="verdicts">
        {verdicts.map((verdict, at) => (
          <li key={`${at}:${verdict.message.code}`}>
            <p>{say(verdict.message)}</p>
            <p class="advice">
              <b>{t('profile.advice')}</b> {say(verdict.advice)}
              {[...(verdict.lines ?? [])]
                .filter((line) => line > 0)
                .sort((a, b) => a - b)
                .map((line) => (
                  <LineButton key={line} line={line} />
                ))}
            </p>
            {verdict.gain && (
              <p class="gain num">
                {verdict.gain.cycles > 0
                  ? t('profile.gain', { share: share(verdict.gain.share), cycles: integer(verdict.gain.cycles) })
                  : t('profile.gain.none')}
              </p>
            )}
          </li>
        ))}
      </ul>
      {verdicts.some((verdict) => verdict.gain) && <p class="caption dim">{t('profile.gain.what')}</p>}
    </section>
  );
}
