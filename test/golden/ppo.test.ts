import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readStageConfig, type GrpoConfig, type PpoConfig, type RlooConfig } from '../../src/config/schema/experiment';
import { Random } from '../../src/data/random';
import { ValueHead } from '../../src/models/value-head';
import type { ModelWeights } from '../../src/models/weights';
import { type LearntAnswer, answerBatches } from '../../src/stages/policy/answer-batch';
import { grpoObjective, grpoTargets, grpoWeight } from '../../src/stages/grpo';
import { Learner, type Objective } from '../../src/stages/training/learner';
import { ppoObjective, ppoTargets } from '../../src/stages/ppo';
import { rlooObjective, rlooTargets } from '../../src/stages/rloo';
import type { Rollout } from '../../src/stages/policy/rollout';
import { tokensOf } from '../../src/stages/policy/rollout-metrics';
import { optimizerOf } from '../../src/stages/settings';
import type { Graph } from '../../src/tensor/graph';
import { type Runtime, type Tensor, openRuntime } from '../../src/tensor/runtime';
import { TOLERANCE, weightsOf } from './graphs';
import { GOLDEN_FOLDER, goldenTensors, goldenValues, relativeDistance } from './load';

let runtime: Runtime;
beforeAll(() => (runtime = openRuntime({ threads: 2 })));
afterAll(() => runtime.close());

const numbers = z.array(z.number());
const group = z.object({ loss: z.number(), advantages: numbers, metrics: z.record(z.string(), z.number()) });
const recorded = z
  .object({
    settings: z.record(z.string(), z.number()),
    rows: z.array(
      z.object({
        group: z.number(),
        prompt: numbers,
        answer: numbers,
        score: z.number(),
        finish: z.enum(['stop', 'length']),
        old: numbers,
        reference: numbers,
        values: numbers,
      }),
    ),
    ppo: z.object({
      advantages: z.array(numbers),
      returns: z.array(numbers),
      advantages_of_whitened_rewards: z.array(numbers),
      /** How far PyTorch's float32 is from float64 in the final weights: the reference's own noise. */
      noise: z.number(),
      steps: z.array(z.looseObject({ rows: numbers, loss: z.number(), grad_norm: z.number() })),
    }),
    groups: z.object({ dapo: group, grpo: group, dr_grpo: group, rloo: group }),
  })
  .parse(JSON.parse(readFileSync(join(GOLDEN_FOLDER, 'ppo.json'), 'utf8')));
const golden = goldenTensors('ppo');
const start = goldenTensors('llama');
const { config: shape } = goldenValues('llama');

const rollouts = recorded.rows.map(({ group, prompt, answer, score, finish, old, reference, values }): Rollout => ({
  prompt: { prompt: '', ids: prompt, tags: [], row: group, file: 'prompts.jsonl', line: group + 1, source: {} },
  group,
  ids: answer,
  text: '',
  finish,
  logProbs: old,
  reference: Float32Array.from(reference),
  values: Float32Array.from(values),
  score: { total: score, parts: {} },
}));
const { temperature, kl_penalty, clip_range, missing_eos_penalty, gamma, lambda } = recorded.settings;
const { value_clip_range, value_coef, entropy_coef, learning_rate, max_grad_norm } = recorded.settings;
const shared = { prompts: 'p.jsonl', reward: 'r', temperature, clip_range, missing_eos_penalty, max_grad_norm };
const ppo = readStageConfig({
  type: 'ppo',
  ...shared,
  ...{ gamma, lambda, value_clip_range, value_coef, entropy_coef },
}) as PpoConfig;

/** Answers as micro-batches, `rows` packed rows each. */
const batches = (answers: readonly LearntAnswer[], rows: number | null = null) =>
  answerBatches(answers, { config: shape, positions: 64, device: 'cpu', rows });

function learnerOf(
  weights: ModelWeights,
  objective: (graph: Graph) => Objective,
  extra: ReadonlyMap<string, Tensor> = new Map(),
): Learner {
  return new Learner(runtime, {
    inputs: { ...weights.inputs, ...Object.fromEntries(extra) },
    trainable: [...weights.parameters.keys(), ...extra.keys()],
    objective,
    optimizer: optimizerOf(ppo),
  });
}

/** Largest distance of any gradient from the recorded one, of its largest value. */
function gradientDistance(learner: Learner, prefix: string): number {
  let worst = 0;
  for (const [name, { data }] of golden.group(prefix)) {
    const slot = learner.optimizer.slots.get(name);
    if (slot) worst = Math.max(worst, relativeDistance(slot.gradient.data as Float32Array, data));
  }
  return worst;
}

function headOf(): ValueHead {
  const head = new ValueHead(runtime, shape.hiddenSize, Random.from(1));
  for (const [name, tensor] of head.tensors)
    runtime.write(tensor, golden.float(`head/${name.replace('value.', '')}`).data.slice());
  return head;
}

