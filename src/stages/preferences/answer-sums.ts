import { Scorer, type ScoredRow } from '../../models/scorer';
import type { ModelWeights } from '../../models/weights';
import type { Runtime } from '../../tensor/runtime';
import { microBatchTokens } from '../training/memory';
import type { PreferencePair } from './preference-pairs';

export type AnswerPair = Pick<PreferencePair, 'prompt' | 'chosen' | 'rejected'>;

/** The answers of pairs, each once with its prompt, in an order that their labels do not change. */
export interface DistinctAnswers {
  rows: ScoredRow[];
  /** For each pair the places of its answers among the rows. */
  places: { chosen: number; rejected: number }[];
}

/** Tokens of one pass: more are no faster, since their logits no longer stay in the cache of the processor. */
const PASS_TOKENS = 2048;

/** Prompt and answer as one row of tokens. */
export function joined(prompt: Int32Array, answer: Int32Array): Int32Array {
  const ids = new Int32Array(prompt.length + answer.length);
  ids.set(prompt);
  ids.set(answer, prompt.length);
  return ids;
}

/** Rows of like length stand together, so that packing wastes little. */
export function distinctAnswers(pairs: readonly AnswerPair[]): DistinctAnswers {
  const known = new Map<string, ScoredRow>();
  const keyOf = (prompt: Int32Array, answer: Int32Array): string => {
    // a first token has nothing before it: nothing predicts it
    const row = { ids: joined(prompt, answer), from: Math.max(1, prompt.length) };
    const key = `${row.from}:${row.ids.join()}`;
    if (!known.has(key)) known.set(key, row);
    return key;
  };
  const keys = pairs.map(({ prompt, chosen, rejected }) => [keyOf(prompt, chosen), keyOf(prompt, rejected)]);
  const order = [...known].sort(
    ([a, one], [b, other]) => one.ids.length - other.ids.length || (a < b ? -1 : Number(a > b)),
  );
  const placeOf = new Map(order.map(([key], place) => [key, place]));
  const place = (key: string): number => placeOf.get(key) ?? 0;
  return {
    rows: order.map(([, row]) => row),
    places: keys.map(([chosen, rejected]) => ({ chosen: place(chosen), rejected: place(rejected) })),
  };
}

/** Σ log π over each row's tokens from `from` on, under a model. */
export async function answerSums(
  rows: readonly ScoredRow[],
  runtime: Runtime,
  weights: ModelWeights,
): Promise<Float32Array> {
  const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const budget = Math.min(PASS_TOKENS, microBatchTokens(weights.config, longest, runtime.device));
  const scorer = new Scorer(runtime, weights);
  const sums = new Float32Array(rows.length);
  try {
    for (let at = 0; at < rows.length;) {
      let tokens = 0;
      let end = at;
      while (end < rows.length && (end === at || tokens + rows[end].ids.length <= budget))
        tokens += rows[end++].ids.length;
      for (const logProbs of await scorer.score(rows.slice(at, end)))
        sums[at++] = logProbs.reduce((sum, x) => sum + x, 0);
    }
  } finally {
    scorer.release();
  }
  return sums;
}
