/** Starts the real trainer on runs of a tiny workspace, for tests that kill, stop and resume it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { loadExperiment, resolveStage } from '../../src/config/load';
import { runConfigOf } from '../../src/config/run-config';
import { createRun } from '../../src/runs/create';
import type { RunDir } from '../../src/runs/directory';
import type { MetricsRow, RunParent, SampleRow } from '../../src/runs/format';
import { makeWorkspace } from '../host/workspace.mjs';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

export class TrainerBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'trainer-'));
  private bundle = '';
  private readonly cache = join(import.meta.dirname, '../../node_modules/.cache', `trainer-test-${process.pid}`);
  private readonly children = new Set<ChildProcess>();

  /** Bundles the trainer as it ships and makes the workspace. */
  async open(): Promise<void> {
    makeWorkspace(this.folder);
    mkdirSync(this.cache, { recursive: true });
    this.bundle = join(this.cache, 'trainer.mjs');
    await esbuild.build({
      entryPoints: [join(import.meta.dirname, '../../src/trainer/main.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outfile: this.bundle,
      logLevel: 'error',
    });
  }

  create(set: readonly string[] = [], parent: RunParent | null = null, name = 'sft'): RunDir {
    const file = join(this.folder, 'align.yaml');
    const { experiment, diagnostics } = loadExperiment(file, { stage: name, set: ['threads=1', ...set] });
    if (!experiment) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
    const stage = resolveStage(experiment, name);
    return createRun({ configFile: file, stage: name, type: stage.type, config: runConfigOf(stage), parent });
  }

  /** Starts the trainer on a run. The queue is this workspace's own, so that other tests are not waited for. */
  start(dir: RunDir): { child: ChildProcess; exit: Promise<Exit> } {
    const child = spawn(process.execPath, [this.bundle, dir.path], {
      env: { ...process.env, TMPDIR: this.folder, TEMP: this.folder },
    });
    this.children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    const exit = new Promise<Exit>((resolve) => {
      child.once('close', (code, signal) => {
        this.children.delete(child);
        resolve({ code, signal, output });
      });
    });
    return { child, exit };
  }

  run(dir: RunDir): Promise<Exit> {
    return this.start(dir).exit;
  }

  close(): void {
    for (const child of this.children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    rmSync(this.cache, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Rows without what depends on the clock. */
export const timeless = (rows: readonly (MetricsRow | SampleRow)[]): unknown[] =>
  rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([key]) => key !== 'time' && key !== 'step_seconds')),
  );

/** Resolves when the run has come to a step, or has ended. */
export async function reached(dir: RunDir, step: number): Promise<void> {
  for (;;) {
    const rows = dir.readMetrics();
    if (rows.some((row) => row.step >= step) || ['done', 'failed', 'stopped'].includes(dir.readRun().state)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
