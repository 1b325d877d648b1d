import { mkdirSync } from 'node:fs';
import type { RewardConfig } from '../../config/schema/experiment';
import { BatchOrder } from '../../data/batches';
import { Random } from '../../data/random';
import { SCORE_HEAD } from '../../models/checkpoint';
import { type Normalisation, readHeads, writeRewardModel } from '../../models/reward-model';
import { RewardScorer } from '../../models/reward-scorer';
import type { Tokenizer } from '../../models/tokenizer';
import { type ModelWeights, trainableOf } from '../../models/weights';
import { learningRateAt } from '../../tensor/optimizer';
import type { Runtime, Tensor } from '../../tensor/runtime';
import { Learner } from '../training/learner';
import { microBatchTokens } from '../training/memory';
import { ModelState } from '../training/model-state';
import type { PreferencePair } from '../preferences/preference-pairs';
import { deviation, rewardMetrics, spread } from './reward-metrics';
import { rewardBatch, rewardObjective, sequencesOf } from './reward-objective';
import { type Metrics, NotFiniteError, type Sample, type Task, type TaskState } from '../task';

export interface RewardInputs {
  runtime: Runtime;
  weights: ModelWeights;
  tokenizer: Tokenizer;
  config: RewardConfig;
  stage: string;
  seed: number;
  train: readonly PreferencePair[];
  heldOut: readonly PreferencePair[];
  chatTemplate?: string;
}

/** Normalisation is measured on so many answers. */
const REFERENCE_ANSWERS = 256;

/** Learns a reward model from pairs: a head, or several, at the last token of a backbone. */
export class RewardTask implements Task {
  readonly totalSteps: number;
  private readonly order: BatchOrder;
  private readonly learner: Learner;
  private readonly files: ModelState;
  private readonly scorer: RewardScorer;
  private readonly head: Tensor;
  /** What each training pair weighs for each head, [pairs][heads]. */
  private readonly shares: readonly Float32Array[];
  private readonly reference: readonly Int32Array[];
  private tokens = 0;

  constructor(private readonly inputs: RewardInputs) {
    const { config, train, seed, runtime, weights, stage } = inputs;
    const { ensemble: heads, centering } = config;
    this.order = new BatchOrder({ rows: train.length, batchSize: config.batch_size, seed, shuffle: config.shuffle });
    this.totalSteps = config.steps ?? Math.max(1, Math.round(config.epochs * this.order.batchesPerEpoch));
    this.head = freshHeads(runtime, weights, heads, Random.from(seed, stage, 'head'));
    this.shares = bootstrap(train.length, heads, Random.from(seed, stage, 'bootstrap'));
    this.reference = train.slice(0, REFERENCE_ANSWERS / 2).flatMap(sequencesOf);
    const all = { ...weights.inputs, [SCORE_HEAD]: this.head };
    this.learner = new Learner(runtime, {
      inputs: all,
      trainable: trainableOf([...weights.parameters.keys(), SCORE_HEAD], config.freeze),
      objective: rewardObjective(weights, { heads, centering }),
      optimizer: {
        beta1: config.adam_beta1,
        beta2: config.adam_beta2,
        epsilon: config.adam_epsilon,
        weightDecay: config.weight_decay,
        maxGradNorm: config.max_grad_norm,
      },
    });
    this.scorer = new RewardScorer(runtime, {
      config: weights.config,
      positions: weights.positions,
      heads,
      inputs: all,
    });
    this.files = new ModelState({ ...inputs, optimizer: this.learner.optimizer });
  }

  async step(): Promise<Metrics> {
    const { config, train } = this.inputs;
    const rows = [...this.order.next()];
    const pairs = rows.map((i) => train[i]);
    const rate = learningRateAt(this.learner.optimizer.steps, this.totalSteps, {
      schedule: config.schedule,
      warmup: config.warmup,
      learningRate: config.learning_rate,
    });
    const { gradNorm, sums } = await this.learner.step(this.batches(rows), rate);
    if (!Number.isFinite(gradNorm) || !Number.isFinite(sums.loss))
      throw new NotFiniteError(
        sums.loss,
        pairs.map(({ file, line }) => `${file}:${line}`),
      );
    this.tokens += pairs.reduce((sum, pair) => sum + tokensOf(pair), 0);
    const { loss, least, squares, ...others } = sums;
    return {
      loss,
      grad_norm: gradNorm,
      learning_rate: rate,
      epoch: this.order.epochs,
      num_tokens: this.tokens,
      ...others,
      min_reward: -least,
      reward_std: Math.sqrt(Math.max(0, squares - sums.mean_reward ** 2)),
    };
  }

  private batches(rows: readonly number[]): ReturnType<typeof rewardBatch>[] {
    const { config, train, weights, runtime } = this.inputs;
    const pairs = rows.map((i) => train[i]);
    const longest = Math.max(...pairs.map((pair) => Math.ceil(tokensOf(pair) / 2)));
    const fits = Math.floor(microBatchTokens(weights.config, longest, runtime.device) / (2 * longest));
    const perBatch = config.micro_batch_size ?? Math.max(1, fits);
    const total = { pairs: pairs.length, decided: pairs.filter(({ p }) => p !== 0.5).length };
    const batches: ReturnType<typeof rewardBatch>[] = [];
    for (let i = 0; i < rows.length; i += perBatch)
      batches.push(
        rewardBatch({
          pairs: pairs.slice(i, i + perBatch),
          weights: rows.slice(i, i + perBatch).map((row) => this.shares[row]),
          total,
          heads: config.ensemble,
          withMargin: config.margin === 'label',
          positions: weights.positions,
        }),
      );
    return batches;
  }

