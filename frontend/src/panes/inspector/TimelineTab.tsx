/** Instructions on the pipes of each core over time, drawn on a canvas with zoom and pan. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { blobText } from '../../api/blobs';
import { useWidth } from '../../components/useWidth';
import { t } from '../../i18n';
import { integer } from '../../model/format';
import { type Lane, lanesOf, spanAt, type TraceSpan } from '../../model/trace';
import { pass, shown } from '../../state/compilation';
import { selected } from '../../state/document';
import { hovered } from '../../state/view';

const LANE = 16;
const AXIS = 20;
const NAMES = 124;
/** Spans at least this wide carry their name. */
const NAMED = 48;

interface Range {
  readonly from: number;
  readonly to: number;
}

export function TimelineTab() {
  const traces = shown.value?.traces ?? [];
  const trace = traces.find((entry) => entry.scope === pass.value?.scope) ?? traces[0];
  const lanes = useSignal<readonly Lane[]>([]);
  const failed = useSignal(false);
  useEffect(() => {
    if (!trace) return;
    let current = true;
    blobText(trace.blob).then(
      (text) => {
        if (current) lanes.value = lanesOf(text).filter((lane) => lane.spans.some((span) => span.length > 0));
      },
      () => {
        failed.value = current;
      },
    );
    return () => {
      current = false;
    };
  }, [trace?.blob]);
  if (failed.value) return <p class="empty">{t('error.blob')}</p>;
  if (lanes.value.length === 0) return <p class="empty">{t('inspector.loading')}</p>;
  return <Timeline key={trace?.blob} lanes={lanes.value} />;
}

function Timeline({ lanes }: { lanes: readonly Lane[] }) {
  const end = Math.max(
    1,
    ...lanes.map((lane) => lane.spans.reduce((most, span) => Math.max(most, span.start + span.length), 0)),
  );
  const range = useSignal<Range>({ from: 0, to: end });
  const under = useSignal<TraceSpan | null>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host, 600);
  const height = AXIS + lanes.length * LANE;
  useEffect(() => {
    if (canvas.current) draw(canvas.current, lanes, range.value, width.value, height);
  });

  const timeAt = (x: number) => range.value.from + ((x - NAMES) / (width.value - NAMES)) * (range.value.to - range.value.from);
  const move = (next: Range) => {
    range.value = clamped(next, end);
  };
  const zoom = (factor: number, about: number) => {
    const { from, to } = range.value;
    move({ from: about - (about - from) * factor, to: about + (to - about) * factor });
  };
  const pan = (share: number) => {
    const { from, to } = range.value;
    move({ from: from + (to - from) * share, to: to + (to - from) * share });
  };

  function point(event: PointerEvent): void {
    if (event.buttons === 1) {
      pan(-event.movementX / (width.value - NAMES));
      return;
    }
    const lane = lanes[Math.floor((event.offsetY - AXIS) / LANE)];
    under.value = lane && event.offsetX > NAMES ? spanAt(lane, timeAt(event.offsetX)) : null;
    const line = under.value?.lines[0];
    hovered.value = line === undefined ? null : { side: 'source', line };
  }

  function key(event: KeyboardEvent): void {
    const middle = (range.value.from + range.value.to) / 2;
    if (event.key === '+' || event.key === '=') zoom(0.7, middle);
    else if (event.key === '-') zoom(1 / 0.7, middle);
    else if (event.key === 'ArrowLeft') pan(-0.15);
    else if (event.key === 'ArrowRight') pan(0.15);
    else if (event.key === 'Home') move({ from: 0, to: end });
    else return;
    event.preventDefault();
  }

  return (
    <div class="timeline">
      <p class="timeline-bar dim">
        <button type="button" class="quiet" onClick={() => move({ from: 0, to: end })}>
          {t('timeline.reset')}
        </button>{' '}
        <span class="num">
          {under.value
            ? t('timeline.span', {
                name: under.value.name,
                length: integer(under.value.length),
                start: integer(under.value.start),
              })
            : t('timeline.hint')}
        </span>
      </p>
      <div class="scroll" ref={host}>
        <canvas
          ref={canvas}
          role="img"
          tabIndex={0}
          aria-label={t('timeline.label', { count: integer(lanes.reduce((sum, lane) => sum + lane.spans.length, 0)) })}
          onWheel={(event) => {
            if (event.ctrlKey || !event.shiftKey) zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, timeAt(event.offsetX));
            else pan(event.deltaY / 1000);
            event.preventDefault();
          }}
          onPointerMove={point}
          onPointerLeave={() => {
            under.value = null;
            hovered.value = null;
          }}
          onClick={() => {
            const line = under.value?.lines[0];
            if (line !== undefined) selected.value = { side: 'source', line };
          }}
          onKeyDown={key}
        />
      </div>
    </div>
  );
}

