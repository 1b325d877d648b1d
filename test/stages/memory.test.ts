import * as os from 'node:os';
import { afterEach, expect, it, vi } from 'vitest';
import { parseLlamaConfig } from '../../src/models/hf-config';
import { microBatchTokens } from '../../src/stages/training/memory';

vi.mock('node:os', async (original) => {
  const real = await original<typeof os>();
  return { ...real, freemem: vi.fn(real.freemem), totalmem: vi.fn(real.totalmem) };
});
afterEach(() => vi.restoreAllMocks());

// The shape of SmolLM2-135M: large enough that memory decides.
const config = parseLlamaConfig({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 49_152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
});

it('does not depend on what other programs leave free, so that a resumed run cuts its steps alike', () => {
  vi.mocked(os.totalmem).mockReturnValue(2 ** 32);
  vi.mocked(os.freemem).mockReturnValue(2 ** 31);
  const roomy = microBatchTokens(config, 64, 'cpu');
  vi.mocked(os.freemem).mockReturnValue(2 ** 26);
  expect(microBatchTokens(config, 64, 'cpu')).toBe(roomy);
  vi.mocked(os.totalmem).mockReturnValue(2 ** 31);
  expect(microBatchTokens(config, 64, 'cpu')).toBeLessThan(roomy);
});

it('holds at least one row', () => {
  vi.mocked(os.totalmem).mockReturnValue(2 ** 20);
  expect(microBatchTokens(config, 512, 'cpu')).toBe(512);
});
