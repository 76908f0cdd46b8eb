/** The pass rail's rows: passes grouped under scope and stage, runs that changed nothing folded, each with its change in cycles. */
import type { Cycles, Pass, Verification } from '../generated/types';
import { passId } from './fold';

export interface RailRow {
  readonly kind: 'pass';
  readonly pass: Pass;
  readonly id: string;
  /** Cycles after the last pass before this one, in its scope, that was measured. */
  readonly cyclesBefore: number | null;
}

export interface RailFold {
  readonly kind: 'fold';
  readonly rows: readonly RailRow[];
}

export interface RailGroup {
  readonly stage: Pass['stage_out'];
  readonly items: readonly (RailRow | RailFold)[];
}

/** The passes of one scope: a kernel, a layer of a model, or a model's whole graph. */
export interface RailSection {
  readonly scope: string;
  readonly groups: readonly RailGroup[];
  readonly rows: readonly RailRow[];
  /** Cycles of the first and last pass that was measured. */
  readonly first: Cycles | null;
  readonly last: Cycles | null;
  /** The newest check, or the first that failed. */
  readonly verification: Verification | null;
  readonly ms: number;
}

/** Fewer unchanged passes than this in a row are not worth a fold. */
const SMALLEST_FOLD = 2;

export function railRows(passes: readonly Pass[]): readonly RailRow[] {
  const last = new Map<string, number>();
  return passes.map((pass) => {
    const cyclesBefore = last.get(pass.scope) ?? null;
    if (pass.cycles) last.set(pass.scope, pass.cycles.total);
    return { kind: 'pass', pass, id: passId(pass), cyclesBefore };
  });
}

export function railSections(passes: readonly Pass[]): readonly RailSection[] {
  const byScope = new Map<string, RailRow[]>();
  for (const row of railRows(passes)) {
    const rows = byScope.get(row.pass.scope);
    if (rows) rows.push(row);
    else byScope.set(row.pass.scope, [row]);
  }
  return [...byScope].map(([scope, rows]) => {
    const measured = rows.flatMap((row) => row.pass.cycles ?? []);
    const checks = rows.flatMap((row) => row.pass.verification ?? []);
    return {
      scope,
      groups: grouped(rows),
      rows,
      first: measured[0] ?? null,
      last: measured.at(-1) ?? null,
      verification: checks.find((check) => !check.ok) ?? checks.at(-1) ?? null,
      ms: rows.reduce((sum, row) => sum + row.pass.ms, 0),
    };
  });
}

/** Rows under their stage, runs that changed nothing folded. */
function grouped(all: readonly RailRow[]): readonly RailGroup[] {
  const groups: { stage: Pass['stage_out']; rows: RailRow[] }[] = [];
  for (const row of all) {
    const stage = row.pass.stage_out;
    const open = groups.at(-1);
    if (open?.stage === stage) open.rows.push(row);
    else groups.push({ stage, rows: [row] });
  }
  return groups.map(({ stage, rows }) => ({ stage, items: folded(rows) }));
}

function folded(rows: readonly RailRow[]): readonly (RailRow | RailFold)[] {
  const items: (RailRow | RailFold)[] = [];
  let quiet: RailRow[] = [];
  const flush = () => {
    if (quiet.length >= SMALLEST_FOLD) items.push({ kind: 'fold', rows: quiet });
    else items.push(...quiet);
    quiet = [];
  };
  for (const row of rows) {
    if (isQuiet(row)) quiet.push(row);
    else {
      flush();
      items.push(row);
    }
  }
  flush();
  return items;
}

/** Nothing to see: the IR stayed, and neither a diagnostic nor a failed check hangs on it. */
function isQuiet({ pass, cyclesBefore }: RailRow): boolean {
  const first = cyclesBefore === null && pass.cycles !== null;
  return !pass.changed && !first && !pass.diagnostics?.length && pass.verification?.ok !== false;
}

/** The largest cycles of any pass of the scope: the common scale of its bars. */
export function cyclesScale(passes: readonly Pass[], scope: string): number {
  return Math.max(0, ...passes.filter((pass) => pass.scope === scope).map((pass) => pass.cycles?.total ?? 0));
}

/** The pass before this one in the same scope, or the module's last before it: what its diff compares with. */
export function passBefore(passes: readonly Pass[], pass: Pass): Pass | null {
  const at = passes.findIndex((other) => passId(other) === passId(pass));
  const before = passes.slice(0, at);
  return before.findLast((other) => other.scope === pass.scope) ?? before.findLast((other) => other.scope === '') ?? null;
}
