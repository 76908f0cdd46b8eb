/** The page: header, three panes, diagnostics, and what floats above them. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Splitter } from './components/Splitter';
import { type Key, t } from './i18n';
import { Drawer } from './panes/Drawer';
import { Floating } from './panes/Floating';
import { Header } from './panes/Header';
import { InspectorPane } from './panes/inspector/InspectorPane';
import { Notices } from './panes/Notices';
import { RailPane } from './panes/rail/RailPane';
import { openFile } from './panes/source/files';
import { SourcePane } from './panes/source/SourcePane';
import { catalogue } from './state/catalogue';
import { diagnostics } from './state/compilation';
import { columns } from './state/preferences';
import { start, unreachable } from './state/start';
import { drawerOpen, type NarrowPane, narrowPane } from './state/view';

const LEAST = 0.14;
const NARROW: Readonly<Record<NarrowPane, Key>> = { source: 'pane.source', passes: 'pane.passes', inspector: 'pane.inspector' };

export function App() {
  const dragging = useFileDrop();
  if (unreachable.value) return <Unreachable />;
  const [source, rail] = columns.value;
  return (
    <div class={`app${dragging ? ' dragging' : ''}`} data-ready={catalogue.value !== null}>
      <Header />
      <p class="summary">
        {t('app.summary')}
        {catalogue.value === null && <span> · {t('app.loading')}</span>}
      </p>
      <nav class="narrow-tabs" aria-label={t('pane.inspector')}>
        {(Object.keys(NARROW) as NarrowPane[]).map((name) => (
          <button key={name} type="button" aria-current={narrowPane.value === name} onClick={() => (narrowPane.value = name)}>
            {t(NARROW[name])}
          </button>
        ))}
      </nav>
      <main class={`columns show-${narrowPane.value}`} style={{ '--source': source, '--rail': rail }}>
        <SourcePane />
        <Splitter
          label={t('pane.resize', { pane: t('pane.source') })}
          at={source}
          onMove={(at) => (columns.value = [bounded(at, LEAST, 1 - rail - LEAST), rail])}
        />
        <RailPane />
        <Splitter
          label={t('pane.resize', { pane: t('pane.passes') })}
          at={source + rail}
          onMove={(at) => (columns.value = [source, bounded(at - source, LEAST, 1 - source - LEAST)])}
        />
        <InspectorPane />
      </main>
      <Drawer />
      <Foot />
      <Notices />
      <Floating />
    </div>
  );
}

function Foot() {
  const count = diagnostics.value.length;
  if (count === 0) return null;
  return (
    <footer class="foot">
      <button
        type="button"
        class="quiet"
        aria-expanded={drawerOpen.value}
        onClick={() => (drawerOpen.value = !drawerOpen.value)}
      >
        {count === 1 ? t('diagnostics.one') : t('diagnostics.count', { count })}
      </button>
    </footer>
  );
}

function Unreachable() {
  return (
    <main class="unreachable">
      <h1>Tilescope</h1>
      <p role="alert">
        <b>{t('error.unreachable')}</b> {t('error.unreachable.try')}
      </p>
      <button type="button" class="primary" onClick={() => void start(location.pathname)}>
        {t('error.retry')}
      </button>
    </main>
  );
}

/** Files dropped anywhere on the page open; whether one hangs over it just now. */
function useFileDrop(): boolean {
  const over = useSignal(false);
  useEffect(() => {
    const hold = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      over.value = true;
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) over.value = false;
    };
    const drop = (event: DragEvent) => {
      over.value = false;
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      event.stopPropagation();
      void openFile(file);
    };
    const captured = { capture: true };
    window.addEventListener('dragover', hold, captured);
    window.addEventListener('dragleave', leave, captured);
    window.addEventListener('drop', drop, captured);
    return () => {
      window.removeEventListener('dragover', hold, captured);
      window.removeEventListener('dragleave', leave, captured);
      window.removeEventListener('drop', drop, captured);
    };
  }, []);
  return over.value;
}

function bounded(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
