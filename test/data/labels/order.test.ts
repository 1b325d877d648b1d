import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelingOrder, labelingQueue, selfAgreement } from '../../../src/data/labels/order';
import { label, undo } from './rows';

const pairs = Array.from({ length: 400 }, (_, n) => `pair-${n}`);

describe('the order of an annotator', () => {
  it('shows every pair once and some twice, the second time later and the other way round', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.string(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, name, share) => {
          const order = labelingOrder(pairs.slice(0, n), name, { repeatShare: share });
          const first = order.filter(({ repeat }) => !repeat);
          expect(first.map(({ pair }) => pair).sort()).toEqual(pairs.slice(0, n).sort());
          for (const again of order.filter(({ repeat }) => repeat)) {
            const before = order.findIndex(({ pair }) => pair === again.pair);
            expect(order[before].repeat).toBe(false);
            expect(order[before].shown).not.toBe(again.shown);
            const between = order.slice(before + 1, order.indexOf(again)).filter(({ repeat }) => !repeat);
            expect(between.length).toBeGreaterThanOrEqual(Math.max(1, Math.min(20, Math.floor(n / 2))));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is the annotator’s own, the same every time, and balanced', () => {
    const order = labelingOrder(pairs, 'Ada');
    expect(labelingOrder([...pairs].reverse(), 'Ada')).toEqual(order);
    expect(labelingOrder(pairs, 'Ben')).not.toEqual(order);
    expect(labelingOrder(pairs, 'Ada', { seed: 7 })).not.toEqual(order);
    const flipped = order.filter(({ shown }) => shown === 'ba').length / order.length;
    expect(flipped).toBeGreaterThan(0.4);
    expect(flipped).toBeLessThan(0.6);
    // 5 % of 400 is 20; five standard deviations to either side.
    const repeats = order.filter(({ repeat }) => repeat).length;
    expect(Math.abs(repeats - 20)).toBeLessThan(22);
    expect(repeats).toBeGreaterThan(0);
  });

  it('pairs that come later do not disturb the others', () => {
    const few = new Set(pairs.slice(0, 300));
    const shown = (list: readonly string[]): string[] =>
      labelingOrder(list, 'Ada', { repeatShare: 0 })
        .filter(({ pair }) => few.has(pair))
        .map((showing) => JSON.stringify(showing));
    expect(shown(pairs)).toEqual(shown([...few]));
  });
});

describe('an annotator’s progress', () => {
  const order = labelingOrder(['p', 'q', 'r'], 'Ada', { repeatShare: 1 });

  it('counts what is left, skipped and repeated ones too, and takes undone ones back', () => {
    expect(order).toHaveLength(5);
    const [first, second] = order;
    const rows = [label('1', first.pair, 1, { ms: 400 }), label('2', second.pair, 'skip', { ms: 1000 })];
    const queue = labelingQueue(order, rows, 'Ada');
    expect(queue.left).toEqual(order.slice(2));
    expect(queue.progress).toEqual({ total: 5, left: 3, labeled: 2, paceMs: 700, repeats: { same: 0, of: 0 } });
    const back = labelingQueue(order, [...rows, undo('3', rows[1])], 'Ada');
    expect(back.left).toEqual(order.slice(1));
    expect(labelingQueue(order, rows, 'Ben').left).toEqual(order);
    expect(labelingQueue(order, [], 'Ada').progress.paceMs).toBeNull();
  });

  it('pace is the median of the last twenty labels', () => {
    const slow = Array.from({ length: 30 }, (_, n) => label(`s${n}`, `s${n}`, 1, { ms: 90_000 }));
    const fast = Array.from({ length: 20 }, (_, n) => label(`f${n}`, `f${n}`, 1, { ms: 1000 + n }));
    expect(labelingQueue([], [...slow, ...fast], 'Ada').progress.paceMs).toBe(1009.5);
  });

  it('self-agreement compares the side of a repeated pair, not its strength', () => {
    const twice = (
      pair: string,
      before: 1 | 2 | -1 | 'both_bad' | 'skip',
      after: 1 | 0 | 'both_bad',
    ): ReturnType<typeof label>[] => [
      label(`${pair}1`, pair, before),
      label(`${pair}2`, pair, after, { repeat: true }),
    ];
    const labels = [
      ...twice('p', 2, 1),
      ...twice('q', -1, 1),
      ...twice('r', 'both_bad', 'both_bad'),
      ...twice('s', 'skip', 1),
      ...twice('t', 1, 0),
      label('u', 'u', 1, { repeat: true }),
    ];
    expect(selfAgreement(labels)).toEqual({ same: 2, of: 4 });
  });
});
