import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inTurn, median, spread } from '../../bench/statistics';

const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 30 });

describe('median', () => {
  it('has as many values above as below, in any order', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const middle = median(values);
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(median([...values].reverse())).toBe(middle);
      }),
    );
  });

  it('is the mean of the middle two of an even count, and nothing of nothing', () => {
    expect(median([10, 1, 3, 4])).toBe(3.5);
    expect(median([])).toBeNaN();
  });
});

it('measures how far apart runs lie', () => {
  expect(spread([9, 10, 12])).toBeCloseTo(0.3);
  expect(spread([5])).toBe(0);
});

describe('inTurn', () => {
  it('asks each once a round, and turns the order round every time', async () => {
    const asked: string[] = [];
    const contestant = (name: string) => async () => {
      asked.push(name);
      return asked.length;
    };
    const results = await inTurn(3, { ours: contestant('ours'), peer: contestant('peer') });
    expect(asked).toEqual(['ours', 'peer', 'peer', 'ours', 'ours', 'peer']);
    expect(results).toEqual({ ours: [1, 4, 5], peer: [2, 3, 6] });
  });

  it('does not ask again who had nothing to give', async () => {
    let asked = 0;
    const results = await inTurn<'ours' | 'peer', number>(3, {
      ours: async () => 1,
      peer: async () => {
        asked++;
        return undefined;
      },
    });
    expect(asked).toBe(1);
    expect(results).toEqual({ ours: [1, 1, 1], peer: [] });
  });
});
