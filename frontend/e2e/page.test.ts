/** The page against a scripted server: what a reader sees and does, and what happens when the server says no. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { AnyEvent, Diagnostic } from '../src/generated/types.ts';
import { freshPage, launchBrowser } from './browser.ts';
import { EVENTS, KEY } from './fixtures/softmax.ts';
import { ORIGIN, type Script, sendAfter, serve } from './scripted.ts';

let browser: Browser;
let errors: string[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  expect(errors).toEqual([]);
});

async function opened(script: Script = {}, options: Parameters<typeof freshPage>[1] = {}) {
  const { page, errors: found } = await freshPage(browser, options);
  errors = found;
  const served = await serve(page, script);
  await page.goto(`${ORIGIN}/`);
  return { page, served };
}

const phase = (page: Page, name: string) => page.locator(`[data-phase=${name}]`).waitFor();
const passNames = (page: Page) => page.locator('.rail-list .row .name').allTextContents();

it('opens on the finished record of the first example', async () => {
  const { page, served } = await opened();
  await phase(page, 'done');
  expect(await page.getByLabel('Title').inputValue()).toBe('Row softmax');
  expect(await passNames(page)).toContain('double-buffer');
  expect(await page.locator('.summary').textContent()).toContain('every pass');
  expect(await page.locator('.cm-content').first().textContent()).toContain('softmax_kernel');
  const asked = served.requests.find(({ what }) => what === 'POST /api/v1/compilations');
  expect(JSON.parse(asked?.body ?? '')).toMatchObject({
    kind: 'triton',
    chip: 'Ascend910B3',
    launch: { kernel: 'softmax_kernel', grid: [1823] },
  });
});

it('shows passes one after another, with time, cycles, change and check, and folds the quiet ones', async () => {
  let socket: WebSocketRoute | undefined;
  const { page } = await opened({ onSocket: (opening) => (socket = opening) });
  await phase(page, 'queued');
  await expect.poll(() => socket).toBeDefined();
  const send = (from: number, to: number) => {
    for (const event of EVENTS.slice(from, to)) socket?.send(JSON.stringify(event));
  };
  send(0, 3);
  await phase(page, 'running');
  await expect.poll(() => passNames(page)).toEqual(['import']);
  send(3, 7);
  await expect.poll(() => passNames(page)).toEqual(['import', 'structure-access']);
  await page.getByText('3 passes changed nothing').click();
  expect(await passNames(page)).toEqual(['import', 'canonicalize', 'cse', 'licm', 'structure-access']);
  const row = page.locator('[data-pass=structure-access]');
  expect((await row.textContent())?.replaceAll('\u00a0', ' ')).toContain('2.2 ms61,204−38 %');
  expect(await row.locator('.check').textContent()).toContain('match');
  expect(await row.locator('[aria-current=true]').count()).toBe(1);
  send(7, EVENTS.length);
  await phase(page, 'done');
  await page.getByRole('tab', { name: 'Outputs' }).click();
  expect(await page.getByRole('tabpanel').textContent()).toContain('match');
});

it('resumes after the last event when the connection breaks, without a gap or a repeat', async () => {
  const cursors: number[] = [];
  const { page } = await opened({
    onSocket: (socket, after) => {
      cursors.push(after);
      if (cursors.length === 1) {
        sendAfter(socket, after, EVENTS.slice(0, 5));
        setTimeout(() => socket.close({ code: 1012 }), 100);
      } else sendAfter(socket, after);
    },
  });
  await phase(page, 'done');
  expect(cursors).toEqual([-1, 4]);
  expect(await page.locator('.fold button').textContent()).toContain('3 passes');
});

it('stays on the pass the reader picked until asked to follow', async () => {
  let socket: WebSocketRoute | undefined;
  const { page } = await opened({
    onSocket: (opening, after) => {
      socket = opening;
      sendAfter(opening, after, EVENTS.slice(0, 7));
    },
  });
  await page.locator('[data-pass=import] .row-main').click();
  for (const event of EVENTS.slice(7)) socket?.send(JSON.stringify(event));
  await phase(page, 'done');
  expect(await page.locator('[aria-current=true] .name').textContent()).toBe('import');
  await page.getByRole('button', { name: 'Follow newest' }).click();
  expect(await page.locator('[aria-current=true] .name').textContent()).toBe('insert-sync');
});

it('dims the old result until the next one has a pass, and can cancel', async () => {
  let held = false;
  const sockets: WebSocketRoute[] = [];
  const { page, served } = await opened({
    onSocket: (socket, after) => {
      sockets.push(socket);
      if (!held) sendAfter(socket, after);
    },
    answers: { [`DELETE /api/v1/compilations/${KEY}`]: () => ({ status: 202, body: {} }) },
  });
  await phase(page, 'done');
  held = true;
  await page.getByRole('switch', { name: 'Run double-buffer' }).click();
  await page.getByRole('button', { name: 'Compile' }).click();
  await expect.poll(() => sockets.length).toBe(2);
  expect(await page.locator('.rail.stale').count()).toBe(1);
  expect(await passNames(page)).toContain('insert-sync');
  const asked = served.requests.filter(({ what }) => what === 'POST /api/v1/compilations').at(-1);
  expect(JSON.parse(asked?.body ?? '')).toMatchObject({ options: { passes: ['-double-buffer'] } });
  sendAfter(sockets[1] as WebSocketRoute, -1, EVENTS.slice(0, 3));
  await expect.poll(() => passNames(page)).toEqual(['import', 'double-buffer']);
  expect(await page.locator('.rail.stale').count()).toBe(0);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect.poll(() => served.requests.map(({ what }) => what)).toContain(`DELETE /api/v1/compilations/${KEY}`);
  sockets[1]?.send(JSON.stringify({ type: 'cancelled', by: 'reader', seq: 3 }));
  await phase(page, 'cancelled');
});

it('says how many wait before it', async () => {
  const { page } = await opened({
    onSocket: (socket) => socket.send(JSON.stringify({ type: 'accepted', key: KEY, position: 4, seq: 0 })),
  });
  await page.getByText('queued, 4 before it').waitFor();
});

it('links source lines and IR lines in both directions', async () => {
  const { page } = await opened();
  await phase(page, 'done');
  await page.locator('.source .cm-line', { hasText: 'tl.exp(x)' }).click();
  const linked = page.locator('.ir .cm-link-selected');
  await expect.poll(() => linked.allTextContents()).toEqual([expect.stringContaining('vexp')]);
  await page.locator('.ir .cm-line', { hasText: 'vdiv' }).hover();
  await expect
    .poll(() => page.locator('.source .cm-link-hover').allTextContents())
    .toEqual([expect.stringContaining('tl.sum')]);
  await page.locator('.ir .cm-line', { hasText: 'vsub' }).click();
  await expect
    .poll(() => page.locator('.source .cm-link-selected').allTextContents())
    .toEqual([expect.stringContaining('tl.max')]);
  expect(await page.locator('.ir .cm-link-related').allTextContents()).toEqual([
    expect.stringContaining('wait_flag'),
    expect.stringContaining('vreduce <max>'),
  ]);
});

it('shows the difference a pass made, and of two picked passes', async () => {
  const { page } = await opened();
  await phase(page, 'done');
  await page.locator('[data-pass=fuse-elementwise] .row-main').click();
  await page.keyboard.press('d');
  const changed = page.locator('.diff-row:not(.kind-kept)');
  await expect.poll(() => changed.count()).toBe(3);
  await page.getByRole('button', { name: 'Side by side' }).click();
  await expect.poll(() => changed.count()).toBe(2);
  expect(await page.locator('.kind-gone.diff-row').textContent()).toContain('elementwise sub');
  expect(await page.locator('.kind-rewritten.diff-row').textContent()).toContain('sub_exp');
  await page.locator('[data-pass=structure-access] .row-main').click();
  await page.keyboard.press('Shift+D');
  await page.locator('[data-pass=insert-sync] .row-main').click();
  await page.keyboard.press('Shift+D');
  await page.getByText('structure-access → insert-sync').waitFor();
  await page.getByRole('button', { name: 'Unified' }).click();
  await expect.poll(() => page.locator('.unified .kind-new').count()).toBeGreaterThan(3);
});

it('tells where the time goes, and leads from the critical path to its line', async () => {
  const { page } = await opened();
  await phase(page, 'done');
  await page.getByRole('tab', { name: 'Profile' }).click();
  await page.getByText('At most −34\u00a0%: 12,300 cycles').waitFor();
  await page.getByText('Model error ±1.9 % in the median').click();
  await page.getByRole('cell', { name: '+3.4' }).waitFor();
  expect(await page.locator('.core-column').count()).toBe(80);
  expect(await page.getByRole('img', { name: /UB: peak 16 KiB of 192 KiB/ }).count()).toBe(1);
  expect(await page.locator('.downloads a').first().getAttribute('href')).toContain('/report?scope=&format=html');
  await page.locator('tr', { hasText: 'vreduce' }).getByRole('button', { name: 'line 12' }).click();
  await expect.poll(() => page.locator('.cm-lineNumbers .cm-activeLineGutter').textContent()).toBe('12');
});

it('opens a record from before profiles had details', async () => {
  const old = EVENTS.map((event) => {
    if (event.type !== 'profile') return event;
    const { type, seq, scope, utilisation, traffic, stalls, roofline, verdicts } = event;
    return { type, seq, scope, utilisation, traffic, stalls, roofline, verdicts } as AnyEvent;
  });
  const { page } = await opened({ onSocket: (socket, after) => sendAfter(socket, after, old) });
  await phase(page, 'done');
  await page.getByRole('tab', { name: 'Profile' }).click();
  await page.getByText('Busy cycles of each pipe after').waitFor();
  expect(await page.locator('.downloads, .core-column, .curve').count()).toBe(0);
});

it('shares a link that opens the same results and view in a fresh browser, without compiling', async () => {
  const { page, served } = await opened();
  await phase(page, 'done');
  await page.locator('[data-pass=plan-memory] .row-main').click();
  await page.getByRole('tab', { name: 'Profile' }).click();
  await page.getByRole('button', { name: 'Share' }).click();
  await expect.poll(() => page.url()).toBe(`${ORIGIN}/w/abc`);
  const kept = served.requests.find(({ what }) => what === 'POST /api/v1/workspaces')?.body ?? '';

  const second = await freshPage(browser);
  const answers = { 'GET /api/v1/workspaces/abc': () => ({ status: 200, body: JSON.parse(kept) }) };
  const requests = (await serve(second.page, { answers })).requests;
  await second.page.goto(`${ORIGIN}/w/abc`);
  await phase(second.page, 'done');
  expect(await second.page.locator('[aria-current=true] .name').textContent()).toBe('plan-memory');
  expect(await second.page.getByRole('tab', { selected: true }).textContent()).toBe('Profile');
  expect(await second.page.locator('.source .cm-content').textContent()).toContain('softmax_kernel');
  expect(await second.page.locator('.state').textContent()).not.toContain('edited');
  expect(requests.map(({ what }) => what)).not.toContain('POST /api/v1/compilations');
  expect(second.errors).toEqual([]);
});

const colon: Diagnostic = {
  severity: 'error',
  message: { code: 'expected-colon', arguments: {}, text: 'A colon is missing at the end of the line.' },
  spans: [{ line: 6, column: 78, end_line: 6, end_column: 79 }],
  fixits: [
    {
      label: { code: 'add-colon', text: 'Add the colon' },
      edits: [{ span: { line: 6, column: 78, end_line: 6, end_column: 78 }, text: ':' }],
    },
  ],
};

it('shows a diagnostic on its line and applies its fix in one click', async () => {
  const refused = [
    { type: 'accepted', key: KEY, position: 0, seq: 0 },
    { type: 'failed', diagnostic: colon, status: 1, seq: 1 },
  ];
  const { page } = await opened({
    onSocket: (socket) => {
      for (const event of refused) socket.send(JSON.stringify(event));
    },
  });
  await phase(page, 'failed');
  const drawer = page.getByRole('region', { name: 'Diagnostics' });
  expect(await drawer.textContent()).toContain('A colon is missing');
  expect(await drawer.textContent()).toContain('line 6');
  await page.locator('.source .cm-lint-marker-error').waitFor();
  expect(await page.locator('.rail .empty').textContent()).toContain('Nothing ran');
  await drawer.getByRole('button', { name: 'Add the colon' }).click();
  await expect.poll(() => page.locator('.source .cm-line').nth(5).textContent()).toContain('constexpr)::');
});

it.each([
  [413, 'Too large', {}],
  [429, 'Try again in 7 s', { 'Retry-After': '7' }],
  [422, 'refused the request', {}],
] as const)('answers %i in words', async (status, words, headers) => {
  const body = { type: 'about:blank', title: 'No', status, detail: 'The limit model_bytes is 64 MiB.' };
  const { page } = await opened({ answers: { 'POST /api/v1/compilations': () => ({ status, body, headers }) } });
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.textContent()).toContain(words);
  errors.length = 0; // Chromium logs every refused request.
});

it('says when the server does not answer, and tries again', async () => {
  let away = true;
  const { page, errors: found } = await freshPage(browser);
  await serve(page);
  await page.route('**/api/v1/catalogue', (route) => (away ? route.abort() : route.fallback()));
  await page.goto(`${ORIGIN}/`);
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').textContent()).toContain('does not answer');
  away = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await phase(page, 'done');
  expect(found.every((text) => text.includes('ERR_FAILED'))).toBe(true);
});

