import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/data/random';
import { writeCheckpoint } from '../../src/models/checkpoint';
import { parseLlamaConfig } from '../../src/models/hf-config';
import { parameterShapes } from '../../src/models/parameters';
import { writeRewardModel } from '../../src/models/reward-files';
import { loadTokenizer } from '../../src/models/tokenizer';

/** A small Llama with every optional part: grouped queries, biases, scaled rotary embedding, several stop tokens. */
const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 384,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  rope_scaling: {
    rope_type: 'llama3',
    factor: 4,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 32,
  },
  tie_word_embeddings: true,
  attention_bias: true,
  mlp_bias: true,
  bos_token_id: null,
  eos_token_id: 0,
  pad_token_id: 1,
};

/**
 * Writes a checkpoint whose bytes are always the same. Weights are uniform draws times powers of two: exact arithmetic,
 * so that no platform's logarithm or cosine can change them.
 */
export function writeGoldenCheckpoint(folder: string, tokenizerFrom: string): void {
  writeCheckpoint(folder, {
    config: parseLlamaConfig(CONFIG),
    tokenizerFrom,
    eosTokenIds: [0, 4],
    tensor: (name) => drawn(name),
  });
}

const SIZES = new Map(
  parameterShapes(parseLlamaConfig(CONFIG)).map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)]),
);

function drawn(name: string, size = SIZES.get(name) ?? 0): Float32Array {
  const random = Random.from(8, name);
  const base = name.includes('norm') ? 1 : 0;
  return Float32Array.from({ length: size }, () => base + (random.next() - 0.5) / 2);
}

/** Writes a reward model of three heads whose bytes are always the same. */
export function writeGoldenReward(folder: string, tokenizerFrom: string): void {
  const config = parseLlamaConfig(CONFIG);
  writeRewardModel(folder, {
    config,
    tokenizer: loadTokenizer(tokenizerFrom),
    tensor: (name) => drawn(name),
    heads: drawn('heads', 3 * config.hiddenSize),
    facts: { normalisation: [0.5, 1, 2].map((std, i) => ({ mean: i / 4, std })), answers: 3 },
  });
}

/** SHA-256 of each file of a folder, by name. */
export function folderHashes(folder: string): Record<string, string> {
  const hash = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, hash(name)]),
  );
}
