/** What the kernel's length is made of, by source line. */
import type { PathLine } from '../../../generated/types';
import { t } from '../../../i18n';
import { integer, share } from '../../../model/format';
import { LineButton } from './LineButton';

const SHOWN = 12;

export function CriticalPath({ path, cycles }: { path: readonly PathLine[]; cycles: number }) {
  const most = Math.max(1, ...path.map((part) => part.cycles));
  return (
    <section>
      <h3>{t('profile.path')}</h3>
      <p class="caption dim">{t('profile.path.what')}</p>
      <table class="bars">
        <thead class="hidden">
          <tr>
            <th scope="col">{t('profile.path.instruction')}</th>
            <th scope="col">{t('profile.path.share')}</th>
            <th scope="col">{t('rail.cycles')}</th>
          </tr>
        </thead>
        <tbody>
          {path.slice(0, SHOWN).map((part) => (
            <tr key={`${part.line} ${part.pipe} ${part.name}`}>
              <th scope="row">
                <i class={`swatch pipe-${part.pipe}`} />
                <span class="mono">{part.name}</span> <span class="dim mono">{part.pipe}</span>{' '}
                {part.line > 0 && <LineButton line={part.line} />}
              </th>
              <td class="bar">
                <span class="stack" aria-hidden="true">
                  <i class={`pipe-${part.pipe}`} style={{ width: `${(part.cycles / most) * 100}%` }} />
                </span>
                <span class="num">{share(part.cycles / Math.max(1, cycles))}</span>
              </td>
              <td class="num dim">{t('profile.path.times', { cycles: integer(part.cycles), count: integer(part.count) })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
