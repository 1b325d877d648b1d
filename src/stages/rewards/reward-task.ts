import { UserError } from '../../config/errors';
import type { RewardConfig } from '../../config/schema/experiment';
import { Random } from '../../data/random';
import { memberCount, type Normalisation } from '../../models/reward-files';
import { RewardScorer } from '../../models/reward-scorer';
import type { Tokenizer } from '../../models/tokenizer';
import type { ModelWeights } from '../../models/weights';
import { learningRateAt } from '../../tensor/optimizer';
import type { Runtime } from '../../tensor/runtime';
import { scheduleOf, stepsOf } from '../settings';
import type { StepResult } from '../training/learner';
import { microBatchTokens } from '../training/memory';
import { Progress, type ProgressState } from '../training/progress';
import type { PreferencePair } from '../preferences/preference-pairs';
import { deviation, rewardMetrics, spread } from './reward-metrics';
import { rewardBatch, sequencesOf } from './reward-objective';
import { bootstrap, OTHER_ENSEMBLE, RewardTrunk } from './reward-trunk';
import { type Metrics, NotFiniteError, type Sample, type Task, type TaskFiles, type TaskState } from '../task';

export interface RewardInputs {
  runtime: Runtime;
  /** The backbone; of an ensemble of models one for each. */
  weights: readonly ModelWeights[];
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

/**
 * Learns a reward model from pairs: a head, or several, at the last token of a backbone; or an ensemble of whole models,
 * which learn beside each other, a step each at a time.
 */
export class RewardTask implements Task {
  readonly totalSteps: number;
  readonly files: TaskFiles = {
    saveModel: (folder) => this.saveModel(folder),
    loadModel: (folder) => this.loadModel(folder),
    saveTraining: async (folder) => {
      for (const trunk of this.trunks) await trunk.saveTraining(folder);
    },
    loadTraining: async (folder) => {
      for (const trunk of this.trunks) await trunk.loadTraining(folder);
    },
  };
  private readonly trunks: readonly RewardTrunk[];
  private readonly progress: Progress;
  private readonly scorer: RewardScorer;
  private readonly reference: readonly Int32Array[];

  constructor(private readonly inputs: RewardInputs) {
    const { config, train, seed, runtime, weights, stage } = inputs;
    const heads = config.ensemble / weights.length;
    const shares = bootstrap(train.length, config.ensemble, Random.from(seed, stage, 'bootstrap'));
    const trunks: RewardTrunk[] = [];
    for (const [index, own] of weights.entries()) {
      const seen = shares.map((row) => row.subarray(index * heads, (index + 1) * heads));
      const parts = { ...inputs, weights: own, pairs: train.length, index, heads, shares: seen };
      trunks.push(new RewardTrunk(parts, trunks[0]));
    }
    this.trunks = trunks;
    this.progress = new Progress(
      trunks.map(({ order }) => order),
      trunks.map(({ learner }) => learner.optimizer),
    );
    this.totalSteps = stepsOf(config, trunks[0].order.batchesPerEpoch);
    this.reference = train.slice(0, REFERENCE_ANSWERS / 2).flatMap(sequencesOf);
    this.scorer = new RewardScorer(runtime, {
      config: weights[0].config,
      positions: weights[0].positions,
      heads,
      trunks: trunks.map(({ tensors }) => tensors),
    });
  }

  async step(): Promise<Metrics> {
    const { config } = this.inputs;
    const [{ learner, order }] = this.trunks;
    const rate = learningRateAt(learner.optimizer.steps, this.totalSteps, scheduleOf(config));
    const results: StepResult[] = [];
    for (const trunk of this.trunks) results.push(await this.learn(trunk, rate));
    const { loss, grad_norm, ...others } = stepMetrics(results);
    return {
      loss,
      grad_norm,
      learning_rate: rate,
      epoch: order.epochs,
      num_tokens: this.progress.tokens,
      ...others,
    };
  }

