/** The compilation on show: the live one, the stale one before it, and the requests that start and end them. */
import { batch, computed, effect, signal } from '@preact/signals';
import { ApiError, cancel, type Problem, submit } from '../api/http';
import { type Connection, follow } from '../api/stream';
import type { AnyEvent, CompileRequest, Diagnostic, Pass } from '../generated/types';
import { allDiagnostics, type Compilation, emptyCompilation, fold, isOver, passId } from '../model/fold';
import { catalogue } from './catalogue';
import { engine, kind, launchProblems, model, request, source } from './document';

export const live = signal<Compilation | null>(null);
const before = signal<Compilation | null>(null);
export const connection = signal<Connection>('closed');
export const sending = signal(false);
/** The request that `live` answers, as it was sent. */
export const compiled = signal<CompileRequest | null>(null);
export const problem = signal<Problem | null>(null);
/** The pass the reader picked; null follows the newest. */
export const chosen = signal<string | null>(null);

/** What to show: the live compilation once it has something to say, and until then the one before it, stale. */
export const shown = computed<Compilation | null>(() => {
  const now = live.value;
  return now && (now.passes.length > 0 || isOver(now.phase)) ? now : (before.value ?? now);
});
export const stale = computed(() => sending.value || shown.value !== live.value);
export const busy = computed(
  () => sending.value || (live.value !== null && !isOver(live.value.phase) && connection.value !== 'refused'),
);
export const edited = computed(() => compiled.value !== null && canonical(compiled.value) !== canonical(request.value));
export const canCompile = computed(() => {
  if (busy.value || launchProblems.value.size > 0) return false;
  const engineHere = catalogue.value?.engines.find((entry) => entry.name === engine.value)?.available ?? false;
  if (kind.value === 'onnx') return engineHere && Boolean(model.value?.file ?? model.value?.sha256);
  return engineHere && source.value.trim() !== '';
});
/** What the last look at the source found wrong with it, before it is compiled. */
export const inspected = signal<readonly Diagnostic[]>([]);
/** What holds for the text as it stands: of its compilation, or once it was edited, of the last look at it. */
export const diagnostics = computed<readonly Diagnostic[]>(() => {
  if (compiled.value?.source !== request.value.source) return inspected.value;
  return live.value ? allDiagnostics(live.value) : [];
});

export const pass = computed<Pass | null>(() => {
  const passes = shown.value?.passes ?? [];
  return passes.find((entry) => passId(entry) === chosen.value) ?? passes.at(-1) ?? null;
});

let stop: (() => void) | null = null;
let pending: AnyEvent[] = [];
let frame = 0;

/** Compiles what the document says now. Known requests answer at once with their record. */
export async function compile(): Promise<void> {
  const asked = request.value;
  const bytes = model.value?.file ?? null;
  sending.value = true;
  problem.value = null;
  try {
    const { key } = await submit(asked, bytes);
    batch(() => {
      chosen.value = null;
      open(key, asked);
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error.problem;
  } finally {
    sending.value = false;
  }
}

/** Shows the compilation of a key, finished or not. */
export function open(key: string, answers: CompileRequest): void {
  stop?.();
  pending = [];
  batch(() => {
    if (live.value?.passes.length) before.value = live.value;
    live.value = emptyCompilation(key);
    compiled.value = answers;
  });
  stop = follow({ key, onEvent: receive, onConnection: (state) => (connection.value = state) });
}

/** Ends the compilation on the server; the stream says when it has. */
export async function stopCompiling(): Promise<void> {
  const now = live.value;
  if (!now || isOver(now.phase)) return;
  try {
    await cancel(now.key);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error.problem;
  }
}

/** Events of one frame are folded together, so that a long record costs one drawing and not hundreds. */
function receive(event: AnyEvent): void {
  pending.push(event);
  if (!frame) frame = document.hidden ? Number(setTimeout(flush)) : requestAnimationFrame(flush);
}

function flush(): void {
  frame = 0;
  const events = pending;
  pending = [];
  if (live.value) live.value = events.reduce(fold, live.value);
}

effect(() => {
  if (live.value?.passes.length) before.value = null;
});

/** A request as text that does not depend on the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
