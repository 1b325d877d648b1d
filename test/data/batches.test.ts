import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchOrder, type BatchOptions } from '../../src/data/batches';

const take = (order: BatchOrder, n: number) => Array.from({ length: n }, () => [...order.next()]);
const options = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 20 }), fc.integer(), fc.boolean(), fc.boolean())
  .map(([rows, batchSize, seed, shuffle, buckets]): BatchOptions => {
    const lengths = buckets ? Array.from({ length: rows }, (_, i) => (i * 37) % 11) : undefined;
    return { rows, batchSize, seed, shuffle, lengths };
  });

describe('BatchOrder', () => {
  it('visits every row once an epoch', () => {
    fc.assert(
      fc.property(options, (given) => {
        const order = new BatchOrder(given);
        for (let epoch = 0; epoch < 3; epoch++) {
          const batches = take(order, order.batchesPerEpoch);
          expect(batches.every((batch) => batch.length > 0 && batch.length <= given.batchSize)).toBe(true);
          expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: given.rows }, (_, i) => i));
        }
      }),
    );
  });

  it('goes on from any position with the same batches', () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 0, max: 30 }), (given, done) => {
        const through = new BatchOrder(given);
        take(through, done);
        const resumed = new BatchOrder(given);
        resumed.position = JSON.parse(JSON.stringify(through.position)) as BatchOrder['position'];
        expect(take(resumed, 8)).toEqual(take(through, 8));
      }),
    );
  });

  it('shuffles anew each epoch, and not at all without shuffle', () => {
    const order = new BatchOrder({ rows: 50, batchSize: 50, seed: 3 });
    const [first, second] = take(order, 2);
    expect(second).not.toEqual(first);
    const still = new BatchOrder({ rows: 5, batchSize: 2, seed: 3, shuffle: false });
    expect(take(still, 4)).toEqual([[0, 1], [2, 3], [4], [0, 1]]);
  });

  it('puts rows of like length together', () => {
    const lengths = Array.from({ length: 200 }, (_, i) => (i * 7919) % 200);
    const order = new BatchOrder({ rows: 200, batchSize: 10, seed: 1, lengths });
    for (const batch of take(order, 20)) {
      const found = batch.map((row) => lengths[row]);
      expect(Math.max(...found) - Math.min(...found)).toBe(9);
    }
  });

  it('counts epochs, and refuses positions that are none', () => {
    const order = new BatchOrder({ rows: 10, batchSize: 5, seed: 1 });
    take(order, 3);
    expect([order.epochs, order.position]).toEqual([1.5, { epoch: 1, index: 1 }]);
    for (const bad of [
      { epoch: -1, index: 0 },
      { epoch: 0, index: 3 },
      { epoch: 0.5, index: 0 },
    ]) {
      expect(() => (order.position = bad)).toThrow(RangeError);
    }
    expect(() => new BatchOrder({ rows: 0, batchSize: 5, seed: 1 })).toThrow(RangeError);
    expect(() => new BatchOrder({ rows: 5, batchSize: 0, seed: 1 })).toThrow(RangeError);
  });
});
