import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenScoresOf } from '../../src/runs/token-scores';
import { GOLDEN_FOLDER } from '../golden/load';
import { writeGoldenReward } from '../golden/written-checkpoint';
import { TrainerBench, timeless } from './trainer';

const bench = new TrainerBench();

/** A policy stage whose reward is a model over other tokens than the policy's, and a rule. */
const stage = (type: string, more: object = {}): object => ({
  type,
  prompts: 'prompts.jsonl',
  reward: [{ stage: './judge', use: 'lower_bound', k: 1 }, { rule: './short.js' }],
  learning_rate: 1e-2,
  batch_size: 4,
  max_new_tokens: 8,
  held_out: false,
  sample_prompts: 3,
  sample_every: 4,
  ...more,
});

beforeAll(async () => {
  await bench.open();
  writeGoldenReward(join(bench.folder, 'judge'), join(GOLDEN_FOLDER, 'tokenizer'));
  writeFileSync(join(bench.folder, 'short.js'), 'export const reward = ({ answer }) => -answer.length / 100;\n');
  const prompts = Array.from({ length: 8 }, (_, i) => ({ prompt: [{ role: 'user', content: `Say ${i}.` }] }));
  writeFileSync(join(bench.folder, 'prompts.jsonl'), prompts.map((row) => `${JSON.stringify(row)}\n`).join(''));
  bench.configure({
    ppo: stage('ppo', { steps: 8 }),
    'ppo-apart': stage('ppo', { steps: 8, value_model: 'separate' }),
    grpo: stage('grpo', { steps: 2, answers_per_prompt: 2, sample_every: 1 }),
    rloo: stage('rloo', { steps: 2, answers_per_prompt: 2, sample_every: 1 }),
  });
}, 60_000);
afterAll(() => bench.close());

describe.each(['ppo', 'ppo-apart', 'grpo', 'rloo'])('the samples of a %s run', (name) => {
  it('tell of each token what their figures are made of', async () => {
    const dir = bench.create([], null, name);
    await bench.finish(dir);
    const samples = dir.readSamples();
    expect(samples.length).toBeGreaterThanOrEqual(6);
    for (const sample of samples) {
      const tokens = tokenScoresOf(sample);
      if (!tokens) throw new Error(`sample ${JSON.stringify(sample)} has no token scores`);
      const { ends, logp, reference, temperature, values, prefix_rewards: rewards } = tokens;
      expect(ends).toHaveLength(Number(sample['tokens']));
      expect(ends.at(-1)).toBe(sample.answer.length);
      expect(temperature).toBe(name.startsWith('ppo') ? 0.7 : 1);
      expect(Math.max(...logp, ...reference)).toBeLessThanOrEqual(0);
      const kl = logp.reduce((sum, x, t) => sum + x - reference[t], 0);
      expect(Math.abs(kl - (sample.scores?.kl ?? NaN))).toBeLessThan(1e-4 * logp.length);
      // A rule reads whole answers only.
      expect(Object.keys(rewards ?? {})).toEqual(['judge']);
      expect(rewards?.judge).toHaveLength(ends.length + 1);
      expect(Math.abs((rewards?.judge.at(-1) ?? NaN) - (sample.scores?.judge ?? NaN))).toBeLessThan(2e-4);
      expect(values !== undefined).toBe(name.startsWith('ppo') && sample.step > 0);
    }
  }, 120_000);
});

it('the samples of a run that was killed and resumed are those of one that ran through', async () => {
  const [whole, dir] = [1, 2].map(() => bench.create([], null, 'ppo-apart'));
  await bench.finish(whole);
  await bench.killAt(dir, 4);
  await bench.finish(dir);
  expect(dir.readSamples().length).toBeGreaterThan(0);
  expect(timeless(dir.readSamples())).toEqual(timeless(whole.readSamples()));
}, 120_000);
