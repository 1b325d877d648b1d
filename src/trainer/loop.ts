import { join } from 'node:path';
import { UserError } from '../config/errors';
import type { TrainingConfig } from '../config/schema/experiment';
import {
  checkpointName,
  findCheckpoint,
  latestCheckpoint,
  type ResumePoint,
  pruneCheckpoints,
  replaceFolder,
  saveCheckpoint,
} from '../runs/checkpoints';
import type { RunWriter } from '../runs/writer';
import { type Metrics, NotFiniteError, type Task } from '../stages/task';
import { type SavedState, TRAINING_STATE, copyModel, readState, writeState } from './checkpoint-state';
import type { Control } from './control';

/** The metrics of a step that its line in the log has. */
const TOLD = [
  'loss',
  'grad_norm',
  'accuracy',
  'rewards/accuracies',
  'objective/scores',
  'objective/kl',
  'reward',
  'kl',
];

/** How the loop ended. */
export type Outcome = 'done' | 'stopped';

interface Intervals {
  evaluate: number;
  sample: number;
  checkpoint: number;
}

/** Steps between events: a share of the run, or a number of steps; 0 is never. */
function intervalsOf(config: TrainingConfig, total: number): Intervals {
  const every = (value: number | false): number =>
    value === false ? 0 : value < 1 ? Math.max(1, Math.round(value * total)) : value;
  return {
    evaluate: every(config.evaluate_every),
    sample: every(config.sample_every),
    checkpoint: every(config.checkpoint_every),
  };
}

/**
 * Drives a task from where its run stands to the end: steps, evaluations, samples, checkpoints, control. It knows time
 * and no algorithm. What belongs to a step is written before its checkpoint, so that a resumed run writes the same.
 */
export class Loop {
  private step = 0;
  private best: SavedState['best'] = null;
  private worse = 0;
  private readonly intervals: Intervals;

  constructor(
    private readonly task: Task,
    private readonly config: TrainingConfig,
    private readonly writer: RunWriter,
    private readonly control: Control,
    private readonly say: (line: string) => void,
  ) {
    this.intervals = intervalsOf(config, task.totalSteps);
  }

  /** Goes back to a checkpoint; at the first one of a branch only what stands in it counts as the best so far. */
  async resume(point: ResumePoint | undefined): Promise<void> {
    if (!point) return;
    const state = readState(point.path);
    const known = !point.inherited || state.best?.step === state.step;
    this.step = state.step;
    this.best = known ? state.best : null;
    this.worse = known ? state.worse : 0;
    this.task.restore(state.task);
    await this.task.files.loadModel(point.path);
    await this.task.files.loadTraining(join(point.path, TRAINING_STATE));
    this.say(`resumed at step ${this.step}`);
  }

  /** Whether the last step, or one of the last few, was the one to do something. */
  private due(interval: number): boolean {
    const stride = this.task.stride ?? 1;
    return interval > 0 && Math.floor(this.step / interval) > Math.floor((this.step - stride) / interval);
  }

  async run(): Promise<Outcome> {
    const total = this.task.totalSteps;
    this.writer.setState('running', { steps: total, step: this.step });
    if (this.step === 0) await this.look(true, true);
    while (this.step < total && !this.enough) {
      const wish = await this.control.next(this.step);
      if (wish.stop) return this.stop('stopped on request');
      const found = wish.evaluate && (await this.look(true, true));
      if (found || wish.checkpoint) await this.checkpoint();
      if (wish.paused) continue;
      await this.advance();
      const last = this.step === total;
      const improved = await this.look(
        last || this.due(this.intervals.evaluate),
        last || this.due(this.intervals.sample),
      );
      if (last || this.enough || improved || this.due(this.intervals.checkpoint)) await this.checkpoint();
    }
    if (this.step < total && this.task.ended === undefined)
      this.writer.event('early_stop', { message: `no better eval_loss in ${this.worse} evaluations` });
    await this.finish();
    return 'done';
  }

  /** Whether evaluations found nothing better for so long, or the task something, that the run ends early. */
  private get enough(): boolean {
    const patience = this.config.early_stopping;
    return this.task.ended !== undefined || (patience !== null && this.worse >= patience);
  }

