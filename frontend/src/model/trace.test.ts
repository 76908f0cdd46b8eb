/** Chrome traces as lanes. */
import { expect, it } from 'vitest';
import { lanesOf, spanAt } from './trace';

const trace = JSON.stringify({
  traceEvents: [
    { ph: 'M', name: 'process_name', pid: 0, args: { name: 'core 0' } },
    { ph: 'M', name: 'thread_name', pid: 0, tid: 1, args: { name: 'V' } },
    { ph: 'X', name: 'vexp', pid: 0, tid: 1, ts: 0.02, dur: 0.01, args: { lines: [12], cycle: 20, cycles: 10 } },
    { ph: 'X', name: 'vsub', pid: 0, tid: 1, ts: 5, dur: 10, args: { line: 11 } },
  ],
});

it('names lanes and orders their spans', () => {
  const [lane] = lanesOf(trace);
  expect([lane?.core, lane?.pipe]).toEqual(['core 0', 'V']);
  expect(lane?.spans.map((span) => [span.name, span.start, span.lines])).toEqual([
    ['vsub', 5, [11]],
    ['vexp', 20, [12]],
  ]);
});

it('finds the span at a time, and none between spans', () => {
  const [lane] = lanesOf(trace);
  if (!lane) throw new Error('no lane');
  expect([4, 5, 14, 15, 29].map((time) => spanAt(lane, time)?.name)).toEqual([undefined, 'vsub', 'vsub', undefined, 'vexp']);
});
