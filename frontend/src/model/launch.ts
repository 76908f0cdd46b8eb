/** The launch form's draft: what is typed, whether it is valid, and the Launch it stands for. */
import type { Inspection, KernelEntry, Launch, TensorArgument } from '../generated/types';

export interface TensorDraft {
  readonly kind: 'tensor';
  readonly name: string;
  readonly dtype: string;
  readonly shape: string;
  readonly fill: string;
  readonly seed: number;
  readonly strides: readonly number[] | null;
  /** The value was guessed and nobody has touched it. */
  readonly assumed?: boolean;
}

/** A scalar argument or a constexpr, as text. */
export interface ValueDraft {
  readonly kind: 'scalar' | 'constexpr';
  readonly name: string;
  readonly text: string;
  readonly assumed?: boolean;
}

export type ParameterDraft = TensorDraft | ValueDraft;

export interface LaunchDraft {
  readonly kernel: string;
  readonly grid: string;
  readonly parameters: readonly ParameterDraft[];
}

export type Problem = 'shape' | 'fill' | 'scalar' | 'constexpr' | 'grid' | 'kernel';

export const DTYPES = [
  'float16',
  'bfloat16',
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
] as const;

export const FILLS = ['normal', 'uniform', 'zeros', 'ones', 'arange', 'full:1', 'randint:0:10'] as const;

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`;
const FILL = new RegExp(
  String.raw`^(?:zeros|ones|normal|uniform|arange|full:(?:${NUMBER}|[+-]?inf|nan)|randint:[+-]?\d+:[+-]?\d+)$`,
);
const SCALAR = new RegExp(`^(?:True|False|${NUMBER})$`);

export const EMPTY_DRAFT: LaunchDraft = { kernel: '', grid: '', parameters: [] };

export function draftOf(launch: Launch | null | undefined): LaunchDraft {
  if (!launch) return EMPTY_DRAFT;
  const runtime = Object.entries(launch.arguments ?? {}).map(([name, value]) => parameterOf(name, value));
  const constexprs = Object.entries(launch.constexprs ?? {}).map(
    ([name, value]): ParameterDraft => ({ kind: 'constexpr', name, text: literalText(value) }),
  );
  return { kernel: launch.kernel ?? '', grid: (launch.grid ?? []).join(', '), parameters: [...runtime, ...constexprs] };
}

function parameterOf(name: string, value: TensorArgument | boolean | number): ParameterDraft {
  if (typeof value !== 'object') return { kind: 'scalar', name, text: literalText(value) };
  const { dtype, shape, fill = 'normal', seed = 0, strides = null } = value;
  return { kind: 'tensor', name, dtype, shape: shape.join(' × ') || '()', fill, seed, strides };
}

function literalText(value: boolean | number | string | null): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Extents written as "32 × 64", "32x64", "32, 64" or "(32, 64)"; null where it is none of these. "()" is a scalar's shape. */
export function parseShape(text: string): readonly number[] | null {
  if (text.trim() === '') return null;
  const inner = text.trim().replace(/^[([](.*)[)\]]$/, '$1');
  const parts = inner.split(/[×x*,\s]+/).filter(Boolean);
  return parts.every((part) => /^\d+$/.test(part) && Number(part) <= 2 ** 40) ? parts.map(Number) : null;
}

/** Entries of the grid, split at commas outside parentheses; numbers as numbers, the rest as expressions. */
export function parseGrid(text: string): readonly (number | string)[] | null {
  const entries: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0) return null;
    if (character === ',' && depth === 0) entries.push('');
    else entries[entries.length - 1] += character;
  }
  const trimmed = entries.map((entry) => entry.trim());
  if (depth !== 0 || trimmed.length > 3 || trimmed.some((entry) => entry === '')) return null;
  return trimmed.map((entry) => (/^\d+$/.test(entry) ? Number(entry) : entry));
}

function scalarValue(text: string): boolean | number {
  if (text === 'True' || text === 'False') return text === 'True';
  return Number(text);
}

/** A constexpr as Python writes it: number, True, False, None, or a quoted or bare word. Undefined where it is empty. */
function constexprValue(text: string): boolean | number | string | null | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (trimmed === 'None') return null;
  if (SCALAR.test(trimmed)) return scalarValue(trimmed);
  return trimmed.replace(/^(["'])(.*)\1$/, '$2');
}

export function problemOf(parameter: ParameterDraft): Problem | null {
  if (parameter.kind === 'tensor') {
    if (parseShape(parameter.shape) === null) return 'shape';
    return FILL.test(parameter.fill.trim()) ? null : 'fill';
  }
  if (parameter.kind === 'scalar') return SCALAR.test(parameter.text.trim()) ? null : 'scalar';
  return constexprValue(parameter.text) === undefined ? 'constexpr' : null;
}

/** What is wrong, by field: parameter names, "grid" for the grid. */
export function problemsOf(draft: LaunchDraft): ReadonlyMap<string, Problem> {
  const problems = new Map<string, Problem>();
  for (const parameter of draft.parameters) {
    const problem = problemOf(parameter);
    if (problem) problems.set(parameter.name, problem);
  }
  if (draft.kernel && parseGrid(draft.grid) === null) problems.set('grid', 'grid');
  return problems;
}

/** The launch of a valid draft; null where it is empty (the server infers one). */
export function launchOf(draft: LaunchDraft): Launch | null {
  if (!draft.kernel) return null;
  const args: Record<string, TensorArgument | boolean | number> = {};
  const constexprs: Record<string, boolean | number | string | null> = {};
  for (const parameter of draft.parameters) {
    if (parameter.kind === 'tensor') args[parameter.name] = tensorOf(parameter);
    else if (parameter.kind === 'scalar') args[parameter.name] = scalarValue(parameter.text.trim());
    else constexprs[parameter.name] = constexprValue(parameter.text) ?? null;
  }
  return { kernel: draft.kernel, grid: parseGrid(draft.grid) ?? [], arguments: args, constexprs };
}

function tensorOf({ dtype, shape, fill, seed, strides }: TensorDraft): TensorArgument {
  const extents = parseShape(shape) ?? [];
  return {
    dtype,
    shape: extents,
    fill: fill.trim(),
    ...(seed ? { seed } : {}),
    ...(strides?.length === extents.length ? { strides } : {}),
  };
}

/** The draft for what an inspection found: values typed for parameters that are still there stay, unless all is new. */
export function merged(current: LaunchDraft, inspection: Inspection): LaunchDraft {
  const inferred = guessed(inspection);
  const kept = inspection.kernels.find((kernel) => kernel.name === current.kernel);
  if (!kept) return inferred.kernel ? inferred : fromSignature(inspection.kernels.at(-1));
  const base = inferred.kernel === current.kernel ? inferred : fromSignature(kept);
  const typed = new Map(current.parameters.map((parameter) => [parameter.name, parameter]));
  const parameters = base.parameters.map((parameter) => {
    const before = typed.get(parameter.name);
    return before && before.kind === parameter.kind ? before : parameter;
  });
  return { kernel: current.kernel, grid: current.grid || base.grid, parameters };
}

/** Another kernel of the file: its inferred launch where there is one, else blanks for its signature. */
export function switchKernel(name: string, inspection: Inspection): LaunchDraft {
  if (inspection.launch?.kernel === name) return guessed(inspection);
  return fromSignature(inspection.kernels.find((kernel) => kernel.name === name));
}

/** The inferred launch's draft, guesses marked as such. */
function guessed({ launch, assumed }: Inspection): LaunchDraft {
  const draft = draftOf(launch);
  const names = new Set(assumed);
  return { ...draft, parameters: draft.parameters.map((each) => (names.has(each.name) ? { ...each, assumed: true } : each)) };
}

function fromSignature(kernel: KernelEntry | undefined): LaunchDraft {
  if (!kernel) return EMPTY_DRAFT;
  const parameters = kernel.parameters.map((parameter): ParameterDraft => {
    const { name, kind, default: value } = parameter;
    if (kind === 'tensor') return { kind, name, dtype: 'float32', shape: '', fill: 'normal', seed: 0, strides: null };
    return { kind, name, text: value === undefined || value === null ? '' : literalText(value) };
  });
  return { kernel: kernel.name, grid: '', parameters };
}

/** One line for the folded form: "add_kernel · grid 97 · x_ptr f32[98432] · BLOCK 1024". */
export function summaryOf(draft: LaunchDraft): string {
  const parts = draft.parameters.map((parameter) =>
    parameter.kind === 'tensor'
      ? `${parameter.name} ${shortType(parameter.dtype)}[${(parseShape(parameter.shape) ?? []).join('×')}]`
      : `${parameter.name} ${parameter.text}`,
  );
  return [draft.kernel, `grid ${draft.grid}`, ...parts].join(' · ');
}

export function shortType(dtype: string): string {
  return dtype.replace('bfloat', 'bf').replace('float', 'f').replace('uint', 'u').replace(/^int/, 'i');
}
