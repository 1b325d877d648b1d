import type { DpoConfig } from '../../config/schema/experiment';
import { UserError } from '../../config/errors';
import { BatchOrder } from '../../data/batches';
import type { Tokenizer } from '../../models/tokenizer';
import { type ModelWeights, trainableOf } from '../../models/weights';
import { learningRateAt } from '../../tensor/optimizer';
import type { Runtime } from '../../tensor/runtime';
import { CHOSEN_DROP, ChosenDrop, type ChosenDropState } from './chosen-drop';
import { dpoObjective, startLoss } from '../dpo';
import { Learner } from '../training/learner';
import { ModelState } from '../training/model-state';
import { Progress, type ProgressState } from '../training/progress';
import type { MonitorState } from '../monitors/monitors';
import type { StageMonitors } from '../monitors/stage-monitors';
import { type LearntPair, type PairBatches, pairBatches } from './pair-batch';
import { optimizerOf, scheduleOf, stepsOf } from '../settings';
import { SampleAnswers, type SamplePrompt } from '../answers/sample-answers';
import { type Metrics, NotFiniteError, type Sample, type Task, type TaskState } from '../task';

/** A pair to learn from, and the line that it came from. */
export type PlacedPair = LearntPair & { file: string; line: number };

export interface DpoInputs {
  runtime: Runtime;
  weights: ModelWeights;
  tokenizer: Tokenizer;
  chatTemplate?: string;
  config: DpoConfig;
  stage: string;
  seed: number;
  train: readonly PlacedPair[];
  heldOut: readonly PlacedPair[];
  /** Whether the reference is where the policy starts: then the first loss is known. */
  referenceIsStart: boolean;
  prompts: readonly SamplePrompt[];
  /** Watch the sample answers. */
  monitors?: StageMonitors;
  note: (event: string, details: Record<string, unknown>) => void;
}

/** How far the first loss may be from what it must be, as a share of the loss's scale. */
const START_TOLERANCE = 1e-3;

interface Saved extends ProgressState, Record<string, unknown> {
  chosen_drop: ChosenDropState;
  monitors?: MonitorState;
}

/** Steps over batches of pairs. */
export class DpoTask implements Task {
  readonly totalSteps: number;
  private readonly order: BatchOrder;
  private readonly learner: Learner;
  readonly files: ModelState;
  private readonly answers: SampleAnswers;
  private readonly drop: ChosenDrop;
  private readonly progress: Progress;
  private heldOut: PairBatches | undefined;

  constructor(private readonly inputs: DpoInputs) {
    const { config, train, seed, runtime, weights } = inputs;
    this.order = new BatchOrder({ rows: train.length, batchSize: config.batch_size, seed, shuffle: config.shuffle });
    this.totalSteps = stepsOf(config, this.order.batchesPerEpoch);
    this.learner = new Learner(runtime, {
      inputs: weights.inputs,
      trainable: trainableOf([...weights.parameters.keys()], config.freeze),
      objective: dpoObjective(weights, config),
      optimizer: optimizerOf(config),
    });
    this.files = new ModelState({ ...inputs, optimizer: this.learner.optimizer });
    this.progress = new Progress([this.order], [this.learner.optimizer]);
    this.answers = new SampleAnswers(inputs);
    this.drop = new ChosenDrop(config.monitors.chosen_drop, config.monitors.patience);
  }

  async step(): Promise<Metrics> {
    const { config, train } = this.inputs;
    const { steps } = this.learner.optimizer;
    const pairs = [...this.order.next()].map((i) => train[i]);
    const batch = this.batches(pairs, config.micro_batch_size);
    const rate = learningRateAt(steps, this.totalSteps, scheduleOf(config));
    const { gradNorm, sums } = await this.learner.step(batch.batches, rate);
    if (!Number.isFinite(gradNorm) || !Number.isFinite(sums.loss))
      throw new NotFiniteError(
        sums.loss,
        pairs.map(({ file, line }) => `${file}:${line}`),
      );
    if (steps === 0 && this.inputs.referenceIsStart) checkStart(sums, config);
    this.progress.tokens += batch.tokens;
    const { loss, ...others } = metricsOf(sums, batch);
    return {
      loss,
      grad_norm: gradNorm,
      learning_rate: rate,
      epoch: this.order.epochs,
      num_tokens: this.progress.tokens,
      ...others,
      [CHOSEN_DROP]: this.watch(steps + 1, sums, pairs.length, batch.chosenTokens),
    };
  }

