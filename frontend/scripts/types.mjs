/** Writes src/generated/types.ts from the server's structs; with --check, fails where it is stale instead. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const environment = here('../../.venv/bin/python');
const python = process.env.PYTHON ?? (existsSync(environment) ? environment : 'python3');
const target = here('../src/generated/types.ts');

const emitted = execFileSync(python, [here('generate_types.py')], { encoding: 'utf8' });
if (!process.argv.includes('--check')) {
  writeFileSync(target, emitted);
} else if (!existsSync(target) || readFileSync(target, 'utf8') !== emitted) {
  console.error('src/generated/types.ts is stale: run `npm run types` and commit what it writes.');
  process.exit(1);
}
