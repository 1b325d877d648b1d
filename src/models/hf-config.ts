import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';
import { replaceFile } from '../data/durable';
import { parameterCount } from './parameters';
import { isJsonObject, readModelJson } from './tokenizer-files';

export { parameterCount, type ParameterShape, parameterShapes } from './parameters';
export { ropeFrequencies, ropeTables } from './rope';

export type RopeScaling =
  | { readonly kind: 'none' }
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositions: number;
    };

/** A Llama-family decoder, as a Hugging Face config.json describes it. */
export interface LlamaConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; divides `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  readonly maxPositions: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  readonly rmsEps: number;
  /** The output projection is the input embedding. */
  readonly tied: boolean;
  /** Biases on q, k, v and o. */
  readonly attentionBias: boolean;
  /** Biases on gate, up and down. */
  readonly mlpBias: boolean;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
  /** Standard deviation of freshly drawn matrices. */
  readonly initializerRange: number;
  /** The JSON object as it was read; unknown keys survive a rewrite. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** What a model folder holds: a language model, or a backbone with a head that scores. */
export type ModelKind = 'language' | 'reward';
const ARCHITECTURES: Readonly<Record<ModelKind, string>> = {
  language: 'LlamaForCausalLM',
  reward: 'LlamaForSequenceClassification',
};
const ROPE_KINDS = ['default', 'linear', 'llama3'];

/** Above these a config is a mistake or an attack, not a model that this machine could hold. */
const LIMITS = {
  vocabSize: 2 ** 22,
  hiddenSize: 2 ** 17,
  intermediateSize: 2 ** 20,
  layers: 1024,
  heads: 4096,
  positions: 2 ** 24,
  parameters: 2 ** 37,
};

/** Reads typed fields of one JSON object and names file and key in every error. */
class Fields {
  constructor(
    private readonly raw: Readonly<Record<string, unknown>>,
    private readonly file: string | undefined,
    private readonly prefix = '',
  ) {}

  fail(key: string, wanted: string, hint?: string): never {
    const value: unknown = this.raw[key];
    const got = value === undefined ? 'is missing' : `is ${JSON.stringify(value)?.slice(0, 80)}`;
    throw new UserError(`${this.prefix}${key} ${got}; ${wanted}.`, { file: this.file, hint, code: 'model-config' });
  }

  /** A missing key and null are the same, as transformers has it. */
  private value(key: string): unknown {
    return this.raw[key] ?? undefined;
  }

  count(key: string, limit: number, fallback?: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > limit) {
      return this.fail(key, `it must be a whole number from 1 to ${limit}`);
    }
    return value;
  }

  positive(key: string, fallback?: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      return this.fail(key, 'it must be a number above 0');
    }
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.value(key) ?? fallback;
    return typeof value === 'boolean' ? value : this.fail(key, 'it must be true or false');
  }

  object(key: string): Record<string, unknown> | undefined {
    const value = this.value(key);
    return value === undefined || isJsonObject(value) ? value : this.fail(key, 'it must be an object');
  }

  /** Token ids: one, a list, or none. −1 stands for none in older files. */
  tokens(key: string, vocabSize: number): number[] {
    const value = this.value(key) ?? [];
    return (Array.isArray(value) ? (value as unknown[]) : [value])
      .filter((id) => id !== -1)
      .map((id) =>
        typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize
          ? id
          : this.fail(key, `token ids must be whole numbers below vocab_size (${vocabSize})`),
      );
  }
}

function refuseUnknownArchitecture(raw: Record<string, unknown>, kind: ModelKind, file?: string): void {
  const { model_type: type, architectures } = raw;
  const named = Array.isArray(architectures) ? (architectures as unknown[]) : undefined;
  const wanted = ARCHITECTURES[kind];
  const known = named === undefined ? type === 'llama' : named[0] === wanted;
  if (known && (type === undefined || type === 'llama')) return;
  const other = (['language', 'reward'] as const).find((one) => one !== kind && named?.[0] === ARCHITECTURES[one]);
  if (other !== undefined)
    throw new UserError(`The folder holds a ${other} model; a ${kind} model is wanted here.`, {
      file,
      hint: `A ${kind} model's config.json names ${wanted}.`,
      code: 'model-architecture',
    });
  const name = named?.[0] ?? type;
  throw new UserError(
    name === undefined
      ? 'The file names neither architectures nor model_type.'
      : `The architecture ${JSON.stringify(name)} (model_type ${JSON.stringify(type)}) is not supported.`,
    { file, hint: `Supported: ${wanted} (model_type llama).`, code: 'model-architecture' },
  );
}

