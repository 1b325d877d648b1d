import type { BatchOrder, BatchPosition } from '../../data/batches';

/** What a checkpoint keeps of it. Plain JSON. */
export interface ProgressState {
  optimizer_steps: number;
  position: BatchPosition;
  /** Missing in checkpoints of the first version. */
  batches_per_epoch?: number;
  tokens: number;
}

/** How far a stage has come: optimizer steps, its place in the data, tokens learnt from. */
export class Progress {
  tokens = 0;

  /**
   * `orders`: those of its data; models that learn beside each other have one each and all stand at the same place.
   * `optimizers`: all of them take their steps together.
   */
  constructor(
    private readonly orders: readonly BatchOrder[],
    private readonly optimizers: readonly { steps: number }[],
  ) {}

  state(): ProgressState {
    const { position, batchesPerEpoch } = this.orders[0];
    return {
      optimizer_steps: this.optimizers[0].steps,
      position,
      batches_per_epoch: batchesPerEpoch,
      tokens: this.tokens,
    };
  }

  restore({ optimizer_steps, position: { epoch, index }, batches_per_epoch: before, tokens }: ProgressState): void {
    const { batchesPerEpoch } = this.orders[0];
    // a branch may cut its data into batches of another size: it goes on at the same share of the epoch
    const place =
      before === undefined || before === batchesPerEpoch ? index : Math.floor((index / before) * batchesPerEpoch);
    const position = { epoch, index: Math.min(place, batchesPerEpoch) };
    for (const order of this.orders) order.position = position;
    for (const optimizer of this.optimizers) optimizer.steps = optimizer_steps;
    this.tokens = tokens;
  }
}
