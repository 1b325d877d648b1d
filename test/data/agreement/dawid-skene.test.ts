import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracyOf, dawidSkene } from '../../../src/data/agreement/dawid-skene';
import { type Rating, ratingTable } from '../../../src/data/agreement/ratings';
import { Random } from '../../../src/data/random';
import { golden } from './golden';

const DIGITS = 6;
const cases = Object.entries(golden.cases).filter(([, c]) => c.dawid_skene);

describe('Dawid and Skene', () => {
  it.each(cases)('%s: posterior, priors and confusion are those of crowd-kit at its fixed point', (_, golden) => {
    const table = ratingTable(golden.ratings, { repeats: 'all' });
    const fit = dawidSkene(table, { smoothing: 0, tolerance: 1e-10 });
    const expected = golden.dawid_skene;
    if (!expected) throw new Error('no reference');
    expect(fit.converged).toBe(true);
    expect(table.values).toEqual(expected.classes);
    expect(table.units).toEqual(expected.units);
    const k = table.values.length;
    expected.posterior.flat().forEach((value, i) => expect(fit.posterior[i]).toBeCloseTo(value, DIGITS));
    expected.priors.forEach((value, c) => expect(fit.priors[c]).toBeCloseTo(value, DIGITS));
    table.annotators.forEach((name, w) =>
      expected.confusion[name].flat().forEach((value, i) => {
        // A class that no unit is in has no row to compare.
        if (expected.priors[Math.floor(i / k)] > 1e-6) expect(fit.confusion[w][i]).toBeCloseTo(value, DIGITS);
      }),
    );
  });

  it('gives what the paper prints for the 45 patients', () => {
    const table = ratingTable(golden.cases['dawid-skene-1979'].ratings, { repeats: 'all' });
    expect(table.units).toHaveLength(45);
    const fit = dawidSkene(table, { smoothing: 0, tolerance: 1e-10 });
    const rounded = (values: Iterable<number>): number[] => Array.from(values, (x) => Math.round(100 * x) / 100);
    expect(rounded(fit.priors)).toEqual([0.4, 0.42, 0.11, 0.07]);
    expect(rounded(fit.confusion[0])).toEqual([
      ...[0.89, 0.11, 0, 0],
      ...[0.07, 0.88, 0.05, 0],
      ...[0, 0.34, 0.66, 0],
      ...[0, 0, 0.56, 0.44],
    ]);
  });

  it('never lowers its objective, gives distributions, and does not depend on the order of rows', () => {
    const arbitrary = fc.array(
      fc.record({ unit: fc.nat(12), annotator: fc.nat(4), value: fc.constantFrom(-1, 0, 1) }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(0, 0.1, 1), (rows, smoothing) => {
        const ratings = rows.map((r) => ({ unit: `u${r.unit}`, annotator: `w${r.annotator}`, value: r.value }));
        const table = ratingTable(ratings, { repeats: 'all' });
        const options = { smoothing, mostIterations: 60 };
        const fit = dawidSkene(table, options);
        const k = table.values.length;
        fit.history.slice(1).forEach((value, i) => expect(value).toBeGreaterThanOrEqual(fit.history[i] - 1e-6));
        for (let u = 0; u < table.units.length; u++) {
          const row = fit.posterior.subarray(u * k, (u + 1) * k);
          expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
        }
        for (const matrix of fit.confusion) {
          for (let c = 0; c < k; c++)
            expect(matrix.subarray(c * k, (c + 1) * k).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
        }
        const again = dawidSkene(ratingTable([...ratings].reverse(), { repeats: 'all' }), options);
        again.posterior.forEach((p, i) => expect(p).toBeCloseTo(fit.posterior[i], 9));
      }),
      { numRuns: 60 },
    );
  });

  it('finds who errs and outdoes the majority of bad annotators', () => {
    const random = Random.from(3, 'dawid-skene');
    const accuracies = [0.95, 0.9, 0.58, 0.55, 0.52];
    const truth = Array.from({ length: 400 }, () => (random.next() < 0.5 ? -1 : 1));
    const ratings = truth.flatMap((value, u) =>
      accuracies.map((accuracy, w): Rating => ({
        unit: `u${u}`,
        annotator: `w${w}`,
        value: random.next() < accuracy ? value : -value,
      })),
    );
    const table = ratingTable(ratings);
    const fit = dawidSkene(table);
    accuracies.forEach((accuracy, w) => expect(Math.abs(accuracyOf(fit, w) - accuracy)).toBeLessThan(0.08));
    let right = 0;
    let majority = 0;
    table.units.forEach((unit, u) => {
      const value = truth[Number(unit.slice(1))];
      if ((fit.posterior[2 * u + 1] > 0.5 ? 1 : -1) === value) right++;
      const votes = ratings.filter((r) => r.unit === unit).reduce((sum, r) => sum + (r.value ?? 0), 0);
      if (Math.sign(votes) === value) majority++;
    });
    expect(right).toBeGreaterThan(majority + 20);
  });

  it('does not underflow with a thousand ratings of a unit', () => {
    const ratings = Array.from({ length: 1000 }, (_, w): Rating[] => [
      { unit: 'p', annotator: `w${w}`, value: w % 10 ? 1 : 0 },
      { unit: 'q', annotator: `w${w}`, value: w % 10 ? 0 : 1 },
    ]).flat();
    const fit = dawidSkene(ratingTable(ratings));
    expect(fit.posterior[1]).toBeCloseTo(1, 9);
    expect(fit.posterior[2]).toBeCloseTo(1, 9);
  });

  it('takes a table without ratings, and one with a single class', () => {
    const none = dawidSkene(ratingTable([{ unit: 'u', annotator: 'x', value: null }]));
    expect(none).toMatchObject({ converged: true, iterations: 0 });
    const one = dawidSkene(ratingTable([{ unit: 'u', annotator: 'x', value: 1 }]));
    expect([...one.posterior]).toEqual([1]);
  });
});