  private watch(step: number, sums: Readonly<Record<string, number>>, pairs: number, tokens: number): number {
    const { config, note } = this.inputs;
    const { value, alarm } = this.drop.observe(step, {
      chosen: (sums['rewards/chosen'] / config.beta) * (pairs / Math.max(1, tokens)),
      margin: sums['rewards/margins'],
    });
    if (alarm) note('alarm', { ...alarm });
    return value;
  }

  private batches(pairs: readonly LearntPair[], most: number | null): PairBatches {
    const { runtime, weights } = this.inputs;
    const { config, positions } = weights;
    return pairBatches(pairs, { config, positions, device: runtime.device, pairs: most });
  }

  async evaluate(): Promise<Metrics | undefined> {
    if (this.inputs.heldOut.length === 0) return undefined;
    const { micro_batch_size, batch_size } = this.inputs.config;
    this.heldOut ??= this.batches(this.inputs.heldOut, micro_batch_size ?? batch_size);
    const sums: Record<string, number> = {};
    for (const batch of this.heldOut.batches)
      for (const [name, value] of Object.entries(await this.learner.evaluate(batch)))
        sums[name] = (sums[name] ?? 0) + value;
    const metrics = Object.entries(metricsOf(sums, this.heldOut));
    return Object.fromEntries(metrics.map(([name, value]) => [`eval_${name}`, value]));
  }

  async *sample(step: number): AsyncIterable<Sample> {
    const samples: Sample[] = [];
    for await (const sample of this.answers.at(step)) {
      samples.push(sample);
      yield sample;
    }
    this.inputs.monitors?.observeSamples(step, samples);
  }

  state(): TaskState {
    const saved: Saved = {
      ...this.progress.state(),
      chosen_drop: this.drop.state(),
      ...(this.inputs.monitors ? { monitors: this.inputs.monitors.state() } : {}),
    };
    return saved;
  }

  restore(state: TaskState): void {
    const saved = state as Saved;
    this.progress.restore(saved);
    this.drop.restore(saved.chosen_drop);
    this.inputs.monitors?.restore(saved.monitors);
  }

  release(): void {
    this.answers.release();
    this.learner.release();
    this.inputs.weights.release();
  }
}

/** Sums as metrics: where all pairs are ties there is no accuracy. */
export function metricsOf(sums: Readonly<Record<string, number>>, { untied }: PairBatches): Metrics {
  const { right, ...others } = sums;
  return untied > 0 ? { ...others, 'rewards/accuracies': right / untied } : others;
}

/** At the first step policy and reference are one: throws a UserError where the loss is another than that of h = 0. */
function checkStart({ loss, nll_loss: nll = 0 }: Readonly<Record<string, number>>, config: DpoConfig): void {
  const preference = loss - config.nll_coef * nll;
  const expected = startLoss(config);
  // rounding of log-ratios counts β-fold
  const scale = Math.max(1, expected, config.beta, config.nll_coef * nll);
  if (Math.abs(preference - expected) <= START_TOLERANCE * scale) return;
  throw new UserError(
    `The reference is the starting weights, so the first loss must be ${expected.toFixed(4)}; it is ${preference.toFixed(4)}. Policy and reference see the same answers differently.`,
    {
      hint: 'Delete .align/cache, where the reference’s log-probabilities are kept; if that changes nothing, `device: cpu` rules out the device.',
      code: 'start-check',
    },
  );
}
