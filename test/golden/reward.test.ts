import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { SCORE_HEAD } from '../../src/models/checkpoint';
import { parseLlamaConfig } from '../../src/models/hf-config';
import { RewardModel } from '../../src/models/reward-model';
import { RewardScorer } from '../../src/models/reward-scorer';
import { ModelWeights } from '../../src/models/weights';
import { Learner } from '../../src/stages/training/learner';
import type { PreferencePair } from '../../src/stages/preferences/preference-pairs';
import { pairLoss, rewardMetrics } from '../../src/stages/rewards/reward-metrics';
import { rewardBatch, rewardObjective, sequencesOf } from '../../src/stages/rewards/reward-objective';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { TOLERANCE } from './graphs';
import { GOLDEN_FOLDER, goldenTensors, relativeDistance } from './load';
import { folderHashes, writeGoldenReward } from './written-checkpoint';

const metrics = z.object({
  accuracy: z.number(),
  margin: z.number(),
  mean_reward: z.number(),
  min_reward: z.number(),
  max_reward: z.number(),
  num_tokens: z.number(),
});
const recorded = z.object({ loss: z.number(), metrics });
const values = z
  .object({
    config: z.unknown().transform((value) => parseLlamaConfig(value, undefined, 'reward')),
    pairs: z.number(),
    centering: z.number(),
    plain: recorded,
    margin: recorded,
    centred: recorded,
    soft: z.object({ p: z.array(z.number()), loss: z.number() }),
    losses: z.array(z.number()),
    grad_norms: z.array(z.number()),
    learning_rates: z.array(z.number()),
    optimizer: z.object({ weight_decay: z.number(), max_grad_norm: z.number() }),
  })
  .parse(JSON.parse(readFileSync(join(GOLDEN_FOLDER, 'reward.json'), 'utf8')));
const golden = goldenTensors('reward');
const { config, pairs: count, centering } = values;

let runtime: Runtime;
beforeAll(() => (runtime = openRuntime({ threads: 2 })));
afterAll(() => runtime.close());

/** The pairs of recorded batch `b`; the first is the one whose gradients are recorded. */
function pairsOf(b: number, rest: (i: number) => Partial<PreferencePair> = () => ({})): PreferencePair[] {
  const ids = golden.int('input_ids');
  const mask = golden.int('attention_mask').data;
  const width = ids.shape[2];
  const row = (r: number): Int32Array => {
    const from = (b * 2 * count + r) * width;
    const length = mask.subarray(from, from + width).reduce((a, x) => a + x, 0);
    return ids.data.slice(from, from + length);
  };
  return Array.from({ length: count }, (_, i) => ({
    prompt: new Int32Array(),
    chosen: row(i),
    rejected: row(count + i),
    p: 1,
    margin: golden.float('margin').data[b * count + i],
    tags: [],
    file: 'x.jsonl',
    line: i + 1,
    question: '',
    ...rest(i),
  }));
}

function learnerOf(heads = 1) {
  const initial = golden.group('initial');
  const weights = ModelWeights.load(runtime, config, 64, (name) => initial.get(name)!.data.slice());
  const head = runtime.stateTensor(
    'float32',
    [heads, config.hiddenSize],
    Float32Array.from(
      { length: heads * config.hiddenSize },
      (_, i) => initial.get(SCORE_HEAD)!.data[i % config.hiddenSize],
    ),
  );
  const inputs = { ...weights.inputs, [SCORE_HEAD]: head };
  const make = (factor: number, like?: Learner) =>
    new Learner(runtime, {
      inputs,
      like,
      trainable: [...weights.parameters.keys(), SCORE_HEAD],
      objective: rewardObjective(weights, { heads, centering: factor }),
      optimizer: {
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weightDecay: values.optimizer.weight_decay,
        maxGradNorm: values.optimizer.max_grad_norm,
      },
    });
  return { weights, head, inputs, make };
}

const batchOf = (pairs: readonly PreferencePair[], withMargin: boolean, heads = 1, total = pairs.length) =>
  rewardBatch({
    pairs,
    weights: pairs.map(() => new Float32Array(heads).fill(1)),
    total: { pairs: total, decided: total },
    heads,
    withMargin,
    positions: 64,
  });

const near = (ours: number, theirs: number): void => expect(Math.abs(ours / theirs - 1)).toBeLessThan(TOLERANCE);

it.each([
  ['plain', 0, false],
  ['margin', 0, true],
  ['centred', centering, true],
] as const)("TRL's loss and metrics: %s", async (name, factor, withMargin) => {
  const { make } = learnerOf();
  const sums = await make(factor).evaluate(batchOf(pairsOf(0), withMargin));
  const { loss, metrics } = values[name];
  near(sums.loss, loss);
  near(sums.accuracy, metrics.accuracy);
  near(sums.margin, metrics.margin);
  near(sums.mean_reward, metrics.mean_reward);
  near(-sums.least, metrics.min_reward);
  near(sums.max_reward, metrics.max_reward);
});

it('scores at the last token, whatever stands beside a sequence', async () => {
  const { weights, inputs } = learnerOf();
  const scorer = new RewardScorer(runtime, { config, positions: weights.positions, heads: 1, trunks: [inputs] });
  const both = pairsOf(0).map(sequencesOf);
  const sequences = [0, 1].flatMap((side) => both.map((pair) => pair[side]));
  const scores = (await scorer.score(sequences)).map(([score]) => score);
  expect(relativeDistance(scores, golden.float('scores').data)).toBeLessThan(TOLERANCE);
  for (const [i, sequence] of sequences.entries()) {
    const [[alone]] = await scorer.score([sequence]);
    expect(Math.abs(alone - scores[i])).toBeLessThan(1e-5);
  }
});

