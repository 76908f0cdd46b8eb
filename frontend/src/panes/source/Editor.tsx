/** The source editor: the reader's text, diagnostics in its margin, and lines linked with the IR. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { python } from '@codemirror/lang-python';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { type Diagnostic as Finding, lintGutter, setDiagnostics } from '@codemirror/lint';
import { searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { effect, signal, untracked } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Diagnostic, FixIt } from '../../generated/types';
import { say, t } from '../../i18n';
import { changesOf, rangeOf } from '../../model/spans';
import { diagnostics } from '../../state/compilation';
import { kind, selected, source, sourceEpoch } from '../../state/document';
import { hovered, hoverLink, selectedLink } from '../../state/view';
import { lineAt, lineMarks, mark, reveal } from '../links';
import { mlir } from '../mlir';
import { editorTheme } from '../theme';

const view = signal<EditorView | null>(null);
const language = new Compartment();
const label = new Compartment();

export function focusSource(line: number): void {
  const now = view.value;
  if (!now) return;
  const at = now.state.doc.line(Math.max(1, Math.min(line, now.state.doc.lines))).from;
  now.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
  now.focus();
}

/** Applies a fix-it to the text as it stands. */
export function applyFix(fix: FixIt): void {
  const now = view.value;
  if (!now) return;
  now.dispatch({ changes: [...changesOf(fix.edits, now.state.doc)], userEvent: 'input.fix' });
  now.focus();
}

export function Editor() {
  const host = useRef<HTMLDivElement>(null);
  // A layout effect ends with its component; a passive one would outlive it by a frame, and answer for a view that is gone.
  useLayoutEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({ parent: host.current, state: freshState() });
    view.value = editor;
    const stops = [
      effect(() => {
        if (sourceEpoch.value > 0) untracked(() => restart(editor));
      }),
      effect(() => editor.dispatch({ effects: language.reconfigure(grammar()) })),
      effect(() => editor.dispatch({ effects: label.reconfigure(labelled()) })),
      effect(() => showFindings(editor)),
      effect(() => showLinks(editor)),
      effect(() => {
        if (selected.value?.side === 'ir') reveal(editor, selectedLink.value.source);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      view.value = null;
      editor.destroy();
    };
  }, []);
  return <div class="editor" ref={host} />;
}

function freshState(): EditorState {
  return EditorState.create({ doc: source.peek(), extensions: [language.of(grammar()), label.of(labelled()), extensions] });
}

function restart(editor: EditorView): void {
  if (editor.state.doc.toString() === source.peek()) return;
  editor.setState(freshState());
  showFindings(editor);
  showLinks(editor);
}

function showLinks(editor: EditorView): void {
  mark(editor, { hover: hoverLink.value.source, selected: selectedLink.value.source, related: [] });
}

function grammar(): Extension {
  return kind.value === 'mlir' ? mlir : python();
}

function labelled(): Extension {
  return EditorView.contentAttributes.of({ 'aria-label': t('source.editor') });
}

const listener = EditorView.updateListener.of((update) => {
  if (update.docChanged) source.value = update.state.doc.toString();
  const byHand = update.transactions.some((transaction) => transaction.isUserEvent('select'));
  if (byHand || (update.docChanged && selected.peek())) {
    selected.value = { side: 'source', line: update.state.doc.lineAt(update.state.selection.main.head).number };
  }
});

const pointer = EditorView.domEventHandlers({
  mousemove: (event, editor) => {
    const line = lineAt(editor, event);
    hovered.value = line === null ? null : { side: 'source', line };
  },
  mouseleave: () => {
    hovered.value = null;
  },
});

const extensions: Extension = [
  lineNumbers(),
  lintGutter(),
  history(),
  drawSelection(),
  indentOnInput(),
  indentUnit.of('    '),
  bracketMatching(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
  lineMarks,
  editorTheme,
  listener,
  pointer,
];

function showFindings(editor: EditorView): void {
  const findings = diagnostics.value.flatMap((entry) => findingsOf(entry, editor));
  editor.dispatch(setDiagnostics(editor.state, findings));
}

function findingsOf(entry: Diagnostic, editor: EditorView): Finding[] {
  const severity = entry.severity === 'note' ? 'info' : entry.severity;
  const actions = (entry.fixits ?? []).map((fix) => ({ name: say(fix.label), apply: () => applyFix(fix) }));
  return (entry.spans ?? [])
    .slice(0, 1)
    .map((span) => ({ ...rangeOf(span, editor.state.doc), severity, message: say(entry.message), actions }));
}
