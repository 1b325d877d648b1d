import type { RlooConfig } from '../config/schema/experiment';
import type { ModelWeights } from '../models/weights';
import type { Graph, Value } from '../tensor/graph';
import { and, cast, exp, expand, less, minimum, mul, neg, scatterAdd, sub, sum } from '../tensor/ops';
import { MOST_LOG_RATIO, klTerms, leaveOneOut, normalized } from './policy/advantages';
import type { LearntAnswer } from './policy/answer-batch';
import { groupsOf } from './policy/groups';
import type { Objective } from './training/learner';
import { answerTokens, between, updateSums } from './policy/policy-graph';
import type { Rollout } from './policy/rollout';
import { penalisedScore, sum as total } from './policy/rollout-metrics';

/**
 * REINFORCE leave-one-out (Ahmadian et al. 2024): an answer as a whole is one action, its reward is
 * s − β·KL(π ‖ π_ref), and its baseline the mean reward of the other answers to its prompt.
 */
export function rlooTargets(rollouts: readonly Rollout[], beta: number, config: RlooConfig): LearntAnswer[] {
  const groups = groupsOf(rollouts, (rollout) => {
    const kl = total(klTerms(rollout.logProbs, rollout.reference, config.kl_estimator));
    return penalisedScore(rollout, config) - beta * kl;
  });
  const raw = leaveOneOut(groups.values);
  const advantages = groups.back(config.whiten_advantages ? normalized(raw) : raw);
  return rollouts.map(({ prompt, ids, logProbs, reference }, i) => ({
    ids: [...prompt.ids, ...ids],
    from: prompt.ids.length,
    tokens: { old: logProbs, reference },
    whole: { answer_advantages: advantages[i] },
    weight: 0,
  }));
}

/** mean over answers of −min(ρA, clip(ρ, 1−ε, 1+ε)A), with ρ = exp Σ_t (log π − log π_old) of the whole answer. */
export function rlooObjective(weights: Pick<ModelWeights, 'config' | 'positions'>, config: RlooConfig) {
  const [low, high] = [1 - config.clip_range, 1 + config.clip_range];
  return (graph: Graph): Objective => {
    const tokens = answerTokens(graph, weights, config.temperature);
    const ofAnswer = (name: string): Value => graph.input(name, 'float32', ['answers']);
    const advantages = ofAnswer('answer_advantages');
    const mean = (x: Value): Value => sum(mul(x, ofAnswer('sequence_share')));
    const zeros = expand(graph.scalar(0), ['answers']);
    const difference = sub(tokens.logProbs, tokens.given('old'));
    const logRatio = scatterAdd(zeros, graph.input('sequence', 'int32', ['n']), difference, 0);
    const ratio = exp(between(logRatio, -MOST_LOG_RATIO, MOST_LOG_RATIO));
    const gain = minimum(mul(ratio, advantages), mul(between(ratio, low, high), advantages));
    const flag = (a: Value, b: Value): Value => mean(cast(and(a, b), 'float32'));
    return {
      loss: mean(neg(gain)),
      sums: {
        ...updateSums(tokens),
        low_clipped: flag(less(ratio, low), less(advantages, 0)),
        high_clipped: flag(less(high, ratio), less(0, advantages)),
      },
    };
  };
}
