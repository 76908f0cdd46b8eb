/** The difference a pass made, op by op, from the server's identity-keyed diff; or between any two passes. */
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { blobText } from '../../api/blobs';
import { useWidth } from '../../components/useWidth';
import { VirtualRows } from '../../components/VirtualRows';
import type { Diff, Pass } from '../../generated/types';
import { t } from '../../i18n';
import {
  type ChangeKind,
  changedPart,
  type DiffRow,
  diffByIdentity,
  diffRows,
  hunks,
  type Side,
  sideOf,
} from '../../model/diff';
import { passId } from '../../model/fold';
import { integer } from '../../model/format';
import { passBefore } from '../../model/rail';
import { pass, shown } from '../../state/compilation';
import { diffLayout } from '../../state/preferences';
import { comparedWith, loadLines } from '../../state/view';

/** Two columns of code need about this many pixels. */
const ROOM_FOR_TWO = 860;
const KINDS: readonly ChangeKind[] = ['new', 'gone', 'rewritten', 'fused', 'moved'];
const SIGNS: Readonly<Record<DiffRow['kind'], string>> = {
  kept: '',
  new: '+',
  gone: '−',
  rewritten: '~',
  fused: '⋈',
  moved: '↕',
};

interface Loaded {
  readonly pair: string;
  readonly before: Side;
  readonly after: Side;
  readonly diff: Diff;
  readonly rows: readonly DiffRow[];
}

export function DiffTab() {
  const passes = shown.value?.passes ?? [];
  const after = pass.value;
  const other = passes.find((entry) => passId(entry) === comparedWith.value) ?? null;
  const before = after && (other ?? passBefore(passes, after));
  const loaded = useLoaded(before, after, other === null);
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host, 0);
  const layout = diffLayout.value === 'auto' ? (width.value >= ROOM_FOR_TWO ? 'side' : 'unified') : diffLayout.value;
  if (!after) return null;
  if (!before) return <p class="empty">{t('diff.first')}</p>;
  return (
    <div class="diff" ref={host}>
      <Bar before={before} after={after} counts={loaded?.diff.counts ?? {}} layout={layout} />
      {loaded && loaded.diff.changes.length === 0 && <p class="empty">{t('diff.same', { name: after.name })}</p>}
      {loaded && loaded.diff.changes.length > 0 && (
        <Table
          key={`${loaded.pair} ${layout}`}
          loaded={loaded}
          layout={layout}
          label={t('diff.label', { before: before.name, after: after.name })}
        />
      )}
    </div>
  );
}

function useLoaded(before: Pass | null, after: Pass | null, neighbours: boolean): Loaded | null {
  const loaded = useSignal<Loaded | null>(null);
  const pair = before && after ? `${before.ir} ${after.ir} ${neighbours}` : '';
  useEffect(() => {
    if (!before || !after) return;
    let current = true;
    Promise.all([side(before), side(after)]).then(
      ([left, right]) => {
        if (!current) return;
        const diff = neighbours && after.diff ? after.diff : diffByIdentity(left, right);
        loaded.value = { pair, before: left, after: right, diff, rows: diffRows(left, right, diff) };
      },
      () => (loaded.value = null),
    );
    return () => {
      current = false;
    };
  }, [pair]);
  return loaded.value?.pair === pair ? loaded.value : null;
}

async function side({ ir, lines }: Pass): Promise<Side> {
  return sideOf(await blobText(ir), await loadLines(lines));
}

type Layout = 'side' | 'unified';

interface BarProps {
  readonly before: Pass;
  readonly after: Pass;
  readonly counts: Readonly<Record<string, number>>;
  readonly layout: Layout;
}

function Bar({ before, after, counts, layout }: BarProps) {
  const passes = shown.value?.passes ?? [];
  const kept = counts.kept ?? 0;
  return (
    <div class="diff-bar">
      <label>
        <span class="dim">{t('diff.pick')} </span>
        <select
          value={comparedWith.value ?? ''}
          onChange={({ currentTarget }) => (comparedWith.value = currentTarget.value || null)}
        >
          <option value="">{t('diff.previous')}</option>
          {passes
            .filter((entry) => passId(entry) !== passId(after))
            .map((entry) => (
              <option key={passId(entry)} value={passId(entry)}>
                {entry.scope ? `${entry.scope}: ` : ''}
                {entry.name}
              </option>
            ))}
        </select>
      </label>
      <span class="mono dim">{t('diff.against', { before: before.name, after: after.name })}</span>
      <ul class="diff-counts">
        {KINDS.filter((kind) => counts[kind]).map((kind) => (
          <li key={kind} class={`kind-${kind}`}>
            <b aria-hidden="true">{SIGNS[kind]}</b> {integer(counts[kind])} {t(`diff.kind.${kind}`)}
          </li>
        ))}
        {kept > 0 && (
          <li class="dim">
            {integer(kept)} {t('diff.kind.kept')}
          </li>
        )}
      </ul>
      <span class="grow" />
      <button type="button" class="quiet" onClick={() => (diffLayout.value = layout === 'side' ? 'unified' : 'side')}>
        {t(layout === 'side' ? 'diff.unified' : 'diff.side')}
      </button>
    </div>
  );
}

