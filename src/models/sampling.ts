import type { Random } from '../data/random';

export interface SamplingOptions {
  /** 0 takes the likeliest token. */
  temperature: number;
  topK?: number;
  topP?: number;
  /** Above 1, logits of tokens already there are divided (or multiplied where negative) by it (Keskar et al. 2019). */
  repetitionPenalty?: number;
}

/** Whether the distribution is the softmax itself, without filters or penalties. */
export const plain = ({ topK, topP, repetitionPenalty }: SamplingOptions): boolean =>
  !topK && (topP ?? 1) >= 1 && (repetitionPenalty ?? 1) === 1;

/** Draws from probabilities by walking up their sum. */
export function pickFrom(probabilities: Float32Array, random: Random): number {
  const u = random.next();
  let total = 0;
  let last = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] === 0) continue;
    total += probabilities[i];
    last = i;
    if (u < total) return i;
  }
  return last; // the sum ended below u by rounding
}

/** Draws from logits after penalty, temperature, top-k and top-p, in transformers' order. */
export function pickFiltered(
  logits: Float32Array,
  seen: readonly number[],
  options: SamplingOptions,
  random: Random,
): { id: number; logProb: number } {
  const { temperature, topK = 0, topP = 1, repetitionPenalty = 1 } = options;
  const scores = Float32Array.from(logits);
  if (repetitionPenalty !== 1)
    for (const id of new Set(seen))
      scores[id] = scores[id] > 0 ? scores[id] / repetitionPenalty : scores[id] * repetitionPenalty;
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  if (temperature === 0) return { id: order[0], logProb: 0 };
  let kept = topK > 0 ? order.slice(0, topK) : order;
  const weight = (ids: readonly number[]): number[] =>
    ids.map((id) => Math.exp((scores[id] - scores[order[0]]) / temperature));
  let weights = weight(kept);
  let total = weights.reduce((a, b) => a + b, 0);
  if (topP < 1) {
    let sum = 0;
    const enough = weights.findIndex((w) => (sum += w) >= topP * total);
    kept = kept.slice(0, enough + 1);
    weights = weights.slice(0, enough + 1);
    total = weights.reduce((a, b) => a + b, 0);
  }
  const place = pickFrom(
    Float32Array.from(weights, (w) => w / total),
    random,
  );
  return { id: kept[place], logProb: Math.log(weights[place] / total) };
}
