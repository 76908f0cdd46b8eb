/** Cycles over passes as a line; a dot is a pass, and picks it. */
import { useRef } from 'preact/hooks';
import { useWidth } from '../../components/useWidth';
import type { Pass } from '../../generated/types';
import { t } from '../../i18n';
import { passId } from '../../model/fold';
import { integer } from '../../model/format';
import { pass, shown } from '../../state/compilation';
import { choose } from '../../state/view';

const HEIGHT = 64;
/** Height of a label; that of a point which fell stands below it, clear of the line. */
const LABEL = 14;
const EDGE = { left: 10, right: 10, top: 14, bottom: 6 };

interface Point {
  readonly pass: Pass;
  readonly x: number;
  readonly y: number;
  readonly total: number;
}

export function Chart() {
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host, 320);
  const scope = chartScope(shown.value?.passes ?? [], pass.value);
  const several = shown.value?.passes.some((entry) => entry.scope !== scope) ?? false;
  const points = pointsOf(shown.value?.passes ?? [], scope, width.value);
  const [first, last] = [points[0], points.at(-1)];
  return (
    <div class="chart" ref={host}>
      {first && last && points.length > 1 && (
        <svg
          width={width.value}
          height={HEIGHT}
          role="img"
          aria-label={t('rail.chart', {
            scope: scope || t('rail.chart.module'),
            first: integer(first.total),
            last: integer(last.total),
          })}
        >
          <line class="axis" x1={EDGE.left} x2={width.value - EDGE.right} y1={HEIGHT - EDGE.bottom} y2={HEIGHT - EDGE.bottom} />
          <path class="line" d={stepPath(points)} />
          {points.map((point) => (
            <Dot key={passId(point.pass)} point={point} />
          ))}
          {several && scope && (
            <text x={width.value / 2} y={HEIGHT - EDGE.bottom - 4} text-anchor="middle">
              {scope}
            </text>
          )}
          <text x={first.x} y={first.y - 5} class="num">
            {integer(first.total)}
          </text>
          <text x={last.x} y={last.y > first.y + 2 ? last.y + LABEL : last.y - 5} class="num" text-anchor="end">
            {integer(last.total)}
          </text>
        </svg>
      )}
    </div>
  );
}

function Dot({ point: { pass: entry, x, y, total } }: { point: Point }) {
  const current = pass.value !== null && passId(pass.value) === passId(entry);
  const wrong = entry.verification?.ok === false;
  return (
    // The same pick is on the rail's rows for keyboards; the dots are a shortcut for pointers.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    <g class={`dot${current ? ' current' : ''}${wrong ? ' wrong' : ''}`} onClick={() => choose(passId(entry))}>
      <title>
        {entry.name}: {integer(total)}
      </title>
      <rect x={x - 5} y={0} width={10} height={HEIGHT} fill="transparent" />
      {wrong ? <path d={`M${x - 3} ${y - 3}l6 6m0 -6l-6 6`} /> : <circle cx={x} cy={y} r={current ? 3.5 : 2} />}
    </g>
  );
}

/** The scope whose cycles are drawn: the chosen pass's where it has any, else the first that was measured. */
function chartScope(passes: readonly Pass[], now: Pass | null): string {
  const measured = passes.filter((entry) => entry.cycles).map((entry) => entry.scope);
  return now && measured.includes(now.scope) ? now.scope : (measured[0] ?? '');
}

function pointsOf(passes: readonly Pass[], scope: string, width: number): readonly Point[] {
  const measured = passes.filter((entry) => entry.scope === scope && entry.cycles);
  const most = Math.max(1, ...measured.map((entry) => entry.cycles?.total ?? 0));
  const room = width - EDGE.left - EDGE.right;
  return measured.map((entry, at) => {
    const total = entry.cycles?.total ?? 0;
    const x = EDGE.left + (measured.length > 1 ? (room * at) / (measured.length - 1) : 0);
    return { pass: entry, total, x, y: EDGE.top + (1 - total / most) * (HEIGHT - EDGE.top - EDGE.bottom) };
  });
}

/** A pass's cycles hold until the next pass. */
function stepPath(points: readonly Point[]): string {
  return points.map(({ x, y }, at) => (at === 0 ? `M${x} ${y}` : `H${x}V${y}`)).join('');
}
