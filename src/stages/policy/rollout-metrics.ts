import type { PolicyConfig } from '../../config/schema/experiment';
import { klTerms, moments } from './advantages';
import type { Rollout } from './rollout';
import type { Metrics } from '../task';

export const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};
export const mean = (values: ArrayLike<number>): number => moments(values).mean;

/** Answer tokens in all. */
export const tokensOf = (answers: readonly { ids: ArrayLike<number>; from: number }[]): number =>
  answers.reduce((total, { ids, from }) => total + ids.length - from, 0);

/** The score, less the penalty for an answer that did not end. */
export const penalisedScore = ({ score, finish }: Rollout, { missing_eos_penalty }: PolicyConfig): number =>
  finish === 'stop' ? score.total : score.total - (missing_eos_penalty ?? 0);

/** Σ_t log π − log π_ref: the log-ratio of a whole answer, whose mean is KL(π ‖ π_ref). */
export const klOfAnswer = ({ logProbs, reference }: Rollout): number => sum(klTerms(logProbs, reference, 'k1'));

/** The value below which a share of the numbers lies, between two of them by a straight line. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/** Of Σ_t over the answers' tokens the mean over answers; scores after the penalty for answers that do not end. */
export function objectiveMetrics(rollouts: readonly Rollout[], beta: number, config: PolicyConfig): Metrics {
  const kl = mean(rollouts.map(({ logProbs, reference }) => sum(klTerms(logProbs, reference, config.kl_estimator))));
  const scores = rollouts.map((rollout) => penalisedScore(rollout, config));
  const lengths = rollouts.map(({ ids }) => ids.length);
  const ended = rollouts.filter(({ finish }) => finish === 'stop').length;
  const tokens = sum(lengths);
  const { mean: score, variance } = moments(scores);
  const names = Object.keys(rollouts[0]?.score.parts ?? {});
  const spreads = rollouts.flatMap(({ score: { std } }) => std ?? []);
  return {
    'objective/kl': kl,
    'objective/kl_per_token': (kl * rollouts.length) / tokens,
    'objective/entropy': mean(rollouts.map(({ logProbs }) => -sum(logProbs))),
    'objective/non_score_reward': -beta * kl,
    'objective/rlhf_reward': score - beta * kl,
    'objective/scores': score,
    'objective/score_std': Math.sqrt(variance),
    'objective/scores_p10': quantile(scores, 0.1),
    'objective/scores_p50': quantile(scores, 0.5),
    'objective/scores_p90': quantile(scores, 0.9),
    'objective/missing_eos': 1 - ended / rollouts.length,
    'objective/kl_penalty': beta,
    'val/num_eos_tokens': ended,
    'completions/mean_length': tokens / rollouts.length,
    'completions/empty': rollouts.filter(({ text }) => text.trim() === '').length,
    ...Object.fromEntries(
      names.map((name) => [`rewards/${name}/mean`, mean(rollouts.map((rollout) => rollout.score.parts[name]))]),
    ),
    ...(spreads.some((std) => std > 0) ? { 'rewards/ensemble_std': mean(spreads) } : {}),
  };
}
