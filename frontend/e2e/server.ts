/** A Tilescope of its own for the browser tests: `manage.py up` on a free port, its data in a folder that goes with it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ENVIRONMENT = join(ROOT, '.venv/bin/python');
const PYTHON = process.env.PYTHON ?? (existsSync(ENVIRONMENT) ? ENVIRONMENT : 'python3');
const STOP_MS = 15_000;

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startServer(): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), 'tilescope-e2e-'));
  const child = spawn(PYTHON, ['manage.py', 'up', '--port', '0', '--with-parent'], {
    cwd: ROOT,
    env: { ...process.env, TILESCOPE_DATA: data, REDIS_URL: undefined, DATABASE_URL: undefined, OMP_NUM_THREADS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const url = await address(child, said);
  return {
    url,
    stop: async () => {
      await ended(child);
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** The address that `manage.py up` prints once it is ready. */
function address(child: ChildProcess, said: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`manage.py up ended with ${code}:\n${said.join('')}`)));
    if (!child.stdout) return;
    createInterface(child.stdout).on('line', (line) => {
      const found = /(http:\/\/[^/\s]+)\//.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(timer);
}

/** A small model with random weights, as the Python tests make it. */
export function modelFile(name: 'cnn' | 'mlp'): { readonly name: string; readonly bytes: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'tilescope-models-'));
  try {
    execFileSync(PYTHON, ['-m', 'tests.models', folder], { cwd: ROOT });
    return { name: `${name}.onnx`, bytes: readFileSync(join(folder, `${name}.onnx`)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
