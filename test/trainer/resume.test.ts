import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, writeCheckpoint } from '../../src/models/checkpoint';
import { listCheckpoints } from '../../src/runs/checkpoints';
import { request } from '../../src/runs/control';
import type { RunDir } from '../../src/runs/directory';
import { readLineage } from '../../src/runs/lineage';
import { TrainerBench, reached, timeless } from './trainer';

const KILLS = process.env.ALIGN_SOAK ? 50 : 5;
const bench = new TrainerBench();
/** The run that nothing disturbed, and how long it took. */
let whole: RunDir;
let wholeMs = 0;

beforeAll(async () => {
  await bench.open();
  whole = bench.create();
  const began = performance.now();
  const { code, output } = await bench.run(whole);
  wholeMs = performance.now() - began;
  expect(code, output).toBe(0);
}, 120_000);
afterAll(() => bench.close());

function expectSame(run: RunDir, other: RunDir): void {
  const model = (dir: RunDir) => readFileSync(join(dir.modelFolder, 'model.safetensors'));
  expect(model(run).equals(model(other)), 'model.safetensors').toBe(true);
  const last = (dir: RunDir) =>
    readFileSync(join(listCheckpoints(dir).at(-1)!.path, 'training_state', 'optimizer.safetensors'));
  expect(last(run).equals(last(other)), 'optimizer.safetensors').toBe(true);
  expect(timeless(run.readMetrics())).toEqual(timeless(other.readMetrics()));
  expect(timeless(run.readSamples())).toEqual(timeless(other.readSamples()));
}

describe('a run', () => {
  it('writes rows for every step, samples and a result', () => {
    const run = whole.readRun();
    expect(run).toMatchObject({ state: 'done', step: 20, steps: 20, error: null });
    const steps = whole.readMetrics().filter((row) => 'loss' in row);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(Number(steps[19].loss)).toBeLessThan(Number(steps[0].loss));
    expect(whole.readSamples().length).toBeGreaterThan(5);
    expect(run.result?.best?.eval_loss).toBeGreaterThan(0);
  });

  it(
    `killed ${KILLS} times at random moments and resumed ends with the same bytes and rows`,
    () =>
      bench.killOften(KILLS, {
        create: () => bench.create(),
        delay: () => Math.random() * wholeMs,
        killed: (dir) => {
          if (dir.readRun().pid !== null) expect(['died', 'queued', 'done']).toContain(dir.state());
        },
        ended: (dir) => expectSame(dir, whole),
      }),
    120_000 + KILLS * 60_000,
  );

  it('stopped and resumed ends with the same model', async () => {
    const dir = bench.create();
    const first = bench.start(dir);
    await reached(dir, 3);
    request(dir, 'stop');
    const { code, output } = await first.exit;
    expect([0, 3], output).toContain(code);
    if (code === 3) {
      expect(dir.readRun().state).toBe('stopped');
      await bench.finish(dir);
    }
    expectSame(dir, whole);
  }, 120_000);

  it('branches from a checkpoint, and its curve joins its parent’s', async () => {
    const step = listCheckpoints(whole)[0].step;
    const branch = bench.create(['learning_rate=1e-3'], { run: whole.id, step });
    await bench.finish(branch);
    const run = branch.readRun();
    expect(run).toMatchObject({ state: 'done', parent: { run: whole.id, step } });
    const rows = branch.readMetrics();
    expect(Math.min(...rows.map((row) => row.step))).toBeGreaterThanOrEqual(step);
    expect(JSON.stringify(readLineage(branch))).toContain(whole.id);
    const same = bench.create([], { run: whole.id, step });
    await bench.finish(same);
    // a branch that changes nothing is its parent
    const weights = (dir: RunDir) => readFileSync(join(listCheckpoints(dir).at(-1)!.path, 'model.safetensors'));
    expect(weights(same).equals(weights(whole))).toBe(true);
    expect(weights(branch).equals(weights(whole))).toBe(false);
  }, 120_000);

  it('refuses a second process, and says which has it', async () => {
    const dir = bench.create(['steps=400']);
    const first = bench.start(dir);
    await reached(dir, 1);
    const second = await bench.run(dir);
    expect(second.code).toBe(1);
    expect(second.output).toContain('Another process already works on run');
    expect(dir.state()).toBe('running');
    first.child.kill('SIGKILL');
    await first.exit;
    expect(dir.state()).toBe('died');
  }, 120_000);

  it('leaves out a sample prompt that leaves no room for an answer, and says so', async () => {
    const long = 'hello '.repeat(2000).trim();
    const dir = bench.create(['steps=2', `sample_prompts=[${long}, Say hello.]`]);
    await bench.finish(dir);
    expect(new Set(dir.readSamples().map(({ row }) => row))).toEqual(new Set([0]));
    const warnings = dir.readEvents().filter(({ event }) => event === 'warning');
    expect(warnings.map(({ message }) => message).join()).toContain('1 of 2 sample prompts');
  }, 120_000);

  it('whose loss is not finite stops with the rows of the batch', async () => {
    const source = join(bench.folder, 'model');
    const checkpoint = openCheckpoint(source);
    writeCheckpoint(join(bench.folder, 'poisoned'), {
      config: checkpoint.config,
      tensor: (name) => (name === 'model.norm.weight' ? checkpoint.read(name).fill(NaN) : checkpoint.read(name)),
      tokenizerFrom: source,
    });
    checkpoint.close();
    const dir = bench.create(['model=./poisoned', 'held_out=false', 'sample_every=false']);
    const { code, output } = await bench.run(dir);
    expect(code).toBe(1);
    expect(output).toContain('Step 1 has a gradient that is not finite');
    expect(dir.readRun().error?.message).toMatch(/demonstrations\.jsonl:\d+/);
    expect(dir.readMetrics()).toEqual([]);
  }, 120_000);
});
