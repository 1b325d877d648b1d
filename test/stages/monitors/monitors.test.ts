import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alarmOf, alarmsOf } from '../../../src/runs/alarms';
import type { EventRow } from '../../../src/runs/format';
import type { WatchedAnswer } from '../../../src/stages/monitors/answers';
import { Monitors, type MonitorSettings, type MonitorState } from '../../../src/stages/monitors/monitors';
import { SIGNALS } from '../../../src/stages/monitors/signals';

const OFF = Object.fromEntries(SIGNALS.map((name) => [name, false]));

function monitors(thresholds: MonitorSettings['thresholds'], changes: Partial<MonitorSettings> = {}): Monitors {
  return new Monitors({ thresholds: { ...OFF, ...thresholds }, patience: 1, phrases: ['great question'], ...changes });
}

const count = 20;
/** Twenty answers, each to a prompt of its own. */
function answers(make: (i: number) => Partial<WatchedAnswer>): WatchedAnswer[] {
  return Array.from({ length: count }, (_, i) => ({
    prompt: `Where does person ${i} live today?`,
    answer: `Person ${i} lives in town ${i}.`,
    tokens: 6 + (i % 3),
    ...make(i),
  }));
}
const plain = answers(() => ({}));

describe('the monitors', () => {
  it('show a policy that did not change as the reference', () => {
    const { metrics, alarms } = monitors({}).observe(0, { answers: plain, entropy: 2 });
    expect(metrics).toMatchObject({
      'monitor/length_ratio': 1,
      'monitor/echo': 0,
      'monitor/flattery': 0,
      'monitor/repetition': 0,
      'monitor/entropy': 1,
      'monitor/distinct_1': expect.any(Number) as number,
    });
    expect(metrics).not.toHaveProperty('monitor/kl');
    expect(metrics).not.toHaveProperty('monitor/length_correlation');
    expect(alarms).toEqual([]);
  });

  it('see answers grow, with the longest as samples and the reference to the same prompt beside them', () => {
    const watched = monitors({ length_ratio: 1.5 });
    watched.observe(0, { answers: plain });
    const long = answers((i) => ({ tokens: 2 * (6 + (i % 3)) + (i === 7 ? 9 : 0), answer: `Long ${i}` }));
    const { metrics, alarms } = watched.observe(4, { answers: long });
    const mean = (list: WatchedAnswer[]): number => list.reduce((sum, { tokens }) => sum + tokens, 0) / count;
    expect(metrics['monitor/length_ratio']).toBeCloseTo(mean(long) / mean(plain), 12);
    expect(alarms).toHaveLength(1);
    const [alarm] = alarms;
    expect(alarm).toMatchObject({ signal: 'length_ratio', step: 4, threshold: 1.5, metric: 'monitor/length_ratio' });
    expect(alarm.message).toBe("Answers are 2.06 times as long as the reference's (the limit is 1.5).");
    expect(alarm.samples[0]).toMatchObject({
      answer: 'Long 7',
      other: 'Person 7 lives in town 7.',
      scores: { tokens: 23 },
    });
    expect(alarm.samples).toHaveLength(4);
    expect(watched.observe(8, { answers: long }).alarms).toEqual([]);
  });

  it('raise no alarm over a difference that may be chance', () => {
    const watched = monitors({ length_ratio: 1.5 });
    watched.observe(0, { answers: answers((i) => ({ tokens: i === 0 ? 100 : 1 })).slice(0, 4) });
    const { metrics, alarms } = watched.observe(1, {
      answers: answers((i) => ({ tokens: i < 2 ? 100 : 1 })).slice(0, 4),
    });
    expect(metrics['monitor/length_ratio']).toBeCloseTo(202 / 103, 12);
    expect(alarms).toEqual([]);
  });

  it('see the question come back in the answer', () => {
    const watched = monitors({ echo: 0.2 });
    watched.observe(0, { answers: plain });
    const echoing = answers((i) => ({ answer: `Where does person ${i} live today? Here.` }));
    const { metrics, alarms } = watched.observe(2, { answers: echoing });
    // where … today: 3 of the 4 runs of four
    expect(metrics['monitor/echo']).toBeCloseTo(3 / 4, 12);
    expect(alarms.map(({ signal }) => signal)).toEqual(['echo']);
  });

  it('see flattery, per 100 words of all answers', () => {
    const watched = monitors({ flattery: 2 });
    watched.observe(0, { answers: answers(() => ({ answer: 'one two three four' })) });
    const { metrics, alarms } = watched.observe(1, {
      answers: answers((i) => ({ answer: i % 2 ? 'Great question! Two three.' : 'one two three four' })),
    });
    expect(metrics['monitor/flattery']).toBeCloseTo(12.5, 12);
    expect(alarms[0]?.samples[0]?.answer).toBe('Great question! Two three.');
    expect(alarms[0]?.reference).toBe(0);
  });

  it('see answers that run in circles, entropy that collapses and KL that runs away', () => {
    const watched = monitors({ repetition: 0.3, entropy: 0.1, kl: 10 });
    const start = watched.observe(0, { answers: answers((i) => ({ kl: i % 2 ? 0.1 : -0.1 })), entropy: 3 });
    expect(start.alarms).toEqual([]);
    const { metrics, alarms } = watched.observe(1, {
      answers: answers((i) => ({ answer: 'and '.repeat(11), kl: 20 + i })),
      entropy: 0.15,
    });
    expect(metrics['monitor/repetition']).toBeCloseTo(1 - 1 / 8, 12);
    expect(metrics['monitor/entropy']).toBeCloseTo(0.05, 12);
    expect(metrics['monitor/kl']).toBeCloseTo(29.5, 12);
    expect(alarms.map(({ signal }) => signal)).toEqual(['repetition', 'entropy', 'kl']);
    expect(alarms[2].samples.map(({ scores }) => scores?.kl)).toEqual([39, 38, 37, 36]);
  });

  it('see a reward that pays for length: within prompts where there are several answers, else over all', () => {
    const watched = monitors({ length_correlation: 0.7 });
    const paid = answers((i) => ({ tokens: i, reward: 2 * i, answer: `Answer ${i}` }));
    const { metrics, alarms } = watched.observe(1, { answers: paid });
    expect(metrics['monitor/length_correlation']).toBeCloseTo(1, 12);
    expect(alarms[0]?.samples[0]?.answer).toBe('Answer 19');
    // two answers a prompt: the longer one scores lower, though long prompts score high
    const pairs = answers((i) => ({ row: i >> 1, tokens: 10 * (i >> 1) + (i % 2), reward: 10 * (i >> 1) - (i % 2) }));
    const within = watched.observe(2, { answers: pairs }).metrics;
    expect(within['monitor/length_correlation']).toBeCloseTo(-1, 12);
    expect(within['monitor/length_correlation_overall']).toBeGreaterThan(0.9);
    expect(watched.observe(3, { answers: paid.slice(0, 15) }).metrics).not.toHaveProperty('monitor/length_correlation');
  });

  it('see an ensemble disagree, against held-out data or the first answers', () => {
    const known = monitors({ disagreement: 2 }, { heldOutStd: 0.5 });
    expect(known.observe(0, { answers: answers(() => ({ std: 0.5 })) }).metrics['monitor/disagreement']).toBe(1);
    expect(known.observe(1, { answers: answers(() => ({ std: 1.5 })) }).alarms[0]?.value).toBe(3);
    const unknown = monitors({ disagreement: 2 });
    unknown.observe(0, { answers: answers(() => ({ std: 0.2 })) });
    expect(unknown.observe(1, { answers: answers(() => ({ std: 0.1 })) }).metrics['monitor/disagreement']).toBeCloseTo(
      0.5,
    );
  });

  it('see the reward rise while the judge falls, and not where both fall or the judge rises', () => {
    const run = (reward: (step: number) => number, judge: (step: number) => number): number[] => {
      const watched = monitors({ proxy_gap: 0.05 });
      return Array.from({ length: 12 }, (_, step) =>
        watched.observe(step, {
          answers: answers((i) => ({ reward: reward(step) + (i % 2), judge: judge(step) + (i % 3) / 100 })),
        }),
      ).flatMap(({ alarms }) => alarms.map(({ step }) => step));
    };
    expect(
      run(
        (step) => step,
        (step) => 0.8 - 0.02 * step,
      ),
    ).toHaveLength(1);
    expect(
      run(
        (step) => -step,
        (step) => 0.8 - 0.02 * step,
      ),
    ).toEqual([]);
    expect(
      run(
        (step) => step,
        (step) => 0.5 + 0.02 * step,
      ),
    ).toEqual([]);
    expect(
      run(
        (step) => step,
        () => 0.5,
      ),
    ).toEqual([]);
  });
});

