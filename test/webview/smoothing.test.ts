import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimate, nearest, robustRange } from '../../webview/curves/decimation';
import { effectiveWeight, smooth } from '../../webview/curves/smoothing';

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });
const weight = fc.double({ min: 0, max: 0.99, noNaN: true });

describe('smoothing', () => {
  it('is the exponential average divided by its bias', () => {
    fc.assert(
      fc.property(values, weight, (series, w) => {
        const smoothed = smooth(series, w);
        let average = 0;
        series.forEach((value, index) => {
          average = w * average + (1 - w) * value;
          const debiased = average / (1 - w ** (index + 1));
          expect(Math.abs((smoothed[index] ?? NaN) - debiased)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(debiased)));
        });
      }),
    );
  });

  it('leaves a constant as it is, to the last bit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), weight, (value, w) => {
        const constant = Array<number>(50).fill(value + 0); // −0 is 0
        expect([...smooth(constant, w)]).toEqual(constant);
      }),
    );
  });

  it('leaves values alone at weight 0 and keeps within their range at any other', () => {
    fc.assert(
      fc.property(values, weight, (series, w) => {
        expect([...smooth(series, 0)]).toEqual(series);
        const slack = 1e-9 * Math.max(1, ...series.map(Math.abs));
        for (const value of smooth(series, w)) {
          expect(value).toBeGreaterThanOrEqual(Math.min(...series) - slack);
          expect(value).toBeLessThanOrEqual(Math.max(...series) + slack);
        }
      }),
    );
  });

  it('of a prefix is the prefix of the whole: later rows do not change what was drawn', () => {
    fc.assert(
      fc.property(values, weight, fc.nat(300), (series, w, cut) => {
        const prefix = series.slice(0, cut);
        expect([...smooth(prefix, w)]).toEqual([...smooth(series, w)].slice(0, prefix.length));
      }),
    );
  });

  it('does not touch few points, evaluations or the learning rate', () => {
    expect(effectiveWeight('loss', 2, 0.6)).toBe(0);
    expect(effectiveWeight('eval_loss', 500, 0.6)).toBe(0);
    expect(effectiveWeight('learning_rate', 500, 0.6)).toBe(0);
    expect(effectiveWeight('loss', 500, 0.6)).toBe(0.6);
  });
});

describe('decimation', () => {
  const series = fc
    .array(fc.tuple(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: -10, max: 10, noNaN: true })), {
      minLength: 1,
      maxLength: 600,
    })
    .map((points) => [...points].sort((a, b) => a[0] - b[0]));

  it('keeps the first, the last, the lowest and the highest of every pixel column', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 30 }), (points, columns) => {
        const x = points.map(([at]) => at);
        const y = points.map(([, value]) => value);
        const kept = decimate(x, y, 0, 100, columns);
        const columnOf = (index: number) => Math.floor(((x[index] ?? 0) * columns) / 100);
        for (let column = 0; column <= columns; column++) {
          const all = x.map((_, index) => index).filter((index) => columnOf(index) === column);
          const some = kept.filter((index) => columnOf(index) === column);
          if (all.length === 0) continue;
          expect(some[0]).toBe(all[0]);
          expect(some.at(-1)).toBe(all.at(-1));
          const of = (indices: number[]) => indices.map((index) => y[index] ?? NaN);
          expect(Math.min(...of(some))).toBe(Math.min(...of(all)));
          expect(Math.max(...of(some))).toBe(Math.max(...of(all)));
        }
      }),
    );
  });

  it('gives ascending indices, at most four a column and its neighbours', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 30 }), (points, columns) => {
        const x = points.map(([at]) => at);
        const kept = decimate(
          x,
          points.map(([, value]) => value),
          0,
          100,
          columns,
        );
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
        expect(kept.length).toBeLessThanOrEqual(4 * (columns + 2));
      }),
    );
  });

  it('leaves a short series whole', () => {
    expect(decimate([1, 2, 3], [5, 5, 5], 0, 10, 100)).toEqual([0, 1, 2]);
  });

  it('keeps a neighbour on each side of a zoomed range, so that lines reach the edges', () => {
    const x = Array.from({ length: 1000 }, (_, index) => index);
    const kept = decimate(x, x, 400, 600, 10);
    expect(kept[0]).toBe(399);
    expect(kept.at(-1)).toBe(601);
  });

  it('finds the nearest point', () => {
    expect(nearest([], 1)).toBe(-1);
    fc.assert(
      fc.property(series, fc.double({ min: -10, max: 110, noNaN: true }), (points, at) => {
        const x = points.map(([value]) => value);
        const found = Math.abs((x[nearest(x, at)] ?? NaN) - at);
        expect(found).toBe(Math.min(...x.map((value) => Math.abs(value - at))));
      }),
    );
  });

  it('leaves outliers out of the robust range and knows when there are too few values', () => {
    const range = robustRange([...Array.from({ length: 100 }, (_, index) => index), 1e9]);
    expect(range?.max).toBeLessThan(200);
    expect(robustRange([1, 2, 3])).toBeUndefined();
    expect(robustRange(Array<number>(100).fill(3))).toBeUndefined();
  });
});
