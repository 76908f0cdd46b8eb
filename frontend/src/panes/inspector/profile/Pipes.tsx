/** Each pipe of each kind of core: busy, and stalled by reason, as shares of the active cores' time. */
import type { Cycles, Profile } from '../../../generated/types';
import { t, word } from '../../../i18n';
import { integer, share } from '../../../model/format';
import { PIPES } from '../../../model/pipes';
import { partsOf, reasonsOf } from '../../../model/profile';
import { Legend, partText, Stack } from './Stack';

export function Pipes({ profile }: { profile: Profile }) {
  const kinds = profile.kinds ?? [];
  return (
    <section>
      <h3>{t('profile.pipes.kinds')}</h3>
      <Legend reasons={reasonsOf(profile)} />
      <table class="bars">
        <thead class="hidden">
          <tr>
            <th scope="col">{t('profile.pipe')}</th>
            <th scope="col">{t('profile.busy')}</th>
            <th scope="col">{t('profile.instructions')}</th>
          </tr>
        </thead>
        <tbody>
          {kinds.flatMap((kind) =>
            PIPES.filter((pipe) => (kind.pipes[pipe]?.busy ?? 0) > 0).map((pipe) => {
              const use = kind.pipes[pipe] ?? { busy: 0 };
              const said = partsOf(use, kind.cycles).map(partText).join(' · ');
              return (
                <tr key={`${kind.kind} ${pipe}`} title={said}>
                  <th scope="row">
                    <i class={`swatch pipe-${pipe}`} />
                    <span class="mono">{kinds.length > 1 ? `${kind.kind} ${pipe}` : pipe}</span>{' '}
                    <span class="dim">{word('pipe', pipe)}</span>
                  </th>
                  <td class="bar">
                    <Stack pipe={pipe} use={use} cycles={kind.cycles} />
                    <span class="num">{share(use.busy / Math.max(1, kind.cycles))}</span>
                    <span class="hidden">{said}</span>
                  </td>
                  <td class="num dim">
                    {(use.instructions ?? 0) > 0 && t('profile.count', { count: integer(use.instructions) })}
                  </td>
                </tr>
              );
            }),
          )}
        </tbody>
      </table>
    </section>
  );
}

/** What a pass without a profile of its own is known by: the busy cycles of each pipe, on a common scale. */
export function PassPipes({ cycles, name }: { cycles: Cycles; name: string }) {
  const pipes = PIPES.filter((pipe) => cycles.pipes[pipe]);
  const most = Math.max(1, ...Object.values(cycles.pipes));
  return (
    <section>
      <h3>{t('profile.pipes.pass', { name })}</h3>
      <table class="bars">
        <tbody>
          {pipes.map((pipe) => (
            <tr key={pipe}>
              <th scope="row">
                <i class={`swatch pipe-${pipe}`} />
                <span class="mono">{pipe}</span> <span class="dim">{word('pipe', pipe)}</span>
              </th>
              <td class="bar">
                <Stack pipe={pipe} use={{ busy: cycles.pipes[pipe] ?? 0 }} cycles={most} />
              </td>
              <td class="num dim">
                {integer(cycles.pipes[pipe])} {t('rail.cycles')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
