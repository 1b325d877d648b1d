import { afterAll, beforeAll, expect, it } from 'vitest';
import { Learner } from '../../src/stages/training/learner';
import { learntCount, nextTokenBatch, nextTokenObjective, type TokenRow } from '../../src/stages/training/next-token';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { logitsOf, lossAndGradients, TOLERANCE, weightsOf } from './graphs';
import { goldenTensors, goldenValues, IGNORED, relativeDistance } from './load';

let runtime: Runtime;
beforeAll(() => (runtime = openRuntime({ threads: 2 })));
afterAll(() => runtime.close());

const start = goldenTensors('llama');
const { config } = goldenValues('llama');

it('three examples packed in one row: the logits of the block mask, the loss and gradients of the examples apart', () => {
  const golden = goldenTensors('packed');
  const values = goldenValues('packed');
  const ids = golden.int('input_ids');
  const [positions, segments, labels] = ['position_ids', 'segments', 'labels'].map((name) => golden.int(name).data);
  const weights = weightsOf(runtime, config, start);

  const ours = logitsOf(runtime, config, weights, { ids: ids.data, positions, segments }, ids.shape);
  const real = values.lengths.reduce((a, b) => a + b) * config.vocabSize;
  expect(relativeDistance(ours.subarray(0, real), golden.float('logits').data.subarray(0, real))).toBeLessThan(
    TOLERANCE,
  );

  const length = real / config.vocabSize;
  const cut = (data: Int32Array) => data.subarray(0, length);
  const row: TokenRow = {
    ids: cut(ids.data),
    positions: cut(positions),
    segments: cut(segments),
    mask: cut(labels).map((label) => (label === IGNORED ? 0 : 1)),
  };
  const total = learntCount(row);
  expect(total).toBe(values.tokens);
  const result = lossAndGradients(runtime, weights, nextTokenBatch([row], ids.shape[1], total));
  expect(Math.abs(result.loss / values.loss_apart - 1)).toBeLessThan(TOLERANCE);
  for (const [name, { data }] of golden.group('gradient')) {
    expect(relativeDistance(result.gradients.get(name)!, data), name).toBeLessThan(TOLERANCE);
  }
});

it('two micro-batches of unequal token counts are one mean over all tokens', async () => {
  const golden = goldenTensors('accumulation');
  const values = goldenValues('accumulation');
  const [ids, labels, mask] = ['input_ids', 'labels', 'attention_mask'].map((name) => golden.int(name));
  const [parts, batch, seq] = ids.shape;
  const micro = Array.from({ length: parts }, (_, part) =>
    Array.from({ length: batch }, (_, r): TokenRow => {
      const from = (part * batch + r) * seq;
      const length = mask.data.subarray(from, from + seq).reduce((a, b) => a + b, 0);
      return {
        ids: ids.data.subarray(from, from + length),
        positions: Int32Array.from({ length }, (_, i) => i),
        segments: new Int32Array(length),
        mask: labels.data.subarray(from, from + length).map((label) => (label === IGNORED ? 0 : 1)),
      };
    }),
  );
  const counts = micro.map((rows) => rows.reduce((sum, row) => sum + learntCount(row), 0));
  expect(counts).toEqual(values.tokens);
  const batches = micro.map((rows) => nextTokenBatch(rows, seq, counts[0] + counts[1]));

  const weights = weightsOf(runtime, config, start);
  const results = batches.map((one) => lossAndGradients(runtime, weights, one));
  expect(Math.abs((results[0].loss + results[1].loss) / values.loss - 1)).toBeLessThan(TOLERANCE);
  let squares = 0;
  for (const [name, { data }] of golden.group('gradient')) {
    const other = results[1].gradients.get(name)!;
    const summed = results[0].gradients.get(name)!.map((x, i) => x + other[i]);
    expect(relativeDistance(summed, data), name).toBeLessThan(TOLERANCE);
    squares += data.reduce((sum, x) => sum + x * x, 0);
  }

  // And so the learner does it: one step of two parts.
  const learner = new Learner(runtime, {
    inputs: weights.inputs,
    trainable: [...weights.parameters.keys()],
    objective: nextTokenObjective(weights),
    optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  });
  const { gradNorm, sums } = await learner.step(batches, 1e-3);
  expect(Math.abs(sums.loss / values.loss - 1)).toBeLessThan(TOLERANCE);
  expect(Math.abs(gradNorm / Math.sqrt(squares) - 1)).toBeLessThan(TOLERANCE);
});

it('log-probabilities of given tokens', () => {
  const { ids, prompt_length, logprobs } = goldenValues('generation').given;
  const length = ids.length;
  const inputs = {
    ids: Int32Array.from(ids),
    positions: Int32Array.from({ length }, (_, i) => i),
    segments: new Int32Array(length),
  };
  const logits = logitsOf(runtime, config, weightsOf(runtime, config, start), inputs, [1, length]);
  logprobs.forEach((expected, i) => {
    const place = prompt_length + i;
    const row = logits.subarray((place - 1) * config.vocabSize, place * config.vocabSize);
    const most = Math.max(...row);
    const logSumExp = most + Math.log(row.reduce((sum, z) => sum + Math.exp(z - most), 0));
    expect(Math.abs(row[ids[place]] - logSumExp - expected)).toBeLessThan(1e-5 * Math.abs(expected) + 1e-6);
  });
});
