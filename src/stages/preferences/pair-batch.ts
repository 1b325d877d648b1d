import { packTightly, type Packing } from '../../data/pack-width';
import type { LlamaConfig } from '../../models/hf-config';
import { joined } from './answer-sums';
import type { MicroBatch } from '../training/learner';
import { microBatchTokens } from '../training/memory';
import type { PreferencePair } from './preference-pairs';

/** A pair with what the reference thinks of it: Σ log π_ref over each answer's tokens. */
export type LearntPair = Pick<PreferencePair, 'prompt' | 'chosen' | 'rejected' | 'p'> & {
  reference: { chosen: number; rejected: number };
};

export interface PairLimits {
  config: LlamaConfig;
  positions: number;
  device: string;
  /** Pairs of one pass; null: as many as memory allows. */
  pairs: number | null;
}

export interface PairBatches {
  batches: MicroBatch[];
  /** Tokens of all prompts and answers; a prompt counts with each of its answers. */
  tokens: number;
  chosenTokens: number;
  /** Pairs that are no tie. */
  untied: number;
}

/** Selected places are padded to a multiple of this, so that few sizes of batch occur. */
const PLACE_STEP = 32;
/** Attention within rows of this width is reckoned with in the memory of a pass. */
const WIDE = 320;

/** The numbers by which sums over all micro-batches become means. */
interface Totals {
  pairs: number;
  chosen: number;
  rejected: number;
  /** Σ of what the answers' tokens weigh in the NLL term. */
  imitated: number;
}

const lengthOf = ({ prompt, chosen, rejected }: LearntPair): number =>
  2 * prompt.length + chosen.length + rejected.length;
/** A token is learnt where one comes before it. */
const learntOf = ({ prompt }: LearntPair, answer: Int32Array): number => answer.length - (prompt.length === 0 ? 1 : 0);
const isTie = ({ p }: LearntPair): boolean => p === 0.5;

/**
 * Pairs as micro-batches of packed rows; both answers of a pair stand in the same one. Its inputs: `ids`, `positions`,
 * `segments` [batch, seq]; `places` [n] that predict an answer's token, their `inverse`, `labels` (−1 fills up) and
 * `answer` (chosen answers first, then the rejected ones, each in the order of the pairs); weights of tokens [n] by which
 * a sum is a mean over answer tokens; of pairs [pairs] the reference's sums, 1 / tokens of each answer, `p`, `untied` (1 or
 * 0), and `share`, by which a sum is a mean over all pairs.
 */
export function pairBatches(pairs: readonly LearntPair[], limits: PairLimits): PairBatches {
  const total = (of: (pair: LearntPair) => number): number => pairs.reduce((sum, pair) => sum + of(pair), 0);
  const totals: Totals = {
    pairs: pairs.length,
    chosen: total((pair) => learntOf(pair, pair.chosen)),
    rejected: total((pair) => learntOf(pair, pair.rejected)),
    imitated: total((pair) => pair.p * learntOf(pair, pair.chosen) + (1 - pair.p) * learntOf(pair, pair.rejected)),
  };
  return {
    batches: groups(pairs, limits).map((group) => microBatch(group, limits.positions, totals)),
    tokens: total(lengthOf),
    chosenTokens: totals.chosen,
    untied: total((pair) => (isTie(pair) ? 0 : 1)),
  };
}

/** Consecutive pairs that fit into one pass. */
function groups(pairs: readonly LearntPair[], { config, positions, device, pairs: most }: PairLimits): LearntPair[][] {
  const longest = pairs.reduce((length, pair) => Math.max(length, lengthOf(pair)), 1);
  const budget = microBatchTokens(config, Math.min(positions, Math.max(longest, WIDE)), device);
  const found: LearntPair[][] = [];
  let tokens = Infinity;
  for (const pair of pairs) {
    const length = lengthOf(pair);
    const full = most === null ? tokens + length > budget : found.at(-1)?.length === most;
    if (found.length === 0 || full) {
      found.push([]);
      tokens = 0;
    }
    found[found.length - 1].push(pair);
    tokens += length;
  }
  return found;
}