/** `half` is the side of a row that a single column shows on a line of its own. */
type Item = { readonly row: DiffRow; readonly half?: 'before' | 'after' } | { readonly hunk: number; readonly count: number };

function Table({ loaded, label, layout }: { loaded: Loaded; label: string; layout: Layout }) {
  const opened = useSignal<ReadonlySet<number>>(new Set());
  const items = useComputed<readonly Item[]>(() =>
    hunks(loaded.rows).flatMap((hunk, at): Item[] =>
      hunk.folded && !opened.value.has(at)
        ? [{ hunk: at, count: hunk.rows.length }]
        : layout === 'side'
          ? hunk.rows.map((row) => ({ row }))
          : hunk.rows.flatMap(split),
    ),
  );
  const longest = [...loaded.before.lines, ...loaded.after.lines].reduce((most, line) => Math.max(most, line.length), 0);
  return (
    <VirtualRows
      count={items.value.length}
      height={20}
      class={`diff-table mono ${layout}`}
      label={label}
      style={{ '--longest': longest }}
      row={(at) => {
        const item = items.value[at];
        if (!item) return null;
        if ('row' in item) return <Row row={item.row} half={item.half} loaded={loaded} layout={layout} />;
        return (
          <button type="button" class="diff-fold" onClick={() => (opened.value = new Set([...opened.value, item.hunk]))}>
            ⋯ {t('diff.kept', { count: integer(item.count) })}
          </button>
        );
      }}
    />
  );
}

/** In one column a rewritten line stands twice: as it was and as it is. */
function split(row: DiffRow): Item[] {
  if (row.kind === 'kept' || row.before === null || row.after === null) return [{ row }];
  return [
    { row, half: 'before' },
    { row, half: 'after' },
  ];
}

interface RowProps {
  readonly row: DiffRow;
  readonly half: 'before' | 'after' | undefined;
  readonly loaded: Loaded;
  readonly layout: Layout;
}

function Row({ row, half, loaded, layout }: RowProps) {
  if (layout === 'side') {
    return (
      <div class={`diff-row kind-${row.kind}`}>
        <Cell row={row} loaded={loaded} which="before" />
        <Cell row={row} loaded={loaded} which="after" />
      </div>
    );
  }
  const which = half ?? (row.after === null ? 'before' : 'after');
  return (
    <div class={`diff-row kind-${row.kind}`}>
      <span class="line-number">{half === 'after' ? '' : (row.before ?? '')}</span>
      <span class="line-number">{half === 'before' ? '' : (row.after ?? '')}</span>
      <Text row={row} loaded={loaded} which={which} />
    </div>
  );
}

interface CellProps {
  readonly row: DiffRow;
  readonly loaded: Loaded;
  readonly which: 'before' | 'after';
}

function Cell(props: CellProps) {
  const line = props.row[props.which];
  return (
    <div class={`diff-cell ${props.which}${line === null ? ' blank' : ''}`}>
      <span class="line-number">{line ?? ''}</span>
      {line !== null && <Text {...props} />}
    </div>
  );
}

function Text({ row, loaded, which }: CellProps) {
  const kind = t(`diff.kind.${row.kind}`);
  const text = lineOf(loaded, which, row[which]);
  const partner = lineOf(loaded, which === 'before' ? 'after' : 'before', row[which === 'before' ? 'after' : 'before']);
  const [from, to] = row.kind === 'kept' || partner === '' ? [0, 0] : changedPart(text, partner);
  return (
    <>
      <span class="sign" title={kind}>
        <span aria-hidden="true">{SIGNS[row.kind]}</span>
        {row.kind !== 'kept' && <span class="hidden">{kind}</span>}
      </span>
      <code class={which}>
        {text.slice(0, from)}
        {to > from && <mark>{text.slice(from, to)}</mark>}
        {text.slice(to)}
      </code>
      {row.kind === 'moved' && row.elsewhere !== null && (
        <small>{t(which === 'before' ? 'diff.movedto' : 'diff.movedfrom', { line: row.elsewhere })}</small>
      )}
    </>
  );
}

function lineOf(loaded: Loaded, which: 'before' | 'after', line: number | null): string {
  return line === null ? '' : (loaded[which].lines[line - 1] ?? '');
}
