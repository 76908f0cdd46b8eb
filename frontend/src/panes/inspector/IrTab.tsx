/** The IR after a pass, read-only, its lines linked with the source. */
import { defaultKeymap } from '@codemirror/commands';
import { openSearchPanel, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { effect, untracked } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../../i18n';
import { pass } from '../../state/compilation';
import { selected } from '../../state/document';
import { hovered, hoverLink, irFailed, irText, searchWanted, selectedLink } from '../../state/view';
import { lineAt, lineMarks, mark, reveal } from '../links';
import { mlir } from '../mlir';
import { editorTheme } from '../theme';

const label = new Compartment();

export function IrTab() {
  const host = useRef<HTMLDivElement>(null);
  // A layout effect ends with its component; a passive one would outlive it by a frame, and answer for a view that is gone.
  useLayoutEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({ extensions: [label.of(labelled()), extensions] }),
    });
    const stops = [
      effect(() => {
        const text = irText.value?.text ?? '';
        untracked(() => show(editor, text));
      }),
      effect(() => editor.dispatch({ effects: label.reconfigure(labelled()) })),
      effect(() => showLinks(editor)),
      effect(() => {
        const lines = selectedLink.value.ir;
        if (selected.value?.side === 'source' && irText.value) reveal(editor, lines);
      }),
      effect(() => {
        if (!searchWanted.value) return;
        searchWanted.value = false;
        untracked(() => openSearchPanel(editor));
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      editor.destroy();
    };
  }, []);
  return (
    <>
      {irFailed.value && <p class="empty">{t('error.blob')}</p>}
      <div class="editor ir" ref={host} />
    </>
  );
}

/** The next IR in the place of this one; an open search stays, and so does the reader's place where the texts are alike. */
function show(editor: EditorView, text: string): void {
  if (editor.state.doc.toString() === text) return;
  const { scrollTop, scrollLeft } = editor.scrollDOM;
  editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text }, selection: { anchor: 0 } });
  editor.scrollDOM.scrollTo(scrollLeft, scrollTop);
  showLinks(editor);
}

function showLinks(editor: EditorView): void {
  const [hover, pick] = [hoverLink.value, selectedLink.value];
  mark(editor, { hover: hover.ir, selected: pick.ir, related: [...hover.related, ...pick.related] });
}

function labelled(): Extension {
  return EditorView.contentAttributes.of({ 'aria-label': t('ir.label', { name: pass.value?.name ?? '' }) });
}

const listener = EditorView.updateListener.of((update) => {
  if (!update.transactions.some((transaction) => transaction.isUserEvent('select'))) return;
  selected.value = { side: 'ir', line: update.state.doc.lineAt(update.state.selection.main.head).number };
});

const pointer = EditorView.domEventHandlers({
  mousemove: (event, editor) => {
    const line = lineAt(editor, event);
    hovered.value = line === null ? null : { side: 'ir', line };
  },
  mouseleave: () => {
    hovered.value = null;
  },
});

const extensions: Extension = [
  EditorState.readOnly.of(true),
  // A caret for keyboards, and no keyboard over the text on a touch screen.
  EditorView.contentAttributes.of({ inputmode: 'none', 'aria-readonly': 'true' }),
  lineNumbers(),
  drawSelection(),
  highlightActiveLine(),
  search({ top: true }),
  keymap.of([...searchKeymap, ...defaultKeymap]),
  mlir,
  lineMarks,
  editorTheme,
  listener,
  pointer,
];