describe('one update of PPO', () => {
  it('advantages and returns', () => {
    const targets = ppoTargets(rollouts, kl_penalty, ppo);
    const whitened = ppoTargets(rollouts, kl_penalty, { ...ppo, whiten_rewards: true });
    targets.forEach(({ tokens }, i) => {
      expect(relativeDistance(tokens.advantages, recorded.ppo.advantages[i])).toBeLessThan(TOLERANCE);
      expect(relativeDistance(tokens.returns, recorded.ppo.returns[i])).toBeLessThan(TOLERANCE);
      const theirs = recorded.ppo.advantages_of_whitened_rewards[i];
      expect(relativeDistance(whitened[i].tokens.advantages, theirs)).toBeLessThan(TOLERANCE);
    });
  });

  // in one pass, and cut into micro-batches of one packed row
  it.each([null, 1])('losses, norms, gradients and weights of its steps (%s rows a pass)', async (rows) => {
    const weights = weightsOf(runtime, shape, start);
    const head = headOf();
    const learner = learnerOf(weights, ppoObjective(weights, ppo, head), head.tensors);
    const targets = ppoTargets(rollouts, kl_penalty, ppo);
    for (const [i, { rows: part, loss, grad_norm, ...means }] of recorded.ppo.steps.entries()) {
      const answers = part.map((row) => targets[row]);
      const weight = 1 / tokensOf(answers);
      const { gradNorm, sums } = await learner.step(
        batches(
          answers.map((answer) => ({ ...answer, weight })),
          rows,
        ),
        learning_rate,
      );
      expect(Math.abs(sums.loss - loss)).toBeLessThan(TOLERANCE);
      expect(Math.abs(gradNorm / grad_norm - 1)).toBeLessThan(TOLERANCE);
      for (const [name, theirs] of Object.entries(means))
        expect(Math.abs(sums[name] - Number(theirs)), name).toBeLessThan(TOLERANCE * Math.max(1, Number(theirs)));
      if (i === 0) expect(gradientDistance(learner, 'ppo/first')).toBeLessThan(TOLERANCE);
    }
    for (const [name, { data }] of golden.group('ppo/final')) {
      const tensor = weights.parameters.get(name) ?? head.tensors.get(name);
      const bound = Math.max(TOLERANCE, 2 * recorded.ppo.noise);
      expect(relativeDistance(tensor?.data as Float32Array, data), name).toBeLessThan(bound);
    }
    learner.release();
    head.release();
    weights.release();
  });
});

describe('TRL’s own losses and gradients', () => {
  const grpo = (loss: string, high: number | null): GrpoConfig =>
    readStageConfig({ type: 'grpo', ...shared, loss, clip_range_high: high, max_new_tokens: 12 }) as GrpoConfig;
  const cases: [keyof typeof recorded.groups, GrpoConfig][] = [
    ['dapo', grpo('dapo', 0.28)],
    ['grpo', grpo('grpo', null)],
    ['dr_grpo', grpo('dr_grpo', null)],
  ];

  it.each(cases)('GRPO: %s', async (name, config) => {
    const weights = weightsOf(runtime, shape, start);
    const targets = grpoTargets(rollouts, kl_penalty, config);
    const { loss, advantages, metrics } = recorded.groups[name];
    const ours = targets.map(({ tokens }) => tokens.advantages[0]);
    expect(relativeDistance(ours, advantages)).toBeLessThan(TOLERANCE);
    const learner = learnerOf(weights, grpoObjective(weights, config));
    const weighted = targets.map((answer) => ({ ...answer, weight: grpoWeight(answer, targets, targets, config) }));
    const { sums } = await learner.step(batches(weighted, 2), 0);
    expect(Math.abs(sums.loss - loss)).toBeLessThan(TOLERANCE);
    expect(Math.abs(sums.kl - metrics.kl)).toBeLessThan(TOLERANCE);
    expect(Math.abs(sums.entropy - metrics.entropy)).toBeLessThan(TOLERANCE * metrics.entropy);
    expect(Math.abs(sums.low_clipped - metrics['clip_ratio/low_mean'])).toBeLessThan(1e-6);
    expect(Math.abs(sums.high_clipped - metrics['clip_ratio/high_mean'])).toBeLessThan(1e-6);
    if (name === 'dapo') expect(gradientDistance(learner, 'grpo')).toBeLessThan(TOLERANCE);
    learner.release();
    weights.release();
  });

  it('RLOO', async () => {
    const config = readStageConfig({ type: 'rloo', ...shared }) as RlooConfig;
    const weights = weightsOf(runtime, shape, start);
    const targets = rlooTargets(rollouts, kl_penalty, config);
    const { loss, advantages, metrics } = recorded.groups.rloo;
    const ours = targets.map(({ whole }) => whole?.answer_advantages ?? NaN);
    expect(relativeDistance(ours, advantages)).toBeLessThan(TOLERANCE);
    const learner = learnerOf(weights, rlooObjective(weights, config));
    const { sums } = await learner.step(batches(targets, 2), 0);
    expect(Math.abs(sums.loss - loss)).toBeLessThan(TOLERANCE);
    expect(Math.abs(sums.low_clipped - metrics['clip_ratio/low_mean'])).toBeLessThan(1e-6);
    expect(Math.abs(sums.high_clipped - metrics['clip_ratio/high_mean'])).toBeLessThan(1e-6);
    expect(gradientDistance(learner, 'rloo')).toBeLessThan(TOLERANCE);
    learner.release();
    weights.release();
  });
});
