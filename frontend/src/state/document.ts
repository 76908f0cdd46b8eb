/** What the reader works on: the source or model, its launch, and how to compile it. */
import { computed, signal } from '@preact/signals';
import type { CompileRequest, ExampleEntry, Inspection } from '../generated/types';
import { draftOf, EMPTY_DRAFT, type LaunchDraft, launchOf, problemsOf } from '../model/launch';

export interface ModelFile {
  readonly name: string;
  readonly size: number | null;
  /** The bytes, where this browser has them; a permalink opens without. */
  readonly file: File | null;
  readonly sha256: string | null;
}

/** A line of one of the two linked texts. */
export interface Anchor {
  readonly side: 'source' | 'ir';
  readonly line: number;
}

export const title = signal('');
export const source = signal('');
/** Rises when the source is replaced as a whole, by an example, a file or a permalink; the editor then starts over. */
export const sourceEpoch = signal(0);
export const model = signal<ModelFile | null>(null);
export const launch = signal<LaunchDraft>(EMPTY_DRAFT);
export const inspection = signal<Inspection | null>(null);
export const chip = signal('');
export const engine = signal<'builtin' | 'bisheng'>('builtin');
/** The line the reader picked; it goes with the text it is in. */
export const selected = signal<Anchor | null>(null);
/** Optimisations switched off, by name. */
export const switchedOff = signal<ReadonlySet<string>>(new Set());
export const example = signal<string | null>(null);

export const kind = computed<CompileRequest['kind']>(() => (model.value ? 'onnx' : isMlir(source.value) ? 'mlir' : 'triton'));
export const launchProblems = computed(() => (kind.value !== 'onnx' ? problemsOf(launch.value) : new Map<string, never>()));

/** The request that Compile would send now. */
export const request = computed<CompileRequest>(() => {
  const off = [...switchedOff.value].sort().map((name) => `-${name}`);
  return {
    kind: kind.value,
    ...(model.value ? {} : { source: source.value }),
    ...(model.value?.sha256 ? { model_sha256: model.value.sha256 } : {}),
    ...(kind.value !== 'onnx' ? { launch: launchProblems.value.size === 0 ? launchOf(launch.value) : null } : {}),
    ...(chip.value ? { chip: chip.value } : {}),
    engine: engine.value,
    ...(off.length ? { options: { passes: off } } : {}),
  };
});

export function isMlir(text: string): boolean {
  return /^\s*(?:"builtin\.module"|module\b|"?(?:func|tt)\.func\b)/m.test(text) && !/^\s*(?:@triton\.jit|def\s)/m.test(text);
}

/** Replaces the source as a whole; the launch follows from the example or from inspecting it. */
export function openSource(text: string, name: string, draft: LaunchDraft = EMPTY_DRAFT): void {
  model.value = null;
  source.value = text;
  launch.value = draft;
  inspection.value = null;
  title.value = name;
  example.value = null;
  selected.value = null;
  sourceEpoch.value += 1;
}

export function openExample(entry: ExampleEntry, name: string): void {
  openSource(entry.source, name, draftOf(entry.launch));
  example.value = entry.name;
}

export function openModel(file: File): void {
  model.value = { name: file.name, size: file.size, file, sha256: null };
  title.value = file.name.replace(/\.onnx$/i, '');
  example.value = null;
  selected.value = null;
}

export function setSwitch(name: string, on: boolean): void {
  const off = new Set(switchedOff.value);
  if (on) off.delete(name);
  else off.add(name);
  switchedOff.value = off;
}
