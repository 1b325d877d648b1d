import type { GrpoConfig } from '../config/schema/experiment';
import type { ModelWeights } from '../models/weights';
import type { Graph, Value } from '../tensor/graph';
import { add, and, cast, exp, less, minimum, mul, neg, sub, sum } from '../tensor/ops';
import { type KlEstimator, MOST_LOG_RATIO, groupAdvantages } from './policy/advantages';
import type { LearntAnswer } from './policy/answer-batch';
import { groupsOf } from './policy/groups';
import type { Objective } from './training/learner';
import { answerTokens, between, updateSums } from './policy/policy-graph';
import type { Rollout } from './policy/rollout';
import { penalisedScore, tokensOf } from './policy/rollout-metrics';

/**
 * Group-relative policy optimisation (Shao et al. 2024): PPO whose advantage is how much better an answer scored than the
 * others to its prompt, one number for all its tokens. KL to the reference stands in the loss.
 */
export function grpoTargets(rollouts: readonly Rollout[], beta: number, config: GrpoConfig): LearntAnswer[] {
  const groups = groupsOf(rollouts, (rollout) => penalisedScore(rollout, config));
  const advantages = groups.back(groupAdvantages(groups.values, config.scale_rewards));
  return rollouts.map(({ prompt, ids, logProbs, reference }, i) => ({
    ids: [...prompt.ids, ...ids],
    from: prompt.ids.length,
    tokens: {
      old: logProbs,
      reference,
      advantages: logProbs.map(() => advantages[i]),
      beta: logProbs.map(() => beta),
    },
    weight: 0, // of its mini-batch, which is not drawn yet
  }));
}

/**
 * What a token weighs. `dapo`: all tokens of the batch alike, so mini-batches weigh by their tokens; `grpo`: all answers
 * alike; `dr_grpo`: one over the longest answer that there could be (Liu et al. 2025), without a bias for length.
 */
export function grpoWeight(
  answer: LearntAnswer,
  miniBatch: readonly LearntAnswer[],
  all: readonly LearntAnswer[],
  { loss, max_new_tokens, mini_batches }: GrpoConfig,
): number {
  if (loss === 'dapo') return mini_batches / tokensOf(all);
  return 1 / (miniBatch.length * (loss === 'grpo' ? answer.ids.length - answer.from : max_new_tokens));
}

/** KL(π ‖ π_ref) at each token, as `klTerms` has it, with a gradient. */
function klToReference(logProbs: Value, reference: Value, estimator: KlEstimator): Value {
  const l = between(sub(reference, logProbs), -MOST_LOG_RATIO, MOST_LOG_RATIO);
  if (estimator === 'k1') return neg(l);
  if (estimator === 'k2') return mul(mul(l, l), 0.5);
  return sub(sub(exp(l), l), 1);
}

/** Σ_t w·(−min(ρA, clip(ρ, 1−ε, 1+ε')A) + β·ρ·KL_t): by ρ the gradient of KL is that of the policy of now. */
export function grpoObjective(weights: Pick<ModelWeights, 'config' | 'positions'>, config: GrpoConfig) {
  const [low, high] = [1 - config.clip_range, 1 + (config.clip_range_high ?? config.clip_range)];
  return (graph: Graph): Objective => {
    const tokens = answerTokens(graph, weights, config.temperature);
    const { logProbs, ratio, given, mean } = tokens;
    const advantages = given('advantages');
    const gain = minimum(mul(ratio, advantages), mul(between(ratio, low, high), advantages));
    const kl = mul(ratio, klToReference(logProbs, given('reference'), config.kl_estimator));
    const flag = (a: Value, b: Value): Value => mean(cast(and(a, b), 'float32'));
    return {
      loss: sum(mul(add(neg(gain), mul(given('beta'), kl)), given('weights'))),
      sums: {
        ...updateSums(tokens),
        kl: mean(kl),
        low_clipped: flag(less(ratio, low), less(advantages, 0)),
        high_clipped: flag(less(high, ratio), less(0, advantages)),
      },
    };
  };
}
