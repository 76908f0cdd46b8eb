/** Pictures of the page on a real server: the README's into docs/images and, but for `picture` alone, every look into screenshots/. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { freshPage, launchBrowser } from '../e2e/browser.ts';
import { startServer } from '../e2e/server.ts';

const PICTURE = fileURLToPath(new URL('../../docs/images/page.png', import.meta.url));
const GALLERY = fileURLToPath(new URL('../screenshots', import.meta.url));
const SIZES = {
  wide: { width: 1440, height: 900 },
  middle: { width: 1000, height: 800 },
  narrow: { width: 390, height: 844 },
} as const;
const TABS = ['ir', 'diff', 'timeline', 'memory', 'profile', 'outputs'] as const;
const DRAWN_MS = 500;
const COMPILED_MS = 120_000;

async function compiled(page: Page, url: string, example: string): Promise<void> {
  await page.goto(url);
  await page.locator('[data-phase=done]').waitFor({ timeout: COMPILED_MS });
  await page.locator('.picker').evaluate((button: HTMLElement) => button.click());
  await page.locator(`[data-example="${example}"]`).click();
  await page.locator('.header .primary').click();
  await page.locator('.state', { hasNotText: /edited|改动/ }).waitFor();
  await page.locator('[data-phase=done]').waitFor({ timeout: COMPILED_MS });
}

async function picture(page: Page): Promise<void> {
  await page
    .locator('.source .cm-line', { hasText: 'tl.dot' })
    .first()
    .click({ position: { x: 60, y: 8 } });
  await page.waitForTimeout(DRAWN_MS);
  mkdirSync(fileURLToPath(new URL('../../docs/images', import.meta.url)), { recursive: true });
  await page.screenshot({ path: PICTURE });
}

async function gallery(page: Page, name: string, narrow: boolean): Promise<void> {
  for (const tab of TABS) {
    const button = page.locator(`#tab-${tab}`);
    if ((await button.count()) === 0) continue;
    if (narrow) await page.locator('.narrow-tabs button').nth(2).click();
    await button.click();
    await page.waitForTimeout(DRAWN_MS);
    await page.screenshot({ path: `${GALLERY}/${name}-${tab}.png` });
  }
  if (!narrow) return;
  for (const [at, pane] of ['source', 'passes'].entries()) {
    await page.locator('.narrow-tabs button').nth(at).click();
    await page.screenshot({ path: `${GALLERY}/${name}-${pane}.png` });
  }
}

mkdirSync(GALLERY, { recursive: true });
const [server, browser] = [await startServer(), await launchBrowser()];
try {
  const first = await freshPage(browser);
  await compiled(first.page, server.url, 'matmul');
  await picture(first.page);
  const sizes = process.argv.includes('picture') ? [] : Object.entries(SIZES);
  for (const [size, viewport] of sizes) {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const locale of ['en-US', 'zh-CN']) {
        const { page } = await freshPage(browser, { viewport, colorScheme, locale });
        await compiled(page, server.url, 'matmul');
        await gallery(page, `${size}-${colorScheme}-${locale.slice(0, 2)}`, size === 'narrow');
        await page.context().close();
      }
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
