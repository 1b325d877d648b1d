import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { momentsOf, pearson, productsOf, withinGroups } from '../../../src/stages/monitors/statistics';

const number = fc.integer({ min: -1000, max: 1000 });

describe('moments', () => {
  it('are those of the finite values', () => {
    expect(momentsOf([1, 2, 6, NaN, Infinity])).toEqual({ n: 3, mean: 3, variance: 7 });
    expect(momentsOf([4])).toEqual({ n: 1, mean: 4, variance: 0 });
    expect(momentsOf([]).n).toBe(0);
  });
});

describe('correlation', () => {
  it('is worked by hand', () => {
    // deviations −1 0 1 and −2 1 1: 3 / √(2 · 6)
    expect(pearson([1, 2, 3], [0, 3, 3])).toBeCloseTo(3 / Math.sqrt(12), 12);
    expect(pearson([1, 2, 3, NaN], [3, 2, 1, 5])).toBeCloseTo(-1, 12);
    expect(pearson([0.1, 0.1, 0.1], [1, 2, 3])).toBeNaN();
    expect(pearson([], [])).toBeNaN();
  });

  it('comes of sums of products about the means', () => {
    expect(productsOf([1, 2, 3, NaN], [0, 3, 3, 9])).toEqual({ n: 3, free: 2, xx: 2, yy: 6, xy: 3 });
    // what rounding leaves of equal values is no variation
    expect(productsOf([0.1, 0.1, 0.1], [1, 2, 3])).toMatchObject({ xx: 0, yy: 2 });
    expect(productsOf([], [])).toEqual({ n: 0, free: 0, xx: 0, yy: 0, xy: 0 });
  });

  it('lies between −1 and 1, is symmetric, and does not care about scale', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 2 }), (pairs) => {
        const [x, y] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const r = pearson(x, y);
        if (Number.isNaN(r)) return expect(new Set(x).size === 1 || new Set(y).size === 1).toBe(true);
        expect(Math.abs(r)).toBeLessThanOrEqual(1);
        expect(pearson(y, x)).toBeCloseTo(r, 9);
        expect(
          pearson(
            x,
            y.map((value) => 3 - 2 * value),
          ),
        ).toBeCloseTo(-r, 9);
      }),
    );
  });

  it('within prompts does not see what differs between prompts', () => {
    const lengths = [10, 12, 50, 52];
    const rewards = [1, 0, 9, 8];
    const groups = ['short', 'short', 'long', 'long'];
    expect(pearson(lengths, rewards)).toBeGreaterThan(0.9);
    expect(pearson(withinGroups(lengths, groups), withinGroups(rewards, groups))).toBeCloseTo(-1, 12);
    expect(withinGroups([1, 2, NaN], ['a', 'b', 'b'])).toEqual([NaN, NaN, NaN]);
  });
});
