import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memberFolder, readHeads } from '../../src/models/reward-files';
import { RewardModel } from '../../src/models/reward-model';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import { type AnswerToScore, Rewards, render } from '../../src/stages/rewards/rewards';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { writePreferences } from './preference-data';
import { TrainerBench, timeless } from './trainer';

const MODELS = 3;
const bench = new TrainerBench();
const create = (set: string[] = [], stage = 'reward'): RunDir => bench.create(set, null, stage);
let runtime: Runtime;
let whole: RunDir;

beforeAll(async () => {
  await bench.open();
  writePreferences(bench.folder);
  bench.configure({
    reward: {
      type: 'reward',
      data: 'data/pairs.jsonl',
      learning_rate: 3e-3,
      batch_size: 16,
      max_length: 64,
      held_out: 0.2,
      ensemble: MODELS,
      ensemble_kind: 'models',
    },
    ppo: {
      type: 'ppo',
      prompts: 'data/prompts.jsonl',
      reward: { stage: 'reward', use: 'worst' },
      value_model: 'separate',
      batch_size: 8,
      max_new_tokens: 8,
      steps: 8,
      held_out: false,
      sample_prompts: 2,
    },
  });
  runtime = openRuntime({ threads: 1 });
  whole = create();
  await bench.finish(whole);
}, 120_000);
afterAll(() => {
  runtime.close();
  bench.close();
});

const members = Array.from({ length: MODELS }, (_, i) => i);
const ask = (text: string): AnswerToScore => ({
  prompt: [{ role: 'user', content: 'tree cat 7' }],
  text,
  row: {},
  file: 'x',
  line: 1,
});

/** The normalised scores of "yes red" and "no red" by each member of a folder. */
async function scoresIn(folder: string): Promise<Float64Array[]> {
  const model = RewardModel.load(runtime, folder);
  try {
    const sequences = ['yes red', 'no red'].map((text, i) => render(model, ask(text), i));
    return await model.scoreNormalised(sequences.filter((ids) => typeof ids !== 'string'));
  } finally {
    model.release();
  }
}

it('learns, and tells what it costs', () => {
  const last = whole.readMetrics().findLast((row) => 'eval_loss' in row);
  expect(Number(last?.eval_accuracy)).toBeGreaterThan(0.95);
  expect(Number(last?.eval_ensemble_std)).toBeGreaterThan(0);
  const cost = whole.readEvents().find(({ event }) => event === 'ensemble');
  expect(cost?.message).toMatch(/^3 models of 0\.\d+ M parameters: 1 MB of memory .* 3 times the time of one\.$/);
});

it('its members begin, draw and order their pairs differently', () => {
  const weights = members.map((m) => readFileSync(join(memberFolder(whole.modelFolder, m), 'model.safetensors')));
  expect(weights[0].equals(weights[1])).toBe(false);
  expect(weights[1].equals(weights[2])).toBe(false);
  const heads = members.map((m) => [...readHeads(memberFolder(whole.modelFolder, m))].join());
  expect(new Set(heads).size).toBe(MODELS);
});

it('its result scores with every member, each of which is a reward model of its own', async () => {
  const [yes, no] = await scoresIn(whole.modelFolder);
  expect(yes).toHaveLength(MODELS);
  for (const m of members) expect(yes[m] - no[m]).toBeGreaterThan(0.5);
  for (const m of members.slice(1)) {
    const [alone] = await scoresIn(memberFolder(whole.modelFolder, m));
    expect(alone).toHaveLength(1);
    expect(alone[0]).toBeCloseTo(yes[m], 6);
  }
});

it('its reward is the mean, the lower bound or the worst of its members', async () => {
  const [yes] = await scoresIn(whole.modelFolder);
  const mean = (yes[0] + yes[1] + yes[2]) / MODELS;
  const std = Math.sqrt(yes.reduce((sum, y) => sum + (y - mean) ** 2, 0) / (MODELS - 1));
  const expected = { mean, lower_bound: mean - 2 * std, worst: Math.min(...yes) };
  for (const use of ['mean', 'lower_bound', 'worst'] as const) {
    const model = { kind: 'folder', path: whole.modelFolder } as const;
    const rewards = await Rewards.open([{ kind: 'model', model, use, k: 2, weight: 1 }], {
      runtime,
      folderOf: () => whole.modelFolder,
      warn: (message) => expect.unreachable(message),
    });
    const [reward] = await rewards.score([ask('yes red')]);
    expect(reward.total, use).toBeCloseTo(expected[use], 6);
    expect(reward.std).toBeCloseTo(std, 6);
    rewards.release();
  }
});

it('killed and resumed ends with the same bytes in every member', async () => {
  const dir = create();
  await bench.killAt(dir, 5);
  await bench.finish(dir);
  for (const m of members) {
    for (const name of ['model.safetensors', 'reward.json', 'config.json']) {
      const bytes = (run: RunDir) => readFileSync(join(memberFolder(run.modelFolder, m), name));
      expect(bytes(dir).equals(bytes(whole)), `${name} of ${m}`).toBe(true);
    }
    const optimizer = (run: RunDir) => {
      const training = join(listCheckpoints(run).at(-1)?.path ?? '', 'training_state');
      return readFileSync(join(memberFolder(training, m), 'optimizer.safetensors'));
    };
    expect(optimizer(dir).equals(optimizer(whole)), `optimizer of ${m}`).toBe(true);
  }
  expect(timeless(dir.readMetrics())).toEqual(timeless(whole.readMetrics()));
  expect(timeless(dir.readSamples())).toEqual(timeless(whole.readSamples()));
}, 120_000);

it('cut into micro-batches learns the same', async () => {
  const dir = create(['micro_batch_size=3']);
  await bench.finish(dir);
  const losses = (run: RunDir) => run.readMetrics().flatMap(({ loss }) => (typeof loss === 'number' ? [loss] : []));
  losses(dir).forEach((loss, i) => expect(Math.abs(loss - losses(whole)[i])).toBeLessThan(1e-3));
}, 60_000);

it('a branch cannot change how many there are', async () => {
  const step = listCheckpoints(whole)[0].step;
  const { code, output } = await bench.run(bench.create(['ensemble=2'], { run: whole.id, step }, 'reward'));
  expect(code).toBe(1);
  expect(output).toContain('The checkpoint has 3 models, the stage wants 2.');
}, 60_000);

it('is the reward of a ppo stage, and its first model the value model’s beginning', async () => {
  const dir = create([], 'ppo');
  await bench.finish(dir);
  const rows = dir.readMetrics().filter((row) => 'iteration' in row);
  expect(Number(rows[0]['rewards/ensemble_std'])).toBeGreaterThan(0);
  expect(Object.keys(dir.readRun().inputs ?? {})).toContain('critic');
}, 120_000);

it('one that lost a member is refused, and says which', () => {
  const folder = join(bench.folder, 'lost');
  cpSync(whole.modelFolder, folder, { recursive: true });
  rmSync(memberFolder(folder, 1), { recursive: true });
  expect(() => RewardModel.load(runtime, folder)).toThrow('Model 2 of this ensemble of reward models is missing.');
  rmSync(join(folder, 'members'), { recursive: true });
  expect(() => RewardModel.load(runtime, folder)).toThrow('It is of 3 members, the folder has 1.');
});
