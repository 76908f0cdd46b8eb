/** What the program computed, and how far it is from the reference. */
import { blobUrl } from '../../api/http';
import { Check } from '../../components/Check';
import type { Output } from '../../generated/types';
import { t } from '../../i18n';
import { significant } from '../../model/format';
import { shown } from '../../state/compilation';

export function OutputsTab() {
  const outputs = shown.value?.outputs ?? [];
  if (outputs.length === 0) return <p class="empty">{t('outputs.none')}</p>;
  return (
    <div class="scroll">
      <table class="outputs data">
        <thead>
          <tr>
            <th scope="col">{t('outputs.name')}</th>
            <th scope="col">{t('outputs.check')}</th>
            <th scope="col">{t('outputs.abs')}</th>
            <th scope="col">{t('outputs.rel')}</th>
            <th scope="col">{t('outputs.type')}</th>
            <th scope="col">{t('outputs.min')}</th>
            <th scope="col">{t('outputs.max')}</th>
            <th scope="col">{t('outputs.mean')}</th>
          </tr>
        </thead>
        <tbody>
          {outputs.map((output) => {
            const check = output.verification;
            return (
              <tr key={output.name}>
                <th scope="row" class="mono">
                  <a
                    href={blobUrl(output.blob)}
                    download={`${output.name}.npy`}
                    title={t('outputs.download', { name: output.name })}
                  >
                    {output.name}
                  </a>
                </th>
                <td>
                  <Check verification={check} word />
                  {!output.finite && <span class="bad"> {t('outputs.infinite')}</span>}
                </td>
                <td class="num">{significant(check?.max_abs)}</td>
                <td class="num">{significant(check?.max_rel)}</td>
                <td class="mono">
                  {output.dtype} [{output.shape.join(' × ')}]
                </td>
                <td class="num">{significant(output.minimum)}</td>
                <td class="num">{significant(output.maximum)}</td>
                <td class="num">{significant(output.mean)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {captions(outputs).map((text) => (
        <p key={text} class="caption dim">
          {text}
        </p>
      ))}
    </div>
  );
}

/** What the outputs were held against and how much they may be off: once for all that share it. */
function captions(outputs: readonly Output[]): readonly string[] {
  const names = new Map<string, string[]>();
  for (const { name, verification } of outputs) {
    if (!verification) continue;
    const { against, atol, rtol } = verification;
    const text = t('outputs.measure', { against, atol: significant(atol), rtol: significant(rtol) });
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return [...names].map(([text, list]) => (names.size > 1 ? `${list.join(', ')}: ${text}` : text));
}
