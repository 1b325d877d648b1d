import type { Graph } from '../../tensor/graph';
import {
  add,
  cast,
  less,
  linear,
  max,
  mean,
  mul,
  neg,
  reshape,
  selectRows,
  slice,
  softplus,
  sub,
  sum,
} from '../../tensor/ops';
import { declareBatch, declareWeights, llamaHidden } from '../../models/llama';
import { SCORE_HEAD } from '../../models/checkpoint';
import type { ModelWeights } from '../../models/weights';
import { packSequences } from '../../models/sequences';
import type { MicroBatch, Objective } from '../training/learner';
import type { PreferencePair } from '../preferences/preference-pairs';

/** The token sequences of a pair: prompt and answer, the preferred one first. */
export function sequencesOf({ prompt, chosen, rejected }: PreferencePair): [Int32Array, Int32Array] {
  return [Int32Array.of(...prompt, ...chosen), Int32Array.of(...prompt, ...rejected)];
}

/**
 * −p log σ(Δ) − (1 − p) log σ(−Δ) with Δ = r(chosen) − r(rejected) − margin (Bradley–Terry; Ouyang et al. 2022, eq. 1;
 * the margin as in Llama 2, eq. 2), and c·(r(chosen) + r(rejected))² to hold rewards near 0 (Eisenstein et al. 2023).
 * r is read at the last token of prompt and answer. Every head has this loss, with weights of its own for the pairs.
 */
export function rewardObjective(
  { config, positions }: Pick<ModelWeights, 'config' | 'positions'>,
  { heads, centering }: { heads: number; centering: number },
) {
  return (graph: Graph): Objective => {
    const hidden = llamaHidden(config, declareWeights(graph, config, positions), declareBatch(graph));
    const ends = graph.input('ends', 'int32', ['2*pairs']);
    const last = selectRows(hidden, ends, graph.input('inverse', 'int32', ['batch*seq']));
    const head = graph.input(SCORE_HEAD, 'float32', [heads, config.hiddenSize]);
    const sides = reshape(linear(last, head), [2, 'pairs', heads]);
    const [chosen, rejected] = [0, 1].map((side) => reshape(slice(sides, 0, side, side + 1), ['pairs', heads]));
    const column = (name: string) => reshape(graph.input(name, 'float32', ['pairs']), ['pairs', 1]);

    const lead = sub(chosen, rejected);
    const delta = sub(lead, column('margin'));
    // −log σ(Δ) = softplus(−Δ), and −log σ(−Δ) is that plus Δ
    const wrong = sub(1, column('p'));
    const drift = add(chosen, rejected);
    const loss = add(add(softplus(neg(delta)), mul(wrong, delta)), mul(mul(drift, drift), centering));

    const member = (x: typeof chosen) => mean(x, [1], true);
    const decided = column('decided');
    const each = column('each');
    return {
      loss: sum(mul(loss, graph.input('share', 'float32', ['pairs', heads]))),
      sums: {
        accuracy: sum(mul(cast(less(member(rejected), member(chosen)), 'float32'), decided)),
        margin: sum(mul(member(lead), decided)),
        mean_reward: sum(mul(member(drift), each)),
        squares: sum(mul(add(mul(member(chosen), member(chosen)), mul(member(rejected), member(rejected))), each)),
      },
      peaks: { max_reward: max(mean(sides, [2])), least: max(neg(mean(sides, [2]))) },
    };
  };
}

/** What a pair weighs for each head; 1 for all unless heads draw pairs of their own. */
export type HeadWeights = ArrayLike<number>;

export interface RewardBatch {
  pairs: readonly PreferencePair[];
  /** One a pair, [heads] each. */
  weights: readonly HeadWeights[];
  /** Pairs of the whole optimizer step, and those of them that are no ties. */
  total: { pairs: number; decided: number };
  heads: number;
  withMargin: boolean;
  /** Most tokens of a sequence. */
  positions: number;
}

/** Pairs as one micro-batch: both answers of all pairs packed side by side. */
export function rewardBatch({ pairs, weights, total, heads, withMargin, positions }: RewardBatch): MicroBatch {
  const both = pairs.map(sequencesOf);
  const sequences = [0, 1].flatMap((side) => both.map((pair) => pair[side]));
  const { dims, ids, positions: places, segments, ends } = packSequences(sequences, positions);
  const inverse = new Int32Array(ids.length).fill(ends.length);
  ends.forEach((place, i) => (inverse[place] = i));
  const vector = <T extends Int32Array | Float32Array>(data: T) => ({ dims: [data.length], data });
  const perPair = (value: (pair: PreferencePair) => number) => vector(Float32Array.from(pairs, value));
  const share = new Float32Array(pairs.length * heads);
  weights.forEach((own, i) => {
    for (let h = 0; h < heads; h++) share[i * heads + h] = own[h] / (heads * total.pairs);
  });
  return {
    ids: { dims, data: ids },
    positions: { dims, data: places },
    segments: { dims, data: segments },
    ends: vector(ends),
    inverse: vector(inverse),
    p: perPair(({ p }) => p),
    margin: perPair(({ margin }) => (withMargin ? margin : 0)),
    decided: perPair(({ p }) => (p === 0.5 ? 0 : 1 / Math.max(1, total.decided))),
    each: perPair(() => 1 / (2 * total.pairs)),
    share: { dims: [pairs.length, heads], data: share },
  };
}
