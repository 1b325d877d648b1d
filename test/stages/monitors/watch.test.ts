import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Watch } from '../../../src/stages/monitors/watch';

const above = (patience: number) => new Watch({ threshold: 2, side: 'above', neutral: 1, patience });
const seen = (watch: Watch, values: number[]): number[] =>
  values.flatMap((value, i) => (watch.see(value, true, i) ? [i] : []));

describe('a watch', () => {
  it('waits for as many values in a row as it has patience', () => {
    expect(seen(above(3), [3, 3, 1, 3, 3, 3])).toEqual([5]);
    expect(seen(above(1), [3])).toEqual([0]);
    const watch = above(3);
    seen(watch, [3, 1, 3, 3, 3]);
    expect(watch.since).toBe(2);
  });

  it('raises its alarm once, and again only after the value fell back', () => {
    // back means below 2 − 0.1 · (2 − 1) = 1.9
    expect(seen(above(1), [3, 3, 1.95, 3, 1.9, 3])).toEqual([0, 5]);
    expect(seen(above(1), [2, 1.99])).toEqual([]);
  });

  it('looks below where the alarm is there', () => {
    const entropy = new Watch({ threshold: 0.1, side: 'below', neutral: 1, patience: 2 });
    // back means above 0.1 + 0.1 · 0.9 = 0.19
    expect(seen(entropy, [0.5, 0.05, 0.05, 0.15, 0.05, 0.05, 0.2, 0.05, 0.05])).toEqual([2, 8]);
  });

  it('is not moved by what is not finite, nor by what may be chance', () => {
    const watch = above(2);
    expect(seen(watch, [3, NaN, Infinity, 3])).toEqual([3]);
    const doubtful = above(1);
    expect(doubtful.see(3, false)).toBe(false);
    expect(doubtful.see(3, true)).toBe(true);
  });

  it('goes on from what it saved as if nothing had been', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 4, noNaN: true })), fc.nat(), (values, cut) => {
        const at = values.length ? cut % values.length : 0;
        const whole = seen(above(2), values);
        const [first, second] = [above(2), above(2)];
        const before = seen(first, values.slice(0, at));
        second.restore(JSON.parse(JSON.stringify(first.save())) as ReturnType<Watch['save']>);
        expect([...before, ...seen(second, values.slice(at)).map((i) => i + at)]).toEqual(whole);
      }),
    );
  });

  it('never raises two alarms without a fall in between', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 4, noNaN: true })), fc.integer({ min: 1, max: 4 }), (values, n) => {
        const raised = seen(above(n), values);
        raised
          .slice(1)
          .forEach((at, i) => expect(values.slice(raised[i], at).some((value) => value <= 1.9)).toBe(true));
      }),
    );
  });
});
