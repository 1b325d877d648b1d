import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import {
  llamaConfigJson,
  parameterCount,
  parameterShapes,
  parseLlamaConfig,
  readLlamaConfig,
  ropeFrequencies,
  ropeTables,
  writeLlamaConfig,
} from '../../src/models/hf-config';
import { goldenTensors, goldenValues, relativeDistance, VARIANTS } from '../golden/load';

/** A file of the days of transformers 4. */
const OLD = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 128256,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  hidden_act: 'silu',
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000.0,
  rope_scaling: {
    factor: 32.0,
    high_freq_factor: 4.0,
    low_freq_factor: 1.0,
    original_max_position_embeddings: 8192,
    rope_type: 'llama3',
  },
  tie_word_embeddings: true,
  bos_token_id: 128000,
  eos_token_id: [128001, 128008, 128009],
  torch_dtype: 'bfloat16',
};

describe('parsing', () => {
  it('reads an older file', () => {
    expect(parseLlamaConfig(OLD)).toMatchObject({
      headDim: 64,
      kvHeads: 8,
      ropeTheta: 500000,
      ropeScaling: { kind: 'llama3', factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 },
      tied: true,
      bosTokenId: 128000,
      eosTokenIds: [128001, 128008, 128009],
      padTokenId: null,
      initializerRange: 0.02,
    });
    expect(parameterCount(parseLlamaConfig(OLD))).toBe(1235814400);
  });

  it('takes the old key "type" and the defaults of transformers', () => {
    const { vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads } = OLD;
    const small = {
      model_type: 'llama',
      vocab_size,
      hidden_size,
      intermediate_size,
      num_hidden_layers,
      num_attention_heads,
    };
    expect(parseLlamaConfig({ ...small, rope_scaling: { type: 'linear', factor: 2 }, pad_token_id: -1 })).toMatchObject(
      {
        kvHeads: 32,
        headDim: 64,
        maxPositions: 2048,
        ropeTheta: 10000,
        ropeScaling: { kind: 'linear', factor: 2 },
        rmsEps: 1e-6,
        tied: false,
        padTokenId: null,
        eosTokenIds: [],
      },
    );
  });

  it('reads what transformers 5 writes, and our own again', () => {
    for (const name of VARIANTS) {
      const { config } = goldenValues('forward', name);
      const { raw, ...fields } = parseLlamaConfig(llamaConfigJson(config, 'float32'));
      expect(fields).toEqual({ ...config, raw: undefined });
      expect(raw).toMatchObject({ architectures: ['LlamaForCausalLM'], dtype: 'float32' });
    }
  });

  it('a file that is written comes back the same, with the keys that are unknown to us', () => {
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    const config = parseLlamaConfig({ ...OLD, our_note: 'kept' });
    writeLlamaConfig(folder, config, 'bfloat16');
    const again = readLlamaConfig(folder);
    expect({ ...again, raw: {} }).toEqual({ ...config, raw: {} });
    expect(again.raw).toMatchObject({ our_note: 'kept', dtype: 'bfloat16', rope_theta: 500000 });
    expect(again.raw).not.toHaveProperty('torch_dtype');
    rmSync(folder, { recursive: true });
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [
      { architectures: ['GPT2LMHeadModel'], model_type: 'gpt2' },
      /"GPT2LMHeadModel".*not supported[^]*LlamaForCausalLM/,
    ],
    [{ architectures: ['LlamaForSequenceClassification'] }, /holds a reward model; a language model is wanted/],
    [{ model_type: 'qwen2' }, /qwen2/],
    [{ architectures: [] }, /not supported/],
    [{ architectures: undefined, model_type: undefined }, /neither architectures nor model_type/],
    [{ rope_scaling: { rope_type: 'yarn', factor: 4 } }, /"yarn" is not supported[^]*default, linear, llama3/],
    [{ rope_scaling: { rope_type: 'linear' } }, /rope_scaling.factor is missing/],
    [{ rope_scaling: { rope_type: 'linear', factor: 0 } }, /above 0/],
    [{ rope_scaling: { ...OLD.rope_scaling, high_freq_factor: 1 } }, /above low_freq_factor/],
    [{ rope_scaling: 'linear' }, /must be an object/],
    [{ partial_rotary_factor: 0.5 }, /only 1/],
    [{ hidden_act: 'gelu' }, /hidden_act is "gelu"; supported: silu/],
    [{ quantization_config: { bits: 4 } }, /quantised/],
    [{ sliding_window: 4096 }, /full attention/],
    [{ hidden_size: 2047 }, /multiple of num_attention_heads/],
    [{ num_key_value_heads: 5 }, /divide num_attention_heads/],
    [{ num_key_value_heads: 0 }, /from 1 to/],
    [{ head_dim: 63 }, /need an even one/],
    [{ vocab_size: undefined }, /vocab_size is missing/],
    [{ vocab_size: 1e12 }, /from 1 to/],
    [{ num_hidden_layers: 1.5 }, /whole number/],
    [{ num_hidden_layers: 1000, intermediate_size: 1000000, hidden_size: 131072 }, /parameters, more than/],
    [{ rms_norm_eps: 'small' }, /rms_norm_eps is "small"/],
    [{ tie_word_embeddings: 1 }, /true or false/],
    [{ eos_token_id: [1, 128256] }, /below vocab_size/],
  ])('%j is refused', (change, message) => {
    try {
      parseLlamaConfig({ ...OLD, ...change }, 'config.json');
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(error.format()).toMatch(message);
      expect(error.file).toBe('config.json');
    }
  });

  it('a missing or broken file is named', () => {
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    const file = join(folder, 'config.json');
    expect(() => readLlamaConfig(folder)).toThrow(/no config.json/);
    writeFileSync(file, '{');
    expect(() => readLlamaConfig(folder)).toThrow(/not JSON/);
    writeFileSync(file, '[]');
    expect(() => readLlamaConfig(folder)).toThrow(/JSON object/);
    rmSync(file);
    mkdirSync(file);
    expect(() => readLlamaConfig(folder)).toThrow(/no config.json/);
    rmSync(folder, { recursive: true });
  });
});

