import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../bench/options';
import { type PolicyPoint, type SeedFigures, accuracyOf, courseOf, pairsOf } from '../../bench/quickstart/figures';
import { coursesPicture, scoresPicture } from '../../bench/quickstart/picture';
import { SCORES, planOf } from '../../bench/quickstart/project';
import { policiesOf } from '../../bench/quickstart/read';
import { figureRows, figureTable, meanAndRange } from '../../bench/quickstart/report';
import { parseExperiment } from '../../src/config/parse';
import type { SampleRow } from '../../src/runs/format';

const plan = (text: string, quickly = false) => planOf(text, { seed: 7, threads: 2, quickly });
const LOOP = `
model: ./model
stages:
  pretrain: { type: pretrain, data: data/pretrain.jsonl }
  sft: { type: sft, data: data/demonstrations.jsonl }
  collect: { type: generate, model: sft, prompts: data/prompts.jsonl }
  reward: { type: reward, model: sft, labels: collect }
  ppo: # the leash
    type: ppo
    model: sft
    prompts: data/prompts.jsonl
    reward: reward
  report: { type: evaluate, models: [sft, ppo], prompts: data/held-out.jsonl }
`;

describe("the quickstart's config for the benchmark", () => {
  it('runs the loop in its order, scores all that answers, and tells what is not there', () => {
    const { stages, missing, text } = plan(LOOP);
    expect(stages).toEqual(['sft', 'collect', 'reward', 'ppo', SCORES]);
    expect(missing).toEqual(['dpo', 'ppo-hacked']);
    const { experiment, diagnostics } = parseExperiment(text, '/quickstart/align.yaml');
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(experiment).toMatchObject({ seed: 7, threads: 2 });
    expect(experiment?.stages.get(SCORES)).toMatchObject({ models: ['sft', 'ppo'], answers_per_prompt: 4 });
    expect(experiment?.stages.get('ppo')).toMatchObject({
      monitors: { proxy_gap: { judge: { rule: 'oracle.js' } } },
    });
  });

  it('keeps a judge that is there, and makes steps few where it is quick', () => {
    const judged = LOOP.replace(
      '    reward: reward',
      '    reward: reward\n    monitors: { proxy_gap: { judge: reward } }',
    );
    expect(plan(judged).text).toContain('judge: reward');
    const { experiment } = parseExperiment(plan(judged, true).text, '/quickstart/align.yaml');
    for (const name of ['sft', 'reward', 'ppo']) expect(experiment?.stages.get(name)).toMatchObject({ steps: 4 });
  });

  it.each(['monitors: false', 'monitors: { proxy_gap: false }'])(
    'leaves alone what the config switched off: %s',
    (off) => {
      const { text } = plan(LOOP.replace('    reward: reward', `    reward: reward\n    ${off}`));
      expect(text).toContain(off);
      expect(parseExperiment(text, '/quickstart/align.yaml').experiment?.stages.get('ppo')).toBeDefined();
    },
  );

  it('is made of the one that the repository has', () => {
    const { stages } = plan(readFileSync('examples/quickstart/align.yaml', 'utf8'));
    expect(stages).toEqual(expect.arrayContaining(['sft', 'collect', SCORES]));
    expect(stages).not.toContain('pretrain');
  });

  it('is refused where it is none', () => {
    expect(() => plan('stages: [sft]')).toThrow('align.yaml');
  });
});

const sample = (row: number, answer: string, scores: Record<string, number>, more: object = {}): SampleRow => ({
  v: 1,
  step: 1,
  time: 0,
  prompt: 'q',
  answer,
  row,
  model: 'sft',
  scores,
  ...more,
});

describe('pairs of sampled answers', () => {
  const names = { oracle: 'oracle', reward: 'reward' };
  const of = (oracle: number, reward: number) => ({ oracle, reward });

  it('are all two different answers of one model to one prompt, neither of them greedy', () => {
    const samples = [
      sample(0, 'a', of(1, 2)),
      sample(1, 'same', of(1, 1)),
      sample(0, 'greedy', of(9, 9), { greedy: true }),
      sample(0, 'other model', of(9, 9), { model: 'ppo' }),
      sample(1, 'same', of(1, 1)),
      sample(0, 'b', of(0, 3)),
      sample(2, 'alone', of(1, 1)),
      sample(3, 'a', of(1, 1)),
      sample(3, 'without a score', { oracle: 1 }),
      sample(0, 'c', of(0.5, 1)),
    ];
    expect(pairsOf(samples, 'sft', names)).toEqual([
      { oracle: [1, 0], reward: [2, 3] },
      { oracle: [1, 0.5], reward: [2, 1] },
      { oracle: [0, 0.5], reward: [3, 1] },
    ]);
  });
});

