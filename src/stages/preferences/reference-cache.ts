import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMissing, replaceFile } from '../../data/durable';
import type { ScoredRow } from '../../models/scorer';
import type { ModelWeights } from '../../models/weights';
import type { Runtime } from '../../tensor/runtime';
import { type AnswerPair, answerSums, distinctAnswers } from './answer-sums';

/** Σ log π_ref over each answer's tokens. */
export interface ReferenceSums {
  chosen: number;
  rejected: number;
}

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
const FORMAT = 'reference-sums 2';
const DIGEST = 32;

/**
 * What the reference thinks of all answers, computed once before the first step, so that no second model stays in memory.
 * Kept in a file named by a hash of all that it depends on: tokens, template, weights, and the arithmetic (another number
 * of threads gives other last bits), but not of which answer was preferred. A file that is damaged is made anew.
 */
export async function referenceSums(pairs: readonly AnswerPair[], options: ReferenceOptions): Promise<ReferenceSums[]> {
  const { rows, places } = distinctAnswers(pairs);
  const sums = await sumsOf(rows, options);
  return places.map(({ chosen, rejected }) => ({ chosen: sums[chosen], rejected: sums[rejected] }));
}

async function sumsOf(rows: readonly ScoredRow[], options: ReferenceOptions): Promise<Float32Array> {
  const { runtime, cache, say, shown } = options;
  const what = `Reference log-probabilities of ${rows.length} answers`;
  const file = join(cache, `reference-${keyOf(rows, options)}.bin`);
  const { sums: known, damaged } = read(file, rows.length);
  if (known) {
    say(`${what}: found in ${shown(file)}.`);
    return known;
  }
  if (damaged) say(`${shown(file)} is damaged and is made anew.`);
  const began = performance.now();
  const weights = options.open();
  try {
    const sums = await answerSums(rows, runtime, weights);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const failure = keep(file, sums);
    const where = failure === undefined ? `kept in ${shown(file)}` : `not kept: ${failure}`;
    say(`${what}: computed in ${seconds} s, ${where}`.replace(/\.?$/, '.'));
    return sums;
  } finally {
    options.close(weights);
  }
}

function keyOf(rows: readonly ScoredRow[], { runtime, folder, template }: ReferenceOptions): string {
  const hash = createHash('sha256');
  const part = (name: string, data: string | Int32Array): void => {
    hash.update(`${name} ${data.length}\n`);
    hash.update(typeof data === 'string' ? data : new Uint8Array(data.buffer));
  };
  part('format', FORMAT);
  part('arithmetic', `${runtime.version} ${runtime.device} ${runtime.threads}`);
  part('template', template ?? '');
  for (const name of readdirSync(folder).sort())
    if (name === 'config.json' || name.endsWith('.safetensors')) {
      part('file', name);
      hashFile(hash, join(folder, name));
    }
  for (const { ids, from } of rows) part(`row ${from}`, Int32Array.from(ids));
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

/** Writes float32 numbers behind their SHA-256. A cache that cannot be written stops no run: returns why. */
function keep(file: string, sums: Float32Array): string | undefined {
  const numbers = Buffer.from(sums.buffer, sums.byteOffset, sums.byteLength);
  try {
    mkdirSync(dirname(file), { recursive: true });
    replaceFile(file, Buffer.concat([createHash('sha256').update(numbers).digest(), numbers]));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

function read(file: string, count: number): { sums?: Float32Array; damaged: boolean } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return { damaged: !isMissing(error) };
  }
  const numbers = bytes.subarray(DIGEST);
  const sound = createHash('sha256').update(numbers).digest().equals(bytes.subarray(0, DIGEST));
  if (!sound || numbers.length !== count * 4) return { damaged: true };
  return { sums: new Float32Array(Uint8Array.from(numbers).buffer), damaged: false };
}
