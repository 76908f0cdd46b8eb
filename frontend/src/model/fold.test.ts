/** Events of every type folded into a compilation; replays, repeats and second attempts. */
import { describe, expect, it } from 'vitest';
import { EVENTS, KEY } from '../../e2e/fixtures/softmax';
import type { AnyEvent, Diagnostic } from '../generated/types';
import { allDiagnostics, emptyCompilation, fold, replay } from './fold';

const warning: Diagnostic = { severity: 'warning', message: { code: 'slow', text: 'slow' } };
const journal = (...events: AnyEvent[]) => events.map((event, seq) => ({ ...event, seq }));

describe('fold', () => {
  it('gives a finished record and a live stream the same state', () => {
    const live = EVENTS.reduce(fold, emptyCompilation(KEY));
    expect(replay(KEY, EVENTS)).toEqual(live);
    expect(live.phase).toBe('done');
    expect(live.passes.map((pass) => pass.name)).toEqual(
      EVENTS.flatMap((event) => (event.type === 'pass' ? [event.name] : [])),
    );
    expect(live.outputs).toHaveLength(1);
    expect(live.profiles).toHaveLength(1);
    expect(live.seq).toBe(EVENTS.length - 1);
  });

  it('is the same state when a reconnect overlaps what came before', () => {
    const cut = 5;
    const once = replay(KEY, EVENTS);
    const overlapping = [...EVENTS.slice(0, cut), ...EVENTS.slice(cut - 3)];
    expect(replay(KEY, overlapping)).toEqual(once);
  });

  it('keeps every pass in its place when a second attempt runs them again', () => {
    const events = journal(
      ...EVENTS.slice(0, 6),
      { ...(EVENTS[1] as AnyEvent & { type: 'started' }), attempt: 2 },
      ...EVENTS.slice(2),
    );
    const state = replay(KEY, events);
    expect(state.passes.map((pass) => pass.index)).toEqual(replay(KEY, EVENTS).passes.map((pass) => pass.index));
    expect(state.started?.attempt).toBe(2);
  });

  it('holds the queue position until it starts', () => {
    const [queued, running] = journal({ type: 'accepted', key: KEY, position: 3 }, EVENTS[1] as AnyEvent);
    const first = fold(emptyCompilation(KEY), queued as AnyEvent);
    expect([first.phase, first.position]).toEqual(['queued', 3]);
    expect(fold(first, running as AnyEvent).phase).toBe('running');
  });

  it('ends as failed, with the diagnostic among all others once', () => {
    const failed = journal(
      { type: 'accepted', key: KEY, position: 0 },
      { type: 'diagnostic', diagnostic: warning },
      { type: 'failed', diagnostic: warning, status: 1 },
    );
    const state = replay(KEY, failed);
    expect(state.phase).toBe('failed');
    expect(allDiagnostics(state)).toEqual([warning]);
  });

  it('ends as cancelled', () => {
    expect(replay(KEY, journal({ type: 'cancelled', by: 'reader' })).phase).toBe('cancelled');
  });

  it('keeps the newest trace of a scope', () => {
    const state = replay(KEY, journal({ type: 'trace', scope: '', blob: 'a' }, { type: 'trace', scope: '', blob: 'b' }));
    expect(state.traces.map((trace) => trace.blob)).toEqual(['b']);
  });

  it('passes over types and fields that it does not know', () => {
    const unknown = { type: 'weather', seq: 0, sun: true } as unknown as AnyEvent;
    const state = fold(emptyCompilation(KEY), unknown);
    expect(state).toEqual({ ...emptyCompilation(KEY), seq: 0 });
  });
});