describe('the accuracy of a reward model', () => {
  const pair = (oracle: [number, number], reward: [number, number]) => ({ oracle, reward });
  const pairs = [pair([0, 1], [0, 1]), pair([0.5, 0.4], [0, 1]), pair([0.5, 0.5], [0, 1]), pair([0.2, 0.9], [1, 1])];

  it('counts untied pairs only, and its own ties half', () => {
    expect(accuracyOf(pairs)).toMatchObject({ count: 1.5, n: 3, value: 0.5 });
  });

  it('counts pairs of a clear difference', () => {
    expect(accuracyOf(pairs, 0.25)).toMatchObject({ count: 1.5, n: 2, value: 0.75 });
    expect(accuracyOf([pairs[2]])).toMatchObject({ n: 0, value: null });
  });

  it('is the same whichever answer comes first', () => {
    const score = fc.double({ min: 0, max: 1, noNaN: true });
    const two = fc.tuple(score, score);
    fc.assert(
      fc.property(fc.array(fc.record({ oracle: two, reward: two })), (some) => {
        const turned = some.map(({ oracle: [a, b], reward: [c, d] }) => pair([b, a], [d, c]));
        expect(accuracyOf(turned)).toEqual(accuracyOf(some));
      }),
    );
  });
});

describe('the course of a policy', () => {
  const points = (oracle: number[]): PolicyPoint[] =>
    oracle.map((value, i) => ({ step: i + 1, proxy: i, oracle: value }));

  it('is told in means over four measurements', () => {
    const course = courseOf(points([0.5, 0.7, 0.9, 0.7, 0.9, 0.9]), []);
    expect(course?.oracle.first).toBeCloseTo(0.7);
    expect(course?.oracle.best).toBeCloseTo(0.85);
    expect(course?.proxy).toEqual({ first: 1.5, last: 3.5 });
    expect(course).toMatchObject({ lostAt: null, alarms: [] });
    expect(course?.points.map(({ step }) => step)).toEqual([4, 5, 6]);
  });

  it('says when a tenth of the best was lost, and when each alarm came first', () => {
    const course = courseOf(points([0.8, 0.8, 0.8, 0.8, 0.8, 0.6, 0.4, 0.2]), [
      { step: 7, signal: 'length_ratio' },
      { step: 6, signal: 'proxy_gap' },
      { step: 8, signal: 'proxy_gap' },
    ]);
    // means 0.8, 0.8, 0.75, 0.65, 0.5: the first below 0.72 ends at step 7
    expect(course).toMatchObject({
      lostAt: 7,
      alarms: [
        { step: 6, signal: 'proxy_gap' },
        { step: 7, signal: 'length_ratio' },
      ],
    });
  });

  it('is as long as its points where they are few, and nothing of none', () => {
    expect(courseOf(points([0.4, 0.6]), [])?.oracle).toEqual({ first: 0.5, best: 0.5, last: 0.5 });
    expect(courseOf([], [])).toBeNull();
  });
});

const estimate = (value: number, by = 0.02) => ({ value, low: value - by, high: value + by });
const policy = (sampled: number, greedy: number) => ({ sampled: estimate(sampled), greedy: estimate(greedy) });
const seed = (number: number, ppo: number): SeedFigures => ({
  seed: number,
  seconds: {},
  reward: {
    untied: { count: 82, n: 100, value: 0.82, low: 0.7, high: 0.9 },
    clear: { count: 43, n: 50, value: 0.86, low: 0.7, high: 0.9 },
  },
  policies: { sft: policy(0.78, 0.93), ppo: policy(ppo, 0.92) },
  courses: {
    'ppo-hacked': {
      proxy: { first: 0, last: 2 },
      oracle: { first: 0.7, best: 0.75, last: 0.3 },
      lostAt: 20,
      alarms: [{ step: 12, signal: 'proxy_gap' }],
      points: [
        { step: 4, proxy: 0, oracle: 0.75 },
        { step: 30, proxy: 2, oracle: 0.3 },
      ],
    },
  },
});

