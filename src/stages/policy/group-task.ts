import type { GrpoConfig, PolicyConfig, RlooConfig } from '../../config/schema/experiment';
import type { ResolvedStage } from '../../config/experiment';
import { klTerms, moments } from './advantages';
import type { StageContext } from '../context';
import { groupsOf } from './groups';
import { grpoObjective, grpoTargets, grpoWeight } from '../grpo';
import { preparePolicy } from './policy-inputs';
import { type PolicyAlgorithm, PolicyTask } from './policy-task';
import { rlooObjective, rlooTargets } from '../rloo';
import type { Rollout } from './rollout';
import { klOfAnswer, mean, penalisedScore } from './rollout-metrics';
import type { Metrics, Task } from '../task';

const deviation = (values: readonly number[]): number => Math.sqrt(moments(values).variance);

/** Of the answers, by the names of TRL's GRPO and RLOO. */
export function groupMetrics(rollouts: readonly Rollout[], beta: number, config: PolicyConfig): Metrics {
  const scores = rollouts.map((rollout) => penalisedScore(rollout, config));
  const groups = groupsOf(rollouts, (rollout) => penalisedScore(rollout, config)).values;
  const lengths = rollouts.map(({ ids }) => ids.length);
  const ended = rollouts.filter(({ finish }) => finish === 'stop').map(({ ids }) => ids.length);
  const spread = (name: string, values: readonly number[]): Metrics => ({
    [`completions/mean_${name}`]: mean(values),
    [`completions/min_${name}`]: values.reduce((least, x) => Math.min(least, x), values[0] ?? 0),
    [`completions/max_${name}`]: values.reduce((most, x) => Math.max(most, x), 0),
  });
  const names = Object.keys(rollouts[0]?.score.parts ?? {});
  return {
    reward: mean(scores),
    reward_std: deviation(scores),
    // a group whose answers score alike teaches nothing
    frac_reward_zero_std: groups.filter((group) => deviation(group) < 1e-8).length / groups.length,
    ...Object.fromEntries(
      names.flatMap((name) => {
        const parts = rollouts.map(({ score }) => score.parts[name]);
        return [
          [`rewards/${name}/mean`, mean(parts)],
          [`rewards/${name}/std`, deviation(parts)],
        ];
      }),
    ),
    kl: mean(rollouts.flatMap((rollout) => [...klTerms(rollout.logProbs, rollout.reference, config.kl_estimator)])),
    'objective/kl': mean(rollouts.map(klOfAnswer)),
    'objective/kl_penalty': beta,
    ...spread('length', lengths),
    ...spread('terminated_length', ended),
    'completions/clipped_ratio': 1 - ended.length / rollouts.length,
    'completions/empty': rollouts.filter(({ text }) => text.trim() === '').length,
  };
}

/** Of the updates; a clip ratio of 0 is what a first pass over fresh answers has. */
function updateMetrics(updates: readonly Record<string, number>[]): Metrics {
  if (updates.length === 0) return {};
  const all = (name: string): number[] => updates.map((sums) => sums[name]);
  const [low, high] = [all('low_clipped'), all('high_clipped')];
  return {
    loss: mean(all('loss')),
    entropy: mean(all('entropy')),
    'clip_ratio/low_mean': mean(low),
    'clip_ratio/high_mean': mean(high),
    'clip_ratio/region_mean': mean(low) + mean(high),
  };
}

/** Group-relative policy optimisation: see grpo.ts for what it optimises. */
export async function prepareGrpo(stage: ResolvedStage, config: GrpoConfig, context: StageContext): Promise<Task> {
  const inputs = await preparePolicy(stage, config, context);
  const algorithm: PolicyAlgorithm = {
    objective: grpoObjective(inputs.weights, config),
    targets: (rollouts, beta) => grpoTargets(rollouts, beta, config),
    weight: (answer, miniBatch, all) => grpoWeight(answer, miniBatch, all, config),
    describe: (rollouts, beta) => groupMetrics(rollouts, beta, config),
    metrics: (_targets, updates) => updateMetrics(updates),
  };
  return new PolicyTask(inputs, algorithm);
}

/** REINFORCE leave-one-out: see rloo.ts for what it optimises. */
export async function prepareRloo(stage: ResolvedStage, config: RlooConfig, context: StageContext): Promise<Task> {
  const inputs = await preparePolicy(stage, config, context);
  const algorithm: PolicyAlgorithm = {
    objective: rlooObjective(inputs.weights, config),
    targets: (rollouts, beta) => rlooTargets(rollouts, beta, config),
    weight: (_answer, miniBatch) => 1 / miniBatch.length,
    describe: (rollouts, beta) => groupMetrics(rollouts, beta, config),
    metrics: (_targets, updates) => updateMetrics(updates),
  };
  return new PolicyTask(inputs, algorithm);
}
