import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import type { MetricsRow, SampleRow } from '../../src/runs/format';
import { TrainerBench, reached, timeless } from './trainer';

const KILLS = process.env.ALIGN_SOAK ? 30 : 5;
const bench = new TrainerBench();

/** Rewards answers for what of them can be read, slowly, so that a kill may fall into the scoring. */
const RULE = `export function reward({ answer, row }) {
  let spin = 0;
  for (let i = 0; i < 20000; i++) spin += i % 7;
  if (row.tags?.includes('bad')) return NaN;
  const letters = [...answer];
  return letters.filter((c) => c >= ' ' && c <= '~').length / Math.max(1, letters.length) + (spin < 0 ? 1 : 0);
}
`;
const group = (name: string, type: string, rule: string, more = ''): string => `  ${name}:
    type: ${type}
    prompts: prompts.jsonl
    reward: { rule: ${rule} }
    learning_rate: 1e-2
    batch_size: 5
    answers_per_prompt: 4
    max_new_tokens: 12
    steps: 3
    held_out: 4
    sample_prompts: 3
    ${more}
`;
const CONFIG = `model: ./model
seed: 7
stages:
  ppo:
    type: ppo
    prompts: prompts.jsonl
    reward: { rule: ./letters.js }
    learning_rate: 1e-2
    batch_size: 20
    max_new_tokens: 12
    temperature: 1
    ppo_epochs: 2
    mini_batches: 2
    kl_target: 3
    missing_eos_penalty: 0.1
    steps: 24
    held_out: 4
    checkpoint_every: 4
    evaluate_every: 8
    sample_every: 8
    sample_prompts: 3
${['grpo', 'rloo']
  .flatMap((type) => [group(type, type, './letters.js'), group(`${type}-equal`, type, './equal.js', 'kl_penalty: 0')])
  .join('')}`;

