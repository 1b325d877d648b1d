import { totalmem } from 'node:os';
import type { LlamaConfig } from '../../models/hf-config';

/** Above this a batch is no faster, only larger: a CPU's caches are full sooner than a GPU is busy. */
const MOST_TOKENS = { cpu: 2_048, other: 16_384 };
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
  const [most, budget] = device === 'cpu' ? [MOST_TOKENS.cpu, machineMemory() * SHARE] : [MOST_TOKENS.other, 1 << 30];
  return Math.min(most, Math.max(width, Math.floor(budget / bytes)));
}

/** Bytes of memory that this process may have at most: the machine's, or what its container leaves of it. */
export function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
