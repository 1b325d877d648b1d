import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../config/errors';
import { namesIn, replaceFile } from '../data/durable';
import { SCORE_HEAD, writeCheckpoint } from './checkpoint';
import type { LlamaConfig } from './hf-config';
import { readSafetensors, writeSafetensors } from './safetensors';
import type { Tokenizer } from './tokenizer';
import { readModelJson } from './tokenizer-files';

/** Beside the Hugging Face files: the heads one by one, what normalises scores, and the other models of an ensemble. */
const HEADS_FILE = 'heads.safetensors';
const HEADS = 'heads.weight';
const REWARD_FILE = 'reward.json';
const MEMBERS_FOLDER = 'members';

/** Mean and standard deviation of a member's scores over answers of the stage that trained it. */
export interface Normalisation {
  mean: number;
  std: number;
}

const rewardSchema = z.object({
  v: z.literal(1),
  /** One a member: a head, or a model of an ensemble of models. */
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
 * heads, so that its score is the mean of theirs; the heads stand beside it where there are several. An ensemble of models
 * is written one by one, each to its `memberFolder`; the facts of the first are those of all.
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

/**
 * The folder of a model of an ensemble, counted from 0: the first is the reward model's own folder, the others stand in
 * it. Each is a reward model that can be opened by itself.
 */
export const memberFolder = (folder: string, member: number): string =>
  member === 0 ? folder : join(folder, MEMBERS_FOLDER, String(member + 1));

/** How many models a reward model's folder holds; 1 unless it is an ensemble of models. */
export function memberCount(folder: string): number {
  const place = join(folder, MEMBERS_FOLDER);
  const numbers = namesIn(place)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  const missing = numbers.findIndex((number, i) => number !== i + 2);
  if (missing < 0) return numbers.length + 1;
  throw new UserError(`Model ${missing + 2} of this ensemble of reward models is missing.`, {
    file: place,
    hint: 'Restore the folder from the run that trained it, or run the reward stage again.',
    code: 'model-reward',
  });
}

/** What normalises the scores of so many members; undefined where the folder says nothing of it. */
export function readFacts(folder: string, members: number): RewardFacts | undefined {
  const value = readModelJson(folder, REWARD_FILE);
  if (value === null) return undefined;
  const parsed = rewardSchema.safeParse(value);
  if (parsed.success && parsed.data.normalisation.length === members) return parsed.data;
  const found = parsed.success
    ? ` It is of ${parsed.data.normalisation.length} members, the folder has ${members}.`
    : '';
  throw new UserError(`The normalisation of this reward model cannot be read.${found}`, {
    file: join(folder, REWARD_FILE),
    hint: 'Restore the folder from the run, or delete this file: scores are then as the members give them.',
    code: 'model-reward',
  });
}