  async evaluate(): Promise<Metrics | undefined> {
    const { heldOut, config } = this.inputs;
    if (heldOut.length === 0) return undefined;
    const scores = await this.scorer.score(heldOut.flatMap(sequencesOf));
    const scored = heldOut.map(({ p, margin, tags, chosen, rejected }, i) => ({
      chosen: scores[2 * i],
      rejected: scores[2 * i + 1],
      p,
      margin: config.margin === 'label' ? margin : 0,
      tags,
      chosenLength: chosen.length,
      rejectedLength: rejected.length,
    }));
    const metrics = rewardMetrics(scored, config.centering);
    return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`eval_${name}`, value]));
  }

  /** The answers of the first held-out pairs and their rewards. */
  async *sample(): AsyncIterable<Sample> {
    const { heldOut, config, tokenizer } = this.inputs;
    const shown = heldOut.slice(0, typeof config.sample_prompts === 'number' ? config.sample_prompts : 8);
    const scores = await this.scorer.score(shown.flatMap(sequencesOf));
    for (const [row, { question, chosen, rejected, tags }] of shown.entries()) {
      for (const [side, ids] of [chosen, rejected].entries()) {
        const rewards = scores[2 * row + side];
        const reward = rewards.reduce((sum, r) => sum + r, 0) / rewards.length;
        yield {
          prompt: question,
          answer: tokenizer.decode(ids, { skipSpecial: true }).trim(),
          row,
          sample: side,
          tags,
          finish: tokenizer.eosIds.includes(ids[ids.length - 1]) ? 'stop' : 'length',
          tokens: ids.length,
          scores: { reward, preferred: side === 0 ? 1 : 0, ...(rewards.length > 1 ? { std: spread(rewards) } : {}) },
        };
      }
    }
  }

  state(): TaskState {
    return {
      optimizer_steps: this.learner.optimizer.steps,
      position: this.order.position,
      batches_per_epoch: this.order.batchesPerEpoch,
      tokens: this.tokens,
    };
  }
  restore(state: TaskState): void {
    const saved = state as {
      optimizer_steps: number;
      position: { epoch: number; index: number };
      batches_per_epoch: number;
      tokens: number;
    };
    const { epoch, index } = saved.position;
    const { batchesPerEpoch } = this.order;
    // a branch may cut its data into batches of another size: it goes on at the same share of the epoch
    const place =
      saved.batches_per_epoch === batchesPerEpoch
        ? index
        : Math.floor((index / saved.batches_per_epoch) * batchesPerEpoch);
    this.learner.optimizer.steps = saved.optimizer_steps;
    this.order.position = { epoch, index: Math.min(place, batchesPerEpoch) };
    this.tokens = saved.tokens;
  }

  async saveModel(folder: string): Promise<void> {
    const { weights, tokenizer, chatTemplate, runtime, config } = this.inputs;
    mkdirSync(folder, { recursive: true });
    const values = new Map<string, Float32Array>();
    for (const name of weights.parameters.keys()) values.set(name, await weights.read(name));
    const scores = await this.scorer.score(this.reference);
    writeRewardModel(folder, {
      config: weights.config,
      tensor: (name) => values.get(name) ?? new Float32Array(),
      heads: (await runtime.read(this.head)) as Float32Array,
      facts: {
        normalisation: Array.from({ length: config.ensemble }, (_, h) => normalisationOf(scores.map((row) => row[h]))),
        answers: scores.length,
      },
      tokenizer,
      chatTemplate,
    });
  }
  saveOptimizer(folder: string): Promise<void> {
    return this.files.saveTraining(folder);
  }
  loadOptimizer(folder: string): Promise<void> {
    return this.files.loadTraining(folder);
  }
  async loadWeights(folder: string): Promise<void> {
    await this.files.loadModel(folder);
    this.inputs.runtime.write(this.head, readHeads(folder));
  }

  release(): void {
    this.scorer.release();
    this.learner.release();
    this.head.release();
    this.inputs.weights.release();
  }
}

const tokensOf = ({ prompt, chosen, rejected }: PreferencePair): number =>
  2 * prompt.length + chosen.length + rejected.length;

function normalisationOf(rewards: readonly number[]): Normalisation {
  const mean = rewards.reduce((sum, r) => sum + r, 0) / rewards.length;
  // scores that are all alike say nothing: they stay as they are
  return { mean, std: deviation(rewards) || 1 };
}

/** Heads as transformers draws a new one, each from a stream of its own. */
function freshHeads(runtime: Runtime, { config }: ModelWeights, heads: number, random: Random): Tensor {
  const { hiddenSize, initializerRange } = config;
  const data = new Float32Array(heads * hiddenSize);
  for (let h = 0; h < heads; h++) {
    const stream = random.split(`${h}`);
    for (let i = 0; i < hiddenSize; i++) data[h * hiddenSize + i] = stream.normal() * initializerRange;
  }
  return runtime.stateTensor('float32', [heads, hiddenSize], data);
}

/**
 * How often each head of an ensemble sees each pair: as often as in a draw with replacement, in the limit (Poisson with
 * mean 1, as in online bagging, Oza & Russell 2001). A single head sees each once.
 */
export function bootstrap(pairs: number, heads: number, random: Random): Float32Array[] {
  const streams = Array.from({ length: heads }, (_, h) => random.split(`${h}`));
  return Array.from({ length: pairs }, () =>
    heads === 1 ? Float32Array.of(1) : Float32Array.from(streams, (stream) => poisson(stream.next())),
  );
}

/** The count whose place in Poisson's distribution with mean 1 is `u`, in [0, 1). */
function poisson(u: number): number {
  let count = 0;
  let mass = Math.exp(-1);
  for (let below = mass; u >= below && count < 20; below += mass) mass /= ++count;
  return count;
}
