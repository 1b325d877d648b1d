/** Starts the real trainer on runs of a tiny workspace, for tests that kill, stop and resume it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { expect } from 'vitest';
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

  /** Writes the config: the tiny model, one seed, these stages. */
  configure(stages: Readonly<Record<string, unknown>>): void {
    writeFileSync(join(this.folder, 'align.yaml'), JSON.stringify({ model: './model', seed: 7, stages }));
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

  /** Runs to a good end, and gives what the trainer said. */
  async finish(dir: RunDir): Promise<string> {
    const { code, output } = await this.run(dir);
    expect(code, output).toBe(0);
    return output;
  }

  /** Runs until a step is reached, and kills the trainer there. */
  async killAt(dir: RunDir, step: number): Promise<void> {
    const { child, exit } = this.start(dir);
    await reached(dir, step);
    child.kill('SIGKILL');
    await exit;
  }

  /** Runs, is killed and goes on until the kills are used up, each run to its end. */
  async killOften(
    kills: number,
    course: {
      create: (kills: number) => RunDir;
      /** Milliseconds from the start of the trainer to the kill. */
      delay: (dir: RunDir) => number | Promise<number>;
      killed?: (dir: RunDir) => void;
      ended: (dir: RunDir) => void;
    },
  ): Promise<void> {
    for (let done = 0; done < kills;) {
      const dir = course.create(done);
      for (;;) {
        const { child, exit } = this.start(dir);
        let timer: NodeJS.Timeout | undefined;
        let over = false;
        const aim = async (): Promise<void> => {
          const delay = await course.delay(dir);
          if (!over) timer = setTimeout(() => child.kill('SIGKILL'), delay);
        };
        if (done < kills) void aim();
        const { code, signal, output } = await exit;
        over = true;
        clearTimeout(timer);
        if (signal === 'SIGKILL') {
          done++;
          course.killed?.(dir);
          continue;
        }
        expect(code, output).toBe(0);
        break;
      }
      course.ended(dir);
    }
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
