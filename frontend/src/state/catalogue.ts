/** What there is to choose from, as the server tells it once at the start. */
import { computed, signal } from '@preact/signals';
import type { Catalogue, ChipEntry, Fidelity, PassEntry } from '../generated/types';

export const catalogue = signal<Catalogue | null>(null);

const passesByName = computed(() => new Map(catalogue.value?.passes.map((entry) => [entry.name, entry])));

export function passEntry(name: string): PassEntry | undefined {
  return passesByName.value.get(name);
}

export function chipEntry(name: string): ChipEntry | undefined {
  return catalogue.value?.chips.find((chip) => chip.name === name);
}

/** The emulator's error table, where it has measurements of the chip's family: names that differ in their last digit. */
export function fidelityOf(chip: string): Fidelity | null {
  const found = catalogue.value?.fidelity ?? null;
  return found?.cases.some((entry) => familyOf(entry.chip) === familyOf(chip)) ? found : null;
}

function familyOf(chip: string): string {
  return chip.replace(/\d$/, '');
}
