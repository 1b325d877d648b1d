import { expect, it } from 'vitest';
import { curveRun } from '../../src/editor/curves/curve-data';
import { isToCurves } from '../../src/protocol/curves';
import type { EventRow } from '../../src/runs/format';
import { facts, NOW } from './facts';

const event = (step: number, name: string, details: Record<string, unknown> = {}): EventRow => ({
  v: 1,
  time: NOW,
  step,
  event: name,
  ...details,
});

it('alarms become markers with words, on the curve that crossed, and thresholds go with the run', () => {
  const run = curveRun(
    {
      ...facts('running'),
      samples: [],
      events: [
        event(0, 'monitors', { thresholds: { 'monitor/kl': 10, bad: null } }),
        event(0, 'monitors', { thresholds: { 'monitor/chosen_drop': 0.5 } }),
        event(4, 'checkpoint'),
        event(8, 'alarm', { signal: 'kl', value: 12, threshold: 10 }),
        event(8, 'alarm', { signal: 'flattery', value: 3, threshold: 2 }),
        event(12, 'alarm', { signal: 'kl' }),
      ],
    },
    NOW,
  );
  expect(run.markers).toEqual([
    { kind: 'checkpoint', step: 4 },
    { kind: 'alarm', step: 8, label: 'KL too large', metric: 'monitor/kl' },
    { kind: 'alarm', step: 8, label: 'flattery', metric: 'monitor/flattery' },
  ]);
  expect(run.thresholds).toEqual({ 'monitor/kl': 10, 'monitor/chosen_drop': 0.5 });
  expect(isToCurves({ type: 'runs', trusted: true, runs: [run] })).toBe(true);
});
