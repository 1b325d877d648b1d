import { type Packable, type PackedRow, packExamples } from './packing';

const STEP = 8;
/** Rows longer than this hardly waste less, and attention within them costs more. */
const WIDEST = 320;
/** Attention over so many tokens costs about as much as the rest of a layer of a small model. */
const COSTLY = 1000;

/** Examples packed into rows of `width` tokens. */
export interface Packing {
  width: number;
  rows: PackedRow[];
}

/**
 * Packs examples into rows of whichever width wastes least: equal lengths of 72 leave a quarter of a row of 96 empty and
 * nothing of one of 144. No row is longer than `most`, which no example may be either.
 */
export function packTightly(examples: readonly Packable[], most: number): Packing {
  const longest = examples.reduce((length, { ids }) => Math.max(length, ids.length), 1);
  const first = Math.ceil(longest / STEP) * STEP;
  let best: Packing | undefined;
  let least = Infinity;
  for (let width = first; width <= Math.max(first, WIDEST); width += STEP) {
    const rows = packExamples(examples, Math.min(width, most));
    const cost = rows.length * width * (1 + width / COSTLY);
    if (cost < least) [best, least] = [{ width: Math.min(width, most), rows }, cost];
    if (width >= most) break;
  }
  return best ?? { width: 1, rows: [] };
}

/** Packed rows as the inputs of a forward pass, [rows · width] each. */
export interface Grids {
  ids: Int32Array;
  positions: Int32Array;
  /** −1 where a row is filled up: no place attends to it. */
  segments: Int32Array;
}

/** Rows one below the other, filled up to their width. */
export function gridsOf({ width, rows }: Packing): Grids {
  const size = rows.length * width;
  const grids = {
    ids: new Int32Array(size),
    positions: new Int32Array(size),
    segments: new Int32Array(size).fill(-1),
  };
  rows.forEach(({ ids, positions, segments }, r) => {
    grids.ids.set(ids, r * width);
    grids.positions.set(positions, r * width);
    grids.segments.set(segments, r * width);
  });
  return grids;
}
