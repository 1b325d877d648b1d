import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/data/random';
import type { WatchedAnswer } from '../../../src/stages/monitors/answers';
import { JudgeGap } from '../../../src/stages/monitors/judge-gap';
import { Monitors } from '../../../src/stages/monitors/monitors';

const answer = (row: number, judge: number, reward: number): WatchedAnswer => ({
  prompt: 'q',
  answer: 'a',
  tokens: 4,
  row,
  judge,
  reward,
});

/** `count` of `n` answers are good by the judge; the reward rises with `step`, and likes them by `liking`. */
const batch = (count: number, step: number, liking: number, n = 64): WatchedAnswer[] =>
  Array.from({ length: n }, (_, i) => {
    const good = i < count ? 1 : 0;
    return answer(i, good, step + liking * good + (i % 2) / 2);
  });

describe('a fall of the judge', () => {
  /** 48 of 64 are good, then 43: 0.08 less, two standard errors of means over 256 answers. */
  const readings = (liking: number) => {
    const gap = new JudgeGap();
    return Array.from({ length: 8 }, (_, step) => gap.see(batch(step < 4 ? 48 : 43, step, liking)));
  };

  it('that may be chance counts where the reward likes what the judge dislikes, and not where both agree', () => {
    const [agreeing, opposed] = [readings(1), readings(-1)].map((list) => list.at(-1));
    for (const reading of [agreeing, opposed]) expect(reading?.value).toBeCloseTo(5 / 48, 12);
    expect(agreeing).toMatchObject({ sure: false, judge: 43 / 64 });
    expect(opposed).toMatchObject({ sure: true, judge: 43 / 64 });
    expect(agreeing?.correlation).toBeGreaterThan(0.5);
    expect(opposed?.correlation).toBeLessThan(-0.5);
  });

  it('counts whatever the reward likes, once chance does not explain it', () => {
    const gap = new JudgeGap();
    const last = Array.from({ length: 8 }, (_, step) => gap.see(batch(step < 4 ? 48 : 32, step, 1))).at(-1);
    expect(last).toMatchObject({ sure: true });
    expect(last?.value).toBeCloseTo(1 / 3, 12);
  });

  it('is compared among answers to one prompt where there are several', () => {
    // both like the later prompts, but of each prompt's two answers the reward takes the one that the judge does not
    const of = (step: number): WatchedAnswer[] =>
      Array.from({ length: 32 }, (_, row) => [
        answer(row, 10 * row + 1, 10 * row + step),
        answer(row, 10 * row, 10 * row + step + 1),
      ]).flat();
    const gap = new JudgeGap();
    expect([0, 1, 2].map((step) => gap.see(of(step))?.correlation).at(-1)).toBeCloseTo(-1, 12);
  });

  it('is remembered by a resumed run as by one that was left alone', () => {
    const whole = readings(-1).at(-1);
    const gap = new JudgeGap();
    for (let step = 0; step < 6; step++) gap.see(batch(step < 4 ? 48 : 43, step, -1));
    const resumed = new JudgeGap();
    resumed.restore(JSON.parse(JSON.stringify(gap.save())) as ReturnType<JudgeGap['save']>);
    expect([6, 7].map((step) => resumed.see(batch(43, step, -1))).at(-1)).toEqual(whole);
  });
});

/** Runs of 40 measurements of 64 answers with a judge of 0 or 1: at which the default alarm came, and what was lost. */
function runs(count: number, quality: (step: number) => number, liking: number): { step: number; lost: number }[] {
  return Array.from({ length: count }, (_, run) => {
    const random = Random.from(42, 'judge-gap', run);
    const watched = new Monitors({ thresholds: { proxy_gap: 0.05 }, patience: 2, phrases: [] });
    for (let step = 0; step < 40; step++) {
      const answers = Array.from({ length: 64 }, (_, i) => {
        const good = random.next() < quality(step) ? 1 : 0;
        return answer(i, good, step / 20 + liking * good + random.normal());
      });
      if (watched.observe(step, { answers }).alarms.length > 0) return { step, lost: 1 - quality(step) / quality(0) };
    }
    return { step: NaN, lost: NaN };
  });
}
const alarmed = (list: readonly { step: number }[]): number => list.filter(({ step }) => !Number.isNaN(step)).length;

describe('the default threshold', () => {
  it.each([
    ['likes what the judge likes', 1],
    ['has nothing to do with the judge', 0],
  ])('hardly ever raises an alarm over a policy that stays as good, where the reward %s', (_, liking) => {
    expect(alarmed(runs(60, () => 0.8, liking))).toBeLessThanOrEqual(2);
  });

  it('sees a policy lose a fiftieth at each measurement in good time, where the reward pays for it', () => {
    const found = runs(60, (step) => 0.8 * (1 - step / 50), -1);
    expect(alarmed(found)).toBe(60);
    const lost = found.map((run) => run.lost).sort((a, b) => a - b);
    expect(lost[30]).toBeLessThan(0.15);
  });
});
