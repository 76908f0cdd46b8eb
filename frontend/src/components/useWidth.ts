/** The width of an element, as a signal that follows it. */
import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

export function useWidth(element: RefObject<Element | null>, initial: number): Signal<number> {
  const width = useSignal(initial);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) width.value = entry.contentRect.width;
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}
