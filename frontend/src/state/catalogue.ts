/** What there is to choose from, as the server tells it once at the start. */
import { computed, signal } from '@preact/signals';
import type { Catalogue, ChipEntry, PassEntry } from '../generated/types';

export const catalogue = signal<Catalogue | null>(null);

const passesByName = computed(() => new Map(catalogue.value?.passes.map((entry) => [entry.name, entry])));

export function passEntry(name: string): PassEntry | undefined {
  return passesByName.value.get(name);
}

export function chipEntry(name: string): ChipEntry | undefined {
  return catalogue.value?.chips.find((chip) => chip.name === name);
}
