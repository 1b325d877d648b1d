import type { ResolvedStage } from '../../config/experiment';
import type { RlMonitors } from '../../config/schema/monitors';
import type { StageContext } from '../context';
import { openScorer } from '../policy/policy-scorer';
import type { AnswerScorer, Rollout } from '../policy/rollout';
import { klOfAnswer } from '../policy/rollout-metrics';
import { momentsOf } from './statistics';
import type { MonitorState } from './monitors';
import { StageMonitors } from './stage-monitors';

/** The monitors of PPO, GRPO and RLOO: they see the rollouts of each iteration, and score them with the judge. */
export class PolicyMonitors {
  private constructor(
    private readonly monitors: StageMonitors,
    private readonly judge: AnswerScorer | null,
  ) {}

  /** Throws a UserError where the judge or the file of phrases cannot be used. */
  static async open(stage: ResolvedStage, config: RlMonitors, context: StageContext): Promise<PolicyMonitors> {
    const { monitorJudge } = stage.sources;
    const asReward = monitorJudge && { ...stage, sources: { ...stage.sources, reward: [monitorJudge] } };
    return new PolicyMonitors(
      new StageMonitors(stage, config, context),
      asReward && (await openScorer(asReward, context)),
    );
  }

  /** The curves of an iteration. `step`: optimizer steps done after it, where its other metrics stand too. */
  async observe(step: number, rollouts: readonly Rollout[]): Promise<Record<string, number>> {
    const judged = await this.judge?.score(rollouts);
    const answers = rollouts.map((rollout, i) => ({
      prompt: rollout.prompt.prompt,
      answer: rollout.text,
      tokens: rollout.ids.length,
      row: rollout.prompt.row,
      reward: rollout.score.total,
      kl: klOfAnswer(rollout),
      judge: judged?.[i]?.total,
      std: rollout.score.std,
    }));
    // −log π of what was sampled: the entropy a token, estimated from the sample
    const entropy = -momentsOf(rollouts.flatMap(({ logProbs }) => [...logProbs])).mean;
    return this.monitors.observe(step, { answers, entropy });
  }

  state(): MonitorState {
    return this.monitors.state();
  }

  restore(state: MonitorState | undefined): void {
    this.monitors.restore(state);
  }

  release(): void {
    this.judge?.release();
  }
}
