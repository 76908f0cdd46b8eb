/** The kernel's point under the roofs of memory, L2 and arithmetic. */
import type { Profile } from '../../../generated/types';
import { t } from '../../../i18n';
import { significant } from '../../../model/format';
import { rooflineOf } from '../../../model/profile';

const [WIDTH, HEIGHT] = [420, 180];

export function Roofline({ profile }: { profile: Profile }) {
  const drawing = rooflineOf(profile, WIDTH, HEIGHT);
  if (!drawing) return null;
  const [intensity, performance] = profile.roofline;
  const [peak] = profile.roofs ?? [0];
  const point = `${t('profile.intensity.unit', { value: significant(intensity) })} · ${t('profile.performance.unit', {
    value: significant(performance),
  })}`;
  return (
    <section>
      <h3>{t('profile.roofline')}</h3>
      <svg class="roofline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t('profile.roofline.label', { point })}>
        {drawing.roofs.map((roof) => (
          <polyline key={roof.name} class={`roof-${roof.name}`} points={roof.points} />
        ))}
        <circle cx={drawing.x} cy={drawing.y} r="5" />
      </svg>
      <p class="reasons dim num">
        <span>
          <i class="roof-swatch point" />
          {point}
        </span>
        <span>{t('profile.roofline.peak', { value: significant(peak) })}</span>
        {drawing.roofs.map((roof) => (
          <span key={roof.name}>
            <i class={`roof-swatch roof-${roof.name}`} />
            {roof.name} {t('profile.rate', { value: significant(roof.rate) })}
          </span>
        ))}
      </p>
    </section>
  );
}
