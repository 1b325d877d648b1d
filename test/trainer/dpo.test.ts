import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alarmsOf } from '../../src/runs/alarms';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import { TrainerBench, timeless } from './trainer';

const KILLS = process.env.ALIGN_SOAK ? 30 : 5;
const bench = new TrainerBench();
const CONFIG = {
  model: './model',
  seed: 7,
  stages: {
    prefer: {
      type: 'dpo',
      data: 'data/preferences.jsonl',
      learning_rate: 1e-3,
      epochs: 2,
      batch_size: 8,
      max_length: 64,
      held_out: 0.2,
      sample_prompts: ['Say hello.'],
    },
  },
};
const NAMES = ['ada', 'ben', 'cleo', 'dora', 'emil', 'finn', 'gwen', 'hugo', 'iris', 'jan'];
const cache = (): string => join(bench.folder, '.align', 'cache');
const create = (set: string[] = []): RunDir => bench.create(set, null, 'prefer');

/** The run that nothing disturbed, and how long it took. */
let whole: RunDir;
let wholeMs = 0;

beforeAll(async () => {
  await bench.open();
  const rows = NAMES.flatMap((name) =>
    NAMES.map((other) => ({
      prompt: [{ role: 'user', content: `Is ${name} like ${other}?` }],
      chosen: [{ role: 'assistant', content: name === other ? 'Yes.' : 'No.' }],
      rejected: [{ role: 'assistant', content: 'Nobody can say such a thing at all.' }],
    })),
  );
  mkdirSync(join(bench.folder, 'data'), { recursive: true });
  writeFileSync(join(bench.folder, 'data/preferences.jsonl'), rows.map((row) => JSON.stringify(row) + '\n').join(''));
  writeFileSync(join(bench.folder, 'align.yaml'), JSON.stringify(CONFIG));
  whole = create();
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

describe('a dpo run', () => {
  it('begins at ln 2 and learns what is preferred, also on held-out prompts', () => {
    const rows = whole.readMetrics();
    const steps = rows.filter((row) => 'loss' in row);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: whole.readRun().steps! }, (_, i) => i + 1));
    expect(steps[0].loss).toBeCloseTo(Math.LN2, 3);
    expect(steps.at(-1)).toMatchObject({ 'rewards/accuracies': 1 });
    const evaluations = rows.filter((row) => 'eval_loss' in row);
    expect(evaluations[0].eval_loss).toBeCloseTo(Math.LN2, 3);
    expect(evaluations.at(-1)!['eval_rewards/accuracies']).toBe(1);
    expect(Number(evaluations.at(-1)!.eval_loss)).toBeLessThan(0.3);
    expect(whole.readRun().result?.best?.eval_loss).toBeLessThan(0.3);
    expect(whole.readSamples().length).toBeGreaterThan(5);
  });

  it('finds the reference in the cache, and makes a damaged one anew', async () => {
    const [file] = readdirSync(cache());
    const path = join(cache(), file);
    const before = readFileSync(path);
    const second = create();
    const hit = await bench.run(second);
    expect(hit.output).toContain('found in .align');
    expectSame(second, whole);
    truncateSync(path, before.length - 5);
    const third = create();
    const made = await bench.run(third);
    expect(made.output).toContain('is damaged and is made anew');
    expect(readFileSync(path).equals(before)).toBe(true);
    expectSame(third, whole);
    const flipped = Buffer.from(before);
    flipped[before.length - 1] ^= 1;
    writeFileSync(path, flipped);
    expect((await bench.run(create(['steps=1']))).output).toContain('is damaged and is made anew');
    expect(readFileSync(path).equals(before)).toBe(true);
  }, 120_000);

  it(
    `killed ${KILLS} times at random moments and resumed ends with the same bytes and rows`,
    () =>
      bench.killOften(KILLS, {
        create: (kills) => {
          // without the cache a kill can also come before or in the reference's pass
          if (kills % 2 === 0) rmSync(cache(), { recursive: true, force: true });
          return create();
        },
        delay: () => Math.random() * wholeMs,
        ended: (dir) => expectSame(dir, whole),
      }),
    120_000 + KILLS * 60_000,
  );

  it('stops where the reference disagrees with its own weights', async () => {
    const path = join(cache(), readdirSync(cache())[0]);
    const before = readFileSync(path);
    const wrong = Buffer.alloc(before.length - 32);
    for (let at = 0; at < wrong.length; at += 8) wrong.writeFloatLE(-20, at);
    writeFileSync(path, Buffer.concat([createHash('sha256').update(wrong).digest(), wrong]));
    const dir = create();
    const { code, output } = await bench.run(dir);
    writeFileSync(path, before);
    expect(code).toBe(1);
    expect(output).toContain('the first loss must be 0.6931');
    expect(dir.readRun().error?.hint).toContain('.align/cache');
    expect(listCheckpoints(dir)).toEqual([]);
  }, 120_000);

  it('takes another reference, of which the first loss is not known', async () => {
    const dir = create([`reference=${join('.align', 'runs', whole.id, 'model')}`, 'steps=2']);
    await bench.finish(dir);
    expect(Number(dir.readMetrics().find((row) => 'loss' in row)!.loss)).toBeGreaterThan(0.8);
    expect(dir.readRun().inputs).toHaveProperty('reference');
  }, 120_000);

  it('tells that chosen answers become less probable', async () => {
    const rows = NAMES.flatMap((name) =>
      NAMES.filter((other) => other !== name).map((other) => ({
        prompt: [{ role: 'user', content: `Say ${name} or ${other}.` }],
        chosen: [{ role: 'assistant', content: `The one of these two that I now say is ${name}.` }],
        rejected: [{ role: 'assistant', content: `The one of these two that I now say is ${other}.` }],
      })),
    );
    writeFileSync(join(bench.folder, 'data/alike.jsonl'), rows.map((row) => JSON.stringify(row) + '\n').join(''));
    const dir = create(['data=data/alike.jsonl', 'monitors={ chosen_drop: 0.01, patience: 1 }', 'learning_rate=1e-2']);
    await bench.finish(dir);
    const events = dir.readEvents();
    expect(events.find(({ event }) => event === 'monitors')).toMatchObject({
      thresholds: { 'monitor/chosen_drop': 0.01 },
    });
    const drops = dir.readMetrics().flatMap((row) => ('loss' in row ? [Number(row['monitor/chosen_drop'])] : []));
    expect(drops[0]).toBe(0);
    const alarms = alarmsOf(events);
    expect(alarms[0]).toMatchObject({ signal: 'chosen_drop', threshold: 0.01 });
    expect(drops[alarms[0].step - 1]).toBe(alarms[0].value);
  }, 120_000);
});
