import type { PpoConfig } from '../../config/schema/experiment';
import type { ResolvedStage } from '../../config/experiment';
import { Random } from '../../data/random';
import { ValueHead } from '../../models/value-head';
import type { ModelWeights } from '../../models/weights';
import { moments } from './advantages';
import type { LearntAnswer } from './answer-batch';
import type { StageContext } from '../context';
import { preparePolicy } from './policy-inputs';
import { type PolicyAlgorithm, PolicyTask } from './policy-task';
import { ppoObjective, ppoTargets } from '../ppo';
import type { Rollout } from './rollout';
import { mean, objectiveMetrics, tokensOf } from './rollout-metrics';
import type { Metrics, Task } from '../task';
import { ValueModel, criticWeights } from './value-model';

/** What values come from: a head on the policy's trunk, or a model of its own. */
type Critic = { kind: 'shared'; head: ValueHead } | { kind: 'separate'; model: ValueModel };

class Ppo implements PolicyAlgorithm {
  readonly head: ValueHead | undefined;
  readonly critic: ValueModel | undefined;
  readonly objective;

  constructor(
    weights: ModelWeights,
    private readonly config: PpoConfig,
    critic: Critic,
  ) {
    if (critic.kind === 'shared') this.head = critic.head;
    else this.critic = critic.model;
    this.objective = ppoObjective(weights, config, this.head);
  }

  get extra() {
    return this.head?.tensors;
  }

  /** Values of a critic of its own; those of a head came with the answers. */
  async observe(rollouts: readonly Rollout[]): Promise<readonly Rollout[]> {
    const values = await this.critic?.values(rollouts);
    const known = values ? rollouts.map((rollout, i) => ({ ...rollout, values: values[i] })) : rollouts;
    return this.begun(known);
  }

  /**
   * Values that start at the mean score instead of 0 spare the first iterations a bias: with λ < 1 and V = 0 the later
   * tokens of any answer seem better than its earlier ones.
   */
  private begun(rollouts: readonly Rollout[]): readonly Rollout[] {
    if (rollouts.some(({ values }) => Array.from(values).some((value) => value !== 0))) return rollouts;
    const start = Math.fround(mean(rollouts.map(({ score }) => score.total)));
    (this.head ?? this.critic)?.begin(start);
    return rollouts.map((rollout) => ({ ...rollout, values: rollout.logProbs.map(() => start) }));
  }

  targets(rollouts: readonly Rollout[], beta: number): LearntAnswer[] {
    return ppoTargets(rollouts, beta, this.config);
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
    this.head?.release();
    this.critic?.release();
  }
}

/** Proximal policy optimisation: see ppo.ts for what it optimises. */
export async function preparePpo(stage: ResolvedStage, config: PpoConfig, context: StageContext): Promise<Task> {
  const inputs = await preparePolicy(stage, config, context);
  const { weights, train } = inputs;
  const random = Random.from(stage.seed, stage.name, 'value head');
  const longest = train.reduce((most, { ids }) => Math.max(most, ids.length), 0) + config.max_new_tokens;
  const critic: Critic =
    config.value_model === 'shared'
      ? { kind: 'shared', head: new ValueHead(context.runtime, weights.config.hiddenSize, random) }
      : {
          kind: 'separate',
          model: new ValueModel(context.runtime, criticWeights(stage, config, context, longest), config, random),
        };
  return new PolicyTask(inputs, new Ppo(weights, config, critic));
}