describe('the figures of the loop', () => {
  const reachedOf = (seeds: SeedFigures[], what: string) =>
    figureRows(seeds).find((row) => row.what.startsWith(what))?.reached;

  it('are reached where every seed reaches them', () => {
    const good = [seed(0, 0.86), seed(1, 0.85)];
    expect(reachedOf(good, 'reward model against')).toBe(true);
    expect(reachedOf(good, 'the same where')).toBe(false);
    expect(reachedOf(good, 'ppo: oracle at')).toBe(true);
    expect(reachedOf(good, 'ppo: oracle, greedy')).toBe(true);
    expect(reachedOf(good, 'sft: oracle at')).toBeNull();
    expect(reachedOf(good, 'ppo-hacked: alarms')).toBe(true);
    // 0.80 to 0.84 against 0.76 to 0.80: they touch
    expect(reachedOf([...good, seed(2, 0.82)], 'ppo: oracle at')).toBe(false);
  });

  it('are not judged where a seed has none', () => {
    const half = { ...seed(1, 0.86), reward: null, courses: {} };
    expect(reachedOf([seed(0, 0.86), half], 'reward model against')).toBeNull();
    expect(reachedOf([seed(0, 0.86), half], 'ppo-hacked: oracle')).toBeNull();
  });

  it('stand in a table with mean, range and what is missing', () => {
    const text = figureTable([seed(0, 0.86), seed(1, 0.84)], ['dpo']);
    expect(text).toContain('0.850 (0.840 to 0.860)');
    expect(text).toContain('0.860 [0.840, 0.880]');
    expect(text).toContain('proxy_gap 12; step 20');
    expect(text).toMatch(/not measured: dpo\.$/);
  });

  it('have a mean between the ends of their range', () => {
    expect(meanAndRange([null, null])).toBeNull();
    fc.assert(
      fc.property(fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 1 }), (values) => {
        const whole = meanAndRange([null, ...values]);
        expect(whole?.low).toBe(Math.min(...values));
        expect(whole?.high).toBe(Math.max(...values));
        expect(whole?.mean).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
        expect(whole?.mean).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
      }),
    );
  });

  it("are read from an evaluation's report by the oracle's name", () => {
    const part = (value: number) => ({ scores: { oracle: estimate(value), reward: estimate(9) }, answers: 2 });
    const report = { v: 1, models: [{ model: 'sft', sampled: part(0.8), greedy: null }] };
    expect(policiesOf(report)).toEqual({
      sft: { sampled: estimate(0.8), greedy: { value: null, low: null, high: null } },
    });
    expect(() => policiesOf({ models: [{}] })).toThrow();
  });
});

describe('the pictures', () => {
  const count = (picture: string, what: string): number => picture.split(what).length - 1;
  const two = [seed(0, 0.86), seed(1, 0.84)];

  it('show a point for each policy, way of answering and seed, at its score, and the mean as a number', () => {
    const picture = scoresPicture(two);
    expect(count(picture, '<circle')).toBe(2 * 2 * 2);
    expect(picture).toContain('>0.850<');
    // 190 is 0 and 660 is 1: 0.78 of sft
    expect(/<circle cx="([\d.]+)"/.exec(picture)?.[1]).toBe('556.6');
  });

  it('show the reward and the oracle of each seed, when alarms came and when a tenth was lost', () => {
    const picture = coursesPicture(two);
    expect(count(picture, '<polyline')).toBe(2 * 2);
    expect(picture).toContain('⚠ proxy_gap');
    expect(picture).toContain('oracle 10 % below its best');
    expect(count(picture, '<circle')).toBe(2 * 2);
    const calm = two.map((one) => ({
      ...one,
      courses: { ppo: { ...one.courses['ppo-hacked'], alarms: [], lostAt: null } },
    }));
    expect(coursesPicture(calm)).toContain('no alarm');
  });

  it('hold no text as markup and no number that is none, also of nothing', () => {
    const strange = {
      ...two[0],
      policies: { '<b>&': policy(0.5, 0.6) },
      courses: { '</svg>': two[0].courses['ppo-hacked'] },
    };
    for (const seeds of [[], [strange], [{ ...strange, reward: null, policies: {}, courses: {} }]]) {
      for (const picture of [scoresPicture(seeds), coursesPicture(seeds)]) {
        expect(picture).not.toMatch(/NaN|Infinity|<b>/);
        expect(count(picture, '</svg>')).toBe(1);
      }
    }
  });
});

describe('its arguments', () => {
  it('are seeds, three of them by default and one when quick', () => {
    expect(parseOptions(['quickstart'])).toMatchObject({ what: 'quickstart', seeds: [0, 1, 2], quickly: false });
    expect(parseOptions(['quickstart', 'quickly'])).toMatchObject({ seeds: [0] });
    expect(parseOptions(['quickstart', '--seeds', '3,0,3'])).toMatchObject({ seeds: [3, 0] });
    expect(parseOptions(['quickstart', 'draw'])).toMatchObject({ what: 'quickstart', draw: true });
    expect(parseOptions([])).toMatchObject({ what: 'table', draw: false });
  });

  it.each(['-1', 'one', '', '1,,2'])('are refused: --seeds=%s', (text) => {
    expect(() => parseOptions(['quickstart', `--seeds=${text}`])).toThrow('--seeds');
  });
});
