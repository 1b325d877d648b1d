import type { Metrics } from '../task';

/** A held-out pair under a reward model. */
export interface ScoredPair {
  /** Rewards of each head, [heads]. */
  chosen: ArrayLike<number>;
  rejected: ArrayLike<number>;
  /** P(chosen is better), ½ for a tie. */
  p: number;
  margin: number;
  /** Tokens of the answers. */
  chosenLength: number;
  rejectedLength: number;
  tags: readonly string[];
}

const average = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
};
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The loss of a pair under one head: see `rewardObjective`. */
export function pairLoss(chosen: number, rejected: number, { p = 1, margin = 0, centering = 0 } = {}): number {
  const delta = chosen - rejected - margin;
  return softplus(-delta) + (1 - p) * delta + centering * (chosen + rejected) ** 2;
}

/**
 * What is told of a reward model on held-out pairs, by TRL's names where it has them. Ties count for the loss and the
 * rewards, not for what is right. Figures of no pair are left out.
 */
export function rewardMetrics(pairs: readonly ScoredPair[], centering: number): Metrics {
  const rewards = pairs.flatMap(({ chosen, rejected }) => [average(chosen), average(rejected)]);
  const lengths = pairs.flatMap(({ chosenLength, rejectedLength }) => [chosenLength, rejectedLength]);
  const losses = pairs.map(({ chosen, rejected, p, margin }) =>
    average(Array.from(chosen, (r, h) => pairLoss(r, rejected[h], { p, margin, centering }))),
  );
  const decided = pairs.filter(({ p }) => p !== 0.5);
  const shorter = decided.filter(({ chosenLength, rejectedLength }) => chosenLength < rejectedLength);
  const longer = decided.filter(({ chosenLength, rejectedLength }) => chosenLength > rejectedLength);
  const tags = [...new Set(decided.flatMap((pair) => pair.tags))].sort();
  const metrics: Metrics = {
    loss: average(losses),
    accuracy: accuracyOf(decided),
    margin: average(decided.map(leadOf)),
    mean_reward: average(rewards),
    min_reward: rewards.reduce((a, b) => Math.min(a, b), Infinity),
    max_reward: rewards.reduce((a, b) => Math.max(a, b), -Infinity),
    reward_std: deviation(rewards),
    ece: calibrationError(decided),
    length_correlation: correlation(rewards, lengths),
    accuracy_shorter_wins: accuracyOf(shorter),
    accuracy_longer_wins: accuracyOf(longer),
    ...Object.fromEntries(
      tags.map((tag) => [`accuracy/${tag}`, accuracyOf(decided.filter((pair) => pair.tags.includes(tag)))]),
    ),
  };
  if (pairs.some(({ chosen }) => chosen.length > 1))
    metrics.ensemble_std = average(pairs.flatMap(({ chosen, rejected }) => [spread(chosen), spread(rejected)]));
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}

const leadOf = ({ chosen, rejected }: ScoredPair): number => average(chosen) - average(rejected);

/** The share of pairs whose better answer scores higher; equal scores are wrong. */
export const accuracyOf = (pairs: readonly ScoredPair[]): number =>
  average(pairs.map((pair) => (leadOf(pair) > 0 ? 1 : 0)));

/** Bins of the calibration error. */
const BINS = 10;

/**
 * Expected calibration error: how far σ(|Δ|), the model's trust in the answer that it prefers, is from the share of
 * pairs on which that one is better, over ten bins of equally many pairs (Naeini et al. 2015, with equal mass).
 */
export function calibrationError(pairs: readonly ScoredPair[]): number {
  const said = pairs
    .map((pair) => {
      const lead = leadOf(pair);
      return { trust: sigmoid(Math.abs(lead)), right: lead > 0 ? pair.p : lead < 0 ? 1 - pair.p : 0.5 };
    })
    .sort((a, b) => a.trust - b.trust);
  let error = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const part = said.slice(Math.round((bin * said.length) / BINS), Math.round(((bin + 1) * said.length) / BINS));
    if (part.length === 0) continue;
    const gap = average(part.map(({ trust }) => trust)) - average(part.map(({ right }) => right));
    error += (part.length / said.length) * Math.abs(gap);
  }
  return said.length ? error : NaN;
}

/** Standard deviation over all values (the population's); NaN of none. */
export function deviation(values: ArrayLike<number>): number {
  const mean = average(values);
  return Math.sqrt(average(Array.from(values, (value) => (value - mean) ** 2)));
}

/** How far the members of an ensemble are apart: the standard deviation with n − 1; 0 of one. */
export function spread(values: ArrayLike<number>): number {
  return values.length < 2 ? 0 : deviation(values) * Math.sqrt(values.length / (values.length - 1));
}

/** Pearson's correlation; NaN where one side does not vary. */
export function correlation(xs: readonly number[], ys: readonly number[]): number {
  const [mx, my] = [average(xs), average(ys)];
  return average(xs.map((x, i) => (x - mx) * (ys[i] - my))) / (deviation(xs) * deviation(ys));
}
