import { fork, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, afterEach } from 'vitest';
import { createRun } from '../../src/runs/create';
import type { RunDir } from '../../src/runs/directory';

const root = fs.mkdtempSync(join(tmpdir(), 'alignment-lab-runs-'));
const started = new Set<ChildProcess>();
let folders = 0;

afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  started.clear();
});
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

/** An empty folder that is removed after the tests of this file. */
export function emptyFolder(): string {
  const folder = join(root, `folder-${folders++}`);
  fs.mkdirSync(folder);
  return folder;
}

/** A new run in a folder of its own, or beside the runs of `folder`. */
export function newRun(stage = 'sft', folder = emptyFolder()): RunDir {
  return createRun({ configFile: join(folder, 'align.yaml'), stage, type: 'sft', config: { learning_rate: 1 } });
}

/** Bundles a program of test/runs/programs for Node. */
export function bundle(name: string): string {
  const outfile = join(root, `${name}.mjs`);
  if (!fs.existsSync(outfile)) {
    const entry = join(import.meta.dirname, 'programs', `${name}.ts`);
    buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' });
  }
  return outfile;
}

export interface Worker {
  child: ChildProcess;
  /** Kept once the worker has told `count` things, counted from its start. */
  told(count: number): Promise<void>;
  /** All that the worker told so far. */
  readonly messages: unknown[];
  /** Kills it with SIGKILL and waits for its end. */
  kill(): Promise<void>;
  /** Waits for its own end and throws with its errors where it failed. */
  done(): Promise<void>;
}

/** Starts test/runs/programs/worker.ts. */
export function worker(mode: string, target: string, count = 0): Worker {
  const child = fork(bundle('worker'), [mode, target, String(count)], { silent: true, execArgv: [] });
  started.add(child);
  const messages: unknown[] = [];
  let errors = '';
  const waiting: { count: number; resolve: () => void }[] = [];
  child.on('message', (message) => {
    messages.push(message);
    for (const wait of waiting) if (messages.length >= wait.count) wait.resolve();
  });
  child.stderr?.on('data', (text) => (errors += String(text)));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    child,
    messages,
    told: (count) =>
      new Promise((resolve, reject) => {
        if (messages.length >= count) return resolve();
        waiting.push({ count, resolve });
        void ended.then(() => reject(new Error(`${mode} ended after ${messages.length} messages: ${errors}`)));
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    done: async () => {
      const code = await ended;
      if (code !== 0) throw new Error(`${mode} ended with ${code}: ${errors}`);
    },
  };
}
