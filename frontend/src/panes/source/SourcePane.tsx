/** The first column: where the input comes from, the editor or the model, and the launch form. */
import { useRef } from 'preact/hooks';
import { t } from '../../i18n';
import { bytes } from '../../model/format';
import { example, kind, model, source, sourceEpoch, title } from '../../state/document';
import { Editor } from './Editor';
import { ACCEPTED, openFile } from './files';
import { Gallery } from './Gallery';
import { LaunchForm } from './LaunchForm';

export function SourcePane() {
  return (
    <section class="pane source" aria-label={t('pane.source')} data-pane="source">
      <header class="pane-head">
        <h2>{t('pane.source')}</h2>
        <Gallery />
        <OpenFile />
        <span class="dim grow end">{t('source.drop')}</span>
      </header>
      {kind.value === 'onnx' ? (
        <ModelCard />
      ) : (
        <>
          <Editor />
          <LaunchForm />
        </>
      )}
    </section>
  );
}

function OpenFile() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="quiet" onClick={() => input.current?.click()}>
        {t('source.open')}
      </button>
      <input
        ref={input}
        type="file"
        accept={ACCEPTED}
        hidden
        aria-label={t('source.open')}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          if (file) void openFile(file);
          currentTarget.value = '';
        }}
      />
    </>
  );
}

function ModelCard() {
  const now = model.value;
  if (!now) return null;
  return (
    <div class="model">
      <p class="dim">{t('source.model')}</p>
      <p class="model-name mono">{now.name}</p>
      {now.size !== null && <p class="mono dim">{bytes(now.size)}</p>}
      <p>{t(now.file ? 'source.model.hint' : 'source.model.gone')}</p>
      <button
        type="button"
        onClick={() => {
          model.value = null;
          title.value = '';
          example.value = null;
          if (source.value) sourceEpoch.value += 1;
        }}
      >
        {t('source.model.remove')}
      </button>
    </div>
  );
}
