// A language model that weighs 50 kB: one token a byte, one layer, weights drawn from a fixed sequence. It knows
// nothing and trains in an instant, which is all that tests of the editor need.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SPECIAL = ['<|pad|>', '<|end|>', '<|system|>', '<|user|>', '<|assistant|>'];
const WIDTH = 32;
const FEED_FORWARD = 64;
const HEADS = 2;
const TEMPLATE =
  "{% for message in messages %}{% if message.role == 'assistant' %}<|assistant|>{% generation %}{{ message.content }}<|end|>{% endgeneration %}{% else %}{{ '<|' + message.role + '|>' + message.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

/** The letters that byte-level tokenizers write for the 256 bytes. */
function byteLetters() {
  const printable = (/** @type {number} */ byte) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

/**
 * Writes the model in Hugging Face's layout.
 * @param {string} folder
 */
export function writeTinyModel(folder) {
  mkdirSync(folder, { recursive: true });
  const write = (/** @type {string} */ name, /** @type {unknown} */ value) =>
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value, null, 2));
  const letters = byteLetters();
  const vocabulary = SPECIAL.length + letters.length;
  write('config.json', {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabulary,
    hidden_size: WIDTH,
    intermediate_size: FEED_FORWARD,
    num_hidden_layers: 1,
    num_attention_heads: HEADS,
    num_key_value_heads: 1,
    max_position_embeddings: 128,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: 1,
    pad_token_id: 0,
  });
  write('generation_config.json', { eos_token_id: 1, pad_token_id: 0 });
  write('tokenizer.json', {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries([...SPECIAL, ...letters].map((token, id) => [token, id])),
      merges: [],
    },
  });
  write('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: '<|end|>',
    pad_token: '<|pad|>',
    model_max_length: 128,
  });
  write('chat_template.jinja', TEMPLATE);
  writeWeights(join(folder, 'model.safetensors'), vocabulary);
}

/**
 * @param {string} file
 * @param {number} vocabulary
 */
function writeWeights(file, vocabulary) {
  const half = WIDTH / HEADS;
  const layer = 'model.layers.0';
  /** @type {Record<string, number[]>} */
  const shapes = {
    'model.embed_tokens.weight': [vocabulary, WIDTH],
    [`${layer}.input_layernorm.weight`]: [WIDTH],
    [`${layer}.mlp.down_proj.weight`]: [WIDTH, FEED_FORWARD],
    [`${layer}.mlp.gate_proj.weight`]: [FEED_FORWARD, WIDTH],
    [`${layer}.mlp.up_proj.weight`]: [FEED_FORWARD, WIDTH],
    [`${layer}.post_attention_layernorm.weight`]: [WIDTH],
    [`${layer}.self_attn.k_proj.weight`]: [half, WIDTH],
    [`${layer}.self_attn.o_proj.weight`]: [WIDTH, WIDTH],
    [`${layer}.self_attn.q_proj.weight`]: [WIDTH, WIDTH],
    [`${layer}.self_attn.v_proj.weight`]: [half, WIDTH],
    'model.norm.weight': [WIDTH],
  };
  let seed = 1;
  // Numerical Recipes' linear congruential sequence: any fixed unrest will do.
  const draw = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { format: 'pt' } };
  const parts = [];
  let offset = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const values = Float32Array.from({ length: size }, () => (shape.length === 1 ? 1 : draw() * 0.2));
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    parts.push(Buffer.from(values.buffer));
    offset += values.byteLength;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, ...parts]));
}
