import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { openCheckpoint, writeCheckpoint } from '../../src/models/checkpoint';
import { parameterShapes, parseLlamaConfig, type LlamaConfig } from '../../src/models/hf-config';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/models/safetensors';
import { GOLDEN_FOLDER } from '../golden/load';

const TOKENIZER = join(GOLDEN_FOLDER, 'tokenizer');
const CONFIG = {
  model_type: 'llama',
  vocab_size: 16,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  tie_word_embeddings: true,
  eos_token_id: 3,
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const valuesOf = (config: LlamaConfig) => {
  const shapes = new Map(parameterShapes(config).map(({ name, shape }) => [name, size(shape)]));
  return (name: string) => Float32Array.from({ length: shapes.get(name) ?? 0 }, (_, i) => name.length + i / 7);
};
const json = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

function write(extra: Partial<Parameters<typeof writeCheckpoint>[1]> = {}): LlamaConfig {
  const config = parseLlamaConfig(CONFIG);
  writeCheckpoint(folder, { config, tensor: valuesOf(config), tokenizerFrom: TOKENIZER, ...extra });
  return config;
}

/** Writes the weights again after a change to the list of tensors. */
function rewrite(change: (tensors: TensorToWrite[]) => TensorToWrite[]): void {
  const config = parseLlamaConfig(CONFIG);
  const tensors = parameterShapes(config).map(({ name, shape }): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape,
    data: valuesOf(config)(name),
  }));
  writeSafetensors(join(folder, 'model.safetensors'), change(tensors));
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error.format();
    throw error;
  }
  return 'accepted';
}

describe('writing', () => {
  it('makes the files of the contract and nothing else, and reads back what was put in', () => {
    const config = write();
    expect(readdirSync(folder).sort()).toEqual([
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.config).toMatchObject({ hiddenSize: 8, tied: true, eosTokenIds: [3] });
    for (const { name } of parameterShapes(config)) expect(checkpoint.read(name)).toEqual(valuesOf(config)(name));
    checkpoint.close();
    expect(json('generation_config.json')).toEqual({ bos_token_id: null, pad_token_id: null, eos_token_id: 3 });
  });

  it('over a checkpoint that is there leaves the same bytes', () => {
    write();
    const before = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'base64'));
    write();
    expect(readdirSync(folder).map((name) => readFileSync(join(folder, name), 'base64'))).toEqual(before);
  });

  it('in BF16 halves the file and says so in the config', () => {
    const config = write({ dtype: 'BF16' });
    expect(json('config.json')).toMatchObject({ dtype: 'bfloat16' });
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.weights.get('model.norm.weight').dtype).toBe('BF16');
    const [ours, given] = [checkpoint.read('model.norm.weight'), valuesOf(config)('model.norm.weight')];
    ours.forEach((x, i) => expect(Math.abs(x - given[i])).toBeLessThanOrEqual(given[i] / 256));
    checkpoint.close();
  });

  it('takes a template and stop tokens of its own, else those of the tokenizer folder', () => {
    write({ chatTemplate: '{{ messages }}', eosTokenIds: [5, 6] });
    expect(readFileSync(join(folder, 'chat_template.jinja'), 'utf8')).toBe('{{ messages }}');
    expect(json('generation_config.json')).toMatchObject({ eos_token_id: [5, 6] });

    const source = join(folder, 'source');
    cpSync(TOKENIZER, source, { recursive: true });
    rmSync(join(source, 'chat_template.jinja'));
    const named = [
      { name: 'tools', template: 'T' },
      { name: 'default', template: 'D' },
    ];
    writeFileSync(
      join(source, 'tokenizer_config.json'),
      JSON.stringify({ chat_template: named, auto_map: { AutoTokenizer: 'code.py' }, eos_token: '<|end|>' }),
    );
    writeFileSync(join(source, 'generation_config.json'), JSON.stringify({ eos_token_id: [4], temperature: 0.6 }));
    write({ tokenizerFrom: source });
    expect(readFileSync(join(folder, 'chat_template.jinja'), 'utf8')).toBe('D');
    expect(json('generation_config.json')).toMatchObject({ eos_token_id: 4, temperature: 0.6 });
    expect(json('tokenizer_config.json')).toEqual({
      eos_token: '<|end|>',
      tokenizer_class: 'PreTrainedTokenizerFast',
    });
  });

  it('says where a tokenizer is missing', () => {
    expect(refusal(() => write({ tokenizerFrom: join(folder, 'none') }))).toMatch(/none: .*no tokenizer.json/);
  });

  it('values of a wrong length are our bug and leave the old weights', () => {
    write();
    const before = readFileSync(join(folder, 'model.safetensors'));
    expect(() => write({ tensor: () => new Float32Array(1) })).toThrow(RangeError);
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(before);
  });
});

