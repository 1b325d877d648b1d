import { BatchOrder } from '../../data/batches';
import type { Example } from '../../data/example';
import { type PackedRow, packExamples, unpacked } from '../../data/packing';
import type { PretrainConfig, SftConfig } from '../../config/schema/experiment';
import type { Tokenizer } from '../../models/tokenizer';
import { type ModelWeights, trainableOf } from '../../models/weights';
import { learningRateAt } from '../../tensor/optimizer';
import type { Runtime } from '../../tensor/runtime';
import { SampleAnswers, type SamplePrompt } from '../answers/sample-answers';
import { Learner, type MicroBatch } from './learner';
import { microBatchTokens } from './memory';
import { ModelState } from './model-state';
import { learntCount, nextTokenBatch, nextTokenObjective } from './next-token';
import { Progress, type ProgressState } from './progress';
import { optimizerOf, scheduleOf, stepsOf } from '../settings';
import { type Metrics, NotFiniteError, type Sample, type Task, type TaskState } from '../task';

export interface NextTokenInputs {
  runtime: Runtime;
  weights: ModelWeights;
  tokenizer: Tokenizer;
  config: PretrainConfig | SftConfig;
  stage: string;
  seed: number;
  /** What an optimizer step counts as rows: examples for SFT, packed blocks for pre-training. */
  train: readonly (Example | PackedRow)[];
  heldOut: readonly (Example | PackedRow)[];
  prompts: readonly SamplePrompt[];
  chatTemplate?: string;
}

/** Packed rows are at least this long, so that short examples share them. */
const SHORTEST_ROW = 128;
const ROW_STEP = 32;

const isPacked = (row: Example | PackedRow): row is PackedRow => 'segments' in row;
const placeOf = (row: Example | PackedRow): string[] => (isPacked(row) ? [] : [`${row.file}:${row.line}`]);

/** Rows as the learner takes them, and how many tokens they have and learn in all. */
interface Batches {
  batches: MicroBatch[];
  learnt: number;
  tokens: number;
}

/** Next-token training over examples: what pre-training and SFT have in common. */
export class NextTokenTask implements Task {
  readonly totalSteps: number;
  private readonly order: BatchOrder;
  private readonly learner: Learner;
  readonly files: ModelState;
  private readonly progress: Progress;
  private readonly answers: SampleAnswers;
  private heldOut: Batches | undefined;

  constructor(private readonly inputs: NextTokenInputs) {
    const { config, train, seed, runtime, weights } = inputs;
    this.order = new BatchOrder({ rows: train.length, batchSize: config.batch_size, seed, shuffle: config.shuffle });
    this.totalSteps = stepsOf(config, this.order.batchesPerEpoch);
    this.learner = new Learner(runtime, {
      inputs: weights.inputs,
      trainable: trainableOf([...weights.parameters.keys()], config.freeze),
      objective: nextTokenObjective(weights),
      optimizer: optimizerOf(config),
    });
    this.answers = new SampleAnswers(inputs);
    this.files = new ModelState({ ...inputs, optimizer: this.learner.optimizer });
    this.progress = new Progress([this.order], [this.learner.optimizer]);
  }

  async step(): Promise<Metrics> {
    const { config, train } = this.inputs;
    const rows = [...this.order.next()].map((i) => train[i]);
    const { batches, learnt, tokens } = this.batches(rows, config.micro_batch_size);
    const rate = learningRateAt(this.learner.optimizer.steps, this.totalSteps, scheduleOf(config));
    const { gradNorm, sums } = await this.learner.step(batches, rate);
    if (learnt === 0 || !Number.isFinite(gradNorm) || !Number.isFinite(sums.loss))
      throw new NotFiniteError(sums.loss, rows.flatMap(placeOf));
    this.progress.tokens += tokens;
    const { loss, ...others } = sums;
    return {
      loss,
      grad_norm: gradNorm,
      learning_rate: rate,
      epoch: this.order.epochs,
      num_tokens: this.progress.tokens,
      ...others,
    };
  }

  /** Rows as micro-batches of equal width; each token weighs 1 / (learnt tokens of all of them). */
  private batches(rows: readonly (Example | PackedRow)[], most: number | null): Batches {
    const { config, weights, runtime } = this.inputs;
    const examples = rows.filter((row): row is Example => !isPacked(row));
    const longest = rows.reduce((length, row) => Math.max(length, row.ids.length), 1);
    const width =
      Math.ceil(Math.max(longest, config.packing ? Math.min(SHORTEST_ROW, weights.positions) : 1) / ROW_STEP) *
      ROW_STEP;
    const packed = rows.filter(isPacked).concat(config.packing ? packExamples(examples, width) : unpacked(examples));
    const learnt = packed.reduce((sum, row) => sum + learntCount(row), 0);
    const perBatch = most ?? Math.max(1, Math.floor(microBatchTokens(weights.config, width, runtime.device) / width));
    const batches: MicroBatch[] = [];
    for (let i = 0; i < packed.length; i += perBatch)
      batches.push(nextTokenBatch(packed.slice(i, i + perBatch), width, Math.max(1, learnt)));
    return { batches, learnt, tokens: packed.reduce((sum, row) => sum + row.ids.length, 0) };
  }

  async evaluate(): Promise<Metrics | undefined> {
    const { heldOut } = this.inputs;
    if (heldOut.length === 0) return undefined;
    const { batches, learnt } = (this.heldOut ??= this.batches(heldOut, null));
    if (learnt === 0) return undefined;
    const metrics: Metrics = {};
    for (const batch of batches) {
      for (const [name, value] of Object.entries(await this.learner.evaluate(batch))) {
        metrics[`eval_${name}`] = (metrics[`eval_${name}`] ?? 0) + value;
      }
    }
    return metrics;
  }

  sample(step: number): AsyncIterable<Sample> {
    return this.answers.at(step);
  }

  state(): TaskState {
    return { ...this.progress.state() };
  }
  restore(state: TaskState): void {
    this.progress.restore(state as ProgressState & TaskState);
  }

  release(): void {
    this.answers.release();
    this.learner.release();
    this.inputs.weights.release();
  }
}
