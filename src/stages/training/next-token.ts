import type { Graph } from '../../tensor/graph';
import { crossEntropy, scoreTokens } from '../../tensor/nn';
import { mul, reshape, selectRows, sum } from '../../tensor/ops';
import { declareBatch, declareWeights, llamaHidden, llamaLogits } from '../../models/llama';
import type { ModelWeights } from '../../models/weights';
import type { MicroBatch, Objective } from './learner';

/**
 * The loss of pre-training and SFT: −Σ w·log π(next token). Only learnt positions reach the output projection. The
 * weights are 1 / (learnt tokens of the whole optimizer step), so the loss does not depend on how a step is cut.
 */
export function nextTokenObjective({ config, positions }: Pick<ModelWeights, 'config' | 'positions'>) {
  return (graph: Graph): Objective => {
    const weights = declareWeights(graph, config, positions);
    const hidden = llamaHidden(config, weights, declareBatch(graph));
    const selected = selectRows(
      hidden,
      graph.input('learnt', 'int32', ['learnt']),
      graph.input('inverse', 'int32', ['batch*seq']),
    );
    const labels = graph.input('labels', 'int32', ['learnt']);
    const share = graph.input('weights', 'float32', ['learnt']);
    const { logProbs, entropy, correct } = scoreTokens(llamaLogits(config, weights, selected), labels);
    const column = reshape(share, logProbs.shape);
    return {
      loss: crossEntropy(logProbs, share),
      sums: { entropy: sum(mul(entropy, column)), mean_token_accuracy: sum(mul(correct, column)) },
    };
  };
}

/** One row of tokens, several texts long: positions restart with each text; `mask[i]` means token i is learnt. */
export interface TokenRow {
  ids: ArrayLike<number>;
  positions: ArrayLike<number>;
  segments: ArrayLike<number>;
  mask: ArrayLike<number>;
}

/** Learnt positions are padded to a multiple of this, so that few sizes of batch occur. */
const LEARNT_STEP = 32;

/** How many tokens of a row are learnt: those behind a token of their own text. */
export function learntCount({ mask, positions }: TokenRow): number {
  let count = 0;
  for (let i = 1; i < mask.length; i++) if (mask[i] && positions[i] > 0) count++;
  return count;
}

/** Rows side by side, padded at the right to `seq`. `total` is the number of learnt tokens of the optimizer step. */
export function nextTokenBatch(rows: readonly TokenRow[], seq: number, total: number): MicroBatch {
  const size = rows.length * seq;
  const ids = new Int32Array(size);
  const positions = new Int32Array(size);
  const segments = new Int32Array(size).fill(-1);
  const learnt: number[] = [];
  const labels: number[] = [];
  rows.forEach((row, r) => {
    const start = r * seq;
    for (let i = 0; i < row.ids.length; i++) {
      ids[start + i] = row.ids[i];
      positions[start + i] = row.positions[i];
      segments[start + i] = row.segments[i];
      if (i > 0 && row.mask[i] && row.positions[i] > 0) {
        learnt.push(start + i - 1);
        labels.push(row.ids[i]);
      }
    }
  });
  const count = learnt.length;
  const padded = Math.min(Math.ceil(count / LEARNT_STEP) * LEARNT_STEP, size);
  const inverse = new Int32Array(size).fill(padded);
  learnt.forEach((place, i) => (inverse[place] = i));
  // places that only fill up the batch read unlearnt rows with weight and label of nothing
  const taken = new Set(learnt);
  for (let place = 0; learnt.length < padded; place++) if (!taken.has(place)) learnt.push(place);
  const vector = (length: number, data: Int32Array | Float32Array) => ({ dims: [length], data });
  const grid = (data: Int32Array) => ({ dims: [rows.length, seq], data });
  return {
    ids: grid(ids),
    positions: grid(positions),
    segments: grid(segments),
    learnt: vector(padded, Int32Array.from(learnt)),
    inverse: vector(size, inverse),
    labels: vector(
      padded,
      Int32Array.from({ length: padded }, (_, i) => labels[i] ?? -1),
    ),
    weights: vector(
      padded,
      Float32Array.from({ length: padded }, (_, i) => (i < count ? 1 / total : 0)),
    ),
  };
}
