import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMissing, replaceFile } from '../data/durable';
import { Scorer, type ScoredRow } from '../models/scorer';
import type { ModelWeights } from '../models/weights';
import type { Runtime } from '../tensor/runtime';
import { microBatchTokens } from './memory';
import { joined } from './pair-batch';
import type { PreferencePair } from './preference-pairs';

/** Σ log π_ref over each answer's tokens. */
export interface ReferenceSums {
  chosen: number;
  rejected: number;
}

export type AnswerPair = Pick<PreferencePair, 'prompt' | 'chosen' | 'rejected'>;

export interface ReferenceOptions {
  runtime: Runtime;
  /** The reference's model folder. */
  folder: string;
  /** Its weights; asked for only where they are needed, and given back at once. */
  open: () => ModelWeights;
  close: (weights: ModelWeights) => void;
  /** The source of the chat template. */
  template: string | null;
  /** Where sums are kept from run to run. */
  cache: string;
  say: (line: string) => void;
  /** A path as a person reads it. */
  shown: (path: string) => string;
}

/** Raised with every change to what a file of the cache means. */
const FORMAT = 'reference-sums 1';
const DIGEST = 32;
/** Tokens of one pass: more are no faster, since their logits no longer stay in the cache of the processor. */
const PASS_TOKENS = 2048;

/**
 * What the reference thinks of all answers, computed once before the first step, so that no second model stays in memory.
 * Kept in a file named by a hash of all that it depends on: tokens, template, weights, and the arithmetic (another number
 * of threads gives other last bits). A file that is damaged is made anew.
 */
export async function referenceSums(pairs: readonly AnswerPair[], options: ReferenceOptions): Promise<ReferenceSums[]> {
  const { cache, say, shown } = options;
  const file = join(cache, `reference-${keyOf(pairs, options)}.bin`);
  const { sums: known, damaged } = read(file, pairs.length);
  if (known) {
    say(`Reference log-probabilities of ${pairs.length} pairs: found in ${shown(file)}.`);
    return known;
  }
  if (damaged) say(`${shown(file)} is damaged and is made anew.`);
  const began = performance.now();
  const weights = options.open();
  try {
    const sums = await scorePairs(pairs, options.runtime, weights);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const failure = keep(file, sums);
    const where = failure === undefined ? `kept in ${shown(file)}` : `not kept: ${failure}`;
    say(
      `Reference log-probabilities of ${pairs.length} pairs: computed in ${seconds} s, ${where}`.replace(/\.?$/, '.'),
    );
    return sums;
  } finally {
    options.close(weights);
  }
}

/** Σ log π over each answer's tokens under a model, a prompt with each of its answers. */
export async function scorePairs(
  pairs: readonly AnswerPair[],
  runtime: Runtime,
  weights: ModelWeights,
): Promise<ReferenceSums[]> {
  const rows = pairs.flatMap(({ prompt, chosen, rejected }): ScoredRow[] =>
    // a first token has nothing before it: nothing predicts it
    [chosen, rejected].map((answer) => ({ ids: joined(prompt, answer), from: Math.max(1, prompt.length) })),
  );
  const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const budget = Math.min(PASS_TOKENS, microBatchTokens(weights.config, longest, runtime.device));
  const scorer = new Scorer(runtime, weights);
  const sums: number[] = [];
  try {
    for (let at = 0; at < rows.length;) {
      let tokens = 0;
      let end = at;
      while (end < rows.length && (end === at || tokens + rows[end].ids.length <= budget))
        tokens += rows[end++].ids.length;
      for (const logProbs of await scorer.score(rows.slice(at, end)))
        sums.push(Math.fround(logProbs.reduce((sum, x) => sum + x, 0)));
      at = end;
    }
  } finally {
    scorer.release();
  }
  return pairs.map((_, i) => ({ chosen: sums[2 * i], rejected: sums[2 * i + 1] }));
}

function keyOf(pairs: readonly AnswerPair[], { runtime, folder, template }: ReferenceOptions): string {
  const hash = createHash('sha256');
  const part = (name: string, data: string | Uint8Array): void => {
    hash.update(`${name} ${data.length}\n`).update(data);
  };
  part('format', FORMAT);
  part('arithmetic', `${runtime.version} ${runtime.device} ${runtime.threads}`);
  part('template', template ?? '');
  for (const name of readdirSync(folder).sort())
    if (name === 'config.json' || name.endsWith('.safetensors')) {
      part('file', name);
      hashFile(hash, join(folder, name));
    }
  for (const pair of pairs)
    for (const ids of [pair.prompt, pair.chosen, pair.rejected])
      part('ids', new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
  return hash.digest('hex').slice(0, 32);
}

/** Weights may be larger than a buffer. */
function hashFile(hash: Hash, path: string): void {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(1 << 22);
    for (let read = 0; (read = readSync(file, buffer)) > 0;) hash.update(buffer.subarray(0, read));
  } finally {
    closeSync(file);
  }
}

/**
 * Writes float32 numbers, chosen and rejected by turns, behind their SHA-256. A cache that cannot be written stops no
 * run: returns why.
 */
function keep(file: string, sums: readonly ReferenceSums[]): string | undefined {
  const numbers = Buffer.alloc(sums.length * 8);
  sums.forEach(({ chosen, rejected }, i) => {
    numbers.writeFloatLE(chosen, i * 8);
    numbers.writeFloatLE(rejected, i * 8 + 4);
  });
  try {
    mkdirSync(dirname(file), { recursive: true });
    replaceFile(file, Buffer.concat([createHash('sha256').update(numbers).digest(), numbers]));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

function read(file: string, count: number): { sums?: ReferenceSums[]; damaged: boolean } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return { damaged: !isMissing(error) };
  }
  const numbers = bytes.subarray(DIGEST);
  const sound = createHash('sha256').update(numbers).digest().equals(bytes.subarray(0, DIGEST));
  if (!sound || numbers.length !== count * 8) return { damaged: true };
  const sums = Array.from({ length: count }, (_, i) => ({
    chosen: numbers.readFloatLE(i * 8),
    rejected: numbers.readFloatLE(i * 8 + 4),
  }));
  return { sums, damaged: false };
}
