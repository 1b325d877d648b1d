import { BatchOrder } from '../../data/batches';
import { Random } from '../../data/random';
import type { PolicyConfig } from '../../config/schema/experiment';
import type { Head } from '../../models/generate';
import type { Tokenizer } from '../../models/tokenizer';
import { type ModelWeights, trainableOf } from '../../models/weights';
import type { Graph } from '../../tensor/graph';
import { learningRateAt } from '../../tensor/optimizer';
import type { Runtime, Tensor } from '../../tensor/runtime';
import { adaptedBeta } from './advantages';
import { type LearntAnswer, answerBatches } from './answer-batch';
import { Learner, type MicroBatch, type Objective } from '../training/learner';
import { ModelState } from '../training/model-state';
import { Progress, type ProgressState } from '../training/progress';
import type { MonitorState } from '../monitors/monitors';
import type { PolicyMonitors } from '../monitors/policy-monitors';
import type { PromptRow } from '../answers/prompts';
import { type AnswerScorer, type Collected, faultOf, nothingScored, type Rollout, RolloutWriter } from './rollout';
import { klOfAnswer, mean } from './rollout-metrics';
import { optimizerOf } from '../settings';
import { checkStart } from './start-check';
import { tokenScores } from './token-scores';
import { type Metrics, NotFiniteError, type Sample, type Task, type TaskState } from '../task';

/** What an algorithm makes of answers: all that tells PPO, GRPO and RLOO apart. */
export interface PolicyAlgorithm {
  /** What the objective reads beside the policy's weights, and what of it learns. */
  readonly extra?: ReadonlyMap<string, Tensor>;
  readonly head?: Head;
  readonly objective: (graph: Graph) => Objective;
  /** A model beside the policy that learns from the same answers. */
  readonly critic?: {
    readonly learner: Learner;
    readonly tensors: ReadonlyMap<string, Tensor>;
    /** V before each answer token. */
    values(rollouts: readonly Rollout[]): Promise<readonly ArrayLike<number>[]>;
  };
  /** Adds to rollouts what a pass of its own finds out. */
  observe?(rollouts: readonly Rollout[]): Promise<readonly Rollout[]>;
  /** What each answer is to teach, under the KL coefficient β. */
  targets(rollouts: readonly Rollout[], beta: number): LearntAnswer[];
  /** What a token of an answer weighs in a mini-batch; `all` are the answers of the whole batch. */
  weight(answer: LearntAnswer, miniBatch: readonly LearntAnswer[], all: readonly LearntAnswer[]): number;
  /** Metrics of answers alone, in training and evaluation. */
  describe(rollouts: readonly Rollout[], beta: number): Metrics;
  /** Metrics of what answers taught, and of the updates: their sums, one record an optimizer step. */
  metrics(targets: readonly LearntAnswer[], updates: readonly Record<string, number>[]): Metrics;
  release?(): void;
}

export interface PolicyInputs {
  runtime: Runtime;
  weights: ModelWeights;
  /** Frozen. */
  reference: ModelWeights;
  /** Whether the reference is where the policy starts: then KL must be 0 there. */
  referenceIsStart: boolean;
  tokenizer: Tokenizer;
  chatTemplate?: string;
  config: PolicyConfig;
  stage: string;
  seed: number;
  train: readonly PromptRow[];
  heldOut: readonly PromptRow[];
  samplePrompts: readonly PromptRow[];
  scorer: AnswerScorer;
  monitors?: PolicyMonitors;
  warn: (message: string) => void;
  note: (event: string, details: Record<string, unknown>) => void;
}

/** Evaluation reads at most so many held-out prompts: it comes ten times a run. */
const MOST_HELD_OUT = 128;

interface Saved extends ProgressState, Record<string, unknown> {
  iteration: number;
  episodes: number;
  beta: number;
  left_out: number;
  ended?: string;
  monitors?: MonitorState;
}

/** Iterations of write → score → update; one call of `step` is one of them. */
export class PolicyTask implements Task {
  readonly totalSteps: number;
  readonly stride: number;
  /** Why no further step is taken before the last one. */
  ended: string | undefined;
  private readonly iterations: number;
  private readonly order: BatchOrder;
  private readonly learner: Learner;
  readonly files: ModelState;
  private readonly writer: RolloutWriter;
  private readonly progress: Progress;
  private readonly heldOut: readonly PromptRow[];
  private iteration = 0;
  private episodes = 0;
  private beta: number;
  /** Answers without a finite score so far. */
  private leftOut = 0;

