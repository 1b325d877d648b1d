import { totalmem } from 'node:os';
import type { LlamaConfig } from '../../models/hf-config';

/** Above this a batch is no faster on any machine, only larger. */
const MOST_TOKENS = 16_384;
/** Share of the machine's memory that activations may take. Of the free memory it would differ from run to run. */
const SHARE = 0.125;

/**
 * How many tokens of rows `width` long fit into one forward and backward pass. What is kept for the backward pass, in
 * float32 numbers a token: about 14 hidden and 8 feed-forward vectors and 3 tables of attention scores a layer, and 4
 * rows of logits. The same on every call of a machine: how a step is cut decides its last bits, and a resumed run must cut
 * alike.
 */
export function microBatchTokens(config: LlamaConfig, width: number, device: string): number {
  const { hiddenSize, intermediateSize, heads, layers, vocabSize } = config;
  const bytes = 4 * (layers * (14 * hiddenSize + 8 * intermediateSize + 3 * heads * width) + 4 * vocabSize);
  const budget = device === 'cpu' ? memory() * SHARE : 1 << 30;
  return Math.min(MOST_TOKENS, Math.max(width, Math.floor(budget / bytes)));
}

/** Bytes of memory that this process may have at most: the machine's, or what its container leaves of it. */
function memory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
