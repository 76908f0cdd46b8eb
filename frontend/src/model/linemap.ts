/** Which source lines an IR line came from, and the way back. */

/** One entry a line of IR: null, or the op's id and its source lines (from 1). */
export type LineMap = readonly (readonly [string | number, readonly number[]] | null)[];

/** What a pointer, a caret or a pick lights up: source lines, the IR lines meant, and IR lines that share their source. */
export interface Link {
  readonly source: readonly number[];
  readonly ir: readonly number[];
  readonly related: readonly number[];
}

export const NO_LINK: Link = { source: [], ir: [], related: [] };

export function irLinesOf(map: LineMap, sourceLines: readonly number[]): readonly number[] {
  const wanted = new Set(sourceLines);
  return map.flatMap((entry, at) => (entry?.[1].some((line) => wanted.has(line)) ? [at + 1] : []));
}

export function linkFromSource(map: LineMap, line: number): Link {
  return { source: [line], ir: irLinesOf(map, [line]), related: [] };
}

export function linkFromIr(map: LineMap, line: number): Link {
  const source = (map[line - 1]?.[1] ?? []).filter((number) => number > 0);
  return { source, ir: [line], related: irLinesOf(map, source).filter((other) => other !== line) };
}