  constructor(
    private readonly inputs: PolicyInputs,
    private readonly algorithm: PolicyAlgorithm,
  ) {
    const { config, train, seed, runtime, weights } = inputs;
    const extra = algorithm.extra ?? new Map<string, Tensor>();
    this.order = new BatchOrder({ rows: train.length, batchSize: config.batch_size, seed, shuffle: config.shuffle });
    this.stride = config.ppo_epochs * config.mini_batches;
    this.iterations = Math.max(
      1,
      config.steps === null
        ? Math.round(config.epochs * this.order.batchesPerEpoch)
        : Math.ceil(config.steps / this.stride),
    );
    this.totalSteps = this.iterations * this.stride;
    this.beta = config.kl_penalty;
    this.heldOut = inputs.heldOut.slice(0, MOST_HELD_OUT);
    this.learner = new Learner(runtime, {
      inputs: { ...weights.inputs, ...Object.fromEntries(extra) },
      trainable: [...trainableOf([...weights.parameters.keys()], config.freeze), ...extra.keys()],
      objective: algorithm.objective,
      optimizer: optimizerOf(config),
    });
    const { optimizer } = this.learner;
    const critics = algorithm.critic ? [algorithm.critic.learner.optimizer] : [];
    this.progress = new Progress([this.order], [optimizer, ...critics]);
    this.files = new ModelState({
      ...inputs,
      optimizer,
      extra: new Map([...extra, ...(algorithm.critic?.tensors ?? [])]),
    });
    const asked = [...train, ...this.heldOut, ...inputs.samplePrompts];
    this.writer = new RolloutWriter({
      ...inputs,
      policy: weights,
      temperature: config.temperature,
      topP: config.top_p,
      topK: config.top_k,
      maxNewTokens: config.max_new_tokens,
      longestPrompt: asked.reduce((most, { ids }) => Math.max(most, ids.length), 1),
      rows: config.batch_size * config.answers_per_prompt,
      head: algorithm.head,
    });
  }

  async step(): Promise<Metrics> {
    const { config, train, note, seed, stage } = this.inputs;
    const { iteration, beta } = this;
    const began = performance.now();
    const prompts = [...this.order.next()].map((i) => train[i]);
    const collected = await this.writer.write(prompts, config.answers_per_prompt, (place) =>
      Random.from(seed, stage, 'rollout', iteration, place),
    );
    if (collected.rollouts.length === 0) throw nothingScored(collected.unscored);
    this.count(collected);
    const rollouts = (await this.algorithm.observe?.(collected.rollouts)) ?? collected.rollouts;
    const rate = this.learningRate(iteration);
    const targets = this.algorithm.targets(rollouts, beta);
    const kl = mean(rollouts.map(klOfAnswer));
    const beyond = config.kl_stop !== null && kl > config.kl_stop;
    if (beyond) {
      this.ended = `KL to the reference is ${kl.toPrecision(3)} nats an answer, above kl_stop: ${config.kl_stop}`;
      note('kl_stop', { message: this.ended, kl, iteration });
    } else if (iteration === 0 && this.learner.optimizer.steps === 0)
      await checkStart(rollouts, this.weighted(targets, targets), (part) => this.learner.evaluate(part), this.inputs);
    const updates = beyond ? [] : await this.update(targets, rate, rollouts);
    if (config.kl_target !== null) this.beta = adaptedBeta(beta, kl, config.kl_target, rollouts.length);
    this.iteration++;
    const watched = await this.inputs.monitors?.observe(this.iteration * this.stride, rollouts);
    this.episodes += rollouts.length;
    this.progress.tokens += targets.reduce((sum, { ids }) => sum + ids.length, 0);
    const total = performance.now() - began;
    const { generate, score } = collected.time;
    return {
      iteration: this.iteration,
      episode: this.episodes,
      epoch: this.order.epochs,
      num_tokens: this.progress.tokens,
      learning_rate: rate,
      ...(updates.length ? { grad_norm: mean(updates.map(({ grad_norm }) => grad_norm)) } : {}),
      ...this.algorithm.describe(rollouts, beta),
      ...this.algorithm.metrics(targets, updates),
      ...watched,
      'rewards/left_out': this.leftOut,
      'time/generate': generate / total,
      'time/score': score / total,
      'time/update': 1 - (generate + score) / total,
    };
  }

  /** The learning rate of an iteration: one for all its updates. */
  private learningRate(iteration: number): number {
    const { schedule, warmup, learning_rate: learningRate } = this.inputs.config;
    const warm = warmup < 1 ? warmup : Math.ceil(warmup / this.stride);
    return learningRateAt(iteration, this.iterations, { schedule, warmup: warm, learningRate });
  }

  private count({ unscored }: Collected): void {
    if (unscored.length === 0) return;
    const places = unscored.slice(0, 3).map(faultOf).join('; ');
    // told once; the metric goes on counting
    if (this.leftOut === 0)
      this.inputs.warn(`${unscored.length} answers got no finite score and were left out: ${places}`);
    this.leftOut += unscored.length;
  }

