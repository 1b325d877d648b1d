import type { AnnotationOptions } from 'chartjs-plugin-annotation';
import { translucent } from './colors';
import { nearest } from './decimation';
import type { ChartView } from './drawing';

/** What stands in a chart behind or beside its lines: the healthy band, branches, alarms and their thresholds. */
export function annotationsOf(view: ChartView): Record<string, AnnotationOptions> {
  const drawn: Record<string, AnnotationOptions> = {};
  const band = view.metric.healthy;
  if (band) {
    drawn['healthy'] = {
      type: 'box',
      yMin: band.min,
      yMax: band.max,
      backgroundColor: view.theme.band,
      borderWidth: 0,
      drawTime: 'beforeDatasetsDraw',
    };
  }
  view.lines.forEach((line, index) => {
    const strength = line.dimmed ? 0.25 : 1;
    if (line.joint !== undefined) {
      drawn[`joint${index}`] = {
        type: 'line',
        xMin: line.joint,
        xMax: line.joint,
        borderColor: translucent(line.color, 0.6),
        borderWidth: 1,
        borderDash: [3, 3],
        drawTime: 'beforeDatasetsDraw',
      };
    }
    if (line.threshold !== undefined && !(view.log && line.threshold <= 0)) {
      drawn[`threshold${index}`] = {
        type: 'line',
        yMin: line.threshold,
        yMax: line.threshold,
        // a curve far from its threshold keeps its own scale
        adjustScaleRange: false,
        borderColor: translucent(line.color, 0.6 * strength),
        borderWidth: 1,
        borderDash: [2, 4],
        drawTime: 'beforeDatasetsDraw',
      };
    }
    for (const [step, labels] of alarmsByStep(line.markers)) {
      const x = line.curve.x[nearest(line.curve.steps, step)];
      if (x === undefined) continue;
      drawn[`alarm${index}:${step}`] = {
        type: 'line',
        xMin: x,
        xMax: x,
        borderColor: translucent(line.color, strength),
        borderWidth: view.theme.highContrast ? 2 : 1.25,
        borderDash: [6, 4],
        drawTime: 'afterDatasetsDraw',
        label: {
          display: true,
          content: labels,
          position: 'start',
          // on the side where there is room
          xAdjust: x > (view.range.min + view.range.max) / 2 ? -4 : 4,
          textAlign: 'left',
          color: view.theme.foreground,
          backgroundColor: view.theme.background,
          borderColor: translucent(line.color, strength),
          borderWidth: 1,
          borderRadius: 2,
          padding: { x: 4, y: 2 },
          font: { family: view.theme.font, size: Math.max(10, view.theme.fontSize - 2), weight: 'normal' },
        },
      };
    }
  });
  return drawn;
}

/** The words of a line's alarms, by step; alarms of one step share a line. */
export function alarmsByStep(markers: ChartView['lines'][number]['markers']): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const { kind, step, label = 'alarm' } of markers) {
    if (kind !== 'alarm') continue;
    const labels = found.get(step) ?? [];
    if (!labels.includes(`⚠ ${label}`)) labels.push(`⚠ ${label}`);
    found.set(step, labels);
  }
  return found;
}