it('takes a model dropped anywhere, and sends it beside the request', async () => {
  const { page, served } = await opened();
  await phase(page, 'done');
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(2048)], 'tiny.onnx'));
    return transfer;
  });
  await page.locator('.rail').dispatchEvent('drop', { dataTransfer: data });
  await page.getByText('tiny.onnx').waitFor();
  expect(await page.locator('.source .model').textContent()).toContain('2\u00a0KiB');
  expect(await page.locator('.launch').count()).toBe(0);
  await page.getByRole('button', { name: 'Compile' }).click();
  await expect.poll(() => served.requests.filter(({ what }) => what === 'POST /api/v1/compilations').length).toBe(2);
  const body = served.requests.filter(({ what }) => what === 'POST /api/v1/compilations')[1]?.body ?? '';
  expect(body).toContain('name="request"');
  expect(body).toContain('"kind":"onnx"');
  expect(body).toContain('filename="tiny.onnx"');
});

it('checks the launch as it is typed', async () => {
  const { page } = await opened();
  await phase(page, 'done');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Shape in_ptr').fill('1823 × many');
  await page.getByText('whole numbers').waitFor();
  expect(await page.getByRole('button', { name: 'Compile' }).isDisabled()).toBe(true);
  await page.getByLabel('Shape in_ptr').fill('64, 781');
  expect(await page.getByRole('button', { name: 'Compile' }).isEnabled()).toBe(true);
});

