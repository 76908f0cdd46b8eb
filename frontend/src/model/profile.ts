/** A profile as shares and outlines: what bars, curves and the roofline are drawn from. */
import type { CoreUse, PipeUse, Profile, Series } from '../generated/types';

/** Reasons a pipe stands still, in the order of the bars. Bandwidth is not one of them: a slower transfer is time at work. */
export const STALLS = ['flag', 'communication', 'barrier', 'queue', 'issue'] as const;

export interface Part {
  /** "busy", or the reason it stood still. */
  readonly name: string;
  readonly share: number;
  readonly cycles: number;
}

/** A pipe's time as parts of `cycles`; what is left of it is idle. */
export function partsOf(use: PipeUse, cycles: number): readonly Part[] {
  const whole = Math.max(1, cycles);
  const waits = STALLS.map((name) => ({ name, cycles: use.stalls?.[name] ?? 0 }));
  return [{ name: 'busy', cycles: use.busy }, ...waits]
    .filter((part) => part.cycles > 0)
    .map((part) => ({ ...part, share: part.cycles / whole }));
}

/** The reasons that some pipe of the profile stood still for. */
export function reasonsOf(profile: Profile): readonly string[] {
  const uses = (profile.kinds ?? []).flatMap((kind) => Object.values(kind.pipes));
  return STALLS.filter((name) => uses.some((use) => (use.stalls?.[name] ?? 0) > 0));
}

/** The cores of each kind that ran, and the pipes any of them used, in the order of `order`. */
export function coreGroups(
  cores: readonly CoreUse[],
  order: readonly string[],
): readonly { readonly kind: string; readonly cores: readonly CoreUse[]; readonly pipes: readonly string[] }[] {
  const kinds = [...new Set(cores.filter((core) => core.blocks > 0).map((core) => core.kind))];
  return kinds.map((kind) => {
    const ran = cores.filter((core) => core.kind === kind && core.blocks > 0);
    return { kind, cores: ran, pipes: order.filter((pipe) => ran.some((core) => (core.pipes[pipe]?.busy ?? 0) > 0)) };
  });
}

/** A step curve as an SVG path over `width` × `height`, from cycle 0 to `end`, filled to the ground. */
export function curvePath(series: Series, end: number, width: number, height: number): string {
  const top = topOf(series);
  const x = (cycle: number) => ((width * cycle) / Math.max(1, end)).toFixed(1);
  const y = (value: number) => (height - (height * value) / top).toFixed(1);
  return `M0 ${height}${series.points.map(([cycle, value]) => `H${x(cycle)}V${y(value)}`).join('')}H${width}V${height}Z`;
}

/** The highest value a curve's drawing reaches: its capacity, or its peak where that is more. */
export function topOf(series: Series): number {
  return Math.max(series.capacity, peakOf(series), 1e-9);
}

export function peakOf(series: Series): number {
  return series.points.reduce((most, [, value]) => Math.max(most, value), 0);
}

export interface Roof {
  readonly name: 'GM' | 'L2';
  /** Bytes a cycle. */
  readonly rate: number;
  readonly points: string;
}

export interface RooflineDrawing {
  readonly roofs: readonly Roof[];
  readonly x: number;
  readonly y: number;
  readonly peakY: number;
}

/** The roofline over `width` × `height`, both axes logarithmic; null where there is no point to draw. */
export function rooflineOf(profile: Profile, width: number, height: number): RooflineDrawing | null {
  const [intensity, performance] = profile.roofline;
  const [peak, memory, l2] = profile.roofs ?? [0, 0, 0];
  if (Math.min(intensity, performance, peak, memory) <= 0) return null;
  const fastest = Math.max(memory, l2);
  const [low, high] = [Math.min(intensity, peak / fastest) / 8, Math.max(intensity, peak / memory) * 8].map(Math.log10) as [
    number,
    number,
  ];
  const [bottom, top] = [Math.min(performance, peak / 1000) / 2, peak * 2].map(Math.log10) as [number, number];
  const x = (value: number) => (width * (Math.log10(value) - low)) / (high - low);
  const y = (value: number) => (height * (top - Math.log10(value))) / (top - bottom);
  const roof = (name: Roof['name'], rate: number): Roof => ({
    name,
    rate,
    points: `0,${y(rate * 10 ** low).toFixed(1)} ${x(peak / rate).toFixed(1)},${y(peak).toFixed(1)} ${width},${y(peak).toFixed(1)}`,
  });
  const roofs = l2 > memory ? [roof('GM', memory), roof('L2', l2)] : [roof('GM', memory)];
  return { roofs, x: x(intensity), y: y(performance), peakY: y(peak) };
}

/** An error in per cent, signed. */
export function signedPercent(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toFixed(1)}\u00a0%`;
}
