import { gridsOf, packTightly } from '../data/pack-width';
import { Graph } from '../tensor/graph';
import { scoreTokens } from '../tensor/nn';
import { gatherRows, mul, reshape } from '../tensor/ops';
import { Program } from '../tensor/program';
import type { Runtime } from '../tensor/runtime';
import { declareBatch, declareWeights, llamaHidden, llamaLogits } from './llama';
import type { ModelWeights } from './weights';

/** A row of tokens whose part from `from` on is to be scored; `from` is 1 or more. */
export interface ScoredRow {
  ids: ArrayLike<number>;
  from: number;
}

/** Counts are rounded up to this, so that few sizes of batch occur. */
const STEP = 32;

/** Log-probabilities of given tokens under a model: one forward pass a batch, logits only where they are wanted. */
export class Scorer {
  private readonly program: Program;

  /** `temperature` divides the logits, as it did where the tokens were sampled. */
  constructor(
    runtime: Runtime,
    private readonly weights: ModelWeights,
    { temperature = 1 } = {},
  ) {
    const graph = new Graph();
    const { config, positions } = weights;
    const w = declareWeights(graph, config, positions);
    const hidden = llamaHidden(config, w, declareBatch(graph));
    const places = graph.input('places', 'int32', ['scored']);
    const labels = graph.input('labels', 'int32', ['scored']);
    const logits = llamaLogits(config, w, gatherRows(hidden, places));
    const { logProbs } = scoreTokens(mul(logits, 1 / temperature), labels);
    this.program = Program.compile(runtime, 'score', { log_probs: reshape(logProbs, ['scored']) });
  }

  /**
   * log π(token | those before it), natural logarithm, of each row's tokens from `from` on. Rows are packed side by side,
   * so short ones cost no more than their tokens.
   */
  async score(rows: readonly ScoredRow[]): Promise<Float32Array[]> {
    const { weights } = this;
    const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
    if (longest > weights.positions)
      throw new RangeError(`a row has ${longest} tokens, the model has ${weights.positions} positions`);
    const packing = packTightly(
      rows.map(({ ids }) => ({ ids: Int32Array.from(ids), mask: new Uint8Array(ids.length) })),
      weights.positions,
    );
    const { width, rows: packed } = packing;
    const places: number[] = [];
    const labels: number[] = [];
    const results = rows.map(({ ids: { length }, from }) => new Float32Array(Math.max(0, length - from)));
    /** Where each scored token's number goes. */
    const owners: { row: number; at: number }[] = [];
    packed.forEach((line, l) => {
      let at = l * width;
      for (const row of line.rows) {
        const { ids: own, from } = rows[row];
        for (let i = from; i < own.length; i++) {
          places.push(at + i - 1);
          labels.push(own[i]);
          owners.push({ row, at: i - from });
        }
        at += own.length;
      }
    });
    if (places.length === 0) return results;
    const scored = Math.ceil(places.length / STEP) * STEP;
    const fill = (values: readonly number[], rest: number): Int32Array =>
      Int32Array.from({ length: scored }, (_, i) => values[i] ?? rest);
    const { ids, positions, segments } = gridsOf(packing);
    const grid = (data: Int32Array) => ({ dims: [packed.length, width], data });
    const batch = {
      ids: grid(ids),
      positions: grid(positions),
      segments: grid(segments),
      places: { dims: [scored], data: fill(places, 0) },
      labels: { dims: [scored], data: fill(labels, -1) },
    };
    const values = await this.program.once(weights.inputs, batch, 'log_probs');
    owners.forEach(({ row, at }, i) => (results[row][at] = values[i]));
    return results;
  }

  release(): void {
    this.program.release();
  }
}
