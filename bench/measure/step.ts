import { Random } from '../../src/data/random';
import { parameterCount } from '../../src/models/parameters';
import { ModelWeights } from '../../src/models/weights';
import { Learner } from '../../src/stages/training/learner';
import { nextTokenBatch, nextTokenObjective } from '../../src/stages/training/next-token';
import { openRuntime } from '../../src/tensor/runtime';
import { SHAPES, shapeConfig, stepFlops } from '../shapes';
import { median } from '../statistics';
import { Gemm } from './gemm';
import type { Parsed } from './main';

const GEMM_RUNS = 5;
const SEED = 42;

/** Node gives kilobytes. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/**
 * Training steps with every position learnt, in two halves. The machine's Gemm rate is taken after each half, in this
 * process with these threads; the peak of memory is read before its matrices exist.
 */
export async function measureStep({ threads, shape, warmup, steps, gemmSize }: Parsed<'step'>): Promise<unknown> {
  const { rows, length } = SHAPES[shape];
  const config = shapeConfig(shape);
  const runtime = openRuntime({ threads, backend: 'native' });
  const weights = ModelWeights.initialize(runtime, config, length, Random.from(SEED));
  const learner = new Learner(runtime, {
    inputs: weights.inputs,
    trainable: [...weights.parameters.keys()],
    objective: nextTokenObjective(weights),
    optimizer: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
  });
  const random = Random.from(SEED, 'tokens');
  const batch = () => {
    const row = () => ({
      ids: Int32Array.from({ length }, () => random.int(config.vocabSize)),
      positions: Int32Array.from({ length }, (_, i) => i),
      segments: new Int32Array(length),
      mask: new Uint8Array(length).fill(1),
    });
    return nextTokenBatch(Array.from({ length: rows }, row), length, rows * (length - 1));
  };
  let loss = NaN;
  const take = async (count: number): Promise<number[]> => {
    const seconds = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      const { sums } = await learner.step([batch()], 1e-4);
      seconds.push((performance.now() - start) / 1e3);
      loss = sums.loss;
    }
    return seconds;
  };
  await take(warmup);
  const first = await take(Math.ceil(steps / 2));
  const peak = peakBytes();
  const gemm = new Gemm(runtime, gemmSize);
  const before = gemm.rates(GEMM_RUNS);
  const second = await take(Math.floor(steps / 2));
  const after = gemm.rates(GEMM_RUNS);
  const step = median([...first, ...second]);
  const rate = stepFlops(config, rows, length) / step;
  const gemmRate = median([...before, ...after]);
  gemm.release();
  learner.release();
  weights.release();
  runtime.close();
  return {
    parameters: parameterCount(config),
    step_seconds: step,
    steps_seconds: [...first, ...second],
    tokens_per_second: (rows * length) / step,
    flops: rate,
    gemm_flops: gemmRate,
    share: rate / gemmRate,
    peak_bytes: peak,
    loss,
  };
}
