import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../src/runs/checkpoints';
import { request } from '../../src/runs/control';
import type { RunDir } from '../../src/runs/directory';
import { TrainerBench, reached, timeless } from './trainer';

const bench = new TrainerBench();
beforeAll(() => bench.open(), 60_000);
afterAll(() => bench.close());

async function until(holds: () => boolean, dir: RunDir): Promise<void> {
  while (!holds()) {
    if (['done', 'failed', 'stopped', 'died'].includes(dir.state())) throw new Error(`the run is ${dir.state()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const bytes = (dir: RunDir): Buffer => readFileSync(join(dir.modelFolder, 'model.safetensors'));
const evaluations = (dir: RunDir) => dir.readMetrics().filter((row) => 'eval_loss' in row);

describe('a paused run', () => {
  it('takes no step, evaluates and checkpoints on request, and ends like one that ran through', async () => {
    const settings = ['steps=60', 'evaluate_every=30', 'sample_every=false'];
    const straight = bench.create(settings);
    await bench.finish(straight);

    const dir = bench.create(settings);
    const { exit } = bench.start(dir);
    await reached(dir, 1);
    request(dir, 'pause');
    await until(() => dir.state() === 'paused', dir);
    const step = dir.readMetrics().at(-1)?.step ?? 0;
    expect(step).toBeLessThan(60);
    const before = evaluations(dir).length;
    request(dir, 'evaluate');
    await until(() => evaluations(dir).length > before, dir);
    request(dir, 'checkpoint');
    await until(() => dir.readRun().result?.last?.step === step, dir);
    expect(dir.state()).toBe('paused');
    expect(dir.readMetrics().every((row) => row.step <= step)).toBe(true);
    request(dir, 'resume');
    const { code, output } = await exit;
    expect(code, output).toBe(0);
    expect(listCheckpoints(dir).at(-1)?.step).toBe(60);
    const steps = (run: RunDir) => timeless(run.readMetrics().filter((row) => 'loss' in row));
    expect(steps(dir)).toEqual(steps(straight));
  }, 120_000);

  it('stops when it is asked to', async () => {
    const dir = bench.create(['steps=100000', 'sample_every=false']);
    const { exit } = bench.start(dir);
    await reached(dir, 1);
    request(dir, 'pause');
    await until(() => dir.state() === 'paused', dir);
    request(dir, 'stop');
    expect((await exit).code).toBe(3);
    expect(dir.state()).toBe('stopped');
    expect(listCheckpoints(dir).at(-1)?.step).toBe(dir.readRun().step);
  }, 120_000);
});

describe('an evaluation on request', () => {
  it('that finds the best yet keeps it as a checkpoint, so that the result can be written', async () => {
    // The rate falls to nothing soon: only what is asked for early can be better than the evaluation at the end.
    const dir = bench.create([
      'steps=40',
      'evaluate_every=40',
      'checkpoint_every=40',
      'sample_every=false',
      'learning_rate=0.5',
      'schedule=constant',
    ]);
    const { exit } = bench.start(dir);
    await reached(dir, 1);
    request(dir, 'pause');
    await until(() => dir.state() === 'paused', dir);
    const before = evaluations(dir).length;
    request(dir, 'evaluate');
    await until(() => evaluations(dir).length > before, dir);
    request(dir, 'resume');
    const { code, output } = await exit;
    expect(code, output).toBe(0);
    const best = dir.readRun().result?.best;
    expect(existsSync(join(dir.path, best?.path ?? 'none', 'model.safetensors'))).toBe(true);
    expect(bytes(dir).equals(readFileSync(join(dir.path, best?.path ?? '', 'model.safetensors')))).toBe(true);
  }, 120_000);
});

describe('early stopping', () => {
  it('holds after a kill between the last checkpoint and the end', async () => {
    const settings = [
      'steps=400',
      'learning_rate=0.5',
      'schedule=constant',
      'evaluate_every=2',
      'early_stopping=2',
      'sample_every=false',
    ];
    const whole = bench.create(settings);
    await bench.finish(whole);
    const stopped = whole.readRun();
    expect(stopped.step).toBeLessThan(400);
    expect(whole.readEvents().some(({ event }) => event === 'early_stop')).toBe(true);
    // As after a kill: everything is there but the end, so that the trainer takes the last checkpoint up again.
    const model = bytes(whole);
    await bench.finish(whole);
    expect(whole.readRun()).toMatchObject({ state: 'done', step: stopped.step });
    expect(bytes(whole).equals(model)).toBe(true);
  }, 120_000);
});

describe('a branch', () => {
  it('may cut its data into batches of another size', async () => {
    const parent = bench.create(['steps=6', 'checkpoint_every=3', 'keep_checkpoints=9', 'sample_every=false']);
    await bench.finish(parent);
    for (const size of [2, 32]) {
      const branch = bench.create(['steps=6', `batch_size=${size}`, 'sample_every=false'], { run: parent.id, step: 3 });
      await bench.finish(branch);
      const epochs = branch.readMetrics().flatMap((row) => (typeof row.epoch === 'number' ? row.epoch : []));
      expect(epochs).toHaveLength(3);
      expect(epochs[0]).toBeLessThanOrEqual(epochs[2]);
    }
  }, 120_000);
});
