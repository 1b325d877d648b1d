import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';
import { replaceFile } from '../data/durable';
import { type LlamaConfig, type ModelKind, readLlamaConfig, writeLlamaConfig } from './hf-config';
import { type ParameterShape, parameterShapes } from './parameters';
import { openWeights, type StoredTensors, writeSafetensors } from './safetensors';
import { isJsonObject, type Json, readModelJson } from './tokenizer-files';

/** A model folder in Hugging Face layout, checked; weights are read tensor by tensor. */
export interface Checkpoint {
  readonly folder: string;
  readonly config: LlamaConfig;
  /** The raw tensors; `read` is the way to a parameter. */
  readonly weights: StoredTensors;
  /** A parameter's values as float32, into `into` where it is given. */
  read(name: string, into?: Float32Array): Float32Array;
  close(): void;
}

/** Tensors of other writers that carry nothing a Llama needs: rotary tables that old files stored. */
const IGNORABLE = /(^|\.)rotary_emb\.inv_freq$/;

/** At most this many names in one message. */
const NAMED = 5;

function list(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `${names.slice(0, NAMED).join(', ')}${more}`;
}

/** The name of a reward model's head, as transformers has it. */
export const SCORE_HEAD = 'score.weight';

/** Every tensor of a model's folder. */
const storedShapes = (config: LlamaConfig, kind: ModelKind): ParameterShape[] => [
  ...parameterShapes(config),
  ...(kind === 'reward' ? [{ name: SCORE_HEAD, shape: [1, config.hiddenSize] }] : []),
];

/** Fails where the stored tensors are not exactly the parameters that the config describes. */
function checkWeights(folder: string, config: LlamaConfig, kind: ModelKind, weights: StoredTensors): void {
  const expected = new Map(storedShapes(config, kind).map(({ name, shape }) => [name, shape]));
  const missing = [...expected.keys()].filter((name) => !weights.has(name));
  const unexpected = weights.names.filter(
    (name) => !expected.has(name) && !IGNORABLE.test(name) && !(config.tied && name === 'lm_head.weight'),
  );
  const misshaped = [...expected].flatMap(([name, shape]) => {
    const stored = weights.has(name) ? weights.get(name).shape : shape;
    const equal = stored.length === shape.length && stored.every((dim, i) => dim === shape[i]);
    return equal ? [] : [`${name} is [${stored.join(', ')}], not [${shape.join(', ')}]`];
  });
  const faults = [
    missing.length > 0 ? `missing: ${list(missing)}` : '',
    unexpected.length > 0 ? `not known to this architecture: ${list(unexpected)}` : '',
    misshaped.length > 0 ? `of another shape: ${list(misshaped)}` : '',
  ].filter((fault) => fault !== '');
  if (faults.length > 0) {
    throw new UserError(`The weights do not fit config.json; ${faults.join('; ')}.`, {
      file: folder,
      hint: 'Check that config.json and the weights belong together.',
      code: 'model-weights',
    });
  }
  if (config.tied && weights.has('lm_head.weight')) {
    const [head, embedding] = ['lm_head.weight', 'model.embed_tokens.weight'].map((name) => weights.get(name).bytes());
    if (Buffer.compare(head, embedding) !== 0) {
      throw new UserError('config.json ties the output to the embeddings, but lm_head.weight differs from them.', {
        file: folder,
        hint: 'Set "tie_word_embeddings": false in config.json if the output matrix is one of its own.',
        code: 'model-weights',
      });
    }
  }
}

/**
 * Opens a model folder: config.json is checked first, then that the stored tensors are its parameters. The tokenizer and
 * the chat template have loaders of their own (`loadTokenizer`, `ChatTemplate.load`).
 * @throws UserError naming the folder or the file and what is missing or does not fit
 */
export function openCheckpoint(folder: string, kind: ModelKind = 'language'): Checkpoint {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new UserError('There is no such model folder.', {
      file: folder,
      hint: 'Name a folder in Hugging Face layout (config.json, model.safetensors, tokenizer.json).',
      code: 'model-folder',
    });
  }
  const config = readLlamaConfig(folder, kind);
  const weights = openWeights(folder);
  try {
    checkWeights(folder, config, kind, weights);
  } catch (error) {
    weights.close();
    throw error;
  }
  return {
    folder,
    config,
    weights,
    read: (name, into) => weights.get(name).float32(into),
    close: () => weights.close(),
  };
}