function clamped({ from, to }: Range, end: number): Range {
  const length = Math.min(end, Math.max(8, to - from));
  const start = Math.max(0, Math.min(end - length, from));
  return { from: start, to: start + length };
}

function draw(canvas: HTMLCanvasElement, lanes: readonly Lane[], { from, to }: Range, width: number, height: number): void {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(canvas);
  context.scale(ratio, ratio);
  context.font = `12px ${style.fontFamily}`;
  context.textBaseline = 'middle';
  const scale = (width - NAMES) / (to - from);
  drawAxis(context, style, from, to, scale, width, height);
  const colours = new Map([...new Set(lanes.map((lane) => lane.pipe))].map((pipe) => [pipe, colourOf(canvas, pipe)]));
  const surface = colourOf(canvas, 'none');
  lanes.forEach((lane, at) => {
    const top = AXIS + at * LANE;
    context.fillStyle = style.color;
    if (lanes[at - 1]?.core !== lane.core) drawCore(context, lane.core, top, width);
    context.fillText(lane.pipe, NAMES - 40, top + LANE / 2, 36);
    context.fillStyle = colours.get(lane.pipe) ?? style.color;
    let painted = -1;
    for (const span of lane.spans) {
      if (span.start + span.length < from) continue;
      if (span.start > to) break;
      const left = Math.max(NAMES, NAMES + (span.start - from) * scale);
      const right = Math.max(left + 1, NAMES + (span.start + span.length - from) * scale - 0.5);
      if (right <= painted) continue;
      context.fillRect(left, top + 2, right - left, LANE - 4);
      if (span.critical) drawCritical(context, style.color, left, right, top);
      if (right - left > NAMED) drawName(context, span.name, left, right, top, surface);
      painted = right;
    }
  });
}

/** A core's name beside its first pipe, under a hairline. */
function drawCore(context: CanvasRenderingContext2D, core: string, top: number, width: number): void {
  context.globalAlpha = 0.25;
  context.fillRect(0, top, width, 1);
  context.globalAlpha = 1;
  context.fillText(core, 4, top + LANE / 2, NAMES - 48);
}

/** A line under a span that the length of its block is made of. */
function drawCritical(context: CanvasRenderingContext2D, colour: string, left: number, right: number, top: number): void {
  const { fillStyle } = context;
  context.fillStyle = colour;
  context.fillRect(left, top + LANE - 2, right - left, 2);
  context.fillStyle = fillStyle;
}

/** An instruction's name on its span, in the colour of the ground. */
function drawName(
  context: CanvasRenderingContext2D,
  name: string,
  left: number,
  right: number,
  top: number,
  colour: string,
): void {
  const { fillStyle } = context;
  context.fillStyle = colour;
  context.fillText(name, left + 3, top + LANE / 2, right - left - 6);
  context.fillStyle = fillStyle;
}

function drawAxis(
  context: CanvasRenderingContext2D,
  style: CSSStyleDeclaration,
  from: number,
  to: number,
  scale: number,
  width: number,
  height: number,
): void {
  const step = niceStep((to - from) / Math.max(2, (width - NAMES) / 110));
  for (let cycle = Math.ceil(from / step) * step; cycle <= to; cycle += step) {
    const x = NAMES + (cycle - from) * scale;
    context.globalAlpha = 0.2;
    context.fillStyle = style.color;
    context.fillRect(x, AXIS - 4, 1, height - AXIS + 4);
    context.globalAlpha = 0.8;
    context.fillText(integer(cycle), x + 3, AXIS / 2);
  }
  context.globalAlpha = 1;
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? power * 10;
}

function colourOf(canvas: HTMLCanvasElement, pipe: string): string {
  const probe = document.createElement('i');
  probe.className = `ground pipe-${pipe}`;
  canvas.parentElement?.append(probe);
  const colour = getComputedStyle(probe).backgroundColor;
  probe.remove();
  return colour;
}
