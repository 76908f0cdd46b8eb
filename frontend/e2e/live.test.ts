/** The page against a real server, worker and compiler: a kernel, a model and a mistake, from click to result. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { freshPage, launchBrowser } from './browser.ts';
import { modelFile, type Server, startServer } from './server.ts';

const DONE_MS = 90_000;

let browser: Browser;
let server: Server;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), startServer()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

async function opened(options: Parameters<typeof freshPage>[1] = {}) {
  const { page, errors } = await freshPage(browser, options);
  await page.goto(server.url);
  await page.locator('[data-ready=true]').waitFor();
  return { page, errors };
}

const ended = (page: Page) => page.locator('[data-phase=done], [data-phase=failed]').waitFor({ timeout: DONE_MS });
const phaseOf = (page: Page) => page.locator('.state').getAttribute('data-phase');

/** Counts the passes on show each time the rail changes. */
async function watchRail(page: Page): Promise<() => Promise<readonly number[]>> {
  await page.evaluate(() => {
    const counts: number[] = [];
    Object.assign(window, { railCounts: counts });
    const look = () => {
      const count = Number(document.querySelector('.rail')?.getAttribute('data-passes') ?? 0);
      if (counts.at(-1) !== count) counts.push(count);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  return () => page.evaluate(() => (window as unknown as { railCounts: number[] }).railCounts);
}

async function pick(page: Page, example: string): Promise<void> {
  await page.locator('.picker').click();
  await page.locator(`[data-example="${example}"]`).click();
}

it('compiles softmax: passes appear one after another and end in a match; the link shows the same in a fresh browser', async () => {
  const { page, errors } = await opened();
  await ended(page);
  await pick(page, 'softmax');
  await page.getByLabel('Chip').selectOption('Ascend310P3');
  const counts = await watchRail(page);
  await page.getByRole('button', { name: 'Compile' }).click();
  await page.locator('[data-phase=running], [data-phase=queued], [data-phase=sending]').waitFor();
  await ended(page);
  expect(await phaseOf(page)).toBe('done');
  const seen = await counts();
  expect(seen.length).toBeGreaterThan(2);
  await page.getByRole('tab', { name: 'Outputs' }).click();
  const outputs = await page.getByRole('tabpanel').textContent();
  expect(outputs).toContain('match');
  expect(await page.locator('.row .check.bad').count()).toBe(0);

  await page.locator('.rail-list .row-main').first().click();
  const passes = await page.locator('.rail-list').textContent();
  const chosen = await page.locator('.row [aria-current=true] .name').textContent();
  await page.getByRole('button', { name: 'Share' }).click();
  await page.waitForURL(/\/w\//);

  const second = await freshPage(browser);
  const posts: string[] = [];
  second.page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/compilations')) posts.push(request.url());
  });
  await second.page.goto(page.url());
  await ended(second.page);
  expect(await second.page.locator('.rail-list').textContent()).toBe(passes);
  expect(await second.page.locator('.row [aria-current=true] .name').textContent()).toBe(chosen);
  expect(await second.page.getByRole('tab', { selected: true }).textContent()).toBe('Outputs');
  expect(await second.page.getByRole('tabpanel').textContent()).toBe(outputs);
  expect(await second.page.getByLabel('Chip').inputValue()).toBe('Ascend310P3');
  expect(posts).toEqual([]);
  expect([...errors, ...second.errors]).toEqual([]);
});

it('links a source line to IR lines of the last pass, and back', async () => {
  const { page } = await opened();
  await ended(page);
  await page.locator('.source .cm-line', { hasText: 'tl.exp' }).first().click();
  await expect.poll(() => page.locator('.ir .cm-link-selected').count()).toBeGreaterThan(0);
  await page.locator('.ir .cm-link-selected', { hasText: 'vexp' }).click();
  await expect
    .poll(() => page.locator('.source .cm-link-selected').allTextContents())
    .toEqual([expect.stringContaining('tl.exp')]);
});

it('takes a CNN dropped on the page to passes per layer and outputs that match', async () => {
  const { page, errors } = await opened();
  await ended(page);
  const { name, bytes } = modelFile('cnn');
  const data = await page.evaluateHandle(
    ([file, base64]) => {
      const transfer = new DataTransfer();
      const raw = Uint8Array.from(atob(base64 ?? ''), (character) => character.charCodeAt(0));
      transfer.items.add(new File([raw], file ?? ''));
      return transfer;
    },
    [name, bytes.toString('base64')],
  );
  await page.locator('.rail').dispatchEvent('drop', { dataTransfer: data });
  await page.locator('.model', { hasText: 'cnn.onnx' }).waitFor();
  await page.getByRole('button', { name: 'Compile' }).click();
  await page.locator('[data-phase=running], [data-phase=queued], [data-phase=sending]').waitFor();
  await ended(page);
  expect(await page.locator('.drawer').allTextContents()).toEqual([]);
  expect(await phaseOf(page)).toBe('done');
  expect(await page.locator('.rail .scope').count()).toBeGreaterThan(2);
  await page.getByRole('tab', { name: 'Outputs' }).click();
  const outputs = await page.getByRole('tabpanel').textContent();
  expect(outputs).toContain('match');
  expect(outputs).not.toContain('differs');

  await page.getByRole('button', { name: 'Share' }).click();
  await page.waitForURL(/\/w\//);
  const second = await freshPage(browser);
  await second.page.goto(page.url());
  await ended(second.page);
  expect(await second.page.getByRole('tabpanel').textContent()).toBe(outputs);
  expect(await second.page.locator('.model').textContent()).toContain('cnn.onnx');
  expect([...errors, ...second.errors]).toEqual([]);
});

it('shows a syntax error on its line', async () => {
  const { page } = await opened();
  await ended(page);
  await page.locator('.source .cm-line', { hasText: 'def ' }).first().click();
  await page.keyboard.press('End');
  await page.keyboard.press('Backspace');
  await page.getByRole('button', { name: 'Compile' }).click();
  await page.locator('[data-phase=failed]').waitFor({ timeout: DONE_MS });
  await page.locator('.drawer').waitFor();
  const line = await page
    .locator('.source .cm-line')
    .evaluateAll((lines) => lines.findIndex((entry) => entry.textContent?.startsWith('def ')) + 1);
  expect(await page.locator('.drawer').textContent()).toContain(`line ${line}`);
  await page.locator('.source .cm-lint-marker-error').waitFor();
});

it('works narrow and in Chinese', async () => {
  const { page } = await opened({ locale: 'zh-CN', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await ended(page);
  await page.locator('.narrow-tabs button').nth(1).tap();
  await page.locator('.rail-list .row-main').first().tap();
  await page.locator('.narrow-tabs button').nth(2).tap();
  await page.getByRole('tab', { name: '输出' }).tap();
  await page.getByRole('tabpanel').getByText('一致').first().waitFor();
});
