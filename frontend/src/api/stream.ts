/** Follows one compilation's events over a WebSocket; a lost connection resumes after the last event seen. */
import type { AnyEvent } from '../generated/types';

/** `refused`: the server knows no such compilation, or will not serve it here; asking again would not help. */
export type Connection = 'connecting' | 'open' | 'lost' | 'closed' | 'refused';

/** The part of WebSocket that following needs. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  onclose: ((close: { readonly code: number }) => void) | null;
  close(): void;
}

export interface Following {
  readonly key: string;
  readonly onEvent: (event: AnyEvent) => void;
  readonly onConnection: (connection: Connection) => void;
  readonly connect?: (url: string) => Socket;
  readonly after?: number;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
/** Close codes from here on are the server's own refusals. */
const FIRST_REFUSAL = 4400;
const TERMINAL = new Set(['done', 'failed', 'cancelled']);

/** Starts following; the returned function stops. Each event is handed on once, in order. */
export function follow({ key, onEvent, onConnection, connect = openSocket, after = -1 }: Following): () => void {
  let seq = after;
  let failures = 0;
  let socket: Socket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;

  function open(): void {
    onConnection(failures === 0 ? 'connecting' : 'lost');
    socket = connect(`/ws/compilations/${encodeURIComponent(key)}?after=${seq}`);
    socket.onopen = () => onConnection('open');
    socket.onmessage = ({ data }) => receive(String(data));
    socket.onclose = ({ code }) => (code >= FIRST_REFUSAL ? stop('refused') : retry());
  }

  function receive(text: string): void {
    const event = JSON.parse(text) as AnyEvent;
    failures = 0;
    if ((event.seq ?? -1) <= seq) return;
    seq = event.seq ?? seq;
    onEvent(event);
    if (TERMINAL.has(event.type)) stop();
  }

  function retry(): void {
    if (over) return;
    onConnection('lost');
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    failures += 1;
    timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
  }

  function stop(last: Connection = 'closed'): void {
    if (over) return;
    over = true;
    clearTimeout(timer);
    socket?.close();
    onConnection(last);
  }

  open();
  return () => stop();
}

function openSocket(path: string): Socket {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new WebSocket(url) as unknown as Socket;
}