  /** Passes over the answers, each in fresh mini-batches with an optimizer step each. */
  private async update(
    targets: readonly LearntAnswer[],
    rate: number,
    rollouts: readonly Rollout[],
  ): Promise<Record<string, number>[]> {
    const { config, seed, stage } = this.inputs;
    const updates: Record<string, number>[] = [];
    const perBatch = Math.ceil(targets.length / config.mini_batches);
    for (let epoch = 0; epoch < config.ppo_epochs; epoch++) {
      const order = Random.from(seed, stage, 'update', this.iteration, epoch).permutation(targets.length);
      const ofEpoch: Record<string, number>[] = [];
      for (let at = 0; at < order.length; at += perBatch) {
        const part = Array.from(order.subarray(at, at + perBatch), (i) => targets[i]);
        const batches = this.weighted(part, targets);
        const { gradNorm, sums } = await this.learner.step(batches, rate);
        const critic = await this.algorithm.critic?.learner.step(batches, rate);
        if (![gradNorm, sums.loss, critic?.gradNorm ?? 0].every(Number.isFinite)) {
          const rows = rollouts.map(({ prompt }) => `${prompt.file}:${prompt.line}`);
          throw new NotFiniteError(sums.loss, rows);
        }
        ofEpoch.push({ ...critic?.sums, ...sums, grad_norm: gradNorm });
      }
      updates.push(...ofEpoch);
      if (this.tooFar(ofEpoch, targets)) break;
    }
    return updates;
  }

  /** Whether KL to the reference, estimated from these answers weighted by their ratio, is above `kl_stop` by now. */
  private tooFar(epoch: readonly Record<string, number>[], targets: readonly LearntAnswer[]): boolean {
    const { kl_stop } = this.inputs.config;
    const tokens = targets.reduce((sum, { ids, from }) => sum + ids.length - from, 0);
    return kl_stop !== null && (mean(epoch.map(({ kl_now }) => kl_now)) * tokens) / targets.length > kl_stop;
  }

  private weighted(part: readonly LearntAnswer[], all: readonly LearntAnswer[]): MicroBatch[] {
    const { weights, runtime, config } = this.inputs;
    return answerBatches(
      part.map((answer) => ({ ...answer, weight: this.algorithm.weight(answer, part, all) })),
      { config: weights.config, positions: weights.positions, device: runtime.device, rows: config.micro_batch_size },
    );
  }

  /** The same measures on held-out prompts, with the same random numbers each time. */
  async evaluate(): Promise<Metrics | undefined> {
    const { heldOut, inputs } = this;
    if (heldOut.length === 0) return undefined;
    const { rollouts, unscored } = await this.writer.write(heldOut, 1, (place) =>
      Random.from(inputs.seed, inputs.stage, 'evaluate', place),
    );
    const metrics: Metrics = {
      ...(rollouts.length > 0 ? this.algorithm.describe(rollouts, this.beta) : {}),
      ...(unscored.length > 0 ? { 'rewards/left_out': unscored.length } : {}),
    };
    return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`eval_${name}`, value]));
  }

  async *sample(step: number): AsyncIterable<Sample> {
    const { samplePrompts, seed, stage, tokenizer, scorer, config } = this.inputs;
    if (samplePrompts.length === 0) return;
    const { rollouts, unscored } = await this.writer.write(samplePrompts, 1, (place) =>
      Random.from(seed, stage, step, place),
    );
    // an answer that could not be scored is read all the same
    const all = [...rollouts, ...unscored].sort((a, b) => a.group - b.group);
    const values = await this.algorithm.critic?.values(all);
    const tokens = await tokenScores(all, { tokenizer, scorer, values, temperature: config.temperature });
    for (const [i, rollout] of all.entries()) {
      const { prompt, text, group, finish, ids, score } = rollout;
      // first in order, and also the last word where a reward of these names is a part
      const whole = { reward: score.total, kl: klOfAnswer(rollout) };
      yield {
        prompt: prompt.prompt,
        answer: text,
        row: group,
        finish,
        tokens: ids.length,
        scores: finite({ ...whole, ...score.parts, ...whole }),
        ...(prompt.tags.length ? { tags: prompt.tags } : {}),
        ...(tokens[i] ? { token_scores: tokens[i] } : {}),
      };
    }
  }

  state(): TaskState {
    const saved: Saved = {
      ...this.progress.state(),
      iteration: this.iteration,
      episodes: this.episodes,
      beta: this.beta,
      left_out: this.leftOut,
      ...(this.ended === undefined ? {} : { ended: this.ended }),
      ...(this.inputs.monitors ? { monitors: this.inputs.monitors.state() } : {}),
    };
    return saved;
  }

  restore(state: TaskState): void {
    const saved = state as Saved;
    this.progress.restore(saved);
    this.iteration = saved.iteration;
    this.episodes = saved.episodes;
    this.leftOut = saved.left_out;
    this.ended = saved.ended;
    this.inputs.monitors?.restore(saved.monitors);
    // a fixed coefficient is what the config says, also in a branch that changes it
    if (this.inputs.config.kl_target !== null) this.beta = saved.beta;
  }

  release(): void {
    this.writer.release();
    this.learner.release();
    this.algorithm.release?.();
    this.inputs.scorer.release();
    this.inputs.monitors?.release();
    this.inputs.reference.release();
    this.inputs.weights.release();
  }
}

const finite = (scores: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(scores).filter(([, value]) => Number.isFinite(value)));
