/** How the reader looks at a result: tab, links between lines, what floats above the panes. */
import { computed, effect, signal } from '@preact/signals';
import { blobText } from '../api/blobs';
import { passId } from '../model/fold';
import { type LineMap, type Link, linkFromIr, linkFromSource, NO_LINK } from '../model/linemap';
import { chosen, live, pass, shown } from './compilation';
import { type Anchor, kind, selected } from './document';

export type Tab = 'ir' | 'diff' | 'timeline' | 'memory' | 'profile' | 'outputs';
export type NarrowPane = 'source' | 'passes' | 'inspector';
export type Floating = 'help' | 'palette' | null;

export const wantedTab = signal<Tab>('ir');
export const narrowPane = signal<NarrowPane>('source');
export const floating = signal<Floating>(null);
export const drawerOpen = signal(false);
export const launchOpen = signal(false);
/** A short notice, read out politely; the newest replaces the one before. */
export const notice = signal('');
/** What a screen reader is told next: passes that arrived, and the end. */
export const announcement = signal('');
/** The first of two passes marked for a diff, and then the pair. */
export const marked = signal<string | null>(null);
export const comparedWith = signal<string | null>(null);
export const hovered = signal<Anchor | null>(null);
/** Asks the IR view to open its search; it takes the wish back when it has. */
export const searchWanted = signal(false);

/** Tabs with real content behind them. */
export const tabs = computed<readonly Tab[]>(() => {
  const now = shown.value;
  return [
    'ir',
    'diff',
    ...(now?.traces.length ? (['timeline'] as const) : []),
    ...(now?.passes.some((entry) => Object.keys(entry.memory ?? {}).length > 0) ? (['memory'] as const) : []),
    'profile',
    'outputs',
  ];
});
export const tab = computed<Tab>(() => (tabs.value.includes(wantedTab.value) ? wantedTab.value : 'ir'));

/** The IR of the pass on show and its line map; null while they load. */
export const irText = signal<{ readonly hash: string; readonly text: string } | null>(null);
export const lineMap = signal<LineMap>([]);
export const irFailed = signal(false);

export const hoverLink = computed(() => linkOf(hovered.value));
export const selectedLink = computed(() => linkOf(selected.value));

export function choose(id: string | null): void {
  chosen.value = id;
}

export function showTab(next: Tab): void {
  wantedTab.value = next;
  narrowPane.value = 'inspector';
}

export function neighbour(step: 1 | -1): void {
  const passes = shown.value?.passes ?? [];
  const now = pass.value;
  if (!now) return;
  const at = passes.findIndex((entry) => passId(entry) === passId(now));
  const next = passes[at + step];
  if (next) choose(passId(next));
}

export async function loadLines(hash: string): Promise<LineMap> {
  return hash ? (JSON.parse(await blobText(hash)) as LineMap) : [];
}

function linkOf(anchor: Anchor | null): Link {
  if (!anchor) return NO_LINK;
  if (anchor.side === 'ir') return linkFromIr(lineMap.value, anchor.line);
  return kind.value === 'onnx' ? NO_LINK : linkFromSource(lineMap.value, anchor.line);
}

effect(() => {
  const now = pass.value;
  const hash = now?.ir ?? '';
  const lines = now?.lines ?? '';
  const current = () => (pass.peek()?.ir ?? '') === hash && (pass.peek()?.lines ?? '') === lines;
  if (!hash) {
    irText.value = null;
    lineMap.value = [];
    return;
  }
  Promise.all([blobText(hash), loadLines(lines)]).then(
    ([text, map]) => {
      if (!current()) return;
      irText.value = { hash, text };
      lineMap.value = map;
      irFailed.value = false;
    },
    () => {
      if (current()) irFailed.value = true;
    },
  );
});

/** The drawer rises by itself for what stopped a compilation, never while somebody types. */
effect(() => {
  if (live.value?.phase === 'failed') drawerOpen.value = true;
});
