/** A long list of rows of one height, of which only those in view are in the page. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, CSSProperties } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  readonly count: number;
  readonly height: number;
  readonly class: string;
  readonly label: string;
  readonly style?: CSSProperties;
  readonly row: (at: number) => ComponentChildren;
}

const AHEAD = 20;

export function VirtualRows({ count, height, class: name, label, style, row }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const first = useSignal(0);
  const visible = useSignal(60);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      visible.value = Math.ceil(element.clientHeight / height);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [height]);
  const from = Math.max(0, first.value - AHEAD);
  const to = Math.min(count, first.value + visible.value + AHEAD);
  const rows = [];
  for (let at = from; at < to; at += 1) {
    rows.push(
      <div key={at} class="virtual-row" style={{ top: `${at * height}px`, height: `${height}px` }}>
        {row(at)}
      </div>,
    );
  }
  return (
    <section
      ref={host}
      class={`virtual ${name}`}
      style={style}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroll container takes the focus, so that keyboards can scroll it
      tabIndex={0}
      onScroll={({ currentTarget }) => (first.value = Math.floor(currentTarget.scrollTop / height))}
    >
      <div style={{ height: `${count * height}px` }}>{rows}</div>
    </section>
  );
}
