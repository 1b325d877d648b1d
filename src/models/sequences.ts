import { type Grids, gridsOf, packTightly } from '../data/pack-width';

/** Sequences side by side in packed rows, and where each of them ends. */
export interface SequenceBatch extends Grids {
  /** [rows, width] */
  dims: readonly [number, number];
  /** [sequences]: the place of each one's last token among all places. */
  ends: Int32Array;
}

/** Packs sequences, none of them empty or longer than `most`, into rows: no work goes into padding. */
export function packSequences(sequences: readonly Int32Array[], most: number): SequenceBatch {
  const packing = packTightly(
    sequences.map((ids) => ({ ids, mask: new Uint8Array(ids.length) })),
    most,
  );
  const { width, rows } = packing;
  const ends = new Int32Array(sequences.length);
  rows.forEach((row, r) => {
    let place = r * width;
    for (const sequence of row.rows) {
      place += sequences[sequence].length;
      ends[sequence] = place - 1;
    }
  });
  return { dims: [rows.length, width], ...gridsOf(packing), ends };
}