function microBatch(pairs: readonly LearntPair[], positions: number, totals: Totals): MicroBatch {
  const sides = [pairs.map(({ chosen }) => chosen), pairs.map(({ rejected }) => rejected)];
  const answers = sides.flatMap((side) => side.map((answer, i) => joined(pairs[i].prompt, answer)));
  const packing = packTightly(
    answers.map((ids) => ({ ids, mask: new Uint8Array(ids.length) })),
    positions,
  );
  const places: number[] = [];
  const labels: number[] = [];
  const owners: number[] = [];
  packing.rows.forEach(({ rows }, r) => {
    let start = r * packing.width;
    for (const answer of rows) {
      const ids = answers[answer];
      for (let i = Math.max(1, pairs[answer % pairs.length].prompt.length); i < ids.length; i++) {
        places.push(start + i - 1);
        labels.push(ids[i]);
        owners.push(answer);
      }
      start += ids.length;
    }
  });
  const size = packing.rows.length * packing.width;
  const padded = Math.min(Math.ceil(places.length / PLACE_STEP) * PLACE_STEP, size);
  const inverse = new Int32Array(size).fill(padded);
  places.forEach((place, i) => (inverse[place] = i));
  // places that only fill up the batch read other rows, with a weight and a label of nothing
  const taken = new Set(places);
  for (let place = 0; places.length < padded; place++) if (!taken.has(place)) places.push(place);

  const vector = <T extends Int32Array | Float32Array>(data: T) => ({ dims: [data.length], data });
  const filled = (values: readonly number[], rest: number) =>
    vector(Int32Array.from({ length: padded }, (_, i) => values[i] ?? rest));
  const ofTokens = (weight: (chosen: boolean, pair: LearntPair) => number) => {
    const data = new Float32Array(padded);
    owners.forEach((owner, i) => (data[i] = weight(owner < pairs.length, pairs[owner % pairs.length])));
    return vector(data);
  };
  const ofPairs = (of: (pair: LearntPair) => number) => vector(Float32Array.from(pairs, of));
  return {
    ...grids(packing),
    places: vector(Int32Array.from(places)),
    inverse: vector(inverse),
    labels: filled(labels, -1),
    answer: filled(owners, 0),
    chosen_tokens: ofTokens((chosen) => (chosen ? 1 / totals.chosen : 0)),
    rejected_tokens: ofTokens((chosen) => (chosen ? 0 : 1 / totals.rejected)),
    answer_tokens: ofTokens(() => 1 / (totals.chosen + totals.rejected)),
    imitated: ofTokens((chosen, { p }) => (chosen ? p : 1 - p) / totals.imitated),
    reference_chosen: ofPairs(({ reference }) => reference.chosen),
    reference_rejected: ofPairs(({ reference }) => reference.rejected),
    per_token_chosen: ofPairs((pair) => 1 / Math.max(1, learntOf(pair, pair.chosen))),
    per_token_rejected: ofPairs((pair) => 1 / Math.max(1, learntOf(pair, pair.rejected))),
    p: ofPairs(({ p }) => p),
    share: ofPairs(() => 1 / totals.pairs),
    untied: ofPairs((pair) => (isTie(pair) ? 0 : 1)),
  };
}

/** Packed rows side by side, padded at the right. */
function grids({ width, rows }: Packing): MicroBatch {
  const dims = [rows.length, width];
  const fill = (rest: number, of: 'ids' | 'positions' | 'segments') => {
    const data = new Int32Array(rows.length * width).fill(rest);
    rows.forEach((row, r) => data.set(row[of], r * width));
    return { dims, data };
  };
  return { ids: fill(0, 'ids'), positions: fill(0, 'positions'), segments: fill(-1, 'segments') };
}
