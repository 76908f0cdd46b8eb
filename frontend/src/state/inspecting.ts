/** Keeps the launch form in step with the source: inspects it a moment after the last change. */
import { effect } from '@preact/signals';
import { ApiError, inspect } from '../api/http';
import { merged } from '../model/launch';
import { inspected } from './compilation';
import { inspection, kind, launch, source } from './document';

const PAUSE_MS = 400;

export function keepInspecting(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = new AbortController();
  const stop = effect(() => {
    const text = source.value;
    clearTimeout(timer);
    running.abort();
    if (kind.value === 'onnx' || text.trim() === '') return;
    timer = setTimeout(() => {
      running = new AbortController();
      void look(text, running.signal);
    }, PAUSE_MS);
  });
  return () => {
    stop();
    clearTimeout(timer);
    running.abort();
  };
}

async function look(text: string, signal: AbortSignal): Promise<void> {
  try {
    const found = await inspect(text, signal);
    inspected.value = [];
    inspection.value = found;
    launch.value = merged(launch.peek(), found);
  } catch (error) {
    if (error instanceof DOMException) return;
    if (!(error instanceof ApiError)) throw error;
    inspected.value = error.problem.diagnostics;
  }
}
