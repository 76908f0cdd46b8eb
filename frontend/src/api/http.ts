/** The server's HTTP interface, and its refusals as RFC 9457 problem details. */
import type { AnyEvent, Catalogue, CompileRequest, Diagnostic, Inspection, Launch, Options, Span } from '../generated/types';

/** What went wrong with a request. `status` 0 is a server that did not answer. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly span: Span | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Seconds to wait, where the server says so. */
  readonly retryAfter: number | null;
}

export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

export interface View {
  readonly pass?: { readonly index: number; readonly scope: string } | null;
  readonly tab?: string;
  readonly line?: number | null;
}

/** What a permalink opens. */
export interface Workspace {
  readonly title: string;
  readonly key: string | null;
  readonly request: CompileRequest | null;
  readonly source: string;
  readonly launch: Launch | null;
  readonly options: Options | null;
  readonly view: View | null;
}

export interface Submitted {
  readonly key: string;
}

export interface CompilationRecord {
  readonly key: string;
  readonly request?: CompileRequest;
  readonly events: readonly AnyEvent[];
}

const API = '/api/v1';

export function getCatalogue(): Promise<Catalogue> {
  return ask(`${API}/catalogue`);
}

export function inspect(source: string, signal: AbortSignal): Promise<Inspection> {
  return ask(`${API}/inspect`, { ...json({ source }), signal });
}

/** Asks for a compilation; a model's bytes travel beside its request. */
export function submit(request: CompileRequest, model: Blob | null): Promise<Submitted> {
  if (!model) return ask(`${API}/compilations`, json(request));
  const body = new FormData();
  body.set('request', JSON.stringify(request));
  body.set('model', model);
  return ask(`${API}/compilations`, { method: 'POST', body });
}

export function getRecord(key: string): Promise<CompilationRecord> {
  return ask(`${API}/compilations/${encodeURIComponent(key)}`);
}

export async function cancel(key: string): Promise<void> {
  await send(`${API}/compilations/${encodeURIComponent(key)}`, { method: 'DELETE' });
}

export function saveWorkspace(workspace: Workspace): Promise<{ readonly slug: string }> {
  return ask(`${API}/workspaces`, json(workspace));
}

export function getWorkspace(slug: string): Promise<Workspace> {
  return ask(`${API}/workspaces/${encodeURIComponent(slug)}`);
}

export function blobUrl(hash: string): string {
  return `${API}/blobs/${encodeURIComponent(hash)}`;
}

/** A profile as a file: "html" the report, "csv" the tables in a zip archive. */
export function reportUrl(key: string, scope: string, format: 'html' | 'csv'): string {
  return `${API}/compilations/${encodeURIComponent(key)}/report?${new URLSearchParams({ scope, format })}`;
}

export async function getBlob(hash: string): Promise<string> {
  return (await send(blobUrl(hash))).text();
}

function json(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

async function ask<T>(url: string, init?: RequestInit): Promise<T> {
  return (await (await send(url, init)).json()) as T;
}

async function send(url: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError({ status: 0, title: '', detail: '', span: null, diagnostics: [], retryAfter: null });
  }
  if (!response.ok) throw new ApiError(problemOf(response, await response.text()));
  return response;
}

function problemOf(response: Response, text: string): Problem {
  const body = parsed(text);
  const wait = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return {
    status: response.status,
    title: typeof body.title === 'string' ? body.title : response.statusText,
    detail: typeof body.detail === 'string' ? body.detail : '',
    span: (body.span as Span | undefined) ?? null,
    diagnostics: Array.isArray(body.diagnostics) ? (body.diagnostics as Diagnostic[]) : [],
    retryAfter: Number.isFinite(wait) ? wait : null,
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