it('runs from the keyboard alone: palette, example, compile, passes, tabs, help', async () => {
  const { page, served } = await opened();
  await phase(page, 'done');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('vector add');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.getByLabel('Title').inputValue()).toBe('Vector add');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => served.requests.filter(({ what }) => what === 'POST /api/v1/compilations').length).toBe(2);
  await phase(page, 'done');
  await page.keyboard.press('k');
  expect(await page.locator('[aria-current=true] .name').textContent()).toBe('double-buffer');
  await page.keyboard.press('j');
  expect(await page.locator('[aria-current=true] .name').textContent()).toBe('insert-sync');
  await page.keyboard.press('6');
  expect(await page.getByRole('tab', { selected: true }).textContent()).toBe('Outputs');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('/');
  await page.locator('.cm-search').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.cm-search').waitFor({ state: 'detached' });
});

it('has three panes behind tabs where the screen is narrow', async () => {
  const { page } = await opened({}, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await phase(page, 'done');
  const panes = ['source', 'passes', 'inspector'];
  for (const [at, pane] of panes.entries()) {
    await page.locator('.narrow-tabs button').nth(at).tap();
    for (const other of panes) expect(await page.locator(`[data-pane=${other}]`).isVisible()).toBe(other === pane);
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

it('speaks Chinese to a Chinese browser, server messages included', async () => {
  const { page } = await opened({}, { locale: 'zh-CN' });
  await phase(page, 'done');
  await page.getByRole('button', { name: '编译' }).waitFor();
  await page.getByRole('tab', { name: '剖析' }).click();
  await page.getByText('向量流水有 47 % 的时间在忙。').waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
});

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

it.each(['light', 'dark'] as const)('meets WCAG 2.2 AA where a machine can tell, %s', async (colorScheme) => {
  const { page } = await opened({}, { colorScheme });
  await phase(page, 'done');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.addScriptTag({ content: AXE });
  for (const tab of ['IR', 'Diff', 'Memory', 'Profile', 'Outputs']) {
    await page.getByRole('tab', { name: tab }).click();
    const found = await page.evaluate(async () => {
      const { axe } = window as unknown as {
        axe: { run(options: unknown): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      const { violations } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
      // An editor's scroller is scrolled by its text, which has the focus; axe does not see that in editable text.
      for (const violation of violations) violation.nodes = violation.nodes.filter(({ html }) => !html.includes('cm-scroller'));
      return violations
        .filter(({ nodes }) => nodes.length > 0)
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
    });
    expect(found, tab).toEqual([]);
  }
});

it('keeps language, theme and column widths for the next visit', async () => {
  const { page } = await opened();
  await phase(page, 'done');
  await page.getByLabel('Theme').selectOption('dark');
  await page.getByLabel('Language').selectOption('zh');
  const splitter = page.getByRole('separator').first();
  await splitter.focus();
  for (let press = 0; press < 3; press += 1) await page.keyboard.press('ArrowRight');
  const width = (await page.locator('.source').boundingBox())?.width;
  await page.reload();
  await phase(page, 'done');
  expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
  expect((await page.locator('.source').boundingBox())?.width).toBe(width);
});