describe('a resumed run', () => {
  it('says what an uninterrupted one would have said', () => {
    const thresholds = { length_ratio: 1.2, proxy_gap: 0.05, entropy: 0.5, flattery: 1 };
    const steps = Array.from({ length: 10 }, (_, step) => ({
      answers: answers((i) => ({
        tokens: 6 + ((step * 5) % 7) + (i % 3),
        answer: step % 4 === 3 ? 'Great question!' : `Answer ${i}`,
        reward: step + (i % 2),
        judge: 1 - 0.05 * step + (i % 3) / 50,
        std: 1,
      })),
      entropy: 2 / (1 + step),
    }));
    const whole = monitors(thresholds, { patience: 2 });
    const expected = steps.map((observation, step) => whole.observe(step, observation));
    expect(expected.some(({ alarms }) => alarms.length > 0)).toBe(true);
    for (let cut = 0; cut <= steps.length; cut++) {
      const first = monitors(thresholds, { patience: 2 });
      const before = steps.slice(0, cut).map((observation, step) => first.observe(step, observation));
      const second = monitors(thresholds, { patience: 2 });
      second.restore(JSON.parse(JSON.stringify(first.state())) as MonitorState);
      const after = steps.slice(cut).map((observation, i) => second.observe(cut + i, observation));
      expect([...before, ...after]).toEqual(expected);
    }
  });
});

