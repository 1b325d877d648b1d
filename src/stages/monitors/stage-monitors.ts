import type { ResolvedStage } from '../../config/experiment';
import type { DpoMonitors, RlMonitors } from '../../config/schema/monitors';
import type { StageContext } from '../context';
import type { Sample } from '../task';
import type { Observation } from './answers';
import { Monitors, type MonitorState } from './monitors';
import { monitorSettings } from './settings';

/**
 * The monitors of a stage that trains a policy: alarms become events of the run. The stage calls `observe` with the
 * answers that it has anyway, once an iteration, or once for each set of sample answers.
 */
export class StageMonitors {
  private readonly monitors: Monitors;

  /** Throws a UserError where the file of phrases cannot be used. */
  constructor(
    stage: Pick<ResolvedStage, 'inputs'>,
    config: RlMonitors | DpoMonitors,
    private readonly context: Pick<StageContext, 'note' | 'measure' | 'say' | 'resuming'>,
    heldOutStd: number | null = null,
  ) {
    this.monitors = new Monitors({ ...monitorSettings(config, stage.inputs.phrases), heldOutStd });
    if (!context.resuming) context.note('monitors', { thresholds: this.monitors.thresholds });
  }

  /** The curves of these answers, `monitor/…`. `step`: optimizer steps done. The first call makes the reference. */
  observe(step: number, observation: Observation): Record<string, number> {
    const { metrics, alarms } = this.monitors.observe(step, observation);
    for (const alarm of alarms) {
      this.context.note('alarm', { ...alarm });
      this.context.say(`alarm at step ${step}: ${alarm.message}`);
    }
    return metrics;
  }

  /** The curves of a step's sample answers, as a row of their own. */
  observeSamples(step: number, samples: readonly Sample[]): void {
    const answers = samples.map(({ prompt, answer, tokens, row, scores }) => ({
      ...{ prompt, answer, tokens, row },
      ...{ reward: scores?.reward, kl: scores?.kl },
    }));
    const metrics = this.observe(step, { answers });
    if (Object.keys(metrics).length > 0) this.context.measure(step, metrics);
  }

  state(): MonitorState {
    return this.monitors.state();
  }

  /** Goes on from `state`; from undefined (a checkpoint from before there were monitors) the reference is made anew. */
  restore(state: MonitorState | undefined): void {
    if (state) this.monitors.restore(state);
  }
}
