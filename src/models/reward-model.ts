import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../config/errors';
import { replaceFile } from '../data/durable';
import type { Runtime, Tensor } from '../tensor/runtime';
import { ChatTemplate } from './chat';
import { openCheckpoint, SCORE_HEAD, writeCheckpoint } from './checkpoint';
import type { LlamaConfig } from './hf-config';
import { RewardScorer } from './reward-scorer';
import { readSafetensors, writeSafetensors } from './safetensors';
import { loadTokenizer, type Tokenizer } from './tokenizer';
import { readModelJson } from './tokenizer-files';
import { ModelWeights } from './weights';

/** Beside the Hugging Face files: the heads one by one, and what normalises their scores. */
const HEADS_FILE = 'heads.safetensors';
const HEADS = 'heads.weight';
const REWARD_FILE = 'reward.json';

/** Mean and standard deviation of a head's scores over answers of the stage that trained it. */
export interface Normalisation {
  mean: number;
  std: number;
}

const rewardSchema = z.object({
  v: z.literal(1),
  /** One a head. */
  normalisation: z.array(z.object({ mean: z.number(), std: z.number().gt(0) })).min(1),
  /** How many answers they are of. */
  answers: z.number().int().min(0),
});
export type RewardFacts = Omit<z.infer<typeof rewardSchema>, 'v'>;

export interface RewardModelToWrite {
  config: LlamaConfig;
  tensor: (name: string) => Float32Array;
  /** [heads · hidden] */
  heads: Float32Array;
  facts: RewardFacts;
  tokenizer: Tokenizer;
  chatTemplate?: string;
}

/**
 * Writes a reward model as transformers' LlamaForSequenceClassification with one label: `score.weight` is the mean of the
 * heads, so that its score is the mean of theirs; the heads stand beside it where there are several.
 */
export function writeRewardModel(folder: string, model: RewardModelToWrite): void {
  const { config, heads, facts, tokenizer, chatTemplate } = model;
  const { hiddenSize } = config;
  const count = heads.length / hiddenSize;
  const mean = Float32Array.from({ length: hiddenSize }, (_, i) => {
    let sum = 0;
    for (let h = 0; h < count; h++) sum += heads[h * hiddenSize + i];
    return sum / count;
  });
  writeCheckpoint(folder, {
    // transformers finds the last token as the last that is no padding: a padding that ends answers would hide the end
    config: { ...config, padTokenId: paddingOf(tokenizer, config), tied: true },
    kind: 'reward',
    tensor: (name) => (name === SCORE_HEAD ? mean : model.tensor(name)),
    tokenizerFrom: tokenizer.folder,
    chatTemplate,
    eosTokenIds: tokenizer.eosIds,
  });
  if (count > 1)
    writeSafetensors(join(folder, HEADS_FILE), [
      { name: HEADS, dtype: 'F32', shape: [count, hiddenSize], data: heads },
    ]);
  replaceFile(join(folder, REWARD_FILE), `${JSON.stringify({ v: 1, ...facts }, null, 2)}\n`);
}

/** A token that no answer ends in, for transformers; null where there is none: it then takes one row at a time. */
function paddingOf({ padId, eosIds }: Tokenizer, { vocabSize }: LlamaConfig): number | null {
  return padId < vocabSize && !eosIds.includes(padId) ? padId : null;
}

/** The heads of a reward model's folder, [heads · hidden]. */
export function readHeads(folder: string): Float32Array {
  const own = join(folder, HEADS_FILE);
  const several = existsSync(own);
  const file = readSafetensors(several ? own : join(folder, 'model.safetensors'));
  try {
    return file.get(several ? HEADS : SCORE_HEAD).float32();
  } finally {
    file.close();
  }
}

/** A reward model that is ready to score. */
export class RewardModel {
  private readonly scorer: RewardScorer;

  private constructor(
    readonly folder: string,
    readonly tokenizer: Tokenizer,
    readonly template: ChatTemplate | null,
    private readonly weights: ModelWeights,
    private readonly head: Tensor,
    /** One a head; mean 0 and deviation 1 where the folder says nothing of it. */
    readonly normalisation: readonly Normalisation[],
    runtime: Runtime,
  ) {
    const inputs = { ...weights.inputs, [SCORE_HEAD]: head };
    const { config, positions } = weights;
    this.scorer = new RewardScorer(runtime, { config, positions, heads: this.heads, inputs });
  }

  /** Opens a folder. `positions`: the longest sequence to score, less where the model knows less. */
  static load(runtime: Runtime, folder: string, positions = Infinity): RewardModel {
    const checkpoint = openCheckpoint(folder, 'reward');
    try {
      const { config } = checkpoint;
      const heads = readHeads(folder);
      const count = heads.length / config.hiddenSize;
      const facts = readFacts(folder, count);
      const most = Math.min(positions, config.maxPositions, MOST_POSITIONS);
      const weights = ModelWeights.load(runtime, config, most, (name) => checkpoint.read(name));
      const head = runtime.stateTensor('float32', [count, config.hiddenSize], heads);
      return new RewardModel(
        folder,
        loadTokenizer(folder),
        ChatTemplate.find(folder),
        weights,
        head,
        facts?.normalisation ?? Array.from({ length: count }, () => ({ mean: 0, std: 1 })),
        runtime,
      );
    } finally {
      checkpoint.close();
    }
  }

  get heads(): number {
    return this.head.dims[0];
  }
  get positions(): number {
    return this.weights.positions;
  }

  /** Raw scores [heads] of sequences of this model's own tokens. */
  score(sequences: readonly Int32Array[]): Promise<Float32Array[]> {
    return this.scorer.score(sequences);
  }

  /** Scores [heads] such that the answers of the stage that trained it have mean 0 and deviation 1. */
  async scoreNormalised(sequences: readonly Int32Array[]): Promise<Float64Array[]> {
    return (await this.score(sequences)).map((scores) => this.normalise(scores));
  }

  /** The raw scores of an answer by its heads, normalised. */
  normalise(scores: ArrayLike<number>): Float64Array {
    return Float64Array.from(scores, (r, h) => (r - this.normalisation[h].mean) / this.normalisation[h].std);
  }

  release(): void {
    this.scorer.release();
    this.head.release();
    this.weights.release();
  }
}

const MOST_POSITIONS = 32_768;

function readFacts(folder: string, heads: number): RewardFacts | undefined {
  const value = readModelJson(folder, REWARD_FILE);
  if (value === null) return undefined;
  const parsed = rewardSchema.safeParse(value);
  if (parsed.success && parsed.data.normalisation.length === heads) return parsed.data;
  throw new UserError('The normalisation of this reward model cannot be read.', {
    file: join(folder, REWARD_FILE),
    hint: 'Restore the file from the run, or delete it: scores are then as the heads give them.',
    code: 'model-reward',
  });
}
