import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adaptedBeta,
  gae,
  groupAdvantages,
  klTerms,
  leaveOneOut,
  moments,
  normalized,
  penalisedRewards,
  whiten,
} from '../../src/stages/policy/advantages';

const near = (actual: ArrayLike<number>, expected: readonly number[], digits = 6) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((x, i) => expect(actual[i]).toBeCloseTo(x, digits));
};
const number = fc.double({ min: -50, max: 50, noNaN: true });
const numbers = fc.array(number, { minLength: 1, maxLength: 20 });
const two = fc
  .integer({ min: 1, max: 20 })
  .chain((n) =>
    fc.tuple(fc.array(number, { minLength: n, maxLength: n }), fc.array(number, { minLength: n, maxLength: n })),
  );

/** Worked by hand with the formulas of the papers. */
describe('worked numbers', () => {
  const old = [-1, -0.5, -2];
  const reference = [-1.2, -0.4, -2.5];
  const k1 = klTerms(old, reference, 'k1');
  const rewards = penalisedRewards(k1, 1, 0.05);
  const { advantages, returns } = gae(rewards, [0.2, 0.3, 0.5], 1, 0.95);

  it('k1, k2, k3', () => {
    near(k1, [0.2, -0.1, 0.5]);
    near(klTerms(old, reference, 'k2'), [0.02, 0.005, 0.125]);
    near(klTerms(old, reference, 'k3'), [0.018731, 0.005171, 0.106531]);
  });
  it('rewards, advantages and returns of GAE', () => {
    near(rewards, [-0.01, 0.005, 0.975]);
    near(advantages, [0.7134375, 0.65625, 0.475], 7);
    near(returns, [0.9134375, 0.95625, 0.975], 7);
  });
  it('whitening with Bessel’s correction', () => {
    near(whiten([advantages])[0], [0.791614, 0.33221, -1.123825], 5);
  });
  it('adaptive KL', () => expect(adaptedBeta(0.15, 9, 6, 512)).toBeCloseTo(0.151536, 6));
  it('GRPO and RLOO on (1, 0, 0, 1)', () => {
    near(groupAdvantages([[1, 0, 0, 1]], 'group')[0], [0.865875, -0.865875, -0.865875, 0.865875]);
    near(leaveOneOut([[1, 0, 0, 1]])[0], [0.666667, -0.666667, -0.666667, 0.666667]);
  });
});

describe('any answer', () => {
  it('k2 and k3 are never negative, and all are 0 for a policy that is its reference', () => {
    fc.assert(
      fc.property(two, ([logProbs, reference]) => {
        for (const kind of ['k2', 'k3'] as const)
          for (const k of klTerms(logProbs, reference, kind)) expect(k).toBeGreaterThanOrEqual(0);
        for (const kind of ['k1', 'k2', 'k3'] as const)
          for (const k of klTerms(logProbs, logProbs, kind)) expect(Math.abs(k)).toBe(0);
      }),
    );
  });

  it('with β 0, γ = λ = 1 and values 0 every advantage is the score', () => {
    fc.assert(
      fc.property(two, number, ([logProbs, reference], score) => {
        const rewards = penalisedRewards(klTerms(logProbs, reference, 'k1'), score, 0);
        const { advantages, returns } = gae(rewards, new Float32Array(rewards.length), 1, 1);
        for (const x of [...advantages, ...returns]) expect(x === score).toBe(true); // −0 is 0
      }),
    );
  });

  it('with λ = 1 returns are the discounted sums of rewards, whatever the values', () => {
    fc.assert(
      fc.property(two, fc.double({ min: 0, max: 1, noNaN: true }), ([rewards, values], gamma) => {
        const { returns } = gae(rewards, values, gamma, 1);
        for (let t = 0; t < rewards.length; t++) {
          const sum = rewards.slice(t).reduce((total, reward, i) => total + gamma ** i * reward, 0);
          expect(returns[t]).toBeCloseTo(sum, 6);
        }
      }),
    );
  });

  it('whitened numbers have mean 0 and variance 1, or their own mean where it is kept', () => {
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 6 }), (answers) => {
        const all = answers.flat();
        const { mean, variance } = moments(all);
        fc.pre(all.length > 1 && variance > 1e-3);
        const arrays = answers.map((answer) => Float64Array.from(answer));
        const whitened = moments(whiten(arrays).flatMap((answer) => [...answer]));
        expect(whitened.mean).toBeCloseTo(0, 6);
        expect(whitened.variance).toBeCloseTo(1, 4);
        const kept = moments(whiten(arrays, { keepMean: true }).flatMap((answer) => [...answer]));
        expect(kept.mean).toBeCloseTo(mean, 6);
      }),
    );
  });
});

describe('groups', () => {
  it('of equal rewards teach nothing, and any group sums to 0', () => {
    fc.assert(
      fc.property(number, fc.integer({ min: 1, max: 9 }), numbers, (reward, size, others) => {
        const equal = new Array<number>(size).fill(reward);
        for (const advantage of [...groupAdvantages([equal], 'group')[0], ...leaveOneOut([equal])[0]])
          expect(Math.abs(advantage)).toBeLessThan(1e-9);
        const sum = (values: readonly number[]) => values.reduce((total, x) => total + x, 0);
        expect(sum(leaveOneOut([others])[0])).toBeCloseTo(0, 6);
        for (const scale of ['group', 'batch', 'none'] as const)
          expect(sum(groupAdvantages([others, equal], scale)[0])).toBeCloseTo(0, 5);
        expect(sum(normalized([others, equal]).flat())).toBeCloseTo(0, 5);
      }),
    );
  });

  it('an answer without others has no baseline and teaches nothing', () => {
    expect(leaveOneOut([[3]])).toEqual([[0]]);
    expect(groupAdvantages([[3]], 'group')).toEqual([[0]]);
  });
});

it('the KL coefficient moves towards the target, by at most a fifth of the share of the horizon', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      (kl, target) => {
        const next = adaptedBeta(0.1, kl, target, 100);
        if (kl > target) expect(next).toBeGreaterThanOrEqual(0.1);
        else expect(next).toBeLessThanOrEqual(0.1);
        expect(Math.abs(next / 0.1 - 1)).toBeLessThanOrEqual(0.2 * 0.01 + 1e-12);
      },
    ),
  );
});
