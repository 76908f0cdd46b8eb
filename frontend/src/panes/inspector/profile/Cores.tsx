/** Every core that ran: a strip a pipe, a column a core; as tall as the core was busy, with what it waited for on top. */
import type { CoreUse } from '../../../generated/types';
import { t } from '../../../i18n';
import { integer, share } from '../../../model/format';
import { PIPES } from '../../../model/pipes';
import { coreGroups, partsOf } from '../../../model/profile';
import { partText, Stack } from './Stack';

export function Cores({ cores }: { cores: readonly CoreUse[] }) {
  const last = Math.max(1, ...cores.map((core) => core.end));
  return (
    <section>
      <h3>{t('profile.cores')}</h3>
      {coreGroups(cores, PIPES).map((group) => (
        <div key={group.kind}>
          {group.pipes.map((pipe) => (
            <div key={pipe} class="core-strip">
              <span class="mono dim">
                {group.kind} {pipe}
              </span>
              <span class="core-columns" role="img" aria-label={stripText(group.cores, pipe, last)}>
                {group.cores.map((core) => {
                  const use = core.pipes[pipe] ?? { busy: 0 };
                  const title = [
                    t('profile.core', { kind: core.kind, index: core.index, blocks: integer(core.blocks) }),
                    ...partsOf(use, last).map(partText),
                    t('profile.core.end', { end: integer(core.end) }),
                  ];
                  return (
                    <span key={core.index} class="core-column" title={title.join(' · ')}>
                      <Stack pipe={pipe} use={use} cycles={last} upright />
                    </span>
                  );
                })}
              </span>
            </div>
          ))}
          <p class="dim num">{endsText(group.cores)}</p>
        </div>
      ))}
    </section>
  );
}

function endsText(cores: readonly CoreUse[]): string {
  const ends = cores.map((core) => core.end);
  return t('profile.cores.detail', {
    count: cores.length,
    first: integer(Math.min(...ends)),
    last: integer(Math.max(...ends)),
  });
}

function stripText(cores: readonly CoreUse[], pipe: string, last: number): string {
  const busy = cores.map((core) => (core.pipes[pipe]?.busy ?? 0) / last);
  return t('profile.cores.strip', {
    pipe,
    count: cores.length,
    least: share(Math.min(...busy)),
    most: share(Math.max(...busy)),
  });
}