describe('opening', () => {
  it.each<[string, (tensors: TensorToWrite[]) => TensorToWrite[], RegExp]>([
    ['a missing tensor', (all) => all.slice(1), /missing: model.embed_tokens.weight/],
    [
      'a tensor too many',
      (all) => [...all, { ...all[1], name: 'model.layers.0.self_attn.q_norm.weight' }],
      /not known to this architecture: model.layers.0.self_attn.q_norm.weight/,
    ],
    [
      'another shape',
      (all) => all.map((t) => (t.name === 'model.norm.weight' ? { ...t, shape: [2, 4] } : t)),
      /model.norm.weight is \[2, 4\], not \[8\]/,
    ],
    ['many faults', () => [], /missing: ([^,]+, ){4}[^,]+ and 6 more/],
    [
      'a tied output that differs',
      (all) => [...all, { ...all[0], name: 'lm_head.weight', data: new Float32Array(128) }],
      /ties the output[^]*tie_word_embeddings/,
    ],
    ['a tied output that is the same', (all) => [...all, { ...all[0], name: 'lm_head.weight' }], /^accepted$/],
    [
      'old rotary tables',
      (all) => [...all, { ...all[1], name: 'model.layers.0.self_attn.rotary_emb.inv_freq' }],
      /^accepted$/,
    ],
  ])('%s', (_, change, message) => {
    write();
    rewrite(change);
    expect(refusal(() => openCheckpoint(folder).close())).toMatch(message);
  });

  it('names the file that is missing', () => {
    expect(refusal(() => openCheckpoint(join(folder, 'nowhere')))).toMatch(/nowhere: There is no such model folder/);
    expect(refusal(() => openCheckpoint(folder))).toMatch(/config.json/);
    write();
    rmSync(join(folder, 'model.safetensors'));
    expect(refusal(() => openCheckpoint(folder))).toMatch(/no model.safetensors/);
  });

  it('a checkpoint in shards and BF16 is the same model', () => {
    const config = write();
    const whole = readSafetensors(join(folder, 'model.safetensors'));
    const weight_map: Record<string, string> = {};
    for (const [i, half] of [whole.names.slice(0, 4), whole.names.slice(4)].entries()) {
      const shard = `model-0000${i + 1}-of-00002.safetensors`;
      const tensors = half.map((name): TensorToWrite => {
        weight_map[name] = shard;
        return { name, dtype: 'BF16', shape: whole.get(name).shape, data: whole.get(name).float32() };
      });
      writeSafetensors(join(folder, shard), tensors);
    }
    whole.close();
    rmSync(join(folder, 'model.safetensors'));
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
    const checkpoint = openCheckpoint(folder);
    for (const { name } of parameterShapes(config)) {
      const [ours, given] = [checkpoint.read(name), valuesOf(config)(name)];
      ours.forEach((x, i) => expect(Math.abs(x - given[i])).toBeLessThanOrEqual(given[i] / 256));
    }
    checkpoint.close();
  });
});
