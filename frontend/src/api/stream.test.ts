/** Following a compilation through lost connections: no gap, no repeat. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EVENTS, KEY } from '../../e2e/fixtures/softmax';
import type { AnyEvent } from '../generated/types';
import { type Connection, follow, type Socket } from './stream';

class FakeSocket implements Socket {
  static readonly opened: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { readonly data: unknown }) => void) | null = null;
  onclose: ((close: { readonly code: number }) => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    FakeSocket.opened.push(this);
  }

  send(events: readonly AnyEvent[]): void {
    for (const event of events) this.onmessage?.({ data: JSON.stringify(event) });
  }

  close(): void {
    this.closed = true;
  }
}

const last = () => FakeSocket.opened.at(-1) as FakeSocket;

function started() {
  const events: AnyEvent[] = [];
  const connections: Connection[] = [];
  const stop = follow({
    key: KEY,
    onEvent: (event) => events.push(event),
    onConnection: (state) => connections.push(state),
    connect: (url) => new FakeSocket(url),
  });
  return { events, connections, stop };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened.length = 0;
});
afterEach(() => vi.useRealTimers());

it('asks for everything first and ends with the last event', () => {
  const { events, connections } = started();
  expect(last().url).toBe(`/ws/compilations/${KEY}?after=-1`);
  last().onopen?.();
  last().send(EVENTS);
  expect(events).toEqual(EVENTS);
  expect(connections).toEqual(['connecting', 'open', 'closed']);
  expect(last().closed).toBe(true);
});

it('resumes after the last event it saw, and hands on none twice', () => {
  const { events, connections } = started();
  last().send(EVENTS.slice(0, 4));
  last().onclose?.({ code: 1006 });
  vi.advanceTimersByTime(1000);
  expect(last().url).toContain('after=3');
  last().send(EVENTS.slice(2));
  expect(events).toEqual(EVENTS);
  expect(connections).toContain('lost');
});

it('waits longer after each failure', () => {
  started();
  for (let failure = 0; failure < 4; failure += 1) {
    last().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(250 * 2 ** failure * 0.7);
    expect(FakeSocket.opened).toHaveLength(failure + 1);
    vi.advanceTimersByTime(250 * 2 ** failure);
    expect(FakeSocket.opened).toHaveLength(failure + 2);
  }
});

it('does not insist where the server refuses', () => {
  const { connections } = started();
  last().onclose?.({ code: 4404 });
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.opened).toHaveLength(1);
  expect(connections.at(-1)).toBe('refused');
});

it('stays silent once it was stopped', () => {
  const { stop } = started();
  stop();
  last().onclose?.({ code: 1006 });
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.opened).toHaveLength(1);
});
