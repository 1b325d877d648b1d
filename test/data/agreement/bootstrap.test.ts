import { describe, expect, it } from 'vitest';
import { bootstrap, quantile } from '../../../src/data/agreement/bootstrap';
import { patternsOf } from '../../../src/data/agreement/patterns';
import { type Rating, ratingTable } from '../../../src/data/agreement/ratings';
import { binomial, resampler } from '../../../src/data/agreement/resample';
import { Tally } from '../../../src/data/agreement/tally';
import { Random } from '../../../src/data/random';
import { golden } from './golden';

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1) };
}

describe('binomial', () => {
  it.each([
    [10, 0.3],
    [10_000, 0.002],
    [10_000, 0.4], // a mean far beyond one inversion
    [7, 0.93],
  ])('of %i at %f has its mean, variance and range', (n, p) => {
    const random = Random.from(1, 'binomial', n, p);
    const draws = Array.from({ length: 4000 }, () => binomial(n, p, random));
    const { mean, variance } = moments(draws);
    const sd = Math.sqrt(n * p * (1 - p));
    expect(Math.abs(mean - n * p)).toBeLessThan((4 * sd) / Math.sqrt(draws.length));
    expect(variance / (sd * sd)).toBeGreaterThan(0.9);
    expect(variance / (sd * sd)).toBeLessThan(1.1);
    expect(draws.every((x) => Number.isInteger(x) && x >= 0 && x <= n)).toBe(true);
  });

  it('has the probabilities of the formula', () => {
    const random = Random.from(2, 'binomial');
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[binomial(3, 0.4, random)]++;
    [0.216, 0.432, 0.288, 0.064].forEach((p, x) => expect(Math.abs(counts[x] / 20_000 - p)).toBeLessThan(0.012));
    expect([binomial(0, 0.5, random), binomial(5, 0, random), binomial(5, 1, random)]).toEqual([0, 0, 5]);
  });
});

describe('resampling', () => {
  // The same shares in few patterns (drawn as a multinomial) and in many (drawn one by one).
  it.each([
    ['few patterns', [300, 60, 40]],
    ['many patterns', [6, 2, 1, 1]],
  ])('%s: as many units in all, each pattern by its share', (_, counts) => {
    const draw = resampler(Int32Array.from(counts), Random.from(3, 'resample'));
    const out = new Int32Array(counts.length);
    const n = counts.reduce((sum, count) => sum + count, 0);
    const seen = counts.map(() => [] as number[]);
    for (let i = 0; i < 3000; i++) {
      draw(out);
      expect(out.reduce((sum, count) => sum + count, 0)).toBe(n);
      out.forEach((count, p) => seen[p].push(count));
    }
    counts.forEach((count, p) => {
      const { mean, variance } = moments(seen[p]);
      const expected = count * (1 - count / n);
      expect(Math.abs(mean - count)).toBeLessThan(4 * Math.sqrt(expected / 3000));
      expect(Math.abs(variance / expected - 1)).toBeLessThan(0.12);
    });
  });
});

function alphaOf(ratings: readonly Rating[], seed: number, draws = 400) {
  const table = ratingTable(ratings);
  const tally = new Tally(table, table.units.keys(), { pairs: false });
  const random = Random.from(seed, 'test');
  return bootstrap(tally, patternsOf(table), (sums) => [tally.alpha(sums, 'ordinal')], { draws, random })[0];
}

describe('bootstrap', () => {
  const { ratings } = golden.cases.preferences;

  it('gives the value of the data, and an interval that only the seed decides', () => {
    const estimate = alphaOf(ratings, 1);
    expect(estimate.value).toBeCloseTo(golden.cases.preferences.alpha?.ordinal ?? NaN, 6);
    expect(estimate.low).toBeLessThan(estimate.value ?? NaN);
    expect(estimate.high).toBeGreaterThan(estimate.value ?? NaN);
    expect(alphaOf([...ratings].reverse(), 1)).toEqual(estimate);
    const renamed = ratings.map((rating) => ({ ...rating, unit: `${1000 - Number(rating.unit.slice(1))}` }));
    expect(alphaOf(renamed, 1)).toEqual(estimate);
    expect(alphaOf(ratings, 2)).not.toEqual(estimate);
  });

  it('covers what it estimates about as often as it says', () => {
    const random = Random.from(4, 'coverage');
    const sample = (units: number): Rating[] =>
      Array.from({ length: units }, (_, u) => {
        const truth = random.int(3);
        return ['x', 'y', 'z'].map((annotator): Rating => ({
          unit: `u${u}`,
          annotator,
          value: random.next() < 0.7 ? truth : random.int(3),
        }));
      }).flat();
    const truth = alphaOf(sample(20_000), 1, 0).value ?? NaN;
    let covered = 0;
    const samples = 200;
    for (let i = 0; i < samples; i++) {
      const { low, high } = alphaOf(sample(100), i, 200);
      if ((low ?? NaN) <= truth && truth <= (high ?? NaN)) covered++;
    }
    expect(covered / samples).toBeGreaterThan(0.89);
    expect(covered / samples).toBeLessThan(0.99);
  });

  it('has no interval where the value or most resamples are undefined, or none were drawn', () => {
    const constant = ['x', 'y'].map((annotator): Rating => ({ unit: 'u', annotator, value: 1 }));
    expect(alphaOf(constant, 1)).toEqual({ value: null, low: null, high: null });
    expect(alphaOf([], 1)).toEqual({ value: null, low: null, high: null });
    expect(alphaOf(ratings, 1, 0)).toMatchObject({ low: null, high: null });
  });

  it('takes quantiles as numpy does', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4], 0.025)).toBeCloseTo(1.075, 12);
    expect(quantile([7], 0.975)).toBe(7);
  });
});