export interface CheckpointToWrite {
  readonly config: LlamaConfig;
  /** A parameter's float32 values by its Hugging Face name; asked for once each, so one at a time is held. */
  readonly tensor: (name: string) => Float32Array;
  /** The folder whose tokenizer files are copied. */
  readonly tokenizerFrom: string;
  /** Jinja source; default: the template of `tokenizerFrom`, where it has one. */
  readonly chatTemplate?: string;
  /** Token ids that end an answer (the end of a turn); default: those of `tokenizerFrom`, else of the config. */
  readonly eosTokenIds?: readonly number[];
  /** A reward model has the head `score.weight` among its tensors and no output matrix. Default: a language model. */
  readonly kind?: ModelKind;
  /** How matrices and vectors are stored: 4 or 2 bytes a number. */
  readonly dtype?: 'F32' | 'BF16';
}

function writeText(folder: string, name: string, text: string): void {
  replaceFile(join(folder, name), text);
}

function writeJson(folder: string, name: string, value: Json): void {
  writeText(folder, name, `${JSON.stringify(value, null, 2)}\n`);
}

/** A folder's chat template as text, not compiled: a template that nobody uses must not keep a model from the disk. */
function templateOf(folder: string, config: Json): string | undefined {
  const file = join(folder, 'chat_template.jinja');
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const stored = config.chat_template;
  if (!Array.isArray(stored)) return typeof stored === 'string' ? stored : undefined;
  const named: unknown = stored.find((item: unknown) => isJsonObject(item) && item.name === 'default');
  return isJsonObject(named) && typeof named.template === 'string' ? named.template : undefined;
}

/** Copies the tokenizer; the chat template becomes a file of its own and nothing refers to code. */
function writeTokenizer(folder: string, { tokenizerFrom: source, chatTemplate }: CheckpointToWrite): void {
  const file = join(source, 'tokenizer.json');
  if (!existsSync(file)) {
    throw new UserError('The folder that the tokenizer comes from has no tokenizer.json.', {
      file: source,
      hint: 'Save it there with transformers: AutoTokenizer.from_pretrained(…).save_pretrained(…).',
      code: 'tokenizer',
    });
  }
  const bytes = readFileSync(file);
  const stored = readModelJson(source, 'tokenizer_config.json') ?? {};
  const template = chatTemplate ?? templateOf(source, stored);
  const config = Object.fromEntries(
    Object.entries(stored).filter(([key]) => key !== 'chat_template' && key !== 'auto_map'),
  );
  // A class that transformers knows whatever the model is, where the source names none.
  config.tokenizer_class ??= 'PreTrainedTokenizerFast';
  replaceFile(join(folder, 'tokenizer.json'), bytes);
  writeJson(folder, 'tokenizer_config.json', config);
  const map = readModelJson(source, 'special_tokens_map.json');
  if (map !== null) writeJson(folder, 'special_tokens_map.json', map);
  if (template !== undefined) writeText(folder, 'chat_template.jinja', template);
}

function generationJson(checkpoint: CheckpointToWrite): Json {
  const { config, tokenizerFrom, eosTokenIds } = checkpoint;
  const stored = readModelJson(tokenizerFrom, 'generation_config.json') ?? {};
  const eos = eosTokenIds ?? stored.eos_token_id ?? config.eosTokenIds;
  return {
    bos_token_id: config.bosTokenId,
    pad_token_id: config.padTokenId,
    ...stored,
    eos_token_id: Array.isArray(eos) ? (eos.length === 0 ? null : eos.length === 1 ? (eos[0] as unknown) : eos) : eos,
  };
}

/**
 * Writes a model folder that transformers' AutoModelForCausalLM (or AutoModelForSequenceClassification) and AutoTokenizer
 * open as it is: config.json,
 * generation_config.json, tokenizer.json, tokenizer_config.json, chat_template.jinja and model.safetensors, which comes
 * last. Each file is synced and put in place whole. The same input gives the same bytes.
 * @throws UserError where the tokenizer's folder has none, the disk is full or the place cannot be written
 */
export function writeCheckpoint(folder: string, checkpoint: CheckpointToWrite): void {
  const { config, tensor, dtype = 'F32', kind = 'language' } = checkpoint;
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UserError('The folder for the model cannot be made.', { file: folder, cause: error });
  }
  writeLlamaConfig(folder, config, dtype === 'F32' ? 'float32' : 'bfloat16', kind);
  writeJson(folder, 'generation_config.json', generationJson(checkpoint));
  writeTokenizer(folder, checkpoint);
  writeSafetensors(
    join(folder, 'model.safetensors'),
    storedShapes(config, kind).map(({ name, shape }) => ({ name, dtype, shape, data: () => tensor(name) })),
  );
}
