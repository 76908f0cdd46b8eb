/** Chrome-trace JSON as lanes of spans: one lane a pipe of a core, times in cycles where the trace tells them, else in its own unit. */

export interface TraceSpan {
  readonly name: string;
  readonly start: number;
  readonly length: number;
  readonly lines: readonly number[];
  /** On the critical path of its block. */
  readonly critical: boolean;
}

export interface Lane {
  readonly core: string;
  readonly pipe: string;
  /** By start. */
  readonly spans: readonly TraceSpan[];
}

interface ChromeEvent {
  readonly ph?: string;
  readonly name?: string;
  readonly pid?: number | string;
  readonly tid?: number | string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** The lanes of complete ("X") events, named by the trace's metadata. */
export function lanesOf(json: string): readonly Lane[] {
  const parsed = JSON.parse(json) as readonly ChromeEvent[] | { readonly traceEvents?: readonly ChromeEvent[] };
  const events = 'traceEvents' in parsed ? (parsed.traceEvents ?? []) : (parsed as readonly ChromeEvent[]);
  const processes = new Map<string, string>();
  const threads = new Map<string, string>();
  const lanes = new Map<string, { core: string; pipe: string; spans: TraceSpan[] }>();
  for (const event of events) {
    const [pid, tid] = [String(event.pid ?? ''), String(event.tid ?? '')];
    const key = `${pid}/${tid}`;
    const label = typeof event.args?.name === 'string' ? event.args.name : '';
    if (event.ph === 'M' && event.name === 'process_name') processes.set(pid, label);
    if (event.ph === 'M' && event.name === 'thread_name') threads.set(key, label);
    if (event.ph !== 'X') continue;
    const lane = lanes.get(key) ?? { core: pid, pipe: tid, spans: [] };
    lane.spans.push({
      name: event.name ?? '',
      start: numberOf(event.args?.cycle) ?? event.ts ?? 0,
      length: numberOf(event.args?.cycles) ?? event.dur ?? 0,
      lines: linesOf(event.args),
      critical: event.args?.critical === true,
    });
    lanes.set(key, lane);
  }
  return [...lanes].map(([key, lane]) => ({
    core: processes.get(lane.core) ?? lane.core,
    pipe: threads.get(key) ?? lane.pipe,
    spans: lane.spans.sort((a, b) => a.start - b.start),
  }));
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function linesOf(args: ChromeEvent['args']): readonly number[] {
  const lines = args?.lines ?? args?.line;
  if (typeof lines === 'number') return [lines];
  return Array.isArray(lines) ? lines.filter((line): line is number => typeof line === 'number') : [];
}

/** The span of a lane at a time, or null: the last that began at or before it and has not ended. */
export function spanAt(lane: Lane, time: number): TraceSpan | null {
  let low = 0;
  let high = lane.spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane.spans[middle]?.start ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  const span = lane.spans[low - 1];
  return span && time < span.start + span.length ? span : null;
}