  private async advance(): Promise<void> {
    const began = performance.now();
    let metrics: Metrics;
    try {
      metrics = await this.task.step();
    } catch (error) {
      if (error instanceof NotFiniteError) throw this.notFinite(error);
      throw error;
    }
    this.step += this.task.stride ?? 1;
    const seconds = (performance.now() - began) / 1000;
    this.writer.metrics(this.step, { ...metrics, step_seconds: Number(seconds.toFixed(4)) });
    this.writer.progress(this.step);
    const told = Object.entries(metrics).filter(([name]) => TOLD.includes(name));
    const numbers = told.map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    this.say(`step ${this.step}/${this.task.totalSteps} ${numbers.join(' ')}`);
  }

  private notFinite({ loss, rows }: NotFiniteError): UserError {
    const shown = rows.slice(0, 8).join(', ');
    const where = rows.length ? ` Its batch: ${shown}${rows.length > 8 ? `, and ${rows.length - 8} more` : ''}.` : '';
    const kept = latestCheckpoint(this.writer.dir);
    return new UserError(
      `Step ${this.step + 1} has a gradient that is not finite (loss ${loss}); nothing of it was applied.${where}`,
      {
        hint: `Lower learning_rate or look at these rows. ${kept ? `The checkpoint of step ${kept.step} is whole.` : 'There is no checkpoint yet.'}`,
        code: 'not-finite',
      },
    );
  }

  /** Evaluates and samples; true where the held-out loss is the best so far. */
  private async look(evaluate: boolean, sample: boolean): Promise<boolean> {
    let improved = false;
    if (evaluate) {
      const metrics = await this.task.evaluate();
      if (metrics) {
        this.writer.metrics(this.step, metrics);
        improved = metrics.eval_loss !== undefined && this.judge(metrics.eval_loss);
      }
    }
    if (sample && this.config.sample_every !== false) {
      for await (const row of this.task.sample(this.step)) this.writer.sample({ step: this.step, ...row });
    }
    return improved;
  }

  /** Counts an evaluation; true where it is the best so far. */
  private judge(loss: number): boolean {
    this.say(`step ${this.step} eval_loss ${loss.toFixed(4)}`);
    if (this.step === 0) return false;
    const improved = loss < (this.best?.eval_loss ?? Infinity);
    if (improved) this.best = { step: this.step, eval_loss: loss };
    this.worse = improved ? 0 : this.worse + 1;
    return improved;
  }

  private async checkpoint(): Promise<void> {
    const { dir } = this.writer;
    this.writer.event('checkpoint', { step: this.step });
    const state: SavedState = {
      v: 1,
      step: this.step,
      best: this.best,
      worse: this.worse,
      offsets: this.writer.offsets(),
      task: this.task.state(),
    };
    await saveCheckpoint(dir, this.step, async (folder) => {
      await this.task.files.saveModel(folder);
      const training = join(folder, TRAINING_STATE);
      await this.task.files.saveTraining(training);
      writeState(training, state);
    });
    pruneCheckpoints(dir, this.config.keep_checkpoints, this.best ? [this.best.step] : []);
    const path = (step: number): string => `checkpoints/${checkpointName(step)}`;
    this.writer.update({
      step: this.step,
      result: {
        best: this.best && { step: this.best.step, path: path(this.best.step), eval_loss: this.best.eval_loss },
        last: { step: this.step, path: path(this.step) },
      },
    });
  }

  private async stop(reason: string): Promise<Outcome> {
    this.writer.setState('stopping');
    if (this.step > 0) await this.checkpoint();
    this.writer.event('control', { verb: 'stop', message: reason });
    return 'stopped';
  }

  /** The result is the best checkpoint where there is a held-out split, else the last. */
  private async finish(): Promise<void> {
    const { dir } = this.writer;
    const step = this.best?.step ?? this.step;
    const source = findCheckpoint(dir, step);
    if (!source)
      throw new UserError(`The checkpoint of step ${step} is gone; the result cannot be written.`, {
        file: dir.checkpointsFolder,
      });
    await replaceFolder(dir.modelFolder, (folder) => copyModel(source.path, folder));
    this.writer.event('result', { message: `model/ is step ${step}`, of: step });
  }
}
