import { packTightly } from '../data/pack-width';

/** Sequences side by side in packed rows, and where each of them ends. */
export interface SequenceBatch {
  /** [rows, width] */
  dims: readonly [number, number];
  ids: Int32Array;
  positions: Int32Array;
  segments: Int32Array;
  /** [sequences]: the place of each one's last token among all places. */
  ends: Int32Array;
}

/** Packs sequences, none of them empty or longer than `most`, into rows: no work goes into padding. */
export function packSequences(sequences: readonly Int32Array[], most: number): SequenceBatch {
  const examples = sequences.map((ids) => ({ ids, mask: new Uint8Array(ids.length) }));
  const { width, rows } = packTightly(examples, most);
  const size = rows.length * width;
  const batch: SequenceBatch = {
    dims: [rows.length, width],
    ids: new Int32Array(size),
    positions: new Int32Array(size),
    segments: new Int32Array(size).fill(-1),
    ends: new Int32Array(sequences.length),
  };
  rows.forEach((row, r) => {
    let place = r * width;
    batch.ids.set(row.ids, place);
    batch.positions.set(row.positions, place);
    batch.segments.set(row.segments, place);
    for (const sequence of row.rows) {
      place += sequences[sequence].length;
      batch.ends[sequence] = place - 1;
    }
  });
  return batch;
}
