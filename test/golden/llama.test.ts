import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Learner } from '../../src/stages/training/learner';
import { type TokenRow, learntCount, nextTokenBatch, nextTokenObjective } from '../../src/stages/training/next-token';
import { learningRateAt } from '../../src/tensor/optimizer';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { TOLERANCE, logitsOf, lossAndGradients, weightsOf } from './graphs';
import { IGNORED, VARIANTS, goldenTensors, goldenValues, relativeDistance } from './load';

let runtime: Runtime;
beforeAll(() => (runtime = openRuntime({ threads: 2 })));
afterAll(() => runtime.close());

/** Rows of a recorded batch without their padding. */
function rowsOf(
  ids: Int32Array,
  labels: Int32Array,
  mask: Int32Array,
  shape: readonly number[],
  offset = 0,
): TokenRow[] {
  const [batch, seq] = shape.slice(-2);
  return Array.from({ length: batch }, (_, r) => {
    const start = offset + r * seq;
    const length = mask.subarray(start, start + seq).reduce((a, b) => a + b, 0);
    return {
      ids: ids.subarray(start, start + length),
      positions: Int32Array.from({ length }, (_, i) => i),
      segments: new Int32Array(length),
      mask: labels.subarray(start, start + length).map((label) => (label === IGNORED ? 0 : 1)),
    };
  });
}
const batchOf = (
  rows: readonly TokenRow[],
  seq: number,
  total = rows.reduce((sum, row) => sum + learntCount(row), 0),
) => nextTokenBatch(rows, seq, total);

describe.each(['llama', ...VARIANTS])('forward and gradients: %s', (name) => {
  const golden = goldenTensors(name);
  const { config, loss } = name === 'llama' ? goldenValues('llama') : goldenValues('forward', name);
  const ids = golden.int('input_ids');
  const mask = golden.int('attention_mask').data;
  const rows = rowsOf(ids.data, golden.int('labels').data, mask, ids.shape);

  it('logits', () => {
    const weights = weightsOf(runtime, config, golden);
    const [batch, seq] = ids.shape;
    const positions = Int32Array.from({ length: batch * seq }, (_, i) => i % seq);
    const inputs = { ids: ids.data, positions, segments: mask.map((m) => m - 1) };
    const ours = logitsOf(runtime, config, weights, inputs, ids.shape);
    const theirs = golden.float('logits').data;
    const real = (data: Float32Array) => data.filter((_, i) => mask[Math.floor(i / config.vocabSize)] === 1);
    expect(relativeDistance(real(ours), real(theirs))).toBeLessThan(TOLERANCE);
  });

  it('loss and every gradient', () => {
    const weights = weightsOf(runtime, config, golden);
    const result = lossAndGradients(runtime, weights, batchOf(rows, ids.shape[1]));
    expect(Math.abs(result.loss - loss)).toBeLessThan(TOLERANCE * loss);
    for (const [parameter, expected] of golden.group('gradient'))
      expect(relativeDistance(result.gradients.get(parameter)!, expected.data), parameter).toBeLessThan(TOLERANCE);
  });
});

describe('twenty steps of AdamW with clipping and a cosine schedule', () => {
  it('losses, norms, rates and weights', async () => {
    const golden = goldenTensors('llama');
    const values = goldenValues('llama');
    const { config, optimizer } = values;
    const weights = weightsOf(runtime, config, golden);
    const learner = new Learner(runtime, {
      inputs: weights.inputs,
      trainable: [...weights.parameters.keys()],
      objective: nextTokenObjective(weights),
      optimizer: {
        beta1: optimizer.adam_beta1,
        beta2: optimizer.adam_beta2,
        epsilon: optimizer.adam_epsilon,
        weightDecay: optimizer.weight_decay,
        maxGradNorm: optimizer.max_grad_norm,
      },
    });
    const [ids, labels, mask] = ['input_ids', 'labels', 'attention_mask'].map((name) => golden.int(`train/${name}`));
    const [steps, batch, seq] = ids.shape;
    for (let step = 0; step < steps; step++) {
      const rate = learningRateAt(step, optimizer.steps, {
        schedule: optimizer.schedule,
        warmup: optimizer.warmup,
        learningRate: optimizer.learning_rate,
      });
      expect(rate).toBeCloseTo(values.learning_rates[step], 12);
      const rows = rowsOf(ids.data, labels.data, mask.data, ids.shape, step * batch * seq);
      const { gradNorm, sums } = await learner.step([batchOf(rows, seq)], rate);
      expect(Math.abs(sums.loss - values.losses[step]) / values.losses[step], `loss ${step}`).toBeLessThan(TOLERANCE);
      expect(Math.abs(gradNorm - values.grad_norms[step]) / values.grad_norms[step], `norm ${step}`).toBeLessThan(
        TOLERANCE,
      );
    }
    for (const [name, { data }] of golden.group('final')) {
      // Adam divides by √v: where a gradient is nearly nothing, PyTorch's own float32 is no nearer to float64
      const bound = Math.max(TOLERANCE, 2 * values.noise.final[name].of_value);
      expect(relativeDistance(await weights.read(name), data), name).toBeLessThan(bound);
    }
  });
});
