import { describe, expect, it } from 'vitest';
import { annotatorReports, type UnitFacts } from '../../../src/data/agreement/annotators';
import { factsOfPairs, ratingsOfLabels } from '../../../src/data/agreement/label-ratings';
import type { Rating } from '../../../src/data/agreement/ratings';
import { median, pearson, shareOf, spearman } from '../../../src/data/agreement/shares';
import { type LabelRow, parseLabelRow } from '../../../src/data/labels/labels';
import { toPair } from '../../../src/data/labels/pairs';
import { golden } from './golden';

describe('shares and correlations', () => {
  const { x, y, spearman: rho, pearson: r, wilson } = golden.correlations;

  it('are those of scipy and statsmodels', () => {
    expect(spearman(x, y)).toBeCloseTo(rho, 9);
    expect(pearson(x, y)).toBeCloseTo(r, 9);
    for (const { count, n, interval } of wilson) {
      const { low, high } = shareOf(count, n);
      expect(low).toBeCloseTo(interval[0], 9);
      expect(high).toBeCloseTo(interval[1], 9);
    }
  });

  it('are undefined where nothing varies or nothing is there', () => {
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNull();
    expect(spearman([1, 2], [1, 2])).toBeNull();
    expect(shareOf(0, 0)).toEqual({ count: 0, n: 0, value: null, low: null, high: null });
    expect([median([]), median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([null, 2, 2.5]);
  });
});

describe('an annotator', () => {
  const facts = new Map<string, UnitFacts>(
    Array.from({ length: 20 }, (_, i) => [`p${i}`, { tags: [], lengthA: 10, lengthB: i % 2 ? 5 + i : 9 - (i % 3) }]),
  );
  const byLength = [...facts].map(([unit, { lengthA = 0, lengthB = 0 }], i): Rating => {
    const value = lengthB > lengthA ? 2 : lengthB < lengthA ? -2 : 0;
    return { unit, annotator: 'long', value, shown: i % 4 < 2 ? 'ab' : 'ba' };
  });
  const byPlace = [...facts.keys()].map((unit, i): Rating => ({
    unit,
    annotator: 'first',
    value: i % 4 < 2 ? -1 : 1,
    shown: i % 4 < 2 ? 'ab' : 'ba',
  }));

  it('who likes length, and one who takes what stands first, are found', () => {
    const [first, long] = annotatorReports([...byLength, ...byPlace], facts);
    expect([first.annotator, long.annotator]).toEqual(['first', 'long']);
    expect(first.bias).toMatchObject({ first: { value: 1, n: 20 }, positionCorrelation: 1 });
    expect(long.bias?.longer).toMatchObject({ value: 1 });
    expect(long.bias?.lengthCorrelation).toBeGreaterThan(0.8);
    expect(Math.abs(first.bias?.lengthCorrelation ?? 1)).toBeLessThan(0.5);
    expect(long.bias?.first.value).toBeLessThan(0.8);
  });

  it('changes sign when a and b are swapped', () => {
    const swapped = new Map(
      [...facts].map(([unit, f]) => [unit, { tags: [], lengthA: f.lengthB, lengthB: f.lengthA }] as const),
    );
    const turned = byLength.map(
      (r) => ({ ...r, value: -(r.value ?? 0), shown: r.shown === 'ab' ? 'ba' : 'ab' }) as const,
    );
    const [before] = annotatorReports(byLength, facts);
    const [after] = annotatorReports(turned, swapped);
    expect(after.bias?.longer).toEqual(before.bias?.longer);
    expect(after.bias?.first).toEqual(before.bias?.first);
    expect(after.bias?.lengthCorrelation).toBeCloseTo(before.bias?.lengthCorrelation ?? NaN, 12);
    expect(after.bias?.positionCorrelation).toBeCloseTo(before.bias?.positionCorrelation ?? NaN, 12);
  });

  it('is held against others and, on repetitions only, against themselves', () => {
    const rating = (annotator: string, unit: string, value: number | null, repeat = false): Rating => ({
      annotator,
      unit,
      value,
      repeat,
    });
    const [x, y] = annotatorReports(
      [
        rating('x', 'p', 1),
        rating('x', 'p', 1, true),
        rating('x', 'q', 2),
        rating('x', 'q', -1, true),
        rating('x', 'r', 1),
        rating('x', 'r', 2), // a correction says nothing about consistency
        rating('x', 's', null),
        rating('x', 's', 1, true), // nothing to compare with
        rating('y', 'p', 1),
        rating('y', 'q', 2),
        rating('y', 's', null),
      ],
      null,
    );
    expect(x.withSelf).toMatchObject({ count: 1, n: 2 });
    expect(x.withOthers).toMatchObject({ count: 1, n: 2 });
    expect(y.withSelf.n).toBe(0);
    expect(y).toMatchObject({ rated: 2, missing: 1, bias: null, medianMs: null });
  });
});

describe('label rows', () => {
  it('become ratings: undone ones left out, both_bad and skip missing, repetitions marked', () => {
    const row = (id: string, rest: object): LabelRow => {
      const base = { v: 1, id, pair: 'p', annotator: 'x', time: Number(id), ms: 5, shown: 'ba' };
      const parsed = parseLabelRow({ ...base, ...rest }, 'labels.jsonl', 1);
      if ('kind' in parsed) throw new Error(parsed.message);
      return parsed;
    };
    const rows = [
      row('1', { value: 2 }),
      row('2', { value: 'both_bad' }),
      row('3', { undoes: '1' }),
      row('4', { value: 'skip', repeat: true }),
    ];
    expect(ratingsOfLabels(rows)).toEqual([
      { unit: 'p', annotator: 'x', value: null, missing: 'both_bad', shown: 'ba', ms: 5 },
      { unit: 'p', annotator: 'x', value: null, missing: 'skip', shown: 'ba', ms: 5, repeat: true },
    ]);
    const pair = toPair({ prompt: 'q', a: 'x😀', b: 'yes', tags: ['t'] });
    expect(factsOfPairs([pair]).get(pair.id)).toEqual({ tags: ['t'], lengthA: 2, lengthB: 3 });
  });
});