/** transformers 5 keeps all of it in rope_parameters; older files have rope_theta and rope_scaling. */
function parseRope(
  fields: Fields,
  maxPositions: number,
  file?: string,
): Pick<LlamaConfig, 'ropeTheta' | 'ropeScaling'> {
  const key = fields.object('rope_scaling') ? 'rope_scaling' : 'rope_parameters';
  const raw = fields.object(key) ?? {};
  const rope = new Fields(raw, file, `${key}.`);
  const ropeTheta = rope.positive('rope_theta', fields.positive('rope_theta', 10000));
  const kind = raw.rope_type ?? raw.type ?? 'default';
  const partial = rope.positive('partial_rotary_factor', fields.positive('partial_rotary_factor', 1));
  if (partial !== 1) rope.fail('partial_rotary_factor', 'only 1 (all of a head is rotated) is supported');
  switch (kind) {
    case 'default':
      return { ropeTheta, ropeScaling: { kind: 'none' } };
    case 'linear':
      return { ropeTheta, ropeScaling: { kind: 'linear', factor: rope.positive('factor') } };
    case 'llama3': {
      const lowFreqFactor = rope.positive('low_freq_factor');
      const highFreqFactor = rope.positive('high_freq_factor');
      if (highFreqFactor <= lowFreqFactor) rope.fail('high_freq_factor', 'it must be above low_freq_factor');
      const originalMaxPositions = rope.count('original_max_position_embeddings', LIMITS.positions, maxPositions);
      return {
        ropeTheta,
        ropeScaling: {
          kind: 'llama3',
          factor: rope.positive('factor'),
          lowFreqFactor,
          highFreqFactor,
          originalMaxPositions,
        },
      };
    }
    default:
      throw new UserError(`The rope kind ${JSON.stringify(kind)} is not supported.`, {
        file,
        hint: `Supported: ${ROPE_KINDS.join(', ')}.`,
        code: 'model-rope',
      });
  }
}

/**
 * Checks a parsed config.json and gives it types. Nothing is allocated for the model.
 * @param value the parsed JSON
 * @param file its path, for messages
 * @param kind a reward model has no output matrix, so that it counts as tied
 * @throws UserError naming the key: unknown architecture, rope kind or activation (with the supported ones), a missing
 *   or absurd size, dimensions that do not divide
 */
export function parseLlamaConfig(value: unknown, file?: string, kind: ModelKind = 'language'): LlamaConfig {
  if (!isJsonObject(value))
    throw new UserError('A model config must be a JSON object.', { file, code: 'model-config' });
  refuseUnknownArchitecture(value, kind, file);
  const fields = new Fields(value, file);
  if ((value.hidden_act ?? 'silu') !== 'silu') fields.fail('hidden_act', 'supported: silu');
  if (isJsonObject(value.quantization_config))
    fields.fail('quantization_config', 'quantised weights are not supported');
  if (value.sliding_window != null) fields.fail('sliding_window', 'supported: none (full attention)');

  const vocabSize = fields.count('vocab_size', LIMITS.vocabSize);
  const hiddenSize = fields.count('hidden_size', LIMITS.hiddenSize);
  const heads = fields.count('num_attention_heads', LIMITS.heads);
  const kvHeads = fields.count('num_key_value_heads', LIMITS.heads, heads);
  if (hiddenSize % heads !== 0) fields.fail('hidden_size', `it must be a multiple of num_attention_heads (${heads})`);
  if (heads % kvHeads !== 0) fields.fail('num_key_value_heads', `it must divide num_attention_heads (${heads})`);
  const headDim = fields.count('head_dim', LIMITS.hiddenSize, hiddenSize / heads);
  if (headDim % 2 !== 0) {
    throw new UserError(`The head size is ${headDim}; rotary embeddings need an even one.`, {
      file,
      hint: 'Change hidden_size, num_attention_heads or head_dim.',
      code: 'model-config',
    });
  }
  const maxPositions = fields.count('max_position_embeddings', LIMITS.positions, 2048);
  const config: LlamaConfig = {
    vocabSize,
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', LIMITS.intermediateSize),
    layers: fields.count('num_hidden_layers', LIMITS.layers),
    heads,
    kvHeads,
    headDim,
    maxPositions,
    ...parseRope(fields, maxPositions, file),
    rmsEps: fields.positive('rms_norm_eps', 1e-6),
    tied: fields.flag('tie_word_embeddings', false) || kind === 'reward',
    attentionBias: fields.flag('attention_bias', false),
    mlpBias: fields.flag('mlp_bias', false),
    bosTokenId: fields.tokens('bos_token_id', vocabSize)[0] ?? null,
    eosTokenIds: fields.tokens('eos_token_id', vocabSize),
    padTokenId: fields.tokens('pad_token_id', vocabSize)[0] ?? null,
    initializerRange: fields.positive('initializer_range', 0.02),
    raw: value,
  };
  const parameters = parameterCount(config);
  if (parameters > LIMITS.parameters) {
    throw new UserError(`This config describes ${parameters} parameters, more than can be trained here.`, {
      file,
      code: 'model-config',
    });
  }
  return config;
}

