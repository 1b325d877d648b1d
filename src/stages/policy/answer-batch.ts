import { gridsOf, packTightly, type Packing } from '../../data/pack-width';
import type { MicroBatch } from '../training/learner';
import { microBatchTokens } from '../training/memory';
import type { LlamaConfig } from '../../models/hf-config';

/** An answer as an update reads it: prompt and answer as one row of tokens, and numbers of each answer token. */
export interface LearntAnswer {
  /** Prompt and answer. */
  ids: ArrayLike<number>;
  /** Where the answer begins. */
  from: number;
  /** Numbers by the name of their graph input, [answer tokens] each. */
  tokens: Readonly<Record<string, ArrayLike<number>>>;
  /** Numbers of the answer as a whole, by the name of their graph input. */
  whole?: Readonly<Record<string, number>>;
  /** What each of its tokens weighs in the loss. */
  weight: number;
}

export interface BatchLimits {
  config: LlamaConfig;
  positions: number;
  device: string;
  /** Packed rows of one pass; null: as many as memory allows. */
  rows: number | null;
}

/** Selected places are padded to a multiple of this, so that few sizes of batch occur. */
const PLACE_STEP = 32;

/**
 * Answers as micro-batches of packed rows. Only the places that predict an answer token reach the output projection:
 * `places` [n] and its `inverse`, with `labels` (the answer's tokens), `share` (1 / answer tokens of all micro-batches),
 * `weights` and the answers' own numbers, [n] each; `sequence` [n] tells which answer of the micro-batch a token is of,
 * for numbers of whole answers [answers] and their `sequence_share` (1 / answers of all micro-batches).
 */
export function answerBatches(answers: readonly LearntAnswer[], limits: BatchLimits): MicroBatch[] {
  const { width, rows } = packTightly(
    answers.map(({ ids }) => ({ ids: Int32Array.from(ids), mask: new Uint8Array(ids.length) })),
    limits.positions,
  );
  const perBatch =
    limits.rows ?? Math.max(1, Math.floor(microBatchTokens(limits.config, width, limits.device) / width));
  const total = answers.reduce((sum, { ids, from }) => sum + ids.length - from, 0);
  const batches: MicroBatch[] = [];
  for (let i = 0; i < rows.length; i += perBatch)
    batches.push(microBatch({ rows: rows.slice(i, i + perBatch), width }, answers, total));
  return batches;
}

function microBatch(packing: Packing, answers: readonly LearntAnswer[], total: number): MicroBatch {
  const { rows, width } = packing;
  const size = rows.length * width;
  const { ids, positions, segments } = gridsOf(packing);
  const places: number[] = [];
  const mine: number[] = [];
  rows.forEach((row, r) => {
    let start = r * width;
    for (const answer of row.rows) {
      const { ids: own, from } = answers[answer];
      mine.push(answer);
      for (let i = from; i < own.length; i++) places.push(start + i - 1);
      start += own.length;
    }
  });
  const count = places.length;
  const padded = Math.min(Math.ceil(count / PLACE_STEP) * PLACE_STEP, size);
  const inverse = new Int32Array(size).fill(padded);
  places.forEach((place, i) => (inverse[place] = i));
  // places that only fill up the batch read other rows, with a weight and a label of nothing
  const taken = new Set(places);
  for (let place = 0; places.length < padded; place++) if (!taken.has(place)) places.push(place);

  const vector = <T extends Int32Array | Float32Array>(data: T) => ({ dims: [data.length], data });
  const grid = (data: Int32Array) => ({ dims: [rows.length, width], data });
  const perToken = (of: (answer: LearntAnswer, t: number) => number): Float32Array => {
    const data = new Float32Array(padded);
    let at = 0;
    for (const answer of mine) {
      const { ids: own, from } = answers[answer];
      for (let t = 0; t < own.length - from; t++) data[at++] = of(answers[answer], t);
    }
    return data;
  };
  const labels = new Int32Array(padded).fill(-1);
  labels.set(perToken(({ ids: own, from }, t) => own[from + t]).subarray(0, count));
  const [first] = mine.map((answer) => answers[answer]);
  const names = Object.keys(first?.tokens ?? {});
  const wholes = Object.keys(first?.whole ?? {});
  let sequence = -1;
  return {
    ids: grid(ids),
    positions: grid(positions),
    segments: grid(segments),
    places: vector(Int32Array.from(places)),
    inverse: vector(inverse),
    labels: vector(labels),
    share: vector(perToken(() => 1 / total)),
    weights: vector(perToken(({ weight }) => weight)),
    sequence: vector(Int32Array.from(perToken((_, t) => (t === 0 ? ++sequence : sequence)))),
    sequence_share: vector(new Float32Array(mine.length).fill(1 / answers.length)),
    ...Object.fromEntries(names.map((name) => [name, vector(perToken(({ tokens }, t) => tokens[name][t]))])),
    ...Object.fromEntries(
      wholes.map((name) => [name, vector(Float32Array.from(mine, (answer) => answers[answer].whole?.[name] ?? 0))]),
    ),
  };
}
