/** Pictures of the page in both themes, languages and sizes; `screenshots.ts URL FOLDER`, or the scripted server without a URL. */
import { mkdirSync } from 'node:fs';
import { freshPage, launchBrowser } from '../e2e/browser.ts';
import { ORIGIN, serve } from '../e2e/scripted.ts';

const [url = ORIGIN, folder = 'screenshots'] = process.argv.slice(2);
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } } as const;

mkdirSync(folder, { recursive: true });
const browser = await launchBrowser();
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const locale of ['en-US', 'zh-CN']) {
      const { page, errors } = await freshPage(browser, { viewport, colorScheme, locale, deviceScaleFactor: 1 });
      if (url === ORIGIN) await serve(page);
      await page.goto(url);
      await page.locator('[data-phase=done]').waitFor();
      const name = `${folder}/${size}-${colorScheme}-${locale.slice(0, 2)}`;
      for (const tab of ['ir', 'diff', 'profile', 'outputs', 'memory'] as const) {
        if (!(await page.locator(`#tab-${tab}`).count())) continue;
        await page.locator(`#tab-${tab}`).evaluate((element: HTMLElement) => element.click());
        if (size === 'narrow') await page.locator('.narrow-tabs button').nth(2).click();
        await page.waitForTimeout(300);
        await page.screenshot({ path: `${name}-${tab}.png` });
      }
      if (size === 'narrow') {
        for (const at of [0, 1]) {
          await page.locator('.narrow-tabs button').nth(at).click();
          await page.screenshot({ path: `${name}-pane${at}.png` });
        }
      }
      if (errors.length > 0) console.error(name, errors);
      await page.context().close();
    }
  }
}
await browser.close();
