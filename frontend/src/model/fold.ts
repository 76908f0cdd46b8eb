/** One compilation as its events tell it: a pure fold, shared by the live stream and the finished record. */
import type { AnyEvent, Diagnostic, Done, Failed, Output, Pass, Profile, Started, Trace } from '../generated/types';

export type Phase = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

export interface Compilation {
  readonly key: string;
  /** The last event folded in; -1 before the first. */
  readonly seq: number;
  readonly phase: Phase;
  readonly position: number;
  readonly started: Started | null;
  readonly passes: readonly Pass[];
  readonly diagnostics: readonly Diagnostic[];
  readonly profiles: readonly Profile[];
  readonly traces: readonly Trace[];
  readonly outputs: readonly Output[];
  readonly done: Done | null;
  readonly failed: Failed | null;
}

export function emptyCompilation(key: string): Compilation {
  return {
    key,
    seq: -1,
    phase: 'queued',
    position: 0,
    started: null,
    passes: [],
    diagnostics: [],
    profiles: [],
    traces: [],
    outputs: [],
    done: null,
    failed: null,
  };
}

export function isOver(phase: Phase): boolean {
  return phase === 'done' || phase === 'failed' || phase === 'cancelled';
}

/** Identifies a pass within a compilation, for selections and permalinks. */
export function passId(pass: Pick<Pass, 'index' | 'scope'>): string {
  return `${pass.index}:${pass.scope}`;
}

/** The state after `event`. An event that was folded in already changes nothing, nor does a type this page does not know. */
export function fold(state: Compilation, event: AnyEvent): Compilation {
  const seq = event.seq ?? -1;
  if (seq >= 0 && seq <= state.seq) return state;
  return { ...step(state, event), seq: Math.max(seq, state.seq) };
}

export function replay(key: string, events: Iterable<AnyEvent>): Compilation {
  let state = emptyCompilation(key);
  for (const event of events) state = fold(state, event);
  return state;
}

function step(state: Compilation, event: AnyEvent): Compilation {
  switch (event.type) {
    case 'accepted':
      return { ...state, phase: 'queued', position: event.position };
    case 'started':
      // A later attempt repeats the same work: what it has not reached yet stays, what was said outside passes is said again.
      return { ...state, phase: 'running', position: 0, started: event, diagnostics: [] };
    case 'diagnostic':
      return { ...state, diagnostics: [...state.diagnostics, event.diagnostic] };
    case 'pass':
      return { ...state, passes: placed(state.passes, event, (pass) => passId(pass) === passId(event)) };
    case 'profile':
      return { ...state, profiles: placed(state.profiles, event, (profile) => profile.scope === event.scope) };
    case 'trace':
      return { ...state, traces: placed(state.traces, event, (trace) => trace.scope === event.scope) };
    case 'outputs':
      return { ...state, outputs: event.outputs };
    case 'done':
      return { ...state, phase: 'done', done: event };
    case 'failed':
      return { ...state, phase: 'failed', failed: event };
    case 'cancelled':
      return { ...state, phase: 'cancelled' };
    default:
      return state;
  }
}

/** The list with `item` in the place of the one it repeats, or at the end. */
function placed<T>(list: readonly T[], item: T, repeats: (other: T) => boolean): readonly T[] {
  const at = list.findIndex(repeats);
  return at < 0 ? [...list, item] : list.with(at, item);
}

/** Everything found wrong or worth noting, each once: the compilation's own, its passes', and what it failed with. */
export function allDiagnostics(state: Compilation): readonly Diagnostic[] {
  const found = [...state.diagnostics, ...state.passes.flatMap((pass) => pass.diagnostics ?? [])];
  if (state.failed) found.push(state.failed.diagnostic);
  const byText = new Map(found.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic]));
  return [...byText.values()];
}
