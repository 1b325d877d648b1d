import { UserError } from '../config/errors';
import type { Runtime, Tensor } from '../tensor/runtime';
import { ChatTemplate } from './chat';
import { openCheckpoint, SCORE_HEAD } from './checkpoint';
import type { LlamaConfig } from './hf-config';
import { memberCount, memberFolder, type Normalisation, readFacts, readHeads } from './reward-files';
import { RewardScorer } from './reward-scorer';
import { loadTokenizer, type Tokenizer } from './tokenizer';
import { ModelWeights } from './weights';

const MOST_POSITIONS = 32_768;

/** A backbone and its heads. */
interface Trunk {
  weights: ModelWeights;
  /** [heads, hidden] */
  head: Tensor;
}

/** A reward model that is ready to score: one trunk with a head or several, or an ensemble of whole models. */
export class RewardModel {
  private readonly scorer: RewardScorer;

  private constructor(
    runtime: Runtime,
    readonly folder: string,
    readonly tokenizer: Tokenizer,
    readonly template: ChatTemplate | null,
    private readonly trunks: readonly Trunk[],
    /** One a member; mean 0 and deviation 1 where the folder says nothing of it. */
    readonly normalisation: readonly Normalisation[],
  ) {
    const [{ weights, head }] = trunks;
    this.scorer = new RewardScorer(runtime, {
      config: weights.config,
      positions: weights.positions,
      heads: head.dims[0],
      trunks: trunks.map((trunk) => ({ ...trunk.weights.inputs, [SCORE_HEAD]: trunk.head })),
    });
  }

  /** Opens a folder. `positions`: the longest sequence to score, less where the model knows less. */
  static load(runtime: Runtime, folder: string, positions = Infinity): RewardModel {
    const trunks: Trunk[] = [];
    try {
      const count = memberCount(folder);
      for (let member = 0; member < count; member++) {
        const trunk = loadTrunk(runtime, memberFolder(folder, member), positions);
        trunks.push(trunk);
        refuseOtherShape(trunk, trunks[0], memberFolder(folder, member));
      }
      const members = count * trunks[0].head.dims[0];
      const known = readFacts(folder, members)?.normalisation;
      const normalisation = known ?? Array.from({ length: members }, () => ({ mean: 0, std: 1 }));
      return new RewardModel(runtime, folder, loadTokenizer(folder), ChatTemplate.find(folder), trunks, normalisation);
    } catch (error) {
      for (const trunk of trunks) release(trunk);
      throw error;
    }
  }

  /** How many score: heads, or models. */
  get members(): number {
    return this.normalisation.length;
  }
  get positions(): number {
    return this.trunks[0].weights.positions;
  }

  /** Raw scores [members] of sequences of this model's own tokens. */
  score(sequences: readonly Int32Array[]): Promise<Float32Array[]> {
    return this.scorer.score(sequences);
  }

  /** Scores [members] such that the answers of the stage that trained it have mean 0 and deviation 1. */
  async scoreNormalised(sequences: readonly Int32Array[]): Promise<Float64Array[]> {
    return (await this.score(sequences)).map((scores) => this.normalise(scores));
  }

  /** Normalised scores [members] of beginnings of sequences: see `RewardScorer.scoreAt`. */
  async scoreNormalisedAt(
    sequences: readonly Int32Array[],
    places: readonly (readonly number[])[],
  ): Promise<Float64Array[][]> {
    const scores = await this.scorer.scoreAt(sequences, places);
    return scores.map((own) => own.map((raw) => this.normalise(raw)));
  }

  /** The raw scores of an answer by its members, normalised. */
  normalise(scores: ArrayLike<number>): Float64Array {
    return Float64Array.from(scores, (r, m) => (r - this.normalisation[m].mean) / this.normalisation[m].std);
  }

  release(): void {
    this.scorer.release();
    for (const trunk of this.trunks) release(trunk);
  }
}

function loadTrunk(runtime: Runtime, folder: string, positions: number): Trunk {
  const checkpoint = openCheckpoint(folder, 'reward');
  try {
    const { config } = checkpoint;
    const heads = readHeads(folder);
    const most = Math.min(positions, config.maxPositions, MOST_POSITIONS);
    return {
      weights: ModelWeights.load(runtime, config, most, (name) => checkpoint.read(name)),
      head: runtime.stateTensor('float32', [heads.length / config.hiddenSize, config.hiddenSize], heads),
    };
  } finally {
    checkpoint.close();
  }
}

/** The models of an ensemble are compiled once, so all must be of one shape. */
function refuseOtherShape(one: Trunk, first: Trunk, folder: string): void {
  const shapeOf = ({ weights, head }: Trunk): string => JSON.stringify([shapeIn(weights.config), head.dims]);
  if (shapeOf(one) === shapeOf(first)) return;
  throw new UserError('This model of an ensemble of reward models has another shape than the first.', {
    file: folder,
    hint: 'Restore the folder from the run that trained it.',
    code: 'model-reward',
  });
}

function shapeIn({ raw: _, ...shape }: LlamaConfig): Omit<LlamaConfig, 'raw'> {
  return shape;
}

function release({ weights, head }: Trunk): void {
  head.release();
  weights.release();
}
