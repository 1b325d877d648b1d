import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/data/random';
import { shareOf } from '../../../src/data/agreement/shares';
import { meanOverPrompts, signTest } from '../../../src/stages/evaluation/estimates';
import { type Outcome, outcomeOf, winRate } from '../../../src/stages/evaluation/win-rate';

const random = () => Random.from(1, 'test');
const outcome = fc.constantFrom<Outcome>(0, 0.5, 1);
const outcomes = fc.array(fc.array(outcome, { maxLength: 3 }), { maxLength: 30 });
const repeated = (value: Outcome, n: number): Outcome[][] => Array.from({ length: n }, () => [value]);

describe('win rate', () => {
  it.each([
    [0, 20, 0, 0.161125],
    [50, 100, 0.403832, 0.596168],
    [62, 100, 0.522098, 0.709024],
  ])("has Wilson's interval where nothing is tied: %d of %d", (wins, n, low, high) => {
    const rate = winRate([...repeated(1, wins), ...repeated(0, n - wins)], random());
    expect(rate).toMatchObject({ wins, ties: 0, losses: n - wins, method: 'wilson' });
    expect(rate.value).toBe(wins / n);
    expect(rate.low).toBeCloseTo(low, 6);
    expect(rate.high).toBeCloseTo(high, 6);
  });

  it('counts a tie as a half and bootstraps over prompts', () => {
    const rate = winRate([[1], [0.5], [0], [1]], random());
    expect(rate).toMatchObject({ wins: 2, ties: 1, losses: 1, value: 0.625, method: 'bootstrap' });
    expect(rate.low).toBeLessThan(0.625);
    expect(rate.high).toBeGreaterThan(0.625);
  });

  it('turned round is its complement, with ties where they were', () => {
    fc.assert(
      fc.property(outcomes, (given) => {
        const turned = given.map((values) => values.map((value) => (1 - value) as Outcome));
        const [rate, other] = [winRate(given, random()), winRate(turned, random())];
        expect(other).toMatchObject({ wins: rate.losses, ties: rate.ties, losses: rate.wins, method: rate.method });
        expect(other.p).toBe(rate.p);
        expect(other.value === null).toBe(rate.value === null);
        if (rate.value !== null) expect(other.value).toBeCloseTo(1 - rate.value, 12);
      }),
    );
  });

  it('lies within its interval, and that within 0 and 1', () => {
    fc.assert(
      fc.property(outcomes, (given) => {
        const { value, low, high, wins, ties, losses } = winRate(given, random());
        expect(wins + ties + losses).toBe(given.flat().length);
        if (value === null || low === null || high === null) return;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low <= value + 1e-12 && value <= high + 1e-12).toBe(true);
      }),
    );
  });

  it('says nothing of nothing', () => {
    expect(winRate([], random())).toEqual({
      value: null,
      low: null,
      high: null,
      wins: 0,
      ties: 0,
      losses: 0,
      p: 1,
      method: 'wilson',
    });
  });

  it('takes rounding for a tie', () => {
    expect([outcomeOf(1, 1 + 1e-9), outcomeOf(1, 0.99), outcomeOf(-2, -1)]).toEqual([0.5, 1, 0]);
  });
});

describe('mean over prompts', () => {
  it('is the mean of all values, with the same interval for the same stream', () => {
    const groups = [[1, 2], [4], [], [0, 0, 0]];
    const mean = meanOverPrompts(groups, random());
    expect(mean.value).toBeCloseTo(7 / 6, 12);
    expect(meanOverPrompts(groups, random())).toEqual(mean);
  });

  it('draws the answers of a prompt together: copies of an answer make no interval narrower', () => {
    const single = Array.from({ length: 60 }, (_, i) => [(i * 7) % 11]);
    const copied = single.map(([value]) => [value, value, value, value]);
    const [one, four] = [meanOverPrompts(single, random()), meanOverPrompts(copied, random())];
    expect(four).toEqual(one);
  });

  it('covers as much as the normal approximation where that holds', () => {
    const stream = Random.from(3);
    const groups = Array.from({ length: 2000 }, () => [stream.normal()]);
    const values = groups.flat();
    const { value, low, high } = meanOverPrompts(groups, random());
    const mean = values.reduce((a, b) => a + b) / values.length;
    const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
    expect(value).toBeCloseTo(mean, 12);
    const half = (1.96 * sd) / Math.sqrt(values.length);
    expect(Math.abs(high! - low! - 2 * half) / (2 * half)).toBeLessThan(0.1);
  });

  it('agrees with Wilson on shares of many prompts', () => {
    const { low, high } = meanOverPrompts([...repeated(1, 620), ...repeated(0, 380)], random());
    const wilson = shareOf(620, 1000);
    expect(low).toBeCloseTo(wilson.low!, 2);
    expect(high).toBeCloseTo(wilson.high!, 2);
  });

  it('has no interval for one prompt and no value for none', () => {
    expect(meanOverPrompts([[1, 3]], random())).toEqual({ value: 2, low: null, high: null });
    expect(meanOverPrompts([[]], random())).toEqual({ value: null, low: null, high: null });
  });
});

describe('sign test', () => {
  // scipy.stats.binomtest(k, n).pvalue
  it.each([
    [8, 2, 0.109375],
    [5, 5, 1],
    [0, 6, 0.03125],
    [30, 14, 0.022629],
    [1, 0, 1],
    [0, 0, 1],
  ])('%d against %d', (wins, losses, p) => {
    expect(signTest(wins, losses)).toBeCloseTo(p, 6);
    expect(signTest(losses, wins)).toBe(signTest(wins, losses));
  });

  it('does not underflow for thousands', () => {
    expect(signTest(5000, 5000)).toBe(1);
    expect(signTest(5100, 4900)).toBeGreaterThan(0.04);
    expect(signTest(5100, 4900)).toBeLessThan(0.05);
  });
});
