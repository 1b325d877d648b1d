import { Graph } from '../tensor/graph';
import { scoreTokens } from '../tensor/nn';
import { gatherRows, reshape } from '../tensor/ops';
import { Program } from '../tensor/program';
import type { Runtime } from '../tensor/runtime';
import { declareBatch, declareWeights, llamaHidden, llamaLogits } from './llama';
import type { ModelWeights } from './weights';

/** A row of tokens whose part from `from` on is to be scored; `from` is 1 or more. */
export interface ScoredRow {
  ids: ArrayLike<number>;
  from: number;
}

/** Widths and counts are rounded up to this, so that few sizes of batch occur. */
const STEP = 32;

/** Log-probabilities of given tokens under a model: one forward pass a batch, logits only where they are wanted. */
export class Scorer {
  private readonly program: Program;

  constructor(
    private readonly runtime: Runtime,
    private readonly weights: ModelWeights,
  ) {
    const graph = new Graph();
    const { config, positions } = weights;
    const w = declareWeights(graph, config, positions);
    const hidden = llamaHidden(config, w, declareBatch(graph));
    const places = graph.input('places', 'int32', ['scored']);
    const labels = graph.input('labels', 'int32', ['scored']);
    const { logProbs } = scoreTokens(llamaLogits(config, w, gatherRows(hidden, places)), labels);
    this.program = Program.compile(runtime, 'score', { log_probs: reshape(logProbs, ['scored']) });
  }

  /** log π(token | those before it), natural logarithm, of each row's tokens from `from` on. */
  async score(rows: readonly ScoredRow[]): Promise<Float32Array[]> {
    const { runtime, weights } = this;
    const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
    if (longest > weights.positions)
      throw new RangeError(`a row has ${longest} tokens, the model has ${weights.positions} positions`);
    const width = Math.min(weights.positions, Math.ceil(longest / STEP) * STEP);
    const size = rows.length * width;
    const ids = new Int32Array(size);
    const positions = new Int32Array(size);
    const segments = new Int32Array(size).fill(-1);
    const places: number[] = [];
    const labels: number[] = [];
    rows.forEach((row, r) => {
      for (let i = 0; i < row.ids.length; i++) {
        const at = r * width + i;
        ids[at] = row.ids[i];
        positions[at] = i;
        segments[at] = 0;
        if (i < row.from) continue;
        places.push(at - 1);
        labels.push(row.ids[i]);
      }
    });
    const scored = Math.max(STEP, Math.ceil(places.length / STEP) * STEP);
    const fill = (values: readonly number[], rest: number): Int32Array =>
      Int32Array.from({ length: scored }, (_, i) => values[i] ?? rest);
    const grid = [rows.length, width];
    const inputs = {
      ids: runtime.hostTensor('int32', grid, ids),
      positions: runtime.hostTensor('int32', grid, positions),
      segments: runtime.hostTensor('int32', grid, segments),
      places: runtime.hostTensor('int32', [scored], fill(places, 0)),
      labels: runtime.hostTensor('int32', [scored], fill(labels, -1)),
    };
    const output = runtime.hostTensor('float32', [scored]);
    const call = this.program.prepare({ ...weights.inputs, ...inputs }, { log_probs: output });
    try {
      await call.runAsync();
      const values = (await runtime.read(output)) as Float32Array;
      let next = 0;
      return rows.map(({ ids: { length }, from }) => values.slice(next, (next += Math.max(0, length - from))));
    } finally {
      call.release();
      for (const tensor of [...Object.values(inputs), output]) tensor.release();
    }
  }

  release(): void {
    this.program.release();
  }
}
