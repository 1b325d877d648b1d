import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RewardModel } from '../../src/models/reward-model';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import { renderAnswer } from '../../src/stages/preferences/preference-pairs';
import { openRuntime } from '../../src/tensor/runtime';
import { writePreferences } from './preference-data';
import { TrainerBench, timeless } from './trainer';

const bench = new TrainerBench();
const create = (set: string[] = [], stage = 'reward'): RunDir => bench.create(set, null, stage);

beforeAll(async () => {
  await bench.open();
  writePreferences(bench.folder);
  writeFileSync(join(bench.folder, 'short.js'), 'export const reward = ({ answer }) => -answer.length / 100;\n');
  bench.configure({
    reward: {
      type: 'reward',
      data: 'data/pairs.jsonl',
      learning_rate: 3e-3,
      batch_size: 16,
      max_length: 64,
      held_out: 0.2,
      ensemble: 3,
      centering: 0.01,
    },
    ppo: {
      type: 'ppo',
      prompts: 'data/prompts.jsonl',
      reward: [
        { stage: 'reward', use: 'lower_bound', k: 2 },
        { rule: './short.js', weight: 0.5 },
      ],
      batch_size: 8,
      max_new_tokens: 8,
      steps: 8,
      held_out: false,
      sample_prompts: 2,
    },
  });
}, 60_000);
afterAll(() => bench.close());

function expectSame(run: RunDir, other: RunDir): void {
  for (const name of ['model.safetensors', 'heads.safetensors', 'reward.json', 'config.json']) {
    const bytes = (dir: RunDir) => readFileSync(join(dir.modelFolder, name));
    expect(bytes(run).equals(bytes(other)), name).toBe(true);
  }
  const last = (dir: RunDir) =>
    readFileSync(join(listCheckpoints(dir).at(-1)!.path, 'training_state', 'optimizer.safetensors'));
  expect(last(run).equals(last(other)), 'optimizer.safetensors').toBe(true);
  expect(timeless(run.readMetrics())).toEqual(timeless(other.readMetrics()));
  expect(timeless(run.readSamples())).toEqual(timeless(other.readSamples()));
}

describe('a reward stage', () => {
  let whole: RunDir;
  beforeAll(async () => {
    whole = create();
    await bench.finish(whole);
  }, 60_000);

  it("learns what the pairs prefer, and tells it by TRL's names", () => {
    const rows = whole.readMetrics();
    const first = rows.find((row) => 'eval_loss' in row);
    const last = rows.findLast((row) => 'eval_loss' in row);
    expect(Number(first?.eval_loss)).toBeGreaterThan(0.6);
    expect(Number(first?.eval_loss)).toBeLessThan(0.8);
    expect(Number(last?.eval_accuracy)).toBeGreaterThan(0.95);
    for (const name of ['margin', 'mean_reward', 'min_reward', 'max_reward', 'reward_std', 'ece', 'length_correlation'])
      expect(last, name).toHaveProperty(`eval_${name}`);
    for (const name of [
      'accuracy/odd',
      'accuracy/even',
      'accuracy_shorter_wins',
      'accuracy_longer_wins',
      'ensemble_std',
    ])
      expect(last, name).toHaveProperty([`eval_${name}`]);
    const step = rows.findLast((row) => 'loss' in row);
    for (const name of ['accuracy', 'margin', 'mean_reward', 'min_reward', 'max_reward', 'num_tokens', 'grad_norm'])
      expect(Number.isFinite(step?.[name]), name).toBe(true);
    expect(Number(step?.min_reward)).toBeLessThanOrEqual(Number(step?.mean_reward));
    expect(Number(step?.mean_reward)).toBeLessThanOrEqual(Number(step?.max_reward));
    const report = whole.readEvents().find(({ event }) => event === 'data_doctor');
    expect(String(report?.message)).toContain('pairs of other prompts held out');
  });

  it('shows held-out answers with their rewards', () => {
    const samples = whole.readSamples();
    expect(samples.length).toBeGreaterThan(8);
    expect(samples[0]).toMatchObject({ row: 0, finish: 'stop' });
    expect(samples[0]).toHaveProperty('scores.reward');
    expect(samples[0]).toHaveProperty('scores.std');
  });

  it('its result scores answers, normalised over its own', async () => {
    const runtime = openRuntime({ threads: 1 });
    try {
      const model = RewardModel.load(runtime, whole.modelFolder);
      expect(model.members).toBe(3);
      const sequences = ['yes red', 'no red'].map(
        (answer) =>
          renderAnswer(
            { question: [{ role: 'user', content: 'tree cat 7' }], answer, file: 'x', line: 1, index: 0 },
            model.tokenizer,
            model.template,
          ).ids,
      );
      const [yes, no] = await model.scoreNormalised(sequences);
      for (let h = 0; h < 3; h++) {
        expect(yes[h] - no[h]).toBeGreaterThan(0.5);
        expect(Math.abs(yes[h]) + Math.abs(no[h])).toBeLessThan(8);
      }
      model.release();
    } finally {
      runtime.close();
    }
  });

  it('its result is the reward of a ppo stage, beside a rule', async () => {
    const dir = create([], 'ppo');
    await bench.finish(dir);
    expect(Object.keys(dir.readRun().inputs ?? {})).toContain('reward.reward');
    const scores = dir.readSamples().map(({ scores }) => scores ?? {});
    expect(scores.length).toBeGreaterThan(0);
    for (const own of scores) {
      expect(own.short).toBeLessThanOrEqual(0);
      expect(Number.isFinite(own.reward)).toBe(true);
    }
  }, 120_000);

  it('killed and resumed ends with the same bytes', async () => {
    const dir = create();
    await bench.killAt(dir, 5);
    await bench.finish(dir);
    expectSame(dir, whole);
  }, 120_000);

  it('cut into micro-batches learns the same', async () => {
    const dir = create(['micro_batch_size=3']);
    await bench.finish(dir);
    const losses = (run: RunDir) => run.readMetrics().flatMap(({ loss }) => (typeof loss === 'number' ? [loss] : []));
    losses(dir).forEach((loss, i) => expect(Math.abs(loss - losses(whole)[i])).toBeLessThan(1e-3));
  }, 60_000);
});
