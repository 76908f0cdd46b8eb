/** A scripted server in the browser's own network layer: the built page, the fixture's answers, and events on demand. */
import { existsSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page, WebSocketRoute } from 'playwright-core';
import type { AnyEvent } from '../src/generated/types.ts';
import { blobs, CATALOGUE, EVENTS, KEY } from './fixtures/softmax.ts';

export const ORIGIN = 'http://tilescope.test';
const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

export interface Script {
  /** What is sent on a socket; all of the fixture at once unless told. */
  readonly onSocket?: (socket: WebSocketRoute, after: number) => void;
  /** Answers instead of the fixture's, by "METHOD path". */
  readonly answers?: Readonly<
    Record<string, () => { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> }>
  >;
}

export interface Served {
  /** Bodies of the requests that were sent, by "METHOD path". */
  readonly requests: { readonly what: string; readonly body: string }[];
}

export function sendAfter(socket: WebSocketRoute, after: number, events: readonly AnyEvent[] = EVENTS): void {
  for (const event of events) if ((event.seq ?? -1) > after) socket.send(JSON.stringify(event));
}

export async function serve(page: Page, script: Script = {}): Promise<Served> {
  const served: Served = { requests: [] };
  const workspaces = new Map<string, unknown>();
  await page.route(`${ORIGIN}/**`, async (route) => {
    const url = new URL(route.request().url());
    const what = `${route.request().method()} ${url.pathname}`;
    const body = route.request().postData() ?? '';
    served.requests.push({ what, body });
    const scripted = script.answers?.[what]?.();
    if (scripted) {
      await route.fulfill({ status: scripted.status, headers: scripted.headers ?? {}, json: scripted.body });
      return;
    }
    const known = answer(what, body, workspaces);
    if (known !== undefined) await route.fulfill(typeof known === 'string' ? { body: known } : { json: known });
    else await route.fulfill(file(url.pathname));
  });
  await page.routeWebSocket(/\/ws\//, (socket) => {
    const after = Number(new URL(socket.url()).searchParams.get('after'));
    if (script.onSocket) script.onSocket(socket, after);
    else sendAfter(socket, after);
  });
  return served;
}

function answer(what: string, body: string, workspaces: Map<string, unknown>): unknown {
  if (what === 'GET /api/v1/catalogue') return CATALOGUE;
  if (what === 'POST /api/v1/compilations') return { key: KEY };
  if (what === 'POST /api/v1/inspect')
    return {
      kernels: [{ name: 'softmax_kernel', line: 6, parameters: [] }],
      launch: CATALOGUE.examples[0]?.launch,
      assumed: [],
    };
  if (what.startsWith('GET /api/v1/blobs/')) return blobs.get(what.slice(18));
  if (what === 'POST /api/v1/workspaces') {
    workspaces.set('abc', JSON.parse(body));
    return { slug: 'abc' };
  }
  if (what.startsWith('GET /api/v1/workspaces/')) return workspaces.get(what.slice(23));
  return undefined;
}

function file(path: string): { status: number; contentType?: string; body: Buffer | string } {
  const name = existsSync(`${DIST}${path}`) && extname(path) ? path : '/index.html';
  return { status: 200, contentType: TYPES[extname(name)] ?? 'text/plain', body: readFileSync(`${DIST}${name}`) };
}
