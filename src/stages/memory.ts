import { freemem } from 'node:os';
import type { LlamaConfig } from '../models/hf-config';

/** Above this a batch is no faster on any machine, only larger. */
const MOST_TOKENS = 16_384;
/** Share of the free memory that activations may take. */
const SHARE = 0.25;

/**
 * How many tokens of rows `width` long fit into one forward and backward pass. What is kept for the backward pass, in
 * float32 numbers a token: about 14 hidden and 8 feed-forward vectors and 3 tables of attention scores a layer, and 4
 * rows of logits.
 */
export function microBatchTokens(config: LlamaConfig, width: number, device: string): number {
  const { hiddenSize, intermediateSize, heads, layers, vocabSize } = config;
  const bytes = 4 * (layers * (14 * hiddenSize + 8 * intermediateSize + 3 * heads * width) + 4 * vocabSize);
  const budget = device === 'cpu' ? freemem() * SHARE : 1 << 30;
  return Math.min(MOST_TOKENS, Math.max(width, Math.floor(budget / bytes)));
}
