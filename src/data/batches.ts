import { Random } from './random';

export interface BatchOptions {
  /** Rows of the data. */
  rows: number;
  /** Rows of a batch; the last of an epoch may have fewer. */
  batchSize: number;
  seed: number | bigint;
  /** False: the file's order in every epoch. */
  shuffle?: boolean;
  /** Tokens of each row: batches are then of rows of like length, and come in random order. */
  lengths?: ArrayLike<number>;
}

/** Where an order stands: batches taken in this epoch. Plain JSON, for a checkpoint. */
export interface BatchPosition {
  epoch: number;
  index: number;
}

/** How many batches are sorted by length together; more saves padding, fewer keeps the order more random. */
const BUCKET_BATCHES = 50;

/**
 * The order in which rows are visited: every row once an epoch. Each epoch's order is a function of seed and epoch
 * alone, so that any position is reached at once and a resumed run goes on with the very same batches.
 */
export class BatchOrder {
  readonly batchesPerEpoch: number;
  private epoch = 0;
  private index = 0;
  private batches: Int32Array[] = [];
  private batchesOf = -1;

  constructor(private readonly options: BatchOptions) {
    const { rows, batchSize } = options;
    if (!Number.isInteger(rows) || rows < 1) throw new RangeError(`rows must be a whole number ≥ 1, got ${rows}`);
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`batchSize must be a whole number ≥ 1, got ${batchSize}`);
    }
    this.batchesPerEpoch = Math.ceil(rows / batchSize);
  }

  /** The rows of the next batch. */
  next(): Int32Array {
    if (this.index === this.batchesPerEpoch) this.position = { epoch: this.epoch + 1, index: 0 };
    if (this.batchesOf !== this.epoch) {
      this.batches = this.epochBatches(this.epoch);
      this.batchesOf = this.epoch;
    }
    return this.batches[this.index++];
  }

  get position(): BatchPosition {
    return { epoch: this.epoch, index: this.index };
  }

  set position({ epoch, index }: BatchPosition) {
    const sound = Number.isInteger(epoch) && epoch >= 0 && Number.isInteger(index) && index >= 0;
    if (!sound || index > this.batchesPerEpoch) throw new RangeError(`no position: epoch ${epoch}, batch ${index}`);
    this.epoch = epoch;
    this.index = index;
  }

  /** Epochs begun and done as a fraction, as in the metric `epoch`. */
  get epochs(): number {
    return this.epoch + this.index / this.batchesPerEpoch;
  }

  private epochBatches(epoch: number): Int32Array[] {
    const { rows, batchSize, seed, lengths, shuffle = true } = this.options;
    const random = Random.from(seed, 'order', epoch);
    const order = shuffle ? random.permutation(rows) : Int32Array.from({ length: rows }, (_, i) => i);
    if (lengths && shuffle) {
      const window = batchSize * BUCKET_BATCHES;
      for (let start = 0; start < rows; start += window) {
        const part = order.subarray(start, start + window);
        const place = new Map(Array.from(part, (row, i) => [row, i]));
        part.sort((a, b) => lengths[a] - lengths[b] || (place.get(a) ?? 0) - (place.get(b) ?? 0));
      }
    }
    const batches: Int32Array[] = [];
    for (let start = 0; start < rows; start += batchSize) batches.push(order.slice(start, start + batchSize));
    return lengths && shuffle ? random.split('buckets').shuffle(batches) : batches;
  }
}
