/** A thin bar of a given length, split by the busy cycles of each pipe in its colour. */
import { PIPES } from '../model/pipes';

interface Props {
  readonly busy: Readonly<Record<string, number>>;
  /** Length, 0 to 1. */
  readonly share: number;
}

export function PipeStrip({ busy, share }: Props) {
  const total = PIPES.reduce((sum, pipe) => sum + (busy[pipe] ?? 0), 0);
  return (
    <span class="strip" aria-hidden="true">
      <span style={{ width: `${Math.max(share * 100, 1)}%` }}>
        {PIPES.filter((pipe) => (busy[pipe] ?? 0) > 0).map((pipe) => (
          <i key={pipe} class={`pipe-${pipe}`} style={{ flexGrow: (busy[pipe] ?? 0) / total }} />
        ))}
      </span>
    </span>
  );
}
