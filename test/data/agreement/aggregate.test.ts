import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregatePairs, aggregateTable, METHODS } from '../../../src/data/agreement/aggregate';
import { type Rating, ratingTable } from '../../../src/data/agreement/ratings';
import { golden } from './golden';

const votes = (unit: string, ...values: Rating['value'][]): Rating[] =>
  values.map((value, w) => ({ unit, annotator: `w${w}`, value }));

describe('aggregation of values', () => {
  const cases = Object.entries(golden.cases).filter(([, c]) => c.dawid_skene);

  it.each(cases)('%s: soft labels are the vote shares of crowd-kit', (_, { ratings, dawid_skene: expected }) => {
    const { units } = aggregateTable(ratingTable(ratings, { repeats: 'all' }), 'soft');
    expect(units.map(({ unit }) => unit)).toEqual(expected?.units);
    units.forEach(({ probabilities }, u) =>
      probabilities.forEach((p, c) => expect(p).toBeCloseTo(expected?.votes[u][c] ?? NaN, 6)),
    );
  });

  it('leaves level ones level, never the first', () => {
    const table = ratingTable([...votes('p', 1, 2), ...votes('q', 1, 2, 2), ...votes('r', null)]);
    const { units, unrated } = aggregateTable(table, 'majority');
    expect(units.map(({ unit, category, probabilities }) => [unit, category, ...probabilities])).toEqual([
      ['p', null, 0.5, 0.5],
      ['q', 1, 0, 1],
    ]);
    expect(unrated).toBe(1);
  });
});

describe('aggregation of pairs', () => {
  it('gives P(b better): a tie is a half, bad and skipped ones are counted only', () => {
    const ratings = [
      ...votes('p', 2, 1, -1),
      ...votes('q', -2, 2),
      ...votes('r', -1, 0),
      { unit: 's', annotator: 'w0', value: null, missing: 'both_bad' as const },
      { unit: 't', annotator: 'w0', value: null, missing: 'skip' as const },
      { unit: 't', annotator: 'w1', value: 1 },
    ];
    const majority = aggregatePairs(ratings, 'majority');
    expect(majority.unrated).toBe(1);
    const none = { both_bad: 0, skip: 0 };
    expect(majority.pairs).toEqual([
      { pair: 'p', label: 'b', probability: 1, strength: 2 / 3, votes: { a: 1, tie: 0, b: 2, ...none } },
      { pair: 'q', label: 'tie', probability: 0.5, strength: 0, votes: { a: 1, tie: 0, b: 1, ...none } },
      { pair: 'r', label: 'tie', probability: 0.5, strength: -0.5, votes: { a: 1, tie: 1, b: 0, ...none } },
      { pair: 't', label: 'b', probability: 1, strength: 1, votes: { a: 0, tie: 0, b: 1, both_bad: 0, skip: 1 } },
    ]);
    const soft = aggregatePairs(ratings, 'soft').pairs.map(({ probability }) => probability);
    expect(soft[0]).toBeCloseTo(2 / 3, 12);
    expect(soft.slice(1)).toEqual([0.5, 0.25, 1]);
  });

  it('turns around with the pair, and a permutation of annotators changes nothing', () => {
    const arbitrary = fc.uniqueArray(
      fc.record({ unit: fc.nat(6), annotator: fc.nat(3), value: fc.constantFrom(-2, -1, 0, 1, 2, null) }),
      { minLength: 1, maxLength: 24, selector: ({ unit, annotator }) => `${unit}/${annotator}` },
    );
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(...METHODS), (rows, method) => {
        const ratings = rows.map((r) => ({ unit: `u${r.unit}`, annotator: `w${r.annotator}`, value: r.value }));
        const { pairs } = aggregatePairs(ratings, method);
        const turned = ratings.map((r) => ({ ...r, value: r.value === null ? null : -r.value }));
        const permuted = ratings.map((r) => ({ ...r, annotator: `w${(Number(r.annotator.slice(1)) + 1) % 4}` }));
        const back = aggregatePairs(turned, method).pairs;
        const same = aggregatePairs(permuted, method).pairs;
        expect(same.map(({ pair }) => pair)).toEqual(pairs.map(({ pair }) => pair));
        pairs.forEach(({ probability }, i) => {
          expect(probability).toBeGreaterThanOrEqual(0);
          expect(probability).toBeLessThanOrEqual(1);
          expect(same[i].probability).toBeCloseTo(probability, 4);
          expect(1 - back[i].probability).toBeCloseTo(probability, 4);
        });
      }),
      { numRuns: 60 },
    );
  });
});