/**
 * Reads and checks the config.json of a model folder.
 * @throws UserError where it is missing, not JSON, or describes what is not supported
 */
export function readLlamaConfig(folder: string, kind: ModelKind = 'language'): LlamaConfig {
  const file = join(folder, 'config.json');
  // Anything but a regular file is refused before it is opened: reading a pipe would wait for its other end.
  const value = !existsSync(file) || statSync(file).isFile() ? readModelJson(folder, 'config.json') : null;
  if (value === null) {
    throw new UserError('The model folder has no config.json.', {
      file: folder,
      hint: 'A model folder holds config.json, model.safetensors and tokenizer.json in Hugging Face layout.',
      code: 'model-config',
    });
  }
  return parseLlamaConfig(value, file, kind);
}

/** transformers counts labels by these two. */
const ONE_LABEL = { id2label: { '0': 'LABEL_0' }, label2id: { LABEL_0: 0 } };

/** Keys of other writers that would contradict what is written here. */
const REPLACED = ['torch_dtype', 'auto_map', 'quantization_config', '_name_or_path'];

/** The JSON of a config as transformers 5 saves it; unknown keys of `config.raw` are kept. */
export function llamaConfigJson(
  config: LlamaConfig,
  dtype: 'float32' | 'bfloat16',
  kind: ModelKind = 'language',
): Record<string, unknown> {
  const kept = Object.entries(config.raw).filter(([key]) => !REPLACED.includes(key));
  const scaling = config.ropeScaling;
  const eos = config.eosTokenIds;
  const rope = {
    rope_type: scaling.kind === 'none' ? 'default' : scaling.kind,
    ...(scaling.kind === 'none' ? {} : { factor: scaling.factor }),
    ...(scaling.kind === 'llama3'
      ? {
          low_freq_factor: scaling.lowFreqFactor,
          high_freq_factor: scaling.highFreqFactor,
          original_max_position_embeddings: scaling.originalMaxPositions,
        }
      : {}),
  };
  return {
    ...Object.fromEntries(kept),
    architectures: [ARCHITECTURES[kind]],
    ...(kind === 'reward' ? ONE_LABEL : {}),
    model_type: 'llama',
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    max_position_embeddings: config.maxPositions,
    rms_norm_eps: config.rmsEps,
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tied,
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
    rope_parameters: { ...rope, rope_theta: config.ropeTheta },
    // Said twice, because transformers 4 and other readers of this format know only these two.
    rope_theta: config.ropeTheta,
    rope_scaling: scaling.kind === 'none' ? null : rope,
    bos_token_id: config.bosTokenId,
    eos_token_id: eos.length === 0 ? null : eos.length === 1 ? eos[0] : eos,
    pad_token_id: config.padTokenId,
    dtype,
  };
}

/** Writes `config.json` into a folder, atomically. */
export function writeLlamaConfig(
  folder: string,
  config: LlamaConfig,
  dtype: 'float32' | 'bfloat16' = 'float32',
  kind: ModelKind = 'language',
): void {
  const text = `${JSON.stringify(llamaConfigJson(config, dtype, kind), null, 2)}\n`;
  replaceFile(join(folder, 'config.json'), text);
}
