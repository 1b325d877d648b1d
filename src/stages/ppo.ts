import type { PpoConfig } from '../config/schema/experiment';
import type { Graph, Value } from '../tensor/graph';
import { add, cast, less, maximum, mul, neg, stopGradient, sub, sum } from '../tensor/ops';
import type { Head } from '../models/generate';
import type { ModelWeights } from '../models/weights';
import { gae, klTerms, penalisedRewards, whiten } from './policy/advantages';
import type { LearntAnswer } from './policy/answer-batch';
import type { Objective } from './training/learner';
import { type AnswerTokens, answerHidden, answerTokens, between, updateSums } from './policy/policy-graph';
import type { Rollout } from './policy/rollout';
import { penalisedScore } from './policy/rollout-metrics';

/**
 * Proximal policy optimisation (Schulman et al. 2017) of a language model (Ziegler et al. 2019):
 *
 *   max over π of  E_{x, y ~ π} [ s(x, y) ] − β·KL(π ‖ π_ref)
 *
 * The score s stands at the answer's last token and the KL at each, so the return of a token is what follows it.
 */
export function ppoTargets(rollouts: readonly Rollout[], beta: number, config: PpoConfig): LearntAnswer[] {
  const { gamma, lambda, kl_estimator } = config;
  const penalised = rollouts.map((rollout) => {
    const kl = klTerms(rollout.logProbs, rollout.reference, kl_estimator);
    return penalisedRewards(kl, penalisedScore(rollout, config), beta);
  });
  const rewards = config.whiten_rewards ? whiten(penalised, { keepMean: true }) : penalised;
  const estimates = rewards.map((reward, i) => gae(reward, rollouts[i].values, gamma, lambda));
  const raw = estimates.map(({ advantages }) => advantages);
  const advantages = config.whiten_advantages ? whiten(raw) : raw;
  return rollouts.map(({ prompt, ids, logProbs, values, reference }, i) => ({
    ids: [...prompt.ids, ...ids],
    from: prompt.ids.length,
    tokens: { old: logProbs, reference, advantages: advantages[i], returns: estimates[i].returns, values },
    weight: 0, // of its mini-batch, which is not drawn yet
  }));
}

/** mean max(−Aρ, −A·clip(ρ, 1−ε, 1+ε)) (Schulman et al. 2017, eq. 7), and how often the clipped side counts. */
function clippedPolicy({ ratio, given, mean }: AnswerTokens, epsilon: number) {
  const advantages = given('advantages');
  const free = neg(mul(advantages, ratio));
  const clipped = neg(mul(advantages, between(ratio, 1 - epsilon, 1 + epsilon)));
  return { loss: mean(maximum(free, clipped)), clipfrac: mean(cast(less(free, clipped), 'float32')) };
}

/** ½ mean max((V − R)², (clip(V, V_old ± ε) − R)²), and how often the clipped side counts. */
function clippedValue(
  graph: Graph,
  { hidden, given, mean }: Pick<AnswerTokens, 'hidden' | 'given' | 'mean'>,
  head: Head,
  range: number,
) {
  const [returns, old] = [given('returns'), given('values')];
  const square = (x: Value): Value => mul(x, x);
  const values = head.read(graph, hidden);
  const free = square(sub(values, returns));
  const clipped = square(sub(between(values, sub(old, range), add(old, range)), returns));
  return { loss: mul(mean(maximum(free, clipped)), 0.5), clipfrac: mean(cast(less(free, clipped), 'float32')) };
}

/**
 * policy + c_v·value − c_e·entropy over a mini-batch. The head reads the policy's trunk and does not train it: so the
 * scale of the values cannot disturb the policy. Without a head the values are learnt elsewhere.
 */
export function ppoObjective(weights: Pick<ModelWeights, 'config' | 'positions'>, config: PpoConfig, head?: Head) {
  return (graph: Graph): Objective => {
    const tokens = answerTokens(graph, weights, config.temperature);
    const policy = clippedPolicy(tokens, config.clip_range);
    const value =
      head && clippedValue(graph, { ...tokens, hidden: stopGradient(tokens.hidden) }, head, config.value_clip_range);
    let loss = policy.loss;
    if (value) loss = add(loss, mul(value.loss, config.value_coef));
    if (config.entropy_coef > 0) loss = sub(loss, mul(tokens.mean(tokens.entropy), config.entropy_coef));
    return {
      loss,
      sums: {
        ...updateSums(tokens),
        policy: policy.loss,
        policy_clipped: policy.clipfrac,
        ...(value ? { value: value.loss, value_clipped: value.clipfrac } : {}),
      },
    };
  };
}

/** The part of a value model of its own: its trunk learns too. */
export function valueObjective(weights: Pick<ModelWeights, 'config' | 'positions'>, config: PpoConfig, head: Head) {
  return (graph: Graph): Objective => {
    const given = (name: string) => graph.input(name, 'float32', ['n']);
    const hidden = answerHidden(graph, weights);
    const tokens = { hidden, given, mean: (x: Value) => sum(mul(x, given('share'))) };
    const { loss, clipfrac } = clippedValue(graph, tokens, head, config.value_clip_range);
    return { loss: mul(loss, config.value_coef), sums: { value: loss, value_clipped: clipfrac } };
  };
}
