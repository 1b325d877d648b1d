import { describe, expect, it } from 'vitest';
import type { Marker } from '../../src/protocol/curves';
import { isToCurves } from '../../src/protocol/curves';
import { alarmsByStep, annotationsOf } from '../../webview/curves/annotations';
import type { ChartView, Line } from '../../webview/curves/drawing';
import type { Curve } from '../../webview/curves/series';
import { lightTheme } from './theme';

const curve: Curve = {
  run: 'ppo-1',
  x: Float64Array.of(10, 20, 30),
  steps: Float64Array.of(4, 8, 12),
  raw: Float64Array.of(1, 1.4, 1.8),
  smoothed: Float64Array.of(1, 1.4, 1.8),
  inherited: 0,
};
const alarm = (step: number, label?: string): Marker => ({ kind: 'alarm', step, ...(label ? { label } : {}) });

function view(line: Partial<Line>, changes: Partial<ChartView> = {}): ChartView {
  const whole: Line = { curve, name: 'ppo', color: '#336699', dash: [], markers: [], dimmed: false, ...line };
  return {
    metric: { name: 'monitor/length_ratio', unit: '', about: '' },
    lines: [whole],
    axis: 'time',
    range: { min: 0, max: 30 },
    log: false,
    ignoreOutliers: false,
    theme: lightTheme,
    ...changes,
  };
}

describe('an alarm in a chart', () => {
  it('is a dashed vertical line at its step, with its words', () => {
    const drawn = annotationsOf(view({ markers: [alarm(8, 'overlong answers'), { kind: 'checkpoint', step: 12 }] }));
    expect(Object.keys(drawn)).toEqual(['alarm0:8']);
    expect(drawn['alarm0:8']).toMatchObject({
      type: 'line',
      xMin: 20,
      xMax: 20,
      borderDash: [6, 4],
      label: { display: true, content: ['⚠ overlong answers'] },
    });
    expect(drawn['alarm0:8']).not.toHaveProperty('yMin');
  });

  it('shares its line with those of the same step, each named once', () => {
    const markers = [alarm(8, 'flattery'), alarm(8, 'KL too large'), alarm(8, 'flattery'), alarm(4)];
    expect([...alarmsByStep(markers)]).toEqual([
      [8, ['⚠ flattery', '⚠ KL too large']],
      [4, ['⚠ alarm']],
    ]);
    expect(Object.keys(annotationsOf(view({ markers })))).toHaveLength(2);
  });

  it('stands beside its threshold, which a logarithmic axis shows only above 0', () => {
    expect(annotationsOf(view({ threshold: 1.5 }))['threshold0']).toMatchObject({ yMin: 1.5, yMax: 1.5 });
    expect(annotationsOf(view({ threshold: 0 }, { log: true }))).toEqual({});
  });
});

describe('markers on the way to the panel', () => {
  const run = (markers: unknown, thresholds?: unknown) => ({
    type: 'runs',
    trusted: true,
    runs: [
      {
        ...{ id: 'a', stage: 'ppo', label: '', state: 'done', words: '', step: 1, steps: 2, started: 0, parent: null },
        markers,
        ...(thresholds === undefined ? {} : { thresholds }),
      },
    ],
  });

  it('may have words and a curve, and a run thresholds', () => {
    const marker = { kind: 'alarm', step: 4, label: 'flattery', metric: 'monitor/flattery' };
    expect(isToCurves(run([marker], { 'monitor/flattery': 2 }))).toBe(true);
    expect(isToCurves(run([{ ...marker, label: 4 }]))).toBe(false);
    expect(isToCurves(run([marker], { 'monitor/flattery': '2' }))).toBe(false);
    expect(isToCurves(run([marker], [1]))).toBe(false);
  });
});
