/** A source line as a button that goes there. */
import { t } from '../../../i18n';
import { selected } from '../../../state/document';
import { focusSource } from '../../source/Editor';

export function LineButton({ line }: { line: number }) {
  return (
    <button type="button" class="quiet" onClick={() => goTo(line)}>
      {t('profile.lines', { lines: line })}
    </button>
  );
}

function goTo(line: number): void {
  selected.value = { side: 'source', line };
  focusSource(line);
}
