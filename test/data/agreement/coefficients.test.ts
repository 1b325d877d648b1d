import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alphaInWords, cohenKappa, kappaInWords } from '../../../src/data/agreement/coefficients';
import { type Rating, ratingTable } from '../../../src/data/agreement/ratings';
import { Tally } from '../../../src/data/agreement/tally';
import { golden } from './golden';

const METRICS = ['nominal', 'ordinal', 'interval'] as const;
const DIGITS = 6;

/** A tally of all units and its sums, added up unit by unit. */
function tallied(ratings: readonly Rating[]): { tally: Tally; sums: Float64Array } {
  const table = ratingTable(ratings);
  const tally = new Tally(table, table.units.keys(), { pairs: true });
  const sums = new Float64Array(tally.size);
  table.units.forEach((_, u) => tally.visit(u, (cell, amount) => (sums[cell] += amount)));
  return { tally, sums };
}

const alpha = (ratings: readonly Rating[], metric: (typeof METRICS)[number] = 'ordinal'): number | null => {
  const { tally, sums } = tallied(ratings);
  return tally.alpha(sums, metric);
};

describe('coefficients of published and simulated data', () => {
  const cases = Object.entries(golden.cases).filter(([, c]) => c.alpha);

  it.each(cases)('%s: α is that of the krippendorff package', (_, { ratings, alpha: expected }) => {
    const { tally, sums } = tallied(ratings);
    for (const metric of METRICS) expect(tally.alpha(sums, metric)).toBeCloseTo(expected?.[metric] ?? NaN, DIGITS);
  });

  it.each(cases.filter(([, c]) => c.pairs))('%s: κ of every two is that of scikit-learn', (_, { ratings, pairs }) => {
    const { tally, sums } = tallied(ratings);
    expect(tally.pairs).toHaveLength(pairs?.length ?? -1);
    pairs?.forEach((pair, p) => {
      expect(tally.pairs[p].map((i) => tally.table.annotators[i])).toEqual(pair.annotators);
      const table = tally.pairTable(sums, p);
      expect(table.reduce((sum, count) => sum + count, 0)).toBe(pair.units);
      expect(tally.pairObserved(sums, p)).toBeCloseTo(pair.observed, DIGITS);
      for (const weighting of ['none', 'linear', 'quadratic'] as const)
        expect(tally.pairKappa(sums, p, weighting)).toBeCloseTo(pair.kappa[weighting], DIGITS);
    });
  });

  it.each(cases)("%s: Fleiss' κ is that of statsmodels", (_, { ratings, fleiss }) => {
    // The reference wants complete data.
    const most = new Map<string, number>();
    for (const { unit } of ratings) most.set(unit, (most.get(unit) ?? 0) + 1);
    const raters = Math.max(...most.values());
    const { tally, sums } = tallied(ratings.filter(({ unit }) => most.get(unit) === raters));
    expect(tally.raters).toBe(raters);
    expect(tally.fleissUnits(sums)).toBe(fleiss?.units);
    expect(tally.fleissKappa(sums)).toBeCloseTo(fleiss?.kappa ?? NaN, DIGITS);
  });

  it('are the values that the papers print', () => {
    const published = golden.cases['krippendorff-2011'].ratings;
    expect(published.length).toBe(41); // 40 of them pairable: one unit has a single value
    expect(alpha(published, 'nominal')).toBeCloseTo(0.743, 3);
    expect(alpha(published, 'ordinal')).toBeCloseTo(0.815, 3);
    expect(alpha(published, 'interval')).toBeCloseTo(0.849, 3);
    const { tally, sums } = tallied(golden.cases['fleiss-1971'].ratings);
    expect(tally.fleissKappa(sums)).toBeCloseTo(0.21, 3);
    expect(cohenKappa([20, 5, 10, 15], 2)).toBeCloseTo(0.4, 12);
  });
});

const VALUES = [-2, -1, 0, 1, 2];
const ratingsArbitrary = fc
  .uniqueArray(fc.record({ unit: fc.nat(8), annotator: fc.nat(4), value: fc.constantFrom(...VALUES, null) }), {
    minLength: 2,
    maxLength: 40,
    selector: ({ unit, annotator }) => `${unit}/${annotator}`,
  })
  .map((rows) => rows.map(({ unit, annotator, value }) => ({ unit: `u${unit}`, annotator: `w${annotator}`, value })));

function same(a: number | null, b: number | null): void {
  if (a === null || b === null) expect(a).toBe(b);
  else expect(a).toBeCloseTo(b, 9);
}

