/** What rewards, values and log-probabilities make of each answer token: pure functions, everything in nats. */

export type KlEstimator = 'k1' | 'k2' | 'k3';
type Numbers = ArrayLike<number>;

/** Log-ratios are cut to ± this before exp, so that one impossible token cannot make the rest infinite. */
export const MOST_LOG_RATIO = 20;

const clamp = (x: number, most: number): number => Math.max(-most, Math.min(most, x));

/**
 * KL(π ‖ π_ref) estimated at each token that π sampled (Schulman 2020, "Approximating KL divergence"), with
 * ℓ = log π_ref − log π: k1 = −ℓ, k2 = ½ℓ², k3 = e^ℓ − 1 − ℓ.
 */
export function klTerms(logProbs: Numbers, reference: Numbers, estimator: KlEstimator): Float64Array {
  return Float64Array.from(logProbs, (logProb, t) => {
    const l = reference[t] - logProb;
    if (estimator === 'k1') return -l;
    if (estimator === 'k2') return 0.5 * l * l;
    const cut = clamp(l, MOST_LOG_RATIO);
    return Math.expm1(cut) - cut;
  });
}

/** R_t = −β·KL_t, and the score at the last answer token: the return of max E[r] − β·KL, token by token. */
export function penalisedRewards(kl: Numbers, score: number, beta: number): Float64Array {
  const rewards = Float64Array.from(kl, (k) => -beta * k);
  rewards[rewards.length - 1] += score;
  return rewards;
}

export interface Estimates {
  advantages: Float64Array;
  /** What values are trained towards: A_t + V_t. */
  returns: Float64Array;
}

/**
 * Generalised advantage estimation (Schulman et al. 2016, eq. 16) from the end: δ_t = R_t + γV_{t+1} − V_t,
 * A_t = δ_t + γλA_{t+1}, with V = 0 behind the last token.
 */
export function gae(rewards: Numbers, values: Numbers, gamma: number, lambda: number): Estimates {
  const { length } = rewards;
  const advantages = new Float64Array(length);
  for (let t = length - 1, next = 0; t >= 0; t--) {
    const delta = rewards[t] + gamma * (t + 1 < length ? values[t + 1] : 0) - values[t];
    advantages[t] = next = delta + gamma * lambda * next;
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]) };
}

/** Mean and variance with Bessel's n/(n−1), 0 for fewer than two numbers. */
export function moments(values: Numbers): { mean: number; variance: number } {
  const n = values.length;
  if (n === 0) return { mean: 0, variance: 0 };
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[i] / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return { mean, variance: n > 1 ? squares / (n - 1) : 0 };
}

/**
 * (x − mean)/√(variance + 10⁻⁸) over the tokens of all answers together; `keepMean` scales only. One token alone has no
 * variance and stays as it is.
 */
export function whiten(answers: readonly Float64Array[], { keepMean = false } = {}): Float64Array[] {
  const all = Float64Array.from(answers.flatMap((answer) => [...answer]));
  if (all.length < 2) return answers.map((answer) => answer.slice());
  const { mean, variance } = moments(all);
  const scale = 1 / Math.sqrt(variance + 1e-8);
  return answers.map((answer) => answer.map((x) => (x - mean) * scale + (keepMean ? mean : 0)));
}

/** Episodes over which the KL coefficient moves by its error (Ziegler et al. 2019, section 2.2). */
const HORIZON = 10_000;

/** β for the next batch of `episodes` answers: up where the KL of an answer, in nats, is above the target. */
export function adaptedBeta(beta: number, kl: number, target: number, episodes: number): number {
  const error = clamp(kl / target - 1, 0.2);
  return beta * (1 + (error * episodes) / HORIZON);
}

/** Added to standard deviations before division, as TRL does. */
const EPSILON = 1e-4;
export type RewardScale = 'group' | 'batch' | 'none';

/** GRPO (Shao et al. 2024, section 4.1.2): (s − mean)/(std + 10⁻⁴) within each group of answers to one prompt. */
export function groupAdvantages(groups: readonly (readonly number[])[], scale: RewardScale): number[][] {
  const spread = (values: Numbers): number => Math.sqrt(moments(values).variance);
  const ofBatch = spread(groups.flat());
  return groups.map((scores) => {
    const { mean } = moments(scores);
    const divisor = scale === 'none' ? 1 : (scale === 'batch' ? ofBatch : spread(scores)) + EPSILON;
    return scores.map((score) => (score - mean) / divisor);
  });
}

/** RLOO (Ahmadian et al. 2024, eq. 8): the reward less the mean of the other answers'; 0 for an answer without others. */
export function leaveOneOut(groups: readonly (readonly number[])[]): number[][] {
  return groups.map((rewards) => {
    const total = rewards.reduce((sum, reward) => sum + reward, 0);
    return rewards.map((reward) => (rewards.length < 2 ? 0 : reward - (total - reward) / (rewards.length - 1)));
  });
}

/** Mean 0 and variance 1 over the answers of the batch: (A − mean)/(std + 10⁻⁴). */
export function normalized(groups: readonly (readonly number[])[]): number[][] {
  const { mean, variance } = moments(groups.flat());
  return groups.map((values) => values.map((value) => (value - mean) / (Math.sqrt(variance) + EPSILON)));
}
