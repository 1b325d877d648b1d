/** What packing needs of an example: ids and learnt mask, both [tokens]. */
export interface Packable {
  ids: Int32Array;
  mask: Uint8Array;
}

/** Examples side by side in one row of the batch. All arrays are [tokens], unpadded. */
export interface PackedRow {
  ids: Int32Array;
  /** Restart at 0 with every segment. */
  positions: Int32Array;
  /** 1, 2, 3 …: tokens attend only within their segment. 0 stands for padding, which only a batch has. */
  segments: Int32Array;
  /** 1 = learnt; never on the first token of a segment. */
  mask: Uint8Array;
  /** Which examples stand here, in order, by their index in the input. */
  rows: number[];
}

interface Piece {
  example: number;
  from: number;
  to: number;
}

function rowOf(pieces: readonly Piece[], examples: readonly Packable[]): PackedRow {
  const length = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const row: PackedRow = {
    ids: new Int32Array(length),
    positions: new Int32Array(length),
    segments: new Int32Array(length),
    mask: new Uint8Array(length),
    rows: pieces.map(({ example }) => example),
  };
  let at = 0;
  pieces.forEach(({ example, from, to }, segment) => {
    const { ids, mask } = examples[example];
    row.ids.set(ids.subarray(from, to), at);
    row.mask.set(mask.subarray(from, to), at);
    row.mask[at] = 0; // no token of this segment comes before: a target here would reach over the boundary
    for (let i = 0; i < to - from; i++) {
      row.positions[at + i] = i;
      row.segments[at + i] = segment + 1;
    }
    at += to - from;
  });
  return row;
}

/** Each example in a row of its own. Examples without tokens give no row. */
export function unpacked(examples: readonly Packable[]): PackedRow[] {
  return examples.flatMap(({ ids }, example) =>
    ids.length ? [rowOf([{ example, from: 0, to: ids.length }], examples)] : [],
  );
}

/**
 * Packs whole examples into rows of at most `maxLength` tokens by best fit decreasing: longest first, each into the
 * fullest row that still has room. Deterministic; rows come in the order of their earliest example, as do the examples
 * in a row. Throws RangeError for an example longer than `maxLength` (truncation comes before packing).
 */
export function packExamples(examples: readonly Packable[], maxLength: number): PackedRow[] {
  const order = examples.flatMap(({ ids }, i) => (ids.length ? [i] : []));
  order.sort((a, b) => examples[b].ids.length - examples[a].ids.length || a - b);
  const bins: number[][] = [];
  /** Bins by the room left in them; a bin moves down as it fills. */
  const byRoom: number[][] = Array.from({ length: maxLength + 1 }, () => []);
  for (const example of order) {
    const length = examples[example].ids.length;
    if (length > maxLength) throw new RangeError(`example ${example} has ${length} tokens, a row holds ${maxLength}`);
    let room = length;
    while (room <= maxLength && byRoom[room].length === 0) room++;
    let bin: number;
    if (room > maxLength) {
      bin = bins.push([]) - 1;
      room = maxLength;
    } else {
      bin = byRoom[room].pop() ?? 0;
    }
    bins[bin].push(example);
    byRoom[room - length].push(bin);
  }
  for (const bin of bins) bin.sort((a, b) => a - b);
  bins.sort((a, b) => a[0] - b[0]);
  return bins.map((bin) =>
    rowOf(
      bin.map((example) => ({ example, from: 0, to: examples[example].ids.length })),
      examples,
    ),
  );
}

/**
 * Joins documents in order and cuts them into blocks of `maxLength` tokens, for pre-training. Document boundaries stay
 * as segments; a document that goes over a cut begins a new segment there. A last block of one token, from which
 * nothing is learnt, is left out.
 */
export function packBlocks(documents: readonly Packable[], maxLength: number): PackedRow[] {
  const blocks: PackedRow[] = [];
  let pieces: Piece[] = [];
  let room = maxLength;
  const close = () => {
    if (pieces.length) blocks.push(rowOf(pieces, documents));
    pieces = [];
    room = maxLength;
  };
  documents.forEach(({ ids }, example) => {
    for (let from = 0; from < ids.length;) {
      const to = Math.min(from + room, ids.length);
      pieces.push({ example, from, to });
      room -= to - from;
      from = to;
      if (room === 0) close();
    }
  });
  if (maxLength - room > 1) close();
  return blocks;
}
