/** Where a diagnostic's spans lie in a text, as offsets. */
import type { Span, TextEdit } from '../generated/types';

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What spans need of a document: CodeMirror's Text has it. */
export interface Lines {
  readonly lines: number;
  line(number: number): { readonly from: number; readonly to: number };
}

/** The offsets of a span, clamped to the document; one without an end covers the rest of its line. */
export function rangeOf(span: Span, document: Lines): Range {
  const start = document.line(clamp(span.line, 1, document.lines));
  const from = Math.min(start.from + Math.max(0, (span.column ?? 1) - 1), start.to);
  if (!span.end_line) return { from, to: start.to };
  const end = document.line(clamp(span.end_line, 1, document.lines));
  const to = Math.min(end.from + Math.max(0, (span.end_column ?? 1) - 1), end.to);
  return { from, to: Math.max(from, to) };
}

/** A fix-it's edits as changes of a document, in order. */
export function changesOf(edits: readonly TextEdit[], document: Lines): readonly (Range & { readonly insert: string })[] {
  return edits.map(({ span, text }) => ({ ...rangeOf(span, document), insert: text })).sort((a, b) => a.from - b.from);
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
