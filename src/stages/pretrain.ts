import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';
import type { ResolvedStage } from '../config/experiment';
import type { PretrainConfig } from '../config/schema/experiment';
import type { Example } from '../data/example';
import { packBlocks } from '../data/packing';
import { Random } from '../data/random';
import type { Row } from '../data/rows';
import { trainBpe, writeBpe } from '../models/bpe';
import { parseLlamaConfig } from '../models/hf-config';
import { renderRow } from '../models/render';
import { type Tokenizer, loadTokenizer } from '../models/tokenizer';
import { ModelWeights } from '../models/weights';
import type { Runtime } from '../tensor/runtime';
import type { StageContext } from './context';
import { NextTokenTask } from './training/next-token-task';
import type { Task } from './task';
import { loadWeights, missingModel, positionsFor, readSplit, samplePrompts, templateOf } from './training/texts';

/** The vocabulary of a fresh model is rounded up to this, which products of matrices like. */
const VOCABULARY_STEP = 64;
const END_OF_TEXT = '<|endoftext|>';

/** Pre-training: documents, each ended by the end token, are joined and cut into blocks; every token is learnt. */
export async function preparePretrain(
  stage: ResolvedStage,
  config: PretrainConfig,
  context: StageContext,
): Promise<Task> {
  const { runtime, modelFolder } = context;
  const rows = readSplit(stage);
  const tokenizer = tokenizerFor(stage, config, context, rows.train);
  const template = templateOf(config, stage.inputs.chatTemplate, tokenizer);
  const weights = stage.inputs.architecture
    ? freshWeights(stage, stage.inputs.architecture, tokenizer, config, runtime)
    : loadWeights(runtime, modelFolder ?? noModel(stage), config.max_length);
  const length = Math.min(config.max_length, weights.config.maxPositions);
  const blocks = (documents: readonly Row[], order?: Random) => {
    const examples = documents.flatMap((row): Example[] => {
      const example = renderRow(row, tokenizer, template, { lossOn: 'all' });
      return example ? [example] : [];
    });
    if (order) order.shuffle(examples);
    return packBlocks(examples, length);
  };
  const train = blocks(rows.train, config.shuffle ? Random.from(stage.seed, stage.name, 'documents') : undefined);
  context.say(
    `${rows.train.length} documents in ${train.length} blocks of ${length} tokens, vocabulary ${tokenizer.vocabSize}`,
  );
  return new NextTokenTask({
    runtime,
    weights,
    tokenizer,
    config,
    stage: stage.name,
    seed: stage.seed,
    train,
    heldOut: blocks(rows.heldOut),
    prompts: samplePrompts(stage, rows.heldOut, {
      tokenizer,
      template,
      chat: false,
      positions: weights.positions,
      warn: context.warn,
    }),
    chatTemplate: template?.source,
  });
}

function noModel(stage: ResolvedStage): never {
  throw missingModel(stage);
}

/** The given tokenizer, the model's, or one trained on the data; that one is made once and kept in the run's folder. */
function tokenizerFor(
  stage: ResolvedStage,
  config: PretrainConfig,
  context: StageContext,
  rows: readonly Row[],
): Tokenizer {
  const given = config.tokenizer;
  if (given === null) return loadTokenizer(context.modelFolder ?? noModel(stage));
  if (typeof given === 'string') return loadTokenizer(stage.inputs.tokenizer ?? given);
  const folder = join(context.runFolder, 'tokenizer');
  if (!existsSync(join(folder, 'tokenizer_config.json'))) {
    const special = given.special_tokens.length ? given.special_tokens : [END_OF_TEXT];
    const named = (pattern: RegExp): string | undefined => special.find((token) => pattern.test(token));
    context.say(`training a tokenizer of ${given.vocab_size} tokens`);
    const texts = rows.map((row) => (row.kind === 'text' ? row.text : ''));
    writeBpe(folder, trainBpe(texts, { vocabSize: given.vocab_size, specialTokens: special }), {
      eosToken: named(/end|eos/i) ?? special[special.length - 1],
      bosToken: named(/bos|begin|^<s>$/i),
      padToken: named(/pad/i),
      maxLength: config.max_length,
    });
  }
  return loadTokenizer(folder);
}

/** Random weights of the architecture in a config.json, with the vocabulary and special tokens of the tokenizer. */
function freshWeights(
  stage: ResolvedStage,
  path: string,
  tokenizer: Tokenizer,
  config: PretrainConfig,
  runtime: Runtime,
): ModelWeights {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, 'config.json') : path;
  let raw: object;
  try {
    raw = Object(JSON.parse(readFileSync(file, 'utf8'))) as object;
  } catch (cause) {
    throw new UserError('The architecture is not a JSON file.', {
      file,
      hint: 'Name a config.json in Hugging Face layout.',
      cause,
    });
  }
  const own = {
    vocab_size: Math.ceil(tokenizer.vocabSize / VOCABULARY_STEP) * VOCABULARY_STEP,
    bos_token_id: tokenizer.bosId ?? null,
    eos_token_id: tokenizer.eosId ?? null,
    pad_token_id: tokenizer.padId,
  };
  const parsed = parseLlamaConfig({ ...raw, ...own }, file);
  const random = Random.from(stage.seed, stage.name, 'weights');
  return ModelWeights.initialize(runtime, parsed, positionsFor(config.max_length, parsed.maxPositions), random);
}