const create = (set: readonly string[] = [], stage = 'ppo'): RunDir => bench.create(set, null, stage);
const prompts = (rows: readonly object[]): void =>
  writeFileSync(join(bench.folder, 'prompts.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const plenty = Array.from({ length: 24 }, (_, i) => ({ prompt: [{ role: 'user', content: `Say ${i}.` }] }));

/** Metrics without what the clock says. */
const quiet = (rows: readonly (MetricsRow | SampleRow)[]): unknown[] =>
  timeless(rows).map((row) =>
    Object.fromEntries(Object.entries(row as object).filter(([name]) => !name.startsWith('time/'))),
  );

function expectSame(run: RunDir, other: RunDir): void {
  for (const file of [
    'model.safetensors',
    'training_state/optimizer.safetensors',
    'training_state/extra.safetensors',
  ]) {
    const bytes = (dir: RunDir) => readFileSync(join(listCheckpoints(dir).at(-1)?.path ?? '', file));
    expect(bytes(run).equals(bytes(other)), file).toBe(true);
  }
  expect(quiet(run.readMetrics())).toEqual(quiet(other.readMetrics()));
  expect(quiet(run.readSamples())).toEqual(quiet(other.readSamples()));
}

beforeAll(async () => {
  await bench.open();
  writeFileSync(join(bench.folder, 'letters.js'), RULE);
  writeFileSync(join(bench.folder, 'equal.js'), 'export const reward = () => 0.5;\n');
  writeFileSync(join(bench.folder, 'align.yaml'), CONFIG);
  prompts(plenty);
}, 60_000);
afterAll(() => bench.close());

describe('a ppo run', () => {
  let whole: RunDir;
  let wholeMs = 0;
  beforeAll(async () => {
    whole = create();
    const began = performance.now();
    const { code, output } = await bench.run(whole);
    wholeMs = performance.now() - began;
    expect(code, output).toBe(0);
  }, 120_000);

  it('begins with ratio 1 and KL 0, and tells the metrics of its iterations', () => {
    const rows = whole.readMetrics().filter((row) => 'iteration' in row);
    expect(rows.map(({ step }) => step)).toEqual([4, 8, 12, 16, 20, 24]);
    expect(Math.abs(Number(rows[0]['objective/kl']))).toBeLessThan(1e-4);
    for (const row of rows) {
      const share = ['generate', 'score', 'update'].map((name) => Number(row[`time/${name}`]));
      expect(share.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      expect(Number(row['policy/clipfrac_avg'])).toBeGreaterThanOrEqual(0);
      expect(Number(row['policy/entropy_avg'])).toBeGreaterThan(0);
    }
    // an answer a prompt, twenty prompts an iteration
    expect(rows.at(-1)?.episode).toBe(120);
    // the coefficient moved
    expect(new Set(rows.map((row) => row['objective/kl_penalty'])).size).toBe(6);
    const samples = whole.readSamples();
    expect(samples.length).toBe(3 * 4);
    for (const { scores } of samples) expect(Object.keys(scores ?? {})).toEqual(['reward', 'kl', 'letters']);
  });

  it(
    `killed ${KILLS} times while it writes, scores or learns, and resumed, ends with the same bytes and rows`,
    () =>
      bench.killOften(KILLS, {
        create: () => create(),
        delay: async (dir) => {
          await reached(dir, (dir.readMetrics().at(-1)?.step ?? 0) + 1);
          return (Math.random() * wholeMs) / 6;
        },
        ended: (dir) => expectSame(dir, whole),
      }),
    120_000 + KILLS * 60_000,
  );
});

it('a ppo run with a value model of its own resumes to the same bytes', async () => {
  const settings = ['value_model=separate', 'steps=12', 'sample_every=false', 'held_out=false'];
  const whole = create(settings);
  await bench.finish(whole);
  const rows = whole.readMetrics().filter((row) => 'iteration' in row);
  expect(Number(rows[2]['loss/value_avg'])).toBeGreaterThan(0);
  expect(rows[0]['val/explained_variance']).toBeCloseTo(0, 6);
  const dir = create(settings);
  await bench.killAt(dir, 8);
  await bench.finish(dir);
  expectSame(dir, whole);
}, 120_000);

describe('what a ppo run meets', () => {
  it('an answer without a finite score is left out, counted, and told with its line', async () => {
    prompts(plenty.map((row, i) => (i % 3 === 0 ? { ...row, tags: ['bad'] } : row)));
    const dir = create(['steps=8', 'held_out=false', 'sample_every=false']);
    await bench.finish(dir);
    const rows = dir.readMetrics().filter((row) => 'iteration' in row);
    expect(Number(rows.at(-1)?.['rewards/left_out'])).toBeGreaterThan(0);
    expect(Number(rows.at(-1)?.episode) + Number(rows.at(-1)?.['rewards/left_out'])).toBe(24);
    const told = dir.readEvents().filter(({ event }) => event === 'warning');
    expect(told.map(({ message }) => message).join()).toMatch(/prompts\.jsonl:\d+: .*NaN/);
    prompts(plenty);
  }, 120_000);

  it('no answer with a finite score ends it with the place', async () => {
    prompts(plenty.map((row) => ({ ...row, tags: ['bad'] })));
    const dir = create(['held_out=false', 'sample_every=false']);
    const { code, output } = await bench.run(dir);
    expect(code).toBe(1);
    expect(output).toMatch(/prompts\.jsonl:\d+: None of 20 answers got a finite score/);
    expect(output).not.toContain('    at ');
    prompts(plenty);
  }, 120_000);

  it('a prompt longer than the context is dropped and counted', async () => {
    prompts([...plenty, { prompt: [{ role: 'user', content: 'long '.repeat(100) }] }]);
    const dir = create(['steps=4', 'held_out=false', 'sample_every=false']);
    expect(await bench.finish(dir)).toContain('1 of 25 prompts are longer');
    prompts(plenty);
  }, 120_000);

  it('top_p, with which the ratio cannot be 1, stops it before the first update and is named', async () => {
    const dir = create(['top_p=0.5', 'held_out=false', 'sample_every=false']);
    const { code, output } = await bench.run(dir);
    expect(code).toBe(1);
    expect(output).toContain('`top_p: 0.5` samples from a part of the distribution');
    expect(dir.readMetrics().filter((row) => 'iteration' in row)).toEqual([]);
  }, 120_000);

  it('KL above kl_stop ends the run with the weights before', async () => {
    const dir = create(['kl_stop=0.05', 'kl_target=null', 'held_out=false', 'sample_every=false']);
    await bench.finish(dir);
    const { step, steps, state } = dir.readRun();
    expect(state).toBe('done');
    expect(step).toBeLessThan(steps ?? 0);
    const [stop] = dir.readEvents().filter(({ event }) => event === 'kl_stop');
    expect(stop.message).toContain('above kl_stop: 0.05');
    // the model is what wrote the answers whose KL was too large
    const last = dir
      .readMetrics()
      .filter((row) => 'iteration' in row)
      .at(-1);
    expect(Number(last?.['objective/kl'])).toBeGreaterThan(0.05);
    expect(last && 'loss/policy_avg' in last).toBe(false);
  }, 120_000);
});

describe.each([
  ['grpo', ['loss=grpo']], // all answers weigh alike: then centred advantages make a loss of 0
  ['rloo', []],
])('a %s run', (stage, settings) => {
  it('tells its metrics by group', async () => {
    const dir = create(settings, stage);
    await bench.finish(dir);
    const rows = dir.readMetrics().filter((row) => 'iteration' in row);
    expect(rows).toHaveLength(3);
    expect(rows[2].episode).toBe(60);
    // fresh answers, one pass: the policy is what sampled them, and advantages are centred
    expect(Math.abs(Number(rows[0].kl))).toBeLessThan(1e-5);
    expect(Math.abs(Number(rows[0].loss))).toBeLessThan(1e-5);
    for (const row of rows) {
      expect(row['clip_ratio/region_mean']).toBe(0);
      expect(Number(row.reward_std)).toBeGreaterThan(0);
      expect(Number(row.grad_norm)).toBeGreaterThan(0);
    }
  }, 120_000);

  it('learns nothing from equal rewards', async () => {
    const dir = create([], `${stage}-equal`);
    await bench.finish(dir);
    for (const row of dir.readMetrics().filter((row) => 'iteration' in row)) {
      expect(row.frac_reward_zero_std).toBe(1);
      expect(row.grad_norm).toBe(0);
    }
  }, 120_000);
});
