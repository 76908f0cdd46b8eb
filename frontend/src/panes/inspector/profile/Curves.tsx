/** Quantities over the run of the core that ended last: live bytes of its buffers, or bytes a cycle of its paths. */
import type { Series } from '../../../generated/types';
import { t } from '../../../i18n';
import { bytes, integer, significant } from '../../../model/format';
import { curvePath, peakOf, topOf } from '../../../model/profile';

const [WIDTH, HEIGHT] = [600, 40];
/** The pipe that fills a buffer, or runs a path, lends it its colour. */
const PIPE_OF: Readonly<Record<string, string>> = { UB: 'V', L1: 'MTE2', L0A: 'MTE1', L0B: 'MTE1', L0C: 'M' };

interface CurvesProps {
  readonly title: string;
  readonly series: readonly Series[];
  readonly end: number;
  readonly unit: 'bytes' | 'rate';
}

export function Curves({ title, series, end, unit }: CurvesProps) {
  if (series.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      {series.map((curve) => {
        const name = curve.name.replace('->', ' → ');
        const peak =
          unit === 'bytes' ? bytes(Math.round(peakOf(curve))) : t('profile.rate', { value: significant(peakOf(curve)) });
        const most = unit === 'bytes' ? bytes(curve.capacity) : t('profile.rate', { value: significant(curve.capacity) });
        const label = t('profile.curve', { name, peak, capacity: most });
        const limit = HEIGHT - (HEIGHT * curve.capacity) / topOf(curve);
        return (
          <figure key={`${curve.core} ${curve.name}`} class="curve">
            <figcaption class="dim num">
              <span class="mono">{curve.core}</span> {label}
            </figcaption>
            <svg viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`} preserveAspectRatio="none" role="img" aria-label={label}>
              <path class={`fill-${pipeOf(curve.name)}`} d={curvePath(curve, end, WIDTH, HEIGHT)} />
              {curve.capacity > 0 && <line x1="0" x2={WIDTH} y1={limit} y2={limit} />}
            </svg>
          </figure>
        );
      })}
      <p class="axis dim num">
        <span>0</span>
        <span>
          {integer(end)} {t('rail.cycles')}
        </span>
      </p>
    </section>
  );
}

function pipeOf(name: string): string {
  return PIPE_OF[name] ?? (name.startsWith('L0C') ? 'FIX' : name.endsWith('GM') ? 'MTE3' : 'MTE2');
}
