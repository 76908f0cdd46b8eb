/** Runs a TypeScript script: `run.mjs FILE ARGUMENTS…`. */
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const [file] = process.argv.splice(2, 1);
await runnerImport(resolve(file), { logLevel: 'error' });