describe('α', () => {
  it('does not depend on the names of annotators, of units, or on the order of rows', () => {
    fc.assert(
      fc.property(ratingsArbitrary, fc.integer(), (ratings, seed) => {
        const renamed = ratings.map((rating) => ({
          ...rating,
          unit: `${(Number(rating.unit.slice(1)) * 7 + seed) % 9}x`,
          annotator: `${(Number(rating.annotator.slice(1)) * 3 + seed) % 5}y`,
        }));
        for (const metric of METRICS) {
          same(alpha(ratings, metric), alpha([...ratings].reverse(), metric));
          same(alpha(ratings, metric), alpha(renamed, metric));
        }
      }),
    );
  });

  it('is 1 where all agree and values vary, and never above', () => {
    fc.assert(
      fc.property(ratingsArbitrary, (ratings) => {
        for (const metric of METRICS) {
          expect(alpha(ratings, metric) ?? 0).toBeLessThanOrEqual(1);
          const agreeing = ratings.map((r) => ({ ...r, value: r.value === null ? null : Number(r.unit.slice(1)) % 3 }));
          const value = alpha(agreeing, metric);
          if (value !== null) expect(value).toBeCloseTo(1, 12);
        }
      }),
    );
    const two = (value: number, unit: string): Rating[] => ['x', 'y'].map((annotator) => ({ unit, annotator, value }));
    expect(alpha([...two(1, 'p'), ...two(2, 'q')])).toBe(1);
  });

  it('is not changed by missing values and units of a single value, nor, ordinal, by a stretch of the scale', () => {
    fc.assert(
      fc.property(ratingsArbitrary, (ratings) => {
        const more = [
          ...ratings,
          { unit: 'lonely', annotator: 'w0', value: 2 },
          { unit: 'unseen', annotator: 'w1', value: null },
        ];
        for (const metric of METRICS) same(alpha(ratings, metric), alpha(more, metric));
        const stretched = ratings.map((r) => ({ ...r, value: r.value === null ? null : r.value ** 3 + 10 }));
        for (const metric of ['nominal', 'ordinal'] as const) same(alpha(ratings, metric), alpha(stretched, metric));
        const shifted = ratings.map((r) => ({ ...r, value: r.value === null ? null : 3 - 2 * r.value }));
        for (const metric of METRICS) same(alpha(ratings, metric), alpha(shifted, metric));
      }),
    );
  });

  it('is undefined, not 0 or 1, where nothing can be compared or nothing varies', () => {
    expect(alpha([])).toBeNull();
    expect(alpha([{ unit: 'u', annotator: 'x', value: 1 }])).toBeNull();
    const constant = ['x', 'y'].map((annotator) => ({ unit: 'u', annotator, value: 1 }));
    expect(alpha(constant)).toBeNull();
    const { tally, sums } = tallied(constant);
    expect(tally.observed(sums)).toBe(1);
    expect(tally.fleissKappa(sums)).toBeNull();
    expect(tally.pairKappa(sums, 0)).toBeNull();
    expect(cohenKappa([], 0)).toBeNull();
  });

  it('of two annotators is that of their table', () => {
    fc.assert(
      fc.property(ratingsArbitrary, (ratings) => {
        const { tally, sums } = tallied(ratings);
        tally.pairs.forEach(([i, j], p) => {
          const names = [tally.table.annotators[i], tally.table.annotators[j]];
          const theirs = ratings.filter(({ annotator }) => names.includes(annotator));
          for (const metric of METRICS) same(tally.pairAlpha(sums, p, metric), alpha(theirs, metric));
        });
      }),
    );
  });
});

describe('the last rating counts', () => {
  it('also where it has no value', () => {
    const rating = (value: number | null): Rating => ({ unit: 'u', annotator: 'x', value });
    const other: Rating = { unit: 'u', annotator: 'y', value: 2 };
    expect(ratingTable([rating(1), other, rating(2)])).toMatchObject({ values: [2] });
    const table = ratingTable([rating(1), other, rating(null)]);
    expect([...table.category]).toEqual([0]);
    expect(table.annotators).toEqual(['x', 'y']);
    expect([...ratingTable([rating(1), other, rating(2)], { repeats: 'all' }).category]).toEqual([0, 1, 1]);
  });
});

describe('words', () => {
  it('change at the thresholds of the sources', () => {
    expect([0.8, 0.79, 0.667, 0.66].map(alphaInWords)).toEqual(['reliable', 'tentative', 'tentative', 'not reliable']);
    expect([-0.1, 0.2, 0.4, 0.6, 0.8, 0.81].map(kappaInWords)).toEqual([
      'poor',
      'slight',
      'fair',
      'moderate',
      'substantial',
      'almost perfect',
    ]);
  });
});
