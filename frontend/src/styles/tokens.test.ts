/** Contrast of every text and pipe colour on the page's surfaces, in both themes (WCAG 2.2, 1.4.3). */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name = '', light = '', dark = '']) => [
    name,
    [light, dark] as const,
  ]),
);

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const TEXT = [...tokens.keys()].filter((name) => /^(text|pipe|code|accent|good|bad|warn)/.test(name));
const SURFACES = ['surface', 'ground', 'raised', 'line-active'];
const cases = TEXT.flatMap((name) => SURFACES.map((surface) => [name, surface] as const));

it('reads the tokens', () => expect(TEXT.length).toBeGreaterThan(15));

it.each(cases)('%s on %s is at least 4.5:1', (name, surface) => {
  for (const theme of [0, 1] as const) {
    expect(contrast(tokens.get(name)?.[theme] ?? '', tokens.get(surface)?.[theme] ?? '')).toBeGreaterThanOrEqual(4.5);
  }
});

it.each(TEXT.filter((name) => /^(text$|text-dim|code|good|bad)/.test(name)))(
  '%s stays legible on every linked, chosen or changed line',
  (name) => {
    const grounds = [...tokens.keys()].filter((token) => /^(link|kind)-/.test(token));
    for (const ground of grounds) {
      for (const theme of [0, 1] as const) {
        expect(
          contrast(tokens.get(name)?.[theme] ?? '', tokens.get(ground)?.[theme] ?? ''),
          `${ground} ${theme}`,
        ).toBeGreaterThanOrEqual(4.5);
      }
    }
  },
);
