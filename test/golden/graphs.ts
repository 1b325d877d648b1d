import type { LlamaConfig } from '../../src/models/hf-config';
import { declareBatch, declareWeights, llamaHidden, llamaLogits } from '../../src/models/llama';
import { ModelWeights } from '../../src/models/weights';
import type { MicroBatch } from '../../src/stages/training/learner';
import { nextTokenObjective } from '../../src/stages/training/next-token';
import { gradients } from '../../src/tensor/autodiff';
import { Graph } from '../../src/tensor/graph';
import { reshape } from '../../src/tensor/ops';
import { Program } from '../../src/tensor/program';
import type { Runtime } from '../../src/tensor/runtime';
import type { GoldenTensors } from './load';

/** Agreement asked for, as the largest difference ÷ the largest value. */
export const TOLERANCE = 1e-5;

/** A model with a case's recorded initial weights. */
export function weightsOf(runtime: Runtime, config: LlamaConfig, golden: GoldenTensors, positions = 64): ModelWeights {
  const initial = golden.group('initial');
  // Copies, because weights live in the arrays they are given and training changes them.
  return ModelWeights.load(runtime, config, positions, (name) => initial.get(name)!.data.slice());
}

/** Loss and all gradients of one batch, by parameter name. */
export function lossAndGradients(runtime: Runtime, weights: ModelWeights, batch: MicroBatch) {
  const graph = new Graph();
  const { loss } = nextTokenObjective(weights)(graph);
  const names = [...weights.parameters.keys()];
  const found = gradients(
    loss,
    names.map((name) => graph.input(name, 'float32', weights.parameters.get(name)!.dims)),
  );
  const outputs = Object.fromEntries(names.map((name, i) => [`g.${name}`, found[i]]));
  const program = Program.compile(runtime, 'gradients', { loss, ...outputs });
  const inputs = Object.fromEntries(
    Object.entries(batch).map(([name, { dims, data }]) => [
      name,
      runtime.hostTensor(data instanceof Int32Array ? 'int32' : 'float32', dims, data),
    ]),
  );
  const results = Object.fromEntries(
    names.map((name) => [`g.${name}`, runtime.hostTensor('float32', weights.parameters.get(name)!.dims)]),
  );
  const lossTensor = runtime.hostTensor('float32', []);
  program.prepare({ ...weights.inputs, ...inputs }, { loss: lossTensor, ...results }).run();
  return {
    loss: (lossTensor.data as Float32Array)[0],
    gradients: new Map(names.map((name) => [name, results[`g.${name}`].data as Float32Array])),
  };
}

/** Logits [batch, seq, vocabulary] of tokens [batch, seq]. */
export function logitsOf(
  runtime: Runtime,
  config: LlamaConfig,
  weights: ModelWeights,
  { ids, positions, segments }: Record<'ids' | 'positions' | 'segments', Int32Array>,
  dims: readonly number[],
): Float32Array {
  const graph = new Graph();
  const w = declareWeights(graph, config, weights.positions);
  const logits = llamaLogits(config, w, llamaHidden(config, w, declareBatch(graph)));
  const program = Program.compile(runtime, 'logits', { logits: reshape(logits, ['batch', 'seq', config.vocabSize]) });
  const tensor = (data: Int32Array) => runtime.hostTensor('int32', dims, data);
  const out = runtime.hostTensor('float32', [...dims, config.vocabSize]);
  const inputs = { ids: tensor(ids), positions: tensor(positions), segments: tensor(segments) };
  program.prepare({ ...weights.inputs, ...inputs }, { logits: out }).run();
  return out.data as Float32Array;
}
