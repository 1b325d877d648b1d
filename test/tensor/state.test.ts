/**
 * What an update in place rests on: each element is read before it is written, whether a tensor is updated whole or in
 * parts, and a step whose gradients are not finite writes nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/data/random';
import { parseLlamaConfig } from '../../src/models/hf-config';
import { ModelWeights } from '../../src/models/weights';
import { Learner } from '../../src/stages/training/learner';
import { type TokenRow, nextTokenBatch, nextTokenObjective } from '../../src/stages/training/next-token';
import { gradients } from '../../src/tensor/autodiff';
import { Graph } from '../../src/tensor/graph';
import { adamWUpdate, globalNorm, updateScalars } from '../../src/tensor/optimizer';
import { Program } from '../../src/tensor/program';
import { type Runtime, type Tensor, openRuntime } from '../../src/tensor/runtime';

const config = parseLlamaConfig({
  architectures: ['LlamaForCausalLM'],
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  tie_word_embeddings: true,
});
const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 0.5 };
const POSITIONS = 16;
const STEPS = 6;

let runtime: Runtime;
beforeAll(() => (runtime = openRuntime({ threads: 2 })));
afterAll(() => runtime.close());

const freshWeights = () => ModelWeights.initialize(runtime, config, POSITIONS, Random.from(5));
function batch(step: number) {
  const random = Random.from(6, step);
  const row = (length: number): TokenRow => ({
    ids: Int32Array.from({ length }, () => random.int(config.vocabSize)),
    positions: Int32Array.from({ length }, (_, i) => i),
    segments: new Int32Array(length),
    mask: new Uint8Array(length).fill(1),
  });
  return nextTokenBatch([row(12), row(9)], 12, 19);
}
const learnerOf = (weights: ModelWeights) =>
  new Learner(runtime, {
    inputs: weights.inputs,
    trainable: [...weights.parameters.keys()],
    objective: nextTokenObjective(weights),
    optimizer,
  });
const bytes = (tensor: Tensor): Buffer => {
  const data = tensor.data as Float32Array;
  return Buffer.from(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
};
const stateOf = (weights: ModelWeights, learner: Learner): Buffer =>
  Buffer.concat([
    ...[...weights.parameters.values()].map(bytes),
    ...[...learner.optimizer.slots.values()].flatMap(({ m, v }) => [bytes(m), bytes(v)]),
  ]);

/** The same steps, each tensor updated whole and into another one that the host copies back. */
function doubleBuffered(weights: ModelWeights): Buffer {
  const graph = new Graph();
  const { loss } = nextTokenObjective(weights)(graph);
  const parameters = [...weights.parameters].map(([name, w]) => {
    const like = () => runtime.hostTensor('float32', w.dims);
    return { name, w, m: like(), v: like(), g: like(), next: { w: like(), m: like(), v: like() } };
  });
  const found = gradients(
    loss,
    parameters.map(({ name, w }) => graph.input(name, 'float32', w.dims)),
  );
  const outputs = Object.fromEntries(parameters.map(({ name }, i) => [name, found[i]]));
  const backward = Program.compile(runtime, 'backward', { ...outputs, norm: globalNorm(found) });
  const norm = runtime.hostTensor('float32', []);
  const written = { ...Object.fromEntries(parameters.map(({ name, g }) => [name, g])), norm };
  for (let step = 1; step <= STEPS; step++) {
    const feeds: Record<string, Tensor> = { ...weights.inputs };
    for (const [name, { dims, data }] of Object.entries(batch(step)))
      feeds[name] = runtime.hostTensor(data instanceof Int32Array ? 'int32' : 'float32', dims, data);
    backward.prepare(feeds, written).run();
    const values = updateScalars(optimizer, step, 1e-2, (norm.data as Float32Array)[0]);
    const scalars = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, runtime.hostTensor('float32', [], Float32Array.of(value))]),
    );
    for (const { w, m, v, g, next } of parameters) {
      const update = { ...adamWUpdate(new Graph(), w.dims, w.dims.length > 1) };
      const program = Program.compile(runtime, 'update', update);
      program.prepare({ w, m, v, g, ...scalars }, next).run();
      runtime.write(w, next.w.data!);
      runtime.write(m, next.m.data!);
      runtime.write(v, next.v.data!);
    }
  }
  return Buffer.concat([
    ...parameters.map(({ w }) => bytes(w)),
    ...parameters.flatMap(({ m, v }) => [bytes(m), bytes(v)]),
  ]);
}

describe('state', () => {
  it('updated in place has the bytes of state written elsewhere and copied', async () => {
    const weights = freshWeights();
    const learner = learnerOf(weights);
    for (let step = 1; step <= STEPS; step++) await learner.step([batch(step)], 1e-2);
    expect(stateOf(weights, learner).equals(doubleBuffered(freshWeights()))).toBe(true);
  });

  it.each([
    ['a weight of a token', NaN],
    ['an infinite one', Infinity],
  ])('stays as it was when the gradient is not finite: %s', async (_, bad) => {
    const weights = freshWeights();
    const learner = learnerOf(weights);
    await learner.step([batch(1)], 1e-2);
    const before = stateOf(weights, learner);
    const spoilt = batch(2);
    (spoilt.weights.data as Float32Array)[0] = bad;
    const { gradNorm } = await learner.step([spoilt], 1e-2);
    expect(Number.isFinite(gradNorm)).toBe(false);
    expect(learner.optimizer.steps).toBe(1);
    expect(stateOf(weights, learner).equals(before)).toBe(true);
    const parts = [spoilt, batch(3)];
    expect(Number.isFinite((await learner.step(parts, 1e-2)).gradNorm)).toBe(false);
    expect(stateOf(weights, learner).equals(before)).toBe(true);
    const { gradNorm: good } = await learner.step([batch(2)], 1e-2);
    expect(good).toBeGreaterThan(0);
  });

  it('does not depend on how a step is cut into micro-batches', async () => {
    const [whole, parts] = [freshWeights(), freshWeights()];
    const [one, two] = [learnerOf(whole), learnerOf(parts)];
    const row = (r: number): TokenRow => ({
      ids: Int32Array.from({ length: 8 + 4 * r }, (_, i) => (i * 7 + r) % 60),
      positions: Int32Array.from({ length: 8 + 4 * r }, (_, i) => i),
      segments: new Int32Array(8 + 4 * r),
      mask: new Uint8Array(8 + 4 * r).fill(1),
    });
    const a = await one.step([nextTokenBatch([row(0), row(1)], 12, 18)], 1e-2);
    const b = await two.step([nextTokenBatch([row(0)], 12, 18), nextTokenBatch([row(1)], 12, 18)], 1e-2);
    expect(b.sums.loss).toBeCloseTo(a.sums.loss, 5);
    expect(b.gradNorm).toBeCloseTo(a.gradNorm, 4);
    for (const [name, tensor] of whole.parameters) {
      const other = parts.parameters.get(name)!.data as Float32Array;
      (tensor.data as Float32Array).forEach((value, i) => expect(Math.abs(value - other[i])).toBeLessThan(2e-4));
    }
  });
});