it('the metrics of scored pairs are those of the objective', async () => {
  const { make } = learnerOf(2);
  const pairs = pairsOf(0, (i) => ({ p: values.soft.p[i] }));
  const { weights, inputs } = learnerOf(2);
  const scorer = new RewardScorer(runtime, { config, positions: weights.positions, heads: 2, trunks: [inputs] });
  const scores = await scorer.score(pairs.flatMap(sequencesOf));
  const told = rewardMetrics(
    pairs.map((pair, i) => ({
      ...pair,
      chosen: scores[2 * i],
      rejected: scores[2 * i + 1],
      chosenLength: pair.chosen.length,
      rejectedLength: pair.rejected.length,
    })),
    centering,
  );
  const batch = { ...batchOf(pairs, true, 2), decided: { dims: [count], data: Float32Array.of(0, 0.5, 0.5) } };
  const sums = await make(centering).evaluate(batch);
  for (const name of ['loss', 'accuracy', 'margin', 'mean_reward', 'max_reward'] as const) near(sums[name], told[name]);
  near(-sums.least, told.min_reward);
});

it('soft labels, and every head of an ensemble with the same loss as one', async () => {
  const soft = pairsOf(0, (i) => ({ p: values.soft.p[i] }));
  for (const heads of [1, 3]) {
    const { make } = learnerOf(heads);
    near((await make(0).evaluate(batchOf(soft, false, heads))).loss, values.soft.loss);
  }
});

it('gradients, and twenty steps of AdamW, in one part and in three', async () => {
  for (const parts of [1, 3]) {
    const { make, weights, head } = learnerOf();
    const learner = make(centering);
    const cut = (b: number) => {
      const pairs = pairsOf(b);
      return Array.from({ length: parts }, (_, i) =>
        batchOf(pairs.slice((i * count) / parts, ((i + 1) * count) / parts), true, 1, count),
      );
    };
    const { sums } = await learner.step(cut(0), 0);
    near(sums.loss, values.centred.loss);
    near(-sums.least, values.centred.metrics.min_reward);
    for (const [name, { data }] of golden.group('gradient')) {
      const { gradient } = learner.optimizer.slots.get(name)!;
      expect(relativeDistance(gradient.data as Float32Array, data), name).toBeLessThan(TOLERANCE);
    }
    learner.release();
    const trained = make(centering);
    for (const [i, rate] of values.learning_rates.entries()) {
      const { gradNorm, sums: at } = await trained.step(cut(i + 1), rate);
      near(at.loss, values.losses[i]);
      near(gradNorm, values.grad_norms[i]);
    }
    for (const [name, { data }] of golden.group('final')) {
      const ours = name === SCORE_HEAD ? (head.data as Float32Array) : await weights.read(name);
      expect(relativeDistance(ours, data), name).toBeLessThan(TOLERANCE);
    }
    trained.release();
  }
});

it('models of an ensemble share programs and nothing else', async () => {
  const [first, second] = [learnerOf(), learnerOf()];
  const owner = first.make(centering);
  const other = second.make(centering, owner);
  for (const [i, rate] of values.learning_rates.entries()) {
    await owner.step([batchOf(pairsOf((i + 7) % 20), true)], rate);
    near((await other.step([batchOf(pairsOf(i + 1), true)], rate)).sums.loss, values.losses[i]);
  }
  for (const [name, { data }] of golden.group('final')) {
    const ours = name === SCORE_HEAD ? (second.head.data as Float32Array) : await second.weights.read(name);
    expect(relativeDistance(ours, data), name).toBeLessThan(TOLERANCE);
  }
  other.release();
  owner.release();
});

it('worked numbers', () => {
  expect(pairLoss(1.2, 0.4)).toBeCloseTo(0.371101, 6);
  expect(pairLoss(1.2, 0.4, { margin: 0.5 })).toBeCloseTo(0.554355, 6);
  expect(pairLoss(1.2, 0.4, { centering: 0.01 }) - pairLoss(1.2, 0.4)).toBeCloseTo(0.0256, 6);
  expect(pairLoss(0, 0)).toBeCloseTo(Math.LN2, 9);
});

it('transformers opens what is written and scores alike', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'align-reward-'));
  try {
    const reference = z
      .object({
        files: z.record(z.string(), z.string()),
        rows: z.array(z.array(z.number())),
        scores: z.array(z.number()),
      })
      .parse(JSON.parse(readFileSync(join(GOLDEN_FOLDER, 'reward-checkpoint.json'), 'utf8')));
    writeGoldenReward(folder, join(GOLDEN_FOLDER, 'tokenizer'));
    expect(folderHashes(folder)).toEqual(reference.files);
    const model = RewardModel.load(runtime, folder);
    expect(model.members).toBe(3);
    const scores = await model.score(reference.rows.map((row) => Int32Array.from(row)));
    const mean = (row: ArrayLike<number>): number => Array.from(row).reduce((a, b) => a + b, 0) / row.length;
    expect(relativeDistance(scores.map(mean), reference.scores)).toBeLessThan(TOLERANCE);
    const [normalised] = await model.scoreNormalised([Int32Array.from(reference.rows[0])]);
    expect(normalised[2]).toBeCloseTo((scores[0][2] - 0.5) / 2, 6);
    model.release();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
