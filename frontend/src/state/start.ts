/** What the page opens on: a permalink's workspace, else the first example with its record. */
import { batch, signal } from '@preact/signals';
import { ApiError, getCatalogue, getRecord, getWorkspace, type Problem, saveWorkspace, type Workspace } from '../api/http';
import { type CompileRequest, DEFAULT_CHIP } from '../generated/types';
import { local, t } from '../i18n';
import { draftOf } from '../model/launch';
import { catalogue } from './catalogue';
import { chosen, compile, compiled, live, open, pass, problem } from './compilation';
import * as doc from './document';
import { notice, type Tab, tab, wantedTab } from './view';

/** Why the page cannot start, where it cannot. */
export const unreachable = signal<Problem | null>(null);

const FIRST_EXAMPLE = 'softmax';

export async function start(path: string): Promise<void> {
  unreachable.value = null;
  try {
    catalogue.value = await getCatalogue();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    unreachable.value = error.problem;
    return;
  }
  const chips = catalogue.value.chips.map((chip) => chip.name);
  doc.chip.value ||= chips.includes(DEFAULT_CHIP) ? DEFAULT_CHIP : (chips[0] ?? '');
  const slug = /^\/w\/([^/]+)\/?$/.exec(path)?.[1];
  if (slug && (await openWorkspace(slug))) return;
  await openFirstExample();
}

async function openFirstExample(): Promise<void> {
  const examples = catalogue.value?.examples ?? [];
  const first = examples.find((entry) => entry.name.includes(FIRST_EXAMPLE)) ?? examples[0];
  if (!first) return;
  batch(() => doc.openExample(first, local(first.title)));
  await compile();
}

async function openWorkspace(slug: string): Promise<boolean> {
  try {
    const workspace = await getWorkspace(slug);
    const request = workspace.request ?? (workspace.key ? ((await getRecord(workspace.key)).request ?? null) : null);
    restore(workspace, request);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error.problem.status === 404 ? { ...error.problem, title: 'gone', detail: slug } : error.problem;
    return false;
  }
}

function restore(workspace: Workspace, request: CompileRequest | null): void {
  const { title, source, launch, options, view, key } = workspace;
  batch(() => {
    doc.openSource(source || request?.source || '', title, draftOf(launch ?? request?.launch));
    if (request?.kind === 'onnx') {
      doc.model.value = { name: `${title}.onnx`, size: null, file: null, sha256: request.model_sha256 ?? null };
    }
    doc.chip.value = request?.chip ?? doc.chip.value;
    doc.engine.value = request?.engine ?? 'builtin';
    const passes = options?.passes ?? request?.options?.passes ?? [];
    doc.switchedOff.value = new Set(passes.filter((name) => name.startsWith('-')).map((name) => name.slice(1)));
    if (key) open(key, request ?? doc.request.value);
    chosen.value = view?.pass ? `${view.pass.index}:${view.pass.scope}` : null;
    if (view?.tab) wantedTab.value = view.tab as Tab;
    doc.selected.value = view?.line ? { side: 'source', line: view.line } : null;
  });
}

/** Makes a permalink of what is on show; its address replaces the page's and goes to the clipboard. */
export async function share(): Promise<void> {
  try {
    const { slug } = await saveWorkspace(workspaceNow());
    history.replaceState(null, '', `/w/${slug}`);
    notice.value = (await copied(location.href))
      ? t('share.copied', { url: location.href })
      : t('share.made', { url: location.href });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error.problem;
  }
}

function workspaceNow(): Workspace {
  const request = compiled.value ?? doc.request.value;
  const now = pass.value;
  return {
    title: doc.title.value,
    key: live.value?.key ?? null,
    request,
    source: doc.model.value ? '' : doc.source.value,
    launch: doc.request.value.launch ?? null,
    options: request.options ?? null,
    view: {
      pass: now ? { index: now.index, scope: now.scope } : null,
      tab: tab.value,
      line: doc.selected.value?.side === 'source' ? doc.selected.value.line : null,
    },
  };
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
