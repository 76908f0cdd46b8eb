/** A pipe's time as one bar: at work in the pipe's colour, stalled by reason in patterns of grey, idle left blank. */
import type { PipeUse } from '../../../generated/types';
import { t, word } from '../../../i18n';
import { integer } from '../../../model/format';
import { type Part, partsOf } from '../../../model/profile';

interface StackProps {
  readonly pipe: string;
  readonly use: PipeUse;
  readonly cycles: number;
  readonly upright?: boolean;
}

export function Stack({ pipe, use, cycles, upright = false }: StackProps) {
  const parts = partsOf(use, cycles);
  return (
    <span class={`stack${upright ? ' upright' : ''}`} aria-hidden="true">
      {parts.map((part) => (
        <i
          key={part.name}
          class={part.name === 'busy' ? `pipe-${pipe}` : `why why-${part.name}`}
          style={{ [upright ? 'height' : 'width']: `${part.share * 100}%` }}
        />
      ))}
    </span>
  );
}

export function partText(part: Part): string {
  return `${part.name === 'busy' ? t('profile.busy') : word('stall', part.name)} ${integer(part.cycles)}`;
}

export function Legend({ reasons }: { reasons: readonly string[] }) {
  return (
    <p class="reasons dim">
      {reasons.map((reason) => (
        <span key={reason}>
          <i class={`swatch why why-${reason}`} />
          {word('stall', reason)}
        </span>
      ))}
      <span>
        <i class="swatch idle" />
        {t('profile.idle')}
      </span>
    </p>
  );
}
