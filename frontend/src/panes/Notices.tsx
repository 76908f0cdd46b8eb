/** Short messages: what the server refused, with what to try; notices; and arriving passes for those who listen. */
import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../api/http';
import { say, t } from '../i18n';
import { integer } from '../model/format';
import { compile, live, problem } from '../state/compilation';
import { announcement, notice } from '../state/view';

const NOTICE_MS = 8000;
const ANNOUNCE_MS = 1500;

export function Notices() {
  useEffect(() => announcePasses(), []);
  const text = notice.value;
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => (notice.value = ''), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const refused = problem.value;
  return (
    <>
      <div class="notices">
        {refused && (
          <div role="alert" class="notice bad-notice">
            <p>
              <b>{whatWentWrong(refused)}</b> {whatToTry(refused)}
            </p>
            {refused.status === 0 && (
              <button type="button" onClick={() => void compile()}>
                {t('error.retry')}
              </button>
            )}
            <button type="button" onClick={() => (problem.value = null)}>
              {t('error.dismiss')}
            </button>
          </div>
        )}
        <div role="status">{text && <p class="notice">{text}</p>}</div>
      </div>
      <p class="hidden" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

export function whatWentWrong({ status, title, detail, diagnostics }: Problem): string {
  const first = diagnostics[0];
  const words = (first ? say(first.message) : detail) || title;
  if (status === 0) return t('error.unreachable');
  if (title === 'gone') return t('error.gone', { slug: detail });
  if (status === 413) return t('error.413', { detail: words });
  if (status === 429 || status === 503) return t('error.429', { detail: words });
  return t(status >= 500 ? 'error.server' : 'error.refused', { detail: words });
}

export function whatToTry({ status, title, retryAfter }: Problem): string {
  if (status === 0) return t('error.unreachable.try');
  if (title === 'gone') return t('error.gone.try');
  if (status === 413) return t('error.413.try');
  if (status !== 429 && status !== 503) return '';
  return retryAfter === null ? t('error.429.try') : t('error.429.after', { seconds: retryAfter });
}

/** Says the newest pass, and the end; between passes it waits, so that a fast compilation is not a torrent of words. */
function announcePasses(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let next = '';
  const stop = effect(() => {
    next = spoken();
    if (timer !== undefined || next === announcement.peek()) return;
    timer = setTimeout(() => {
      timer = undefined;
      announcement.value = next;
    }, ANNOUNCE_MS);
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

function spoken(): string {
  const now = live.value;
  if (!now) return '';
  if (now.done) {
    const check = now.done.verification ? t(now.done.verification.ok ? 'check.ok' : 'check.bad') : t('check.none');
    return t('rail.finished', { cycles: integer(now.done.cycles?.total), check });
  }
  if (now.phase === 'failed' || now.phase === 'cancelled') return t('rail.stopped', { phase: t(`compile.${now.phase}`) });
  const last = now.passes.at(-1);
  return last ? t('rail.arrived', { name: last.name, count: now.passes.length }) : '';
}
