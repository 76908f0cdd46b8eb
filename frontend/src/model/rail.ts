/** The pass rail's rows: passes grouped under scope and stage, runs that changed nothing folded, each with its change in cycles. */
import type { Pass } from '../generated/types';
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
  readonly scope: string;
  readonly stage: Pass['stage_out'];
  readonly items: readonly (RailRow | RailFold)[];
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

export function railGroups(passes: readonly Pass[]): readonly RailGroup[] {
  const groups: { scope: string; stage: Pass['stage_out']; rows: RailRow[] }[] = [];
  for (const row of railRows(passes)) {
    const { scope, stage_out: stage } = row.pass;
    const open = groups.at(-1);
    if (open?.scope === scope && open.stage === stage) open.rows.push(row);
    else groups.push({ scope, stage, rows: [row] });
  }
  return groups.map(({ scope, stage, rows }) => ({ scope, stage, items: folded(rows) }));
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
