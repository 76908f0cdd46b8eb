/** Fails where the built page's first load is over its budget: index.html with all it loads, gzipped. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET = 250 * 1024;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const files = ['index.html', ...readdirSync(`${dist}assets`).map((name) => `assets/${name}`)];
const total = files.reduce((sum, name) => sum + gzipSync(readFileSync(dist + name), { level: 9 }).length, 0);
const words = `${(total / 1024).toFixed(1)} KiB gzipped of ${BUDGET / 1024} KiB`;
if (total > BUDGET) {
  console.error(`The page is over its budget: ${words}.`);
  process.exit(1);
}
console.log(`First load: ${words}.`);