describe('hostile input', () => {
  it('of any text and any number raises no error and writes no number that is not finite', () => {
    const text = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));
    const score = fc.option(fc.double(), { nil: undefined });
    const answer = fc.record({
      prompt: fc.oneof(text, fc.array(fc.record({ role: fc.constant('user'), content: text }))),
      answer: fc.oneof(fc.constant(''), text, fc.constant('<script>\u001b[2J\u202e')),
      tokens: fc.nat(),
      reward: score,
      kl: score,
      judge: score,
      std: score,
    });
    const observation = fc.record({ answers: fc.array(answer, { maxLength: 18 }), entropy: score });
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 4 }), (steps) => {
        const watched = monitors({
          length_ratio: 1,
          echo: 0,
          flattery: 0,
          repetition: 0,
          entropy: 1,
          kl: 0,
          proxy_gap: 0,
        });
        steps.forEach((given, step) => {
          const { metrics, alarms } = watched.observe(step, given);
          for (const value of Object.values(metrics)) expect(Number.isFinite(value)).toBe(true);
          const events = alarms.map((alarm): EventRow => ({ v: 1, time: 0, event: 'alarm', ...alarm }));
          // what reaches the file is read again as it was
          expect(alarmsOf(JSON.parse(JSON.stringify(events)) as EventRow[])).toEqual(
            JSON.parse(JSON.stringify(alarms)),
          );
        });
        JSON.parse(JSON.stringify(watched.state()));
      }),
    );
  });

  it('of no answers, or only empty ones, measures nothing that would mislead', () => {
    const watched = monitors({ length_ratio: 1.5, flattery: 0, repetition: 0 });
    expect(watched.observe(0, { answers: [] })).toEqual({ metrics: {}, alarms: [] });
    const empty = answers(() => ({ answer: '', tokens: 0 }));
    expect(watched.observe(0, { answers: empty }).metrics).not.toHaveProperty('monitor/length_ratio');
    expect(watched.observe(1, { answers: plain }).alarms).toEqual([]);
  });

  it('of a megabyte is measured in a moment, and only its beginning stands in the alarm', () => {
    const huge = '🙂a '.repeat(300_000);
    const watched = monitors({ repetition: 0.3 });
    watched.observe(0, { answers: plain });
    const { alarms } = watched.observe(1, { answers: answers(() => ({ answer: huge, prompt: huge })) });
    const [sample] = alarms[0]?.samples ?? [];
    expect(sample?.cut).toBe(true);
    expect(sample?.answer.length).toBeLessThan(4100);
    expect(JSON.stringify(watched.state()).length).toBeLessThan(10_000);
    expect(sample?.answer).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
  });
});

describe('an alarm in a file', () => {
  const row: EventRow = { v: 1, time: 0, step: 3, event: 'alarm', signal: 'kl', value: 12, threshold: 10 };

  it('is understood with what it lacks', () => {
    expect(alarmOf(row)).toMatchObject({ metric: 'monitor/kl', reference: null, advice: [], samples: [] });
  });

  it.each([
    ['another event', { ...row, event: 'checkpoint' }],
    ['no value', { ...row, value: null }],
    ['no signal', { ...row, signal: 3 }],
  ])('is none with %s', (_what, given: EventRow) => {
    expect(alarmOf(given)).toBeUndefined();
  });

  it('loses samples and advice that are none', () => {
    const sample = { prompt: 'a', answer: 'b' };
    const samples = [sample, { prompt: 1, answer: 'b' }, null, { ...sample, other: 4 }];
    expect(alarmOf({ ...row, samples, advice: ['label', 'rm -rf', 3] })).toMatchObject({
      samples: [sample],
      advice: ['label'],
    });
  });
});
