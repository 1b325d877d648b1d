// @vitest-environment happy-dom
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alongX, bestOf, frontierPath, measureOf, measuresOf } from '../../webview/curves/frontier';
import { drawnPlaces, frontierAnnotations, seenRange, type FrontierView } from '../../webview/curves/frontier-drawing';
import { labelSides } from '../../webview/curves/label-places';
import type { Curve } from '../../webview/curves/series';
import { lightTheme } from './theme';

function curve(steps: number[], values: number[], smoothed = values): Curve {
  const [s, raw] = [Float64Array.from(steps), Float64Array.from(values)];
  return { run: 'ppo-1', x: s, steps: s, raw, smoothed: Float64Array.from(smoothed), inherited: 0 };
}
const names = (...list: string[]) => new Set(list);

describe('a path', () => {
  it('has the steps at which both were logged, in their order', () => {
    const path = frontierPath(curve([2, 4, 6, 8], [0.1, 0.4, 0.9, 1.6]), curve([4, 5, 8], [1, 9, 2], [1.5, 8, 2.5]));
    expect(path).toMatchObject({ run: 'ppo-1' });
    expect([...(path?.steps ?? [])]).toEqual([4, 8]);
    expect([...(path?.kl ?? [])]).toEqual([0.4, 1.6]);
    expect([...(path?.reward ?? [])]).toEqual([1, 2]);
    expect([...(path?.smoothReward ?? [])]).toEqual([1.5, 2.5]);
  });

  it('is none where nothing was logged together', () => {
    expect(frontierPath(curve([1], [1]), undefined)).toBeUndefined();
    expect(frontierPath(curve([1, 3], [1, 1]), curve([2, 4], [1, 1]))).toBeUndefined();
  });

  it('joins any two series as a table of steps does', () => {
    const series = fc.uniqueArray(fc.nat(40)).map((steps) => steps.sort((a, b) => a - b));
    fc.assert(
      fc.property(series, series, (one, other) => {
        const path = frontierPath(curve(one, one), curve(other, other));
        expect([...(path?.steps ?? [])]).toEqual(one.filter((step) => other.includes(step)));
        expect([...(path?.kl ?? [])]).toEqual([...(path?.reward ?? [])]);
      }),
    );
  });

  it('was best where its average is highest', () => {
    const path = frontierPath(curve([1, 2, 3], [0, 1, 2]), curve([1, 2, 3], [9, 1, 2], [1, 3, 2]));
    expect(path && bestOf(path)).toBe(1);
  });
});

describe('the x axis', () => {
  it('is KL or its root, where an estimate below 0 counts as 0', () => {
    expect([-0.01, 4].map((kl) => alongX(kl, false))).toEqual([-0.01, 4]);
    expect([-0.01, 4].map((kl) => alongX(kl, true))).toEqual([0, 2]);
  });
});

describe('the rewards to choose from', () => {
  const labels = (...runs: ReadonlySet<string>[]) => measuresOf(runs).map(({ label }) => label);

  it('are those that a run has with a KL, whatever its algorithm calls them', () => {
    expect(labels(names('loss', 'eval_loss'))).toEqual([]);
    expect(labels(names('objective/scores'))).toEqual([]);
    expect(labels(names('objective/kl', 'objective/scores', 'monitor/judge'))).toEqual(['Reward', 'Judge']);
    expect(labels(names('objective/kl', 'reward'), names('monitor/kl', 'monitor/judge'))).toEqual(['Reward', 'Judge']);
    expect(labels(names('eval_objective/kl', 'eval_reward'))).toEqual(['Reward, held out']);
  });

  it('name the parts of a reward that has several', () => {
    const one = names('objective/kl', 'objective/scores', 'rewards/oracle/mean');
    expect(labels(one)).toEqual(['Reward']);
    const two = names(...one, 'rewards/<b>/mean', 'rewards/<b>/std');
    expect(labels(two)).toEqual(['Reward', 'Reward part: <b>', 'Reward part: oracle']);
  });

  it('are the chosen one, else the first', () => {
    const measures = measuresOf([names('objective/kl', 'reward', 'monitor/judge')]);
    expect(measureOf(measures, 'judge')?.key).toBe('judge');
    expect(measureOf(measures, 'gone')?.key).toBe('reward');
    expect(measureOf([], null)).toBeUndefined();
  });
});

it('thins out long paths and keeps their ends', () => {
  expect(drawnPlaces(3)).toEqual([0, 1, 2]);
  expect(drawnPlaces(0)).toEqual([]);
  const places = drawnPlaces(10_001, 2000);
  expect(places.length).toBeLessThanOrEqual(2001);
  expect([places[0], places.at(-1)]).toEqual([0, 10_000]);
});

it('says where a path ends and what its alarms were, at their points', () => {
  const path = frontierPath(curve([2, 4, 6], [1, 4, 9]), curve([2, 4, 6], [0.1, 0.2, 0.3]));
  if (!path) throw new Error('no path');
  const view: FrontierView = {
    label: 'Reward',
    lines: [
      {
        path,
        name: 'ppo · 14:02',
        color: '#336699',
        dash: [],
        dimmed: false,
        markers: [
          { kind: 'alarm', step: 4, label: 'flattery' },
          { kind: 'alarm', step: 4, label: 'echo' },
        ],
      },
    ],
    rootKl: true,
    ignoreOutliers: false,
    zoom: undefined,
    theme: lightTheme,
  };
  const drawn = frontierAnnotations(view, { width: 400, height: 450 });
  expect(Object.keys(drawn)).toEqual(['alarm0:4', 'end0']);
  expect(drawn['end0']).toMatchObject({ xValue: 3, yValue: 0.3, content: ['ppo · 14:02', 'step 6'] });
  expect(drawn['alarm0:4']).toMatchObject({ xValue: 2, yValue: 0.2, content: ['⚠ flattery', '⚠ echo'] });
  // The end is at the right: its words stand to the left of it, above.
  expect(drawn['end0']).toMatchObject({ position: { x: 'end', y: 'end' }, textAlign: 'right' });
  expect(drawn['alarm0:4']).toMatchObject({ position: { x: 'start', y: 'start' } });
  const range = seenRange(view);
  expect(range.x).toEqual({ min: 0, max: 3.12 });
  expect(range.y.min).toBeCloseTo(0.088, 12);
  const zoom = { x: { min: 1, max: 2 }, y: { min: 0, max: 1 } };
  expect(seenRange({ ...view, zoom })).toBe(zoom);
});

describe('labels', () => {
  const area = { width: 400, height: 300 };
  const label = (x: number, y: number) => ({ x, y, lines: ['twelve chars'] });

  it('stand to the right below their point, else where they stay in the chart', () => {
    const sides = labelSides([label(200, 150), label(390, 290), label(5, 295)], [], area, 12);
    expect(sides).toEqual([
      { left: false, above: false },
      { left: true, above: true },
      { left: false, above: true },
    ]);
  });

  it('cover neither each other nor points where there is another side', () => {
    expect(labelSides([label(200, 150), label(210, 155)], [], area, 12)[1]).toEqual({ left: false, above: true });
    const [side] = labelSides([label(200, 150)], [{ x: 230, y: 165 }], area, 12);
    expect(side).toEqual({ left: false, above: true });
  });
});
