/** The launch form: kernel, grid and one row an argument; a single line while it is valid and folded. */
import type { ComponentChildren } from 'preact';
import { type Key, t } from '../../i18n';
import {
  DTYPES,
  FILLS,
  type ParameterDraft,
  type Problem,
  summaryOf,
  switchKernel,
  type TensorDraft,
  type ValueDraft,
} from '../../model/launch';
import { inspection, kind, launch, launchProblems } from '../../state/document';
import { launchOpen } from '../../state/view';

export function LaunchForm() {
  const problems = launchProblems.value;
  const open = launchOpen.value || problems.size > 0;
  const empty = !launch.value.kernel;
  return (
    <section class="launch" aria-label={t('launch.title')}>
      <div class="launch-head">
        <h3>{t('launch.title')}</h3>
        <p class="launch-summary" title={summaryOf(launch.value)}>
          {empty ? t('launch.none') : !open && summaryOf(launch.value)}
          {problems.size > 0 && <span class="bad">{t('launch.invalid', { count: problems.size })}</span>}
        </p>
        {kind.value !== 'onnx' && !empty && problems.size === 0 && (
          <button type="button" class="quiet" aria-expanded={open} onClick={() => (launchOpen.value = !launchOpen.value)}>
            {t(open ? 'launch.fold' : 'launch.edit')}
          </button>
        )}
      </div>
      {open && kind.value !== 'onnx' && !empty && <Fields problems={problems} />}
    </section>
  );
}

function Fields({ problems }: { problems: ReadonlyMap<string, Problem> }) {
  const draft = launch.value;
  const kernels = inspection.value?.kernels.map((kernel) => kernel.name) ?? [];
  const names = kernels.includes(draft.kernel) ? kernels : [draft.kernel, ...kernels];
  return (
    <div class="launch-fields">
      <div class="launch-row">
        <label for="launch-kernel">{t('launch.kernel')}</label>
        <select
          id="launch-kernel"
          value={draft.kernel}
          onChange={({ currentTarget }) => {
            if (inspection.value) launch.value = switchKernel(currentTarget.value, inspection.value);
          }}
        >
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <label for="launch-grid">{t('launch.grid')}</label>
        <Field id="launch-grid" problem={problems.get('grid')}>
          <input
            id="launch-grid"
            class="mono"
            value={draft.grid}
            spellcheck={false}
            aria-invalid={problems.has('grid')}
            aria-describedby="launch-grid-problem"
            onInput={({ currentTarget }) => (launch.value = { ...launch.value, grid: currentTarget.value })}
          />
        </Field>
      </div>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('launch.name')}</th>
            <th scope="col">{t('launch.dtype')}</th>
            <th scope="col">
              {t('launch.shape')} / {t('launch.value')}
            </th>
            <th scope="col">{t('launch.fill')}</th>
          </tr>
        </thead>
        <tbody>
          {draft.parameters.map((parameter) => (
            <tr key={parameter.name}>
              <th scope="row" class="mono">
                {parameter.name}
                {parameter.assumed && <small>{t('launch.assumed')}</small>}
              </th>
              {parameter.kind === 'tensor' ? (
                <TensorCells parameter={parameter} problem={problems.get(parameter.name)} />
              ) : (
                <ValueCells parameter={parameter} problem={problems.get(parameter.name)} />
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <datalist id="fills">
        {FILLS.map((fill) => (
          <option key={fill} value={fill} />
        ))}
      </datalist>
    </div>
  );
}

function TensorCells({ parameter, problem }: { parameter: TensorDraft; problem: Problem | undefined }) {
  const { name } = parameter;
  const id = `launch-${name}`;
  return (
    <>
      <td>
        <select
          aria-label={`${t('launch.dtype')} ${name}`}
          value={parameter.dtype}
          onChange={({ currentTarget }) => update({ ...parameter, dtype: currentTarget.value })}
        >
          {[...new Set([...DTYPES, parameter.dtype])].map((dtype) => (
            <option key={dtype}>{dtype}</option>
          ))}
        </select>
      </td>
      <td>
        <Field id={id} problem={problem === 'shape' ? problem : undefined}>
          <input
            class="mono"
            aria-label={`${t('launch.shape')} ${name}`}
            aria-invalid={problem === 'shape'}
            aria-describedby={`${id}-problem`}
            value={parameter.shape}
            spellcheck={false}
            onInput={({ currentTarget }) => update({ ...parameter, shape: currentTarget.value })}
          />
        </Field>
      </td>
      <td>
        <Field id={`${id}-fill`} problem={problem === 'fill' ? problem : undefined}>
          <input
            class="mono"
            list="fills"
            aria-label={`${t('launch.fill')} ${name}`}
            aria-invalid={problem === 'fill'}
            aria-describedby={`${id}-fill-problem`}
            value={parameter.fill}
            spellcheck={false}
            onInput={({ currentTarget }) => update({ ...parameter, fill: currentTarget.value })}
          />
        </Field>
      </td>
    </>
  );
}

function ValueCells({ parameter, problem }: { parameter: ValueDraft; problem: Problem | undefined }) {
  const { name } = parameter;
  return (
    <>
      <td class="dim">{t(`launch.${parameter.kind}`)}</td>
      <td>
        <Field id={`launch-${name}`} problem={problem}>
          <input
            class="mono"
            aria-label={`${t('launch.value')} ${name}`}
            aria-invalid={problem !== undefined}
            aria-describedby={`launch-${name}-problem`}
            value={parameter.text}
            spellcheck={false}
            onInput={({ currentTarget }) => update({ ...parameter, text: currentTarget.value })}
          />
        </Field>
      </td>
      <td />
    </>
  );
}

/** A field with what is wrong about it beneath. */
function Field({ id, problem, children }: { id: string; problem: Problem | undefined; children: ComponentChildren }) {
  return (
    <div class="field">
      {children}
      <p id={`${id}-problem`} class="field-problem">
        {problem && t(`launch.problem.${problem}` satisfies Key)}
      </p>
    </div>
  );
}

function update(parameter: ParameterDraft): void {
  const draft = launch.value;
  launch.value = {
    ...draft,
    parameters: draft.parameters.map((other) => (other.name === parameter.name ? { ...parameter, assumed: false } : other)),
  };
}
