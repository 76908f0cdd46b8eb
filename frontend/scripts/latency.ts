/** Milliseconds from the click on Compile to the first pass and to the last, for each example and model, on a real server. */
import type { Page } from 'playwright-core';
import { freshPage, launchBrowser } from '../e2e/browser.ts';
import { modelFile, startServer } from '../e2e/server.ts';

const COMPILED_MS = 120_000;
const ROUNDS = 3;

interface Latency {
  readonly first: number;
  readonly last: number;
}

/** Clicks Compile, and watches for the first row of the new result and for its end. */
function measured(page: Page): Promise<Latency> {
  return page.evaluate(
    (limit) =>
      new Promise<Latency>((resolve, reject) => {
        const state = () => document.querySelector('.state')?.getAttribute('data-phase') ?? '';
        const shown = () => Number(document.querySelector('.rail')?.getAttribute('data-passes') ?? 0);
        const stale = shown();
        let first = 0;
        const began = performance.now();
        const look = () => {
          const now = performance.now() - began;
          if (!first && state() === 'running' && shown() > 0 && shown() < stale) first = now;
          if (first && (state() === 'done' || state() === 'failed')) resolve({ first, last: now });
          else if (now > limit) reject(new Error(`still ${state()} after ${limit} ms`));
          else requestAnimationFrame(look);
        };
        document.querySelector<HTMLButtonElement>('.header .primary')?.click();
        look();
      }),
    COMPILED_MS,
  );
}

/** A comment at the end makes the request a new one. */
async function edit(page: Page, round: number): Promise<void> {
  await page.locator('.source .cm-content').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(`# ${round}`);
}

async function example(page: Page, name: string): Promise<Latency> {
  const found: Latency[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await page.locator('.picker').click();
    await page.locator(`[data-example="${name}"]`).click();
    await edit(page, round);
    found.push(await measured(page));
  }
  return median(found);
}

async function model(page: Page, name: 'cnn' | 'mlp'): Promise<Latency> {
  const file = modelFile(name);
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: file.name, mimeType: 'application/octet-stream', buffer: file.bytes });
  await page.locator('.source', { hasText: file.name }).waitFor();
  return measured(page);
}

function median(found: readonly Latency[]): Latency {
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return { first: middle(found.map((f) => f.first)), last: middle(found.map((f) => f.last)) };
}

const server = await startServer();
const browser = await launchBrowser();
try {
  const { page } = await freshPage(browser);
  await page.goto(server.url);
  await page.locator('[data-phase=done]').waitFor({ timeout: COMPILED_MS });
  await page.locator('.picker').click();
  const names = await page.locator('[data-example]').evaluateAll((all) => all.map((e) => e.getAttribute('data-example') ?? ''));
  await page.keyboard.press('Escape');
  console.log('example        first pass   last (ms from the click)');
  const row = (name: string, { first, last }: Latency) =>
    console.log(`${name.padEnd(14)} ${first.toFixed(0).padStart(10)} ${last.toFixed(0).padStart(6)}`);
  for (const name of names) row(name, await example(page, name));
  for (const name of ['mlp', 'cnn'] as const) row(name, await model(page, name));
} finally {
  await browser.close();
  await server.stop();
}
