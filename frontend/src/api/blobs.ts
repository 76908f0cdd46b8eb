/** Bodies by hash, fetched once and kept while they are among the last used. */
import { getBlob } from './http';

const MOST = 96;
const kept = new Map<string, Promise<string>>();

export function blobText(hash: string): Promise<string> {
  const known = kept.get(hash);
  const body = known ?? getBlob(hash);
  kept.delete(hash);
  kept.set(hash, body);
  if (!known) body.catch(() => kept.delete(hash));
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST) break;
    kept.delete(oldest);
  }
  return body;
}
