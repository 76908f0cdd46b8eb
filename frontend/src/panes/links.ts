/** Marks linked lines in an editor, in three strengths: hovered, selected, related. */
import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view';

export type Strength = 'related' | 'hover' | 'selected';
export type LineMarks = Readonly<Record<Strength, readonly number[]>>;

const setMarks = StateEffect.define<LineMarks>();
const WEAKEST_FIRST: readonly Strength[] = ['related', 'hover', 'selected'];
const decorations = {
  related: Decoration.line({ class: 'cm-link-related' }),
  hover: Decoration.line({ class: 'cm-link-hover' }),
  selected: Decoration.line({ class: 'cm-link-selected' }),
};

export const lineMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let result = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const strongest = new Map<number, Strength>();
      for (const strength of WEAKEST_FIRST) for (const line of effect.value[strength]) strongest.set(line, strength);
      const ranges = [...strongest]
        .filter(([line]) => line >= 1 && line <= transaction.state.doc.lines)
        .map(([line, strength]) => decorations[strength].range(transaction.state.doc.line(line).from));
      result = Decoration.set(ranges, true);
    }
    return result;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function mark(view: EditorView, marks: LineMarks): void {
  view.dispatch({ effects: setMarks.of(marks) });
}

/** The line (from 1) under a pointer event, or null beside the text. */
export function lineAt(view: EditorView, event: MouseEvent): number | null {
  const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
  return at === null ? null : view.state.doc.lineAt(at).number;
}

/** Brings the first of these lines into view, unless one of them is there already. */
export function reveal(view: EditorView, lines: readonly number[]): void {
  const inRange = lines.filter((line) => line <= view.state.doc.lines).map((line) => view.state.doc.line(line).from);
  const box = view.scrollDOM.getBoundingClientRect();
  const visible = inRange.some((at) => {
    const place = view.coordsAtPos(at);
    return place !== null && place.top >= box.top && place.bottom <= box.bottom;
  });
  const first = inRange[0];
  if (!visible && first !== undefined) view.dispatch({ effects: EditorView.scrollIntoView(first, { y: 'center' }) });
}
