import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelWeights } from '../../src/models/weights';
import { type DpoSettings, dpoObjective } from '../../src/stages/dpo';
import { metricsOf } from '../../src/stages/preferences/dpo-task';
import { Learner, type MicroBatch } from '../../src/stages/training/learner';
import { type LearntPair, pairBatches } from '../../src/stages/preferences/pair-batch';
import { gradients } from '../../src/tensor/autodiff';
import { Graph } from '../../src/tensor/graph';
import { learningRateAt } from '../../src/tensor/optimizer';
import { Program } from '../../src/tensor/program';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { TOLERANCE, weightsOf } from './graphs';
import { GOLDEN_FOLDER, goldenTensors, goldenValues, relativeDistance } from './load';

let runtime: Runtime;
beforeAll(() => (runtime = openRuntime({ threads: 2 })));
afterAll(() => runtime.close());

const numbers = z.array(z.number());
const recorded = z
  .object({
    beta: z.number(),
    batch_size: z.number(),
    pairs: z.array(z.object({ prompt: numbers, chosen: numbers, rejected: numbers })),
    reference: z.array(z.tuple([z.number(), z.number()])),
    runs: z.record(z.string(), z.object({ losses: numbers, metrics: z.record(z.string(), numbers) })),
    soft: z.object({ p: numbers, label_smoothing: z.number(), loss: z.number() }),
  })
  .parse(JSON.parse(readFileSync(join(GOLDEN_FOLDER, 'dpo.json'), 'utf8')));
const golden = goldenTensors('dpo');
const start = goldenTensors('llama');
const { config, optimizer } = goldenValues('llama');

const base: DpoSettings = { loss: 'sigmoid', beta: recorded.beta, label_smoothing: 0, nll_coef: 0 };
/** As dpo.py names them. */
const LOSSES: Record<string, DpoSettings> = {
  sigmoid: base,
  hinge: { ...base, loss: 'hinge' },
  ipo: { ...base, loss: 'ipo' },
  robust: { ...base, loss: 'robust', label_smoothing: 0.1 },
  nll: { ...base, nll_coef: 0.5 },
};

const pairs = recorded.pairs.map(({ prompt, chosen, rejected }, i): LearntPair => {
  const [a, b] = recorded.reference[i];
  return {
    prompt: Int32Array.from(prompt),
    chosen: Int32Array.from(chosen),
    rejected: Int32Array.from(rejected),
    p: 1,
    reference: { chosen: a, rejected: b },
  };
});
const batchOf = (step: number): LearntPair[] =>
  pairs.slice(step * recorded.batch_size, (step + 1) * recorded.batch_size);
const cut = (rows: readonly LearntPair[], most: number | null = null) =>
  pairBatches(rows, { config, positions: 64, device: 'cpu', pairs: most });

/** The loss and every gradient of one micro-batch. */
function differentiate(weights: ModelWeights, settings: DpoSettings, batch: MicroBatch) {
  const graph = new Graph();
  const { loss } = dpoObjective(weights, settings)(graph);
  const names = [...weights.parameters.keys()];
  const dims = (name: string) => weights.parameters.get(name)!.dims;
  const found = gradients(
    loss,
    names.map((name) => graph.input(name, 'float32', dims(name))),
  );
  const program = Program.compile(runtime, 'dpo', {
    loss,
    ...Object.fromEntries(names.map((name, i) => [`g.${name}`, found[i]])),
  });
  const inputs = Object.fromEntries(
    Object.entries(batch).map(([name, { dims: shape, data }]) => [
      name,
      runtime.hostTensor(data instanceof Int32Array ? 'int32' : 'float32', shape, data),
    ]),
  );
  const value = runtime.hostTensor('float32', []);
  const results = new Map(names.map((name) => [name, runtime.hostTensor('float32', dims(name))]));
  program
    .prepare(
      { ...weights.inputs, ...inputs },
      { loss: value, ...Object.fromEntries(names.map((name) => [`g.${name}`, results.get(name)!])) },
    )
    .run();
  return {
    loss: (value.data as Float32Array)[0],
    gradients: new Map(names.map((name) => [name, results.get(name)!.data as Float32Array])),
  };
}

const learnerOf = (weights: ModelWeights, settings: DpoSettings): Learner =>
  new Learner(runtime, {
    inputs: weights.inputs,
    trainable: [...weights.parameters.keys()],
    objective: dpoObjective(weights, settings),
    optimizer: {
      beta1: optimizer.adam_beta1,
      beta2: optimizer.adam_beta2,
      epsilon: optimizer.adam_epsilon,
      weightDecay: optimizer.weight_decay,
      maxGradNorm: optimizer.max_grad_norm,
    },
  });

describe.each(Object.entries(LOSSES))('TRL: %s', (name, settings) => {
  const run = recorded.runs[name];

  it('loss and every gradient', () => {
    const weights = weightsOf(runtime, config, start);
    const [batch] = cut(batchOf(0)).batches;
    const { loss, gradients: found } = differentiate(weights, settings, batch);
    expect(Math.abs(loss / run.losses[0] - 1)).toBeLessThan(TOLERANCE);
    for (const [parameter, { data }] of golden.group(`gradient/${name}`))
      expect(relativeDistance(found.get(parameter)!, data), parameter).toBeLessThan(TOLERANCE);
  });

  it('twenty steps of AdamW: losses, metrics and weights', async () => {
    const weights = weightsOf(runtime, config, start);
    const learner = learnerOf(weights, settings);
    let tokens = 0;
    for (const [step, loss] of run.losses.entries()) {
      const rate = learningRateAt(step, optimizer.steps, {
        schedule: optimizer.schedule,
        warmup: optimizer.warmup,
        learningRate: optimizer.learning_rate,
      });
      const batch = cut(batchOf(step));
      const { gradNorm, sums } = await learner.step(batch.batches, rate);
      tokens += batch.tokens;
      const ours: Record<string, number> = {
        ...metricsOf(sums, batch),
        grad_norm: gradNorm,
        learning_rate: rate,
        num_tokens: tokens,
      };
      expect(Math.abs(sums.loss / loss - 1), `loss ${step}`).toBeLessThan(TOLERANCE);
      for (const [metric, values] of Object.entries(run.metrics)) {
        const gap = Math.abs(ours[metric] - values[step]);
        // rewards are small differences of sums as large as these
        const scale = metric.startsWith('rewards/')
          ? Math.abs(run.metrics['logps/chosen'][step])
          : metric.startsWith('logits/')
            ? 1
            : Math.abs(values[step]);
        expect(gap, `${metric} ${step}`).toBeLessThanOrEqual(TOLERANCE * scale);
      }
    }
    for (const [parameter, { data }] of golden.group(`final/${name}`))
      expect(relativeDistance(await weights.read(parameter), data), parameter).toBeLessThan(TOLERANCE);
    learner.release();
  });
});

it('soft labels with label smoothing: loss and every gradient of plain PyTorch', () => {
  const { p, label_smoothing, loss } = recorded.soft;
  const rows = batchOf(0).map((pair, i) => ({ ...pair, p: p[i] }));
  const weights = weightsOf(runtime, config, start);
  const result = differentiate(weights, { ...base, label_smoothing }, cut(rows).batches[0]);
  expect(Math.abs(result.loss / loss - 1)).toBeLessThan(TOLERANCE);
  for (const [parameter, { data }] of golden.group('gradient/soft'))
    expect(relativeDistance(result.gradients.get(parameter)!, data), parameter).toBeLessThan(TOLERANCE);
});