  private async learn({ order, learner, shares }: RewardTrunk, rate: number): Promise<StepResult> {
    const { train } = this.inputs;
    const rows = [...order.next()];
    const pairs = rows.map((i) => train[i]);
    const weights = rows.map((i) => shares[i]);
    const result = await learner.step(this.batches(pairs, weights), rate);
    if (!Number.isFinite(result.gradNorm) || !Number.isFinite(result.sums.loss))
      throw new NotFiniteError(
        result.sums.loss,
        pairs.map(({ file, line }) => `${file}:${line}`),
      );
    this.progress.tokens += pairs.reduce((sum, pair) => sum + tokensOf(pair), 0);
    return result;
  }

  private batches(
    pairs: readonly PreferencePair[],
    weights: readonly Float32Array[],
  ): ReturnType<typeof rewardBatch>[] {
    const { config, runtime } = this.inputs;
    const [backbone] = this.inputs.weights;
    const longest = Math.max(...pairs.map((pair) => Math.ceil(tokensOf(pair) / 2)));
    const fits = Math.floor(microBatchTokens(backbone.config, longest, runtime.device) / (2 * longest));
    const perBatch = config.micro_batch_size ?? Math.max(1, fits);
    const total = { pairs: pairs.length, decided: pairs.filter(({ p }) => p !== 0.5).length };
    const batches: ReturnType<typeof rewardBatch>[] = [];
    for (let i = 0; i < pairs.length; i += perBatch)
      batches.push(
        rewardBatch({
          pairs: pairs.slice(i, i + perBatch),
          weights: weights.slice(i, i + perBatch),
          total,
          heads: weights[0].length,
          withMargin: config.margin === 'label',
          positions: backbone.positions,
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
    return { ...this.progress.state() };
  }
  restore(state: TaskState): void {
    this.progress.restore(state as ProgressState & TaskState);
  }

  private async saveModel(folder: string): Promise<void> {
    const scores = await this.scorer.score(this.reference);
    const members = Array.from({ length: this.inputs.config.ensemble }, (_, m) =>
      normalisationOf(scores.map((row) => row[m])),
    );
    for (const [index, trunk] of this.trunks.entries()) {
      // the first model's folder is that of the whole ensemble
      const normalisation = index === 0 ? members : [members[index]];
      await trunk.saveModel(folder, { normalisation, answers: scores.length });
    }
  }
  private async loadModel(folder: string): Promise<void> {
    const count = memberCount(folder);
    if (count !== this.trunks.length)
      throw new UserError(`The checkpoint has ${count} models, the stage wants ${this.trunks.length}.`, {
        file: folder,
        hint: OTHER_ENSEMBLE,
        code: 'ensemble',
      });
    for (const trunk of this.trunks) await trunk.loadModel(folder);
  }

  release(): void {
    this.scorer.release();
    // the first compiled what the others use
    for (const trunk of [...this.trunks].reverse()) trunk.release();
  }
}

const tokensOf = ({ prompt, chosen, rejected }: PreferencePair): number =>
  2 * prompt.length + chosen.length + rejected.length;

/** Metrics of a step. Of an ensemble of models, each with a batch of its own, they are means, but for least and most. */
function stepMetrics(results: readonly StepResult[]): Metrics {
  const mean = (of: (result: StepResult) => number): number =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length;
  const average = (name: string): number => mean(({ sums }) => sums[name]);
  const most = (name: string): number =>
    results.reduce((largest, { sums }) => Math.max(largest, sums[name]), -Infinity);
  const meanReward = average('mean_reward');
  return {
    loss: average('loss'),
    grad_norm: mean(({ gradNorm }) => gradNorm),
    accuracy: average('accuracy'),
    margin: average('margin'),
    mean_reward: meanReward,
    min_reward: -most('least'),
    max_reward: most('max_reward'),
    reward_std: Math.sqrt(Math.max(0, average('squares') - meanReward ** 2)),
  };
}

function normalisationOf(rewards: readonly number[]): Normalisation {
  const mean = rewards.reduce((sum, r) => sum + r, 0) / rewards.length;
  // scores that are all alike say nothing: they stay as they are
  return { mean, std: deviation(rewards) || 1 };
}