describe('against PyTorch', () => {
  it.each(['llama', ...VARIANTS])('%s: names and shapes of the parameters are those of transformers', (name) => {
    const { config } = goldenValues('forward', name);
    const theirs = [...goldenTensors(name).group('initial')].map(([key, { shape }]) => ({ name: key, shape }));
    const ours = parameterShapes(config);
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect([...ours].sort(byName)).toEqual(theirs.sort(byName));
    expect(parameterCount(config)).toBe(ours.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0));
  });

  it('rotary frequencies are those of transformers to the last bit or two of float32', () => {
    for (const { name, config, inv_freq } of goldenValues('rope')) {
      const ours = ropeFrequencies(config);
      expect(ours.length, name).toBe(inv_freq.length);
      ours.forEach((x, i) => expect(Math.abs(x / inv_freq[i] - 1), `${name} ${i}`).toBeLessThan(2.5e-7));
    }
  });

  it('and so are the cosines and sines', () => {
    for (const { name, config, positions, cos, sin } of goldenValues('rope')) {
      const tables = ropeTables(config, 1001);
      const half = config.headDim / 2;
      positions.forEach((p, row) => {
        const slice = (table: Float32Array) => table.subarray(p * half, (p + 1) * half);
        // A frequency that differs in its last bit turns the angle by position × 1e-7.
        const bound = 1e-7 + p * 2e-7;
        expect(relativeDistance(slice(tables.cos), cos[row]), `${name} cos ${p}`).toBeLessThan(bound);
        if (p > 0) expect(relativeDistance(slice(tables.sin), sin[row]), `${name} sin ${p}`).toBeLessThan(bound);
      });
    }
  });
});
