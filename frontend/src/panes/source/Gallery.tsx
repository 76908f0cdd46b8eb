/** The gallery of examples: a list under its button, each with what it shows. */
import { useRef } from 'preact/hooks';
import type { ExampleEntry } from '../../generated/types';
import { local, t } from '../../i18n';
import { catalogue } from '../../state/catalogue';
import { example, openExample } from '../../state/document';

export function Gallery() {
  const list = useRef<HTMLUListElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const entries = catalogue.value?.examples ?? [];
  const current = entries.find((entry) => entry.name === example.value);

  function place(): void {
    const box = button.current?.getBoundingClientRect();
    if (!box || !list.current) return;
    list.current.style.left = `${box.left}px`;
    list.current.style.top = `${box.bottom + 4}px`;
  }

  function pick(entry: ExampleEntry): void {
    openExample(entry, local(entry.title));
    list.current?.hidePopover();
  }

  return (
    <>
      <button ref={button} type="button" class="picker" popovertarget="gallery" onClick={place}>
        {current ? local(current.title) : t('source.examples')}
      </button>
      <ul ref={list} id="gallery" class="gallery" popover="auto" aria-label={t('source.examples')}>
        {entries.map((entry) => (
          <li key={entry.name}>
            <button
              type="button"
              aria-current={entry.name === example.value}
              onClick={() => pick(entry)}
              data-example={entry.name}
            >
              <strong>{local(entry.title)}</strong>
              <span>{local(entry.summary)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
