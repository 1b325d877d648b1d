import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RewardSource } from '../../src/config/experiment';
import { type AnswerToScore, combined, type RewardContext, Rewards } from '../../src/stages/rewards/rewards';
import {
  calibrationError,
  correlation,
  rewardMetrics,
  type ScoredPair,
  spread,
} from '../../src/stages/rewards/reward-metrics';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { GOLDEN_FOLDER } from '../golden/load';
import { writeGoldenReward } from '../golden/written-checkpoint';

let folder: string;
let runtime: Runtime;
const warnings: string[] = [];
let context: RewardContext;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'align-rewards-'));
  writeGoldenReward(join(folder, 'three'), join(GOLDEN_FOLDER, 'tokenizer'));
  writeFileSync(
    join(folder, 'length.js'),
    `export function reward({ answer, row }) {
      if (answer === 'throw') throw new Error('no such answer');
      if (answer === 'text') return 'ten';
      return row.finished ? answer.length : -1;
    }`,
  );
  runtime = openRuntime({ threads: 1 });
  context = {
    runtime,
    folderOf: (_, source) => (source.kind === 'folder' ? source.path : join(folder, source.name)),
    warn: (message) => warnings.push(message),
  };
});
afterAll(() => {
  runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

const rule = (weight = 1): RewardSource => ({ kind: 'rule', path: join(folder, 'length.js'), weight });
const model = (use: 'mean' | 'lower_bound' | 'worst', k = 1, weight = 1): RewardSource => ({
  kind: 'model',
  model: { kind: 'stage', name: 'three' },
  use,
  k,
  weight,
});
const answer = (text: string, rest: Partial<AnswerToScore> = {}): AnswerToScore => ({
  prompt: [{ role: 'user', content: 'What is 12 + 30?' }],
  text,
  row: { finished: true },
  file: 'p.jsonl',
  line: 4,
  ...rest,
});

async function score(sources: readonly RewardSource[], answers: readonly AnswerToScore[]) {
  const rewards = await Rewards.open(sources, context);
  try {
    return await rewards.score(answers);
  } finally {
    rewards.release();
  }
}

it('a rule that fails on an answer costs that one its score, and says why', async () => {
  const scores = await score(
    [rule(2)],
    ['four', 'throw', 'text', '', 'seven'].map((text) => answer(text)),
  );
  expect(scores.map(({ total }) => total)).toEqual([8, NaN, NaN, 0, 10]);
  expect(scores[1].fault).toMatch(/no such answer/);
  expect(scores.map(({ fault }) => fault !== undefined)).toEqual([false, true, true, false, false]);
});

it('an ensemble scores by its mean, its lower bound or its worst member, with its deviation', async () => {
  const answers = ['42', '43 or so', ''].map((text) => answer(text));
  const [mean, bound, worst] = await Promise.all([
    score([model('mean')], answers),
    score([model('lower_bound', 2)], answers),
    score([model('worst')], answers),
  ]);
  mean.forEach(({ total, std, parts }, i) => {
    expect(parts).toEqual({ three: total });
    expect(std).toBeGreaterThan(0);
    expect(bound[i].total).toBeCloseTo(total - 2 * std, 9);
    expect(worst[i].total).toBeLessThan(total);
  });
});

it('terms are summed with their weights, each by a name of its own', async () => {
  const answers = [answer('42'), answer('throw')];
  const [[both, failed], [alone]] = [
    await score([model('mean', 1, 0.5), rule(3), rule(-1)], answers),
    await score([model('mean')], answers),
  ];
  expect(Object.keys(both.parts)).toEqual(['three', 'length', 'length_2']);
  expect(both.total).toBeCloseTo(0.5 * alone.total + 4, 6);
  expect(both.std).toBeCloseTo(0.5 * alone.std, 6);
  expect(failed.total).toBeNaN();
  expect(Number.isFinite(failed.parts.three)).toBe(true);
});

it('what does not fit the reward model has no score; what stands beside an answer changes nothing', async () => {
  const short = answer('42');
  const long = answer('word '.repeat(200));
  const [a, b, c] = await score([model('mean')], [short, long, answer('a somewhat longer answer than the first')]);
  expect(b.total).toBeNaN();
  expect(b.fault).toMatch(/the reward model takes 128/);
  expect(Number.isFinite(c.total)).toBe(true);
  const [alone] = await score([model('mean')], [short]);
  expect(alone.total).toBeCloseTo(a.total, 5);
});

it('`combined` lies between the worst and the mean', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 8 }), (members) => {
      const [mean, bound, worst] = (['mean', 'lower_bound', 'worst'] as const).map((use) =>
        combined(members, { use, k: 1 }),
      );
      expect(worst).toBeLessThanOrEqual(mean + 1e-9);
      expect(bound).toBeLessThanOrEqual(mean + 1e-9);
      expect(mean - bound).toBeCloseTo(spread(members), 6);
    }),
  );
});

const pair = (chosen: number, rejected: number, rest: Partial<ScoredPair> = {}): ScoredPair => ({
  chosen: [chosen],
  rejected: [rejected],
  p: 1,
  margin: 0,
  chosenLength: 3,
  rejectedLength: 5,
  tags: [],
  ...rest,
});

it('a pair turned round has its margin with the other sign', () => {
  fc.assert(
    fc.property(fc.double({ min: -5, max: 5, noNaN: true }), fc.double({ min: -5, max: 5, noNaN: true }), (a, b) => {
      expect(rewardMetrics([pair(a, b)], 0).margin).toBeCloseTo(-rewardMetrics([pair(b, a)], 0).margin, 9);
    }),
  );
});

it('accuracy by tag and by which answer is shorter; ties are not right or wrong', () => {
  const metrics = rewardMetrics(
    [
      pair(1, 0, { tags: ['x'] }),
      pair(0, 1, { tags: ['x', 'y'], chosenLength: 9 }),
      pair(0, 0, { tags: ['y'] }),
      pair(5, 0, { p: 0.5, tags: ['z'] }),
    ],
    0,
  );
  expect(metrics).toMatchObject({ accuracy: 1 / 3, 'accuracy/x': 0.5, 'accuracy/y': 0 });
  expect(metrics).toMatchObject({ accuracy_shorter_wins: 0.5, accuracy_longer_wins: 0 });
  expect(metrics).not.toHaveProperty(['accuracy/z']);
});

it('a model that is as often right as it says has no calibration error', () => {
  const lead = Math.log(3); // σ = ¾
  const right = Array.from({ length: 300 }, () => pair(lead, 0));
  const wrong = Array.from({ length: 100 }, () => pair(0, lead));
  const mixed = right.flatMap((one, i) => (i % 3 === 0 ? [one, wrong[i / 3]] : [one]));
  expect(calibrationError(mixed)).toBeLessThan(1e-9 + 0.03);
  expect(calibrationError(right)).toBeCloseTo(0.25, 9);
  expect(calibrationError([pair(0, 0)])).toBe(0);
});

it('correlation of what goes together, against each other, and nowhere', () => {
  expect(correlation([1, 2, 4], [10, 20, 40])).toBeCloseTo(1, 12);
  expect(correlation([1, 2, 4], [-1, -2, -4])).toBeCloseTo(-1, 12);
  expect(correlation([1, 1], [1, 2])).toBeNaN();
});
