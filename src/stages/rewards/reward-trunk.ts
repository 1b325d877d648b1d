import { UserError } from '../../config/errors';
import type { RewardConfig } from '../../config/schema/experiment';
import { BatchOrder } from '../../data/batches';
import { Random } from '../../data/random';
import { SCORE_HEAD } from '../../models/checkpoint';
import { memberFolder, readHeads, type RewardFacts, writeRewardModel } from '../../models/reward-files';
import type { Tokenizer } from '../../models/tokenizer';
import { type ModelWeights, trainableOf } from '../../models/weights';
import type { Runtime, Tensor } from '../../tensor/runtime';
import { optimizerOf } from '../settings';
import { Learner } from '../training/learner';
import { ModelState } from '../training/model-state';
import { rewardObjective } from './reward-objective';

export interface TrunkInputs {
  runtime: Runtime;
  weights: ModelWeights;
  tokenizer: Tokenizer;
  chatTemplate?: string;
  config: RewardConfig;
  stage: string;
  seed: number;
  /** Training pairs. */
  pairs: number;
  /** Its place among the models of an ensemble, from 0, and how many heads each has. */
  index: number;
  heads: number;
  /** What each training pair weighs for each of its heads, [pairs][heads]. */
  shares: readonly Float32Array[];
}

/** A backbone with its heads, and what trains them: all of a reward model, or one model of an ensemble. */
export class RewardTrunk {
  readonly order: BatchOrder;
  readonly learner: Learner;
  readonly shares: readonly Float32Array[];
  /** Weights, tables and heads. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  private readonly head: Tensor;
  private readonly files: ModelState;

  /** `like`: a model of the same ensemble, whose programs serve this one too. */
  constructor(
    private readonly inputs: TrunkInputs,
    like?: RewardTrunk,
  ) {
    const { runtime, weights, config, stage, seed, pairs, index, heads, shares } = inputs;
    this.shares = shares;
    this.order = new BatchOrder({
      rows: pairs,
      batchSize: config.batch_size,
      // each model of an ensemble sees the pairs in an order of its own
      seed: index === 0 ? seed : Random.from(seed, stage, 'order', index).uint32(),
      shuffle: config.shuffle,
    });
    this.head = freshHeads(runtime, weights, { first: index * heads, heads }, Random.from(seed, stage, 'head'));
    this.tensors = { ...weights.inputs, [SCORE_HEAD]: this.head };
    this.learner = new Learner(runtime, {
      inputs: this.tensors,
      trainable: trainableOf([...weights.parameters.keys(), SCORE_HEAD], config.freeze),
      objective: rewardObjective(weights, { heads, centering: config.centering }),
      optimizer: optimizerOf(config),
      like: like?.learner,
    });
    this.files = new ModelState({ ...inputs, optimizer: this.learner.optimizer });
  }

  async saveModel(folder: string, facts: RewardFacts): Promise<void> {
    const { weights, tokenizer, chatTemplate, runtime, index } = this.inputs;
    const values = new Map<string, Float32Array>();
    for (const name of weights.parameters.keys()) values.set(name, await weights.read(name));
    writeRewardModel(memberFolder(folder, index), {
      config: weights.config,
      tensor: (name) => values.get(name) ?? new Float32Array(),
      heads: (await runtime.read(this.head)) as Float32Array,
      facts,
      tokenizer,
      chatTemplate,
    });
  }

  /** Throws a UserError where the folder has other members than this stage. */
  async loadModel(folder: string): Promise<void> {
    const own = memberFolder(folder, this.inputs.index);
    const heads = readHeads(own);
    const wanted = this.head.dims[0] * this.head.dims[1];
    if (heads.length !== wanted)
      throw new UserError(
        `The checkpoint has a model of ${heads.length / this.head.dims[1]} heads, the stage wants ${this.head.dims[0]}.`,
        { file: own, hint: OTHER_ENSEMBLE, code: 'ensemble' },
      );
    await this.files.loadModel(own);
    this.inputs.runtime.write(this.head, heads);
  }

  saveTraining(folder: string): Promise<void> {
    return this.files.saveTraining(memberFolder(folder, this.inputs.index));
  }
  loadTraining(folder: string): Promise<void> {
    return this.files.loadTraining(memberFolder(folder, this.inputs.index));
  }

  release(): void {
    this.learner.release();
    this.head.release();
    this.inputs.weights.release();
  }
}

export const OTHER_ENSEMBLE = 'A branch keeps `ensemble` and `ensemble_kind`; start the stage anew to change them.';

/** Heads as transformers draws a new one, each from a stream of its own. */
function freshHeads(
  runtime: Runtime,
  { config }: ModelWeights,
  { first, heads }: { first: number; heads: number },
  random: Random,
): Tensor {
  const { hiddenSize, initializerRange } = config;
  const data = new Float32Array(heads * hiddenSize);
  for (let h = 0; h < heads; h++) {
    const stream = random.split(`${first + h}`);
    for (let i = 0; i < hiddenSize; i++) data[h * hiddenSize + i] = stream.normal() * initializerRange;
  }
  return runtime.stateTensor('float32', [heads, hiddenSize], data);
}

/**
 * How often each member of an ensemble sees each pair: as often as in a draw with replacement, in the limit (Poisson with
 * mean 1, as in online bagging, Oza & Russell 2001). A single one sees each once. [pairs][members]
 */
export function bootstrap(pairs: number, members: number, random: Random): Float32Array[] {
  const streams = Array.from({ length: members }, (_, m) => random.split(`${m}`));
  return Array.from({ length: pairs }, () =>
    members === 1 ? Float32Array.of(1) : Float32Array.from(streams, (stream) => poisson(stream.next())),
  );
}

/** The count whose place in Poisson's distribution with mean 1 is `u`, in [0, 1). */
function poisson(u: number): number {
  let count = 0;
  let mass = Math.exp(-1);
  for (let below = mass; u >= below && count < 20; below += mass) mass /= ++count;
  return count;
}
