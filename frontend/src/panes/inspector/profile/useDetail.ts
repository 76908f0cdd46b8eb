/** The part of a profile that is too long for its event: fetched when the tab is looked at, null until it is here. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { blobText } from '../../../api/blobs';
import type { Profile, ProfileDetail } from '../../../generated/types';

export function useDetail(profile: Profile | undefined): Signal<ProfileDetail | null> {
  const detail = useSignal<ProfileDetail | null>(null);
  const hash = profile?.detail ?? '';
  useEffect(() => {
    detail.value = null;
    if (hash === '') return;
    let current = true;
    blobText(hash).then(
      (text) => {
        if (current) detail.value = JSON.parse(text) as ProfileDetail;
      },
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [hash]);
  return detail;
}
