/**
 * Golden values recorded from PyTorch by make.py, with types.
 *
 * data/CASE.safetensors, data/CASE.json. Tensors: `initial/NAME` weights (Hugging Face names), `gradient/NAME` of the
 * mean loss, `logits` [B, T, vocab], `input_ids`, `labels` (the token itself, or −100: ignored; the logits at i predict
 * the label at i + 1), `attention_mask` (1 = token, 0 = padding at the right), all [B, T] int32.
 *   llama        also `final/NAME` after 20 AdamW steps on `train/input_ids|labels|attention_mask` [20, B, T], and
 *                `final64/NAME`, `gradient64/NAME` from a float64 run, rounded to float32
 *   untied, biases, rope-linear, rope-llama3, head-dim   initial, gradient, logits and batch
 *   packed       one row of three examples and padding: `segments` (0 = padding), `position_ids`; `logits` of the packed
 *                row, `gradient/NAME` of the same examples apart; weights are those of llama
 *   accumulation two micro-batches [2, B, T]; `gradient/NAME` of one mean over both; weights are those of llama
 *   generation   (json only) greedy continuations and log-probabilities; weights are those of llama
 *   rope         (json only) inverse frequencies, cosines and sines
 *   formats      (tensors only) every dtype, as the safetensors library writes it
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type LlamaConfig, parseLlamaConfig } from '../../src/models/hf-config';
import { readSafetensors } from '../../src/models/safetensors';

export const GOLDEN_FOLDER = join(import.meta.dirname, 'data');
export const IGNORED = -100;

/** The largest difference of a tensor ÷ its largest value (and ÷ its largest change in training). */
const distance = z.object({ of_value: z.number(), of_change: z.number().optional() });
const config = z.unknown().transform((value): LlamaConfig => parseLlamaConfig(value));
const forward = z.object({ config, loss: z.number(), tokens: z.number() });

const SCHEMAS = {
  forward,
  llama: forward.extend({
    /** In float64. */
    loss64: z.number(),
    losses: z.array(z.number()),
    /** Global norms before clipping. */
    grad_norms: z.array(z.number()),
    learning_rates: z.array(z.number()),
    losses64: z.array(z.number()),
    grad_norms64: z.array(z.number()),
    optimizer: z.object({
      learning_rate: z.number(),
      adam_beta1: z.number(),
      adam_beta2: z.number(),
      adam_epsilon: z.number(),
      /** On matrices, embeddings among them; not on norms and biases. */
      weight_decay: z.number(),
      max_grad_norm: z.number(),
      schedule: z.literal('cosine'),
      warmup: z.number(),
      steps: z.number(),
    }),
    /** How far PyTorch's float32 is from float64: the reference's own noise. */
    noise: z.object({
      gradient: z.record(z.string(), distance),
      final: z.record(z.string(), distance),
      losses: z.number(),
      grad_norms: z.number(),
    }),
  }),
  packed: z.object({ lengths: z.array(z.number()), loss: z.number(), loss_apart: z.number(), tokens: z.number() }),
  accumulation: z.object({ loss: z.number(), tokens: z.array(z.number()), loss_sums: z.array(z.number()) }),
  generation: z.object({
    greedy: z.array(
      z.object({
        prompt: z.array(z.number()),
        tokens: z.array(z.number()),
        /** Of `tokens`. */
        logprobs: z.array(z.number()),
        /** The smallest lead of the chosen token's logit over the next one. */
        smallest_margin: z.number(),
      }),
    ),
    /** `logprobs` of `ids` from `prompt_length` on. */
    given: z.object({ ids: z.array(z.number()), prompt_length: z.number(), logprobs: z.array(z.number()) }),
  }),
  rope: z.array(
    z.object({
      name: z.string(),
      config,
      inv_freq: z.array(z.number()),
      positions: z.array(z.number()),
      /** [positions][headDim / 2] */
      cos: z.array(z.array(z.number())),
      sin: z.array(z.array(z.number())),
    }),
  ),
};

export const VARIANTS = ['untied', 'biases', 'rope-linear', 'rope-llama3', 'head-dim'] as const;

/** The recorded numbers of a case; the schema's name where it differs from the file's. */
export function goldenValues<K extends keyof typeof SCHEMAS>(
  schema: K,
  name: string = schema,
): z.infer<(typeof SCHEMAS)[K]> {
  const value: unknown = JSON.parse(readFileSync(join(GOLDEN_FOLDER, `${name}.json`), 'utf8'));
  return SCHEMAS[schema].parse(value) as z.infer<(typeof SCHEMAS)[K]>;
}

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface GoldenTensors {
  /** A float tensor, e.g. `logits`. */
  float(name: string): GoldenTensor;
  /** An int32 tensor, e.g. `input_ids`. */
  int(name: string): { readonly shape: readonly number[]; readonly data: Int32Array };
  /** All tensors under a prefix, e.g. `gradient`, by parameter name. */
  group(prefix: string): Map<string, GoldenTensor>;
}

/** The recorded tensors of a case, read into memory. */
export function goldenTensors(name: string): GoldenTensors {
  const file = readSafetensors(join(GOLDEN_FOLDER, `${name}.safetensors`));
  const floats = new Map<string, GoldenTensor>();
  const ints = new Map<string, { shape: readonly number[]; data: Int32Array }>();
  for (const key of file.names) {
    const tensor = file.get(key);
    if (tensor.dtype === 'I32') ints.set(key, { shape: tensor.shape, data: tensor.int32() });
    else floats.set(key, { shape: tensor.shape, data: tensor.float32() });
  }
  file.close();
  const find = <T>(map: Map<string, T>, key: string): T => {
    const found = map.get(key);
    if (found === undefined) throw new Error(`the golden case ${name} has no tensor ${key}`);
    return found;
  };
  return {
    float: (key) => find(floats, key),
    int: (key) => find(ints, key),
    group: (prefix) =>
      new Map(
        [...floats]
          .filter(([key]) => key.startsWith(`${prefix}/`))
          .map(([key, tensor]) => [key.slice(prefix.length + 1), tensor]),
      ),
  };
}

/** The largest |a − b| ÷ the largest |b|: the measure of `noise` above. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths differ: ${a.length} and ${b.length}`);
  let gap = 0;
  let scale = 0;
  for (let i = 0; i < b.length; i++) {
    gap = Math.max(gap, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(b[i]));
    if (Number.isNaN(a[i])) return Infinity;
  }
  return gap / Math.max(scale, Number.MIN_VALUE);
}
