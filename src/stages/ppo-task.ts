import type { PpoConfig } from '../config/schema/experiment';
import type { ResolvedStage } from '../config/experiment';
import { Random } from '../data/random';
import { ValueHead } from '../models/value-head';
import type { ModelWeights } from '../models/weights';
import type { Runtime } from '../tensor/runtime';
import { moments } from './advantages';
import type { LearntAnswer } from './answer-batch';
import type { StageContext } from './context';
import { preparePolicy } from './policy-inputs';
import { type PolicyAlgorithm, PolicyTask } from './policy-task';
import { ppoObjective, ppoTargets } from './ppo';
import type { Rollout } from './rollout';
import { mean, objectiveMetrics, tokensOf } from './rollout-metrics';
import type { Metrics, Task } from './task';

/** PPO with values from a head on the policy's trunk. */
class Ppo implements PolicyAlgorithm {
  readonly head: ValueHead;
  readonly objective;

  constructor(
    runtime: Runtime,
    weights: ModelWeights,
    private readonly config: PpoConfig,
    random: Random,
  ) {
    this.head = new ValueHead(runtime, weights.config.hiddenSize, random);
    this.objective = ppoObjective(weights, config, this.head);
  }

  get extra() {
    return this.head.tensors;
  }

  targets(rollouts: readonly Rollout[], beta: number): LearntAnswer[] {
    // Values that start at the mean score instead of 0 spare the first iterations a bias: with λ < 1 and V = 0 the later
    // tokens of any answer seem better than its earlier ones.
    if (rollouts.some(({ values }) => Array.from(values).some((value) => value !== 0)))
      return ppoTargets(rollouts, beta, this.config);
    const start = Math.fround(mean(rollouts.map(({ score }) => score.total)));
    this.head.begin(start);
    const known = rollouts.map((rollout) => ({ ...rollout, values: rollout.logProbs.map(() => start) }));
    return ppoTargets(known, beta, this.config);
  }

  /** The mean over the tokens of a mini-batch. */
  weight(_answer: LearntAnswer, miniBatch: readonly LearntAnswer[]): number {
    return 1 / tokensOf(miniBatch);
  }

  describe(rollouts: readonly Rollout[], beta: number): Metrics {
    return objectiveMetrics(rollouts, beta, this.config);
  }

  metrics(targets: readonly LearntAnswer[], updates: readonly Record<string, number>[]): Metrics {
    const all = (name: string): number[] => targets.flatMap(({ tokens }) => Array.from(tokens[name]));
    const returns = all('returns');
    const values = all('values');
    const unexplained = moments(returns.map((r, i) => r - values[i])).variance;
    const spread = moments(returns).variance;
    const average = (name: string): number => mean(updates.map((sums) => sums[name]));
    return {
      // a constant return is explained by nothing
      'val/explained_variance': spread > 0 ? 1 - unexplained / spread : 0,
      ...(updates.length && {
        'loss/policy_avg': average('policy'),
        'loss/value_avg': average('value'),
        'policy/approxkl_avg': average('log_ratio_square') / 2,
        'policy/clipfrac_avg': average('policy_clipped'),
        'policy/entropy_avg': average('entropy'),
        'val/clipfrac_avg': average('value_clipped'),
        'val/ratio': average('ratio'),
        'val/ratio_var': moments(updates.map(({ ratio }) => ratio)).variance,
      }),
    };
  }

  release(): void {
    this.head.release();
  }
}

/** Proximal policy optimisation: see ppo.ts for what it optimises. */
export async function preparePpo(stage: ResolvedStage, config: PpoConfig, context: StageContext): Promise<Task> {
  const inputs = await preparePolicy(stage, config, context);
  const random = Random.from(stage.seed, stage.name, 'value head');
  return new PolicyTask(inputs, new Ppo(context.runtime, inputs.weights, config, random));
}
